#!/bin/sh
# Prints the journal of units, then the newest file in the log folder of the service (nova-api: /var/log/nova).

# shellcheck disable=SC2043 # a placeholder
for unit in @UNITS@; do
  journalctl -u "$unit" -n 20 --no-pager -o cat 2>/dev/null | tail -n 20
  name=${unit%.service}; name=${name#openstack-}
  for folder in "/var/log/$name" "/var/log/${name%%-*}"; do
    [ -d "$folder" ] || continue
    # shellcheck disable=SC2012 # services give their logs plain names
    newest=$(ls -t "$folder/$name".log "$folder"/*"${name#*-}"*.log "$folder"/*.log 2>/dev/null | head -n 1)
    [ -n "$newest" ] || continue
    echo "$newest:"
    tail -n 12 "$newest"
    break
  done
done
