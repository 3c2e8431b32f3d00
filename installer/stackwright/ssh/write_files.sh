#!/bin/sh
# Writes files. The stream is unpacked into temporary folders beside the destinations and checked; then all files are
# renamed to their destinations. Commands work on all files at once: seven programs for each of fifty files would take
# half a second. Files outside of Stackwright's own folder are recorded, and their first version is saved.
# shellcheck disable=SC2329 # the generated lines call the functions

umask 077
base=@BASE@
mkdir -p "$base" || exit 1
umask 022
set -- @BESIDE@
trap 'rm -rf "$@"' EXIT
trap 'exit 1' HUP INT TERM PIPE
free() { [ ! -d "$1" ] || { echo "$1 is a folder on the host, expected a file" >&2; exit 1; }; }
own() {
  IFS= read -r has <&3
  [ "$has" = "$2" ] || chown -h "$2" "$1" || { echo "$3: the owner $2 does not exist on the host" >&2; exit 1; }
}
record() {
  case $1 in "$base"/*) return ;; esac
  ! grep -qsxF -e "file made: $1" -e "file changed: $1" "$base/changes.log" || return 0
  what=made
  if [ -e "$1" ] || [ -L "$1" ]; then
    what=changed
    (umask 077 && mkdir -p "$base/saved${1%/*}") && cp -a "$1" "$base/saved$1" || return 1
  fi
  (umask 077 && echo "file $what: $1" >>"$base/changes.log")
}
known() { record "$1" || { echo "cannot record the change in $base" >&2; exit 1; }; }
@FREE@
tar -xzpmPf - || { echo "the upload is incomplete" >&2; exit 1; }
sha256sum -c --quiet <<'@TOKEN@' >&2 || exit 1
@SUMS@
@TOKEN@
exec 3<<@TOKEN@
$(stat -c '%U:%G' @FILES@)
@TOKEN@
@OWN@
@KNOWN@
@PLACE@
exit 0
