#!/bin/sh
# Start of every script that uses apt. Exit status 75 (EX_TEMPFAIL) means that a retry may help: a mirror that hiccups,
# a held lock.

set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
fast=
said=$(mktemp)
trap 'rm -f "$said"' EXIT
# apt waits for dpkg's lock if it is told to, and never for those of its lists and of what it fetches.
apt() {
  waits=0
  while :; do
    rc=0
    $fast apt-get -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@" 2>"$said" || rc=$?
    cat "$said" >&2
    [ $rc -ne 0 ] && [ $waits -lt 120 ] && grep -qE 'Could not get lock|Unable to lock' "$said" || return $rc
    waits=$((waits + 1))
    echo "stackwright: progress 0 100 another package manager is at work; waiting for it"
    sleep 5
  done
}
