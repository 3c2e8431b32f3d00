#!/bin/sh
# Prints the logs of runs.

cd @FOLDER@ || exit 1
found=
# shellcheck disable=SC2043 # a placeholder
for run in @RUNS@; do
  [ -f "$run/log" ] || continue
  found=1
  @SHOW@ "$run/log"
done
[ -n "$found" ]
