#!/bin/sh
# Removes the firewall rules of an earlier run, and nothing else.

set -eu
changed=
if [ -e @UNIT_FILE@ ]; then
  systemctl -q disable --now @UNIT@
  rm -f @UNIT_FILE@ @RULES@
  systemctl daemon-reload
  changed=1
fi
# shellcheck disable=SC2043 # a placeholder
for name in @POLICIES@; do
  rm -f @FOLDER@/firewalld-$name.xml
  [ -e /etc/firewalld/policies/$name.xml ] || continue
  rm -f /etc/firewalld/policies/$name.xml
  changed=firewalld
done
if [ "$changed" = firewalld ] && systemctl -q is-active firewalld; then firewall-cmd -q --reload; fi
[ -z "$changed" ] || echo "stackwright: changed"
