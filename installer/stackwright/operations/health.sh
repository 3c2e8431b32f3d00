#!/bin/sh
# Runs probes side by side. The last line of a probe is its reason; its other output is dropped.

tmp=$(mktemp -d "${TMPDIR:-/tmp}/stackwright.XXXXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
ask() {
  # shellcheck disable=SC2043 # a placeholder
  for pause in @PAUSES@; do
    sleep "$pause"
    timeout @EACH@ sh -c "$2" >"$tmp/$1" 2>&1 </dev/null
    rc=$?
    [ $rc -ne 0 ] || break
  done
  echo "$rc" >"$tmp/$1.rc"
}
@PROBES@
wait
for rc in "$tmp"/*.rc; do
  [ -e "$rc" ] || continue
  out=${rc%.rc}
  echo "probe ${out##*/} $(cat "$rc") $(grep . "$out" | tail -n 1 | cut -c1-300)"
done
