#!/bin/sh
# Serves a bundle's packages over HTTP, at the package cache's port, to hosts that install them and check their
# signatures.

set -eu
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
. ../planner/steps/record.sh
# Minimal systems have less of it than that, or none.
python3 -c 'import http.server' 2> /dev/null || {
  export APT_CONFIG=@APT_CONFIG@
  apt-get -q update
  apt-get -q -y --no-install-recommends install python3
  record "package installed: python3"
} >&2
. ../planner/steps/cache_open.sh
systemctl stop @UNIT@ 2> /dev/null || true
systemctl reset-failed @UNIT@ 2> /dev/null || true
# It sees nothing else of the host, and ends by itself should nobody end it.
systemd-run -q --unit=@UNIT@ --property=DynamicUser=yes --property=BindReadOnlyPaths=@OFFLINE@:/srv \
  --property=RuntimeMaxSec=86400 "$(command -v python3)" -m http.server --directory /srv @PORT@
answers() {
  timeout 2 bash -c 'exec 3<>/dev/tcp/127.0.0.1/@PORT@ && printf "HEAD / HTTP/1.0\r\n\r\n" >&3 && head -n 1 <&3' \
    2> /dev/null | grep -q ' 200 '
}
n=0
until answers; do
  n=$((n + 1))
  { [ $n -lt 50 ] && systemctl is-active --quiet @UNIT@; } || {
    journalctl -q -n 20 -o cat -u @UNIT@ | grep 'Error' >&2
    exit 1
  }
  sleep 0.2
done
