#!/bin/sh
# Finds the packages of $wanted that are not installed, in any version.
# shellcheck disable=SC2034,SC2154 # apt_install.sh sets $wanted and uses the others

may=
rm -f @PINS@
missing=
for p in $wanted; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing="$missing $p"
done
