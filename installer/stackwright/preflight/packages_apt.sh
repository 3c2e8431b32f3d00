#!/bin/sh
# Resolves the installation of packages with apt without changing the host. Package lists are updated in a temporary
# folder.

LC_ALL=C; export LC_ALL
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
p() { printf '%s\t%s\n' "$1" "$2"; }
lines() { while IFS= read -r l; do p "$1" "$l"; done; }
# As it was: what is there already need not be downloaded again.
mkdir -p "$d/lists/partial"
cp -a /var/lib/apt/lists/*_* "$d/lists/" 2>/dev/null
chmod 755 "$d" "$d/lists"
chown _apt "$d/lists/partial" 2>/dev/null
apt() { apt-get -q -o Dir::State::lists="$d/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
  -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 "$@"; }
apt update > "$d/out" 2>&1
grep -E '^[WE]: ' "$d/out" | lines update
awk '/^Err:/ {sub(/^Err:[0-9]+ /, ""); at = $0; getline; sub(/^ +/, ""); print "update\tErr: " at ": " $0}' "$d/out"
resolve() { apt -y --no-install-recommends @MAY@--print-uris install "$@" > "$d/out" 2> "$d/err"; }
versions() {
  apt-cache -o Dir::State::lists="$d/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= policy "$1" |
    sed -n 's/^ \(\*\*\*\|   \) \([^ ]*\) .*/\2/p' | tr '\n' ' '
}
set -- @PACKAGES@
resolve "$@"
p exit $?
grep -v '^N: ' "$d/err" | lines error
# Names that nobody has hide whether the rest can be had together: ask again without them.
missing=" $(sed -n "s/^E: Unable to locate package //p; s/^E: Package '\(.*\)' has no .*/\1/p
  s/^E: Version '.*' for '\(.*\)' was not found/\1/p" "$d/err" | tr '\n' ' ') "
if [ -n "${missing# }" ]; then
  for n in "$@"; do
    shift
    m=${n%%=*}
    case "$missing" in *" $m "* | *" ${m%%:*} "*) p versions "$m $(versions "$m")" ;; *) set -- "$@" "$n" ;; esac
  done
  [ $# = 0 ] || resolve "$@" || grep -v '^N: ' "$d/err" | lines error
fi
sed -n '/unmet dependencies/,$p' "$d/out" | grep '^ ' | lines error
sed -n "s/^'[^']*' [^ ]* \([0-9]*\) .*/\1/p" "$d/out" |
  awk '{n++; s += $1} END {printf "download\t%d\ncount\t%d\n", s, n}'
sed -n 's/^After this operation, \(.*\) of additional.*/\1/p' "$d/out" | lines disk
# A dpkg that is at work, as when an earlier run was cut off from the host, was not interrupted: it is waited for.
at_work() { grep -q ":$(stat -c %i /var/lib/dpkg/lock-frontend) " /proc/locks; }
[ "$(id -u)" != 0 ] || [ -z "$(dpkg --audit 2>/dev/null)" ] || at_work || p error 'dpkg was interrupted'
p end 1
