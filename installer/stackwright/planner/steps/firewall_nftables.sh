#!/bin/sh
# Loads the table of the cloud's firewall rules and enables its unit, unless both are as wanted already.

set -eu
. ./record.sh
unit=@UNIT@
if [ "$(systemctl show -p NeedDaemonReload --value $unit)" = yes ]; then systemctl daemon-reload; fi
mark=$(grep -m1 'comment "' @RULES@)
if nft list table inet stackwright 2>/dev/null | grep -qxF "$mark" && systemctl -q is-active $unit &&
  systemctl -q is-enabled $unit; then echo "the rules are loaded"; exit 0; fi
nft --check --file @RULES@
systemctl daemon-reload
record "unit switched on: $unit"
systemctl -q enable $unit
systemctl reload-or-restart $unit
nft list table inet stackwright >/dev/null
echo "stackwright: changed"
