#!/bin/sh
# Functions of the scripts that change a host beside Puppet: they record each change, and save the first version of a
# file, so that all of it can be undone. Included by other scripts.

state=${STACKWRIGHT_BASE:-/var/lib/stackwright}
mkdir -p "$state"
record() { grep -qsxF "$1" "$state/changes.log" || echo "$1" >> "$state/changes.log"; }
changed() { record "$1"; echo "$1"; echo "stackwright: changed"; }
keep() {
  [ -e "$state/saved$1" ] || [ ! -e "$1" ] && return
  (umask 077; mkdir -p "$state/saved$(dirname "$1")")
  cp -a "$1" "$state/saved$1"
}
