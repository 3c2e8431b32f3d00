#!/bin/sh
# Ends a detached run.

dir=@DIR@
pid=$(cat "$dir/pid") || exit 0
(flock -n 9) 9>>"$dir/alive" && exit 0
kill -TERM "-$pid"
for _ in 1 2 3 4 5 6 7 8 9 10; do (flock -n 9) 9>>"$dir/alive" && break; sleep 0.5; done
kill -KILL "-$pid" 2>/dev/null
rm -rf "$dir/in"
