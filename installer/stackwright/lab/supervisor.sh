#!/bin/sh
# Starts a systemd-nspawn command line, and again each time the node reboots: systemd-nspawn ends with 133 then, and
# there is no systemd outside that would start it again. Arguments: the node's control groups, then the command line.
#
# Each start gets new control groups (run1, run2, ...): a used one accepts no processes once its controllers are
# delegated to groups below it. The supervisor has a group of its own, apart from those of the node.
#
# First of all, it releases the lab's lock. After that, `lab down` finds it by its command line; before that, `lab down`
# waits for the lock, even for the supervisor of a `lab up` that was killed.

exec </dev/null
groups=$1; shift
n=0
for g in $groups; do mkdir -p "$g/supervisor" && echo $$ > "$g/supervisor/cgroup.procs"; done
while :; do
  n=$((n + 1))
  for g in $groups; do mkdir -p "$g/run$n"; done
  groups="$groups" n=$n sh -c 'for g in $groups; do echo $$ > "$g/run$n/cgroup.procs"; done; exec "$@"' sh "$@"
  [ $? -eq 133 ] || break
  echo "-- reboot"
done
