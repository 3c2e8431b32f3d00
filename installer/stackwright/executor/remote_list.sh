#!/bin/sh
# Lists the runs of a host and who holds its lease. Only reads.

base=@BASE@
[ -d "$base" ] || exit 0
boot=$(cat /proc/sys/kernel/random/boot_id).$(cut -d' ' -f22 /proc/1/stat)
if [ -f "$base/lease" ]; then
  { read -r _; read -r _; read -r of_boot; read -r beat; read -r since; read -r who; } <"$base/lease"
  read -r up _ </proc/uptime
  [ "$of_boot" != "$boot" ] || [ $((${up%%.*} - beat)) -ge 120 ] || echo "lease $who, since $since"
fi
for run in "$base"/runs/*/; do
  [ -f "$run/started" ] || continue
  name=${run%/}
  if ! (flock -n 9) 9<"$run/alive"; then state=running
  elif [ -f "$run/rc" ]; then state="ended $(cat "$run/rc")"
  else state=died; fi
  echo "run ${name##*/} $(cat "$run/started") $(stat -c %Y "$run/log") $state"
done
