#!/bin/sh
# Installs and starts Squid as the package cache of the site, with apt.

. ./apt.sh
. ./record.sh
[ "$(dpkg-query -W -f '${db:Status-Status}' squid 2>/dev/null)" = installed ] || {
  apt update
  apt -y --no-install-recommends install squid || exit 75
  record "package installed: squid"
  # Debian starts it with settings of its own, with which it takes 30 s to end.
  systemctl kill -s KILL squid 2>/dev/null || true
}
. ./cache_serve.sh
