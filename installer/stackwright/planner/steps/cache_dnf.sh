#!/bin/sh
# Installs and starts Squid as the package cache of the site, with dnf.

set -eu
export LC_ALL=C.UTF-8
. ./record.sh
rpm -q --quiet squid || {
  dnf -y --setopt=install_weak_deps=False @OPTIONS@ install squid || exit 75
  record "package installed: squid"
}
. ./cache_serve.sh
