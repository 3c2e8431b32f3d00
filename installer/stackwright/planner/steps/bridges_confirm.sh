#!/bin/sh
# Confirms the change of bridges.sh, through a new connection: the host can still be reached.

set -eu
. ./record.sh

[ -e /run/stackwright/checkpoint ] || exit 0
path=$(cat /run/stackwright/checkpoint)
rm -f /run/stackwright/checkpoint
NM=org.freedesktop.NetworkManager
if ! busctl call $NM /org/freedesktop/NetworkManager $NM CheckpointDestroy o "$path"; then
  echo "nobody reached this host within @SECONDS@ s after its bridges were made, and so its network was put back" >&2
  exit 1
fi
while read -r uuid; do
  record "NetworkManager: connection $uuid starts by itself no longer; a bridge has its settings"
done < /run/stackwright/replaced
nmcli -g NAME connection show | grep '^stackwright-' | while read -r name; do
  record "NetworkManager: connection made: $name"
done
echo "stackwright: changed"
