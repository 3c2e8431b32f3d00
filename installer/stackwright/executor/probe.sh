#!/bin/sh
# Runs a probe, which comes on standard input, until it succeeds or the time is up.

tmp=$(mktemp -d "${TMPDIR:-/tmp}/stackwright.XXXXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM PIPE
cat >"$tmp/probe" || exit 1
now() { read -r up _ </proc/uptime; echo "${up%%.*}"; }
limit=@TIMEOUT@
end=$(($(now) + limit))
while :; do
  timeout @EACH@ sh "$tmp/probe" >"$tmp/out" 2>&1 </dev/null
  rc=$?
  [ "$rc" -ne 0 ] || { tail -c 4000 "$tmp/out"; exit 0; }
  [ "$(now)" -lt "$end" ] || break
  sleep @INTERVAL@
done
[ "$rc" -ne 124 ] || echo "(the probe did not answer within @EACH@ s)" >>"$tmp/out"
tail -c 4000 "$tmp/out"
exit "$rc"
