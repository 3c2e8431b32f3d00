#!/bin/sh
# Starts a systemd-nspawn command line, and again each time the node reboots: systemd-nspawn ends with 133 then, and
# there is no systemd outside that would start it again. Arguments: the node's control groups, then the command line.
#
# Each start gets fresh control groups (run1, run2, ...): a used one accepts no processes once its controllers are
# handed down. The supervisor itself stays in a leaf, out of the node's way.
#
# It releases the lab's lock as its first act: from then on `down` finds it by its command line, and before that `down`
# waits, even for the supervisor of a `stackwright lab up` that was killed.

exec </dev/null
groups=$1; shift
n=0
for g in $groups; do mkdir -p "$g/keeper" && echo $$ > "$g/keeper/cgroup.procs"; done
while :; do
  n=$((n + 1))
  for g in $groups; do mkdir -p "$g/run$n"; done
  groups="$groups" n=$n sh -c 'for g in $groups; do echo $$ > "$g/run$n/cgroup.procs"; done; exec "$@"' sh "$@"
  [ $? -eq 133 ] || break
  echo "-- reboot"
done
