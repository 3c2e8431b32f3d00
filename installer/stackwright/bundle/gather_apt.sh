#!/bin/sh
# Gathers the packages of a lock on Debian: an archive with their part of each signed index, and the images of the host.
# Prints each file with its size.

set -eu
LC_ALL=C.UTF-8; export LC_ALL
d=@WORK@
rm -rf "$d"; mkdir -p "$d/sources.d" "$d/keys" "$d/debs"
cat > "$d/wanted" <<'WANTED'
@WANTED@
WANTED
n=0
# shellcheck disable=SC2016 # apt's own variables
apt-get indextargets --format '$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ARCHITECTURE)|$(METAKEY)|$(FILENAME)' \
  'Created-By: Packages' > "$d/targets"
while IFS='|' read -r uri release component arch key file; do
  [ -r "$file" ] || continue
  n=$((n + 1))
  m=$d/mirror/$n
  mkdir -p "$m/dists/$release/$(dirname "$key")"
  /usr/lib/apt/apt-helper cat-file "$file" > "$m/dists/$release/$key"
  list=${file%%_dists_*}_dists_$(printf %s "$release" | tr / _)_InRelease
  [ -r "$list" ] || { echo "$uri $release has no signed index" >&2; exit 1; }
  cp "$list" "$m/dists/$release/InRelease"
  printf 'Types: deb\nURIs: file:@PLACE@/mirror/%s\nSuites: %s\nComponents: %s\nArchitectures: %s\n\n' \
    "$n" "$release" "$component" "$arch" >> "$d/sources.d/offline.sources"
  awk -v n="$n" -v wanted="$d/wanted" '
    BEGIN {while ((getline line < wanted) > 0) want[line] = 1}
    /^Package: / {p = $2} /^Version: / {v = $2} /^Architecture: / {a = $2} /^Filename: / {f = $2} /^SHA256: / {s = $2}
    /^$/ {out()} END {out()}
    function out() {
      if (p && (want[p "=" v] || want[p ":" a "=" v])) print n, p, v, a, s, f
      p = ""
    }' "$m/dists/$release/$key" >> "$d/found"
done < "$d/targets"
[ -s "$d/found" ] || { echo "no package of the lock is in any archive" >&2; exit 1; }
for k in $(sed -n 's/^[Ss]igned-[Bb]y: *//p' /etc/apt/sources.list.d/*.sources 2>/dev/null) \
  $(sed -n 's/.*signed-by=\([^], ]*\).*/\1/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null) \
  /etc/apt/trusted.gpg.d/* /usr/share/keyrings/debian-archive-keyring.gpg; do
  [ -f "$k" ] && cp "$k" "$d/keys/$(printf %s "${k#/}" | tr / _)"
done
# Each version once, from the first archive that has it.
awk '!seen[$2 " " $3 " " $4]++' "$d/found" > "$d/take"
awk '{print $2 "=" $3; print $2 ":" $4 "=" $3}' "$d/take" | sort > "$d/have"
gone=$(sort "$d/wanted" | comm -23 - "$d/have" | tr '\n' ' ')
[ -z "$gone" ] || { echo "no archive has these any more: $gone" >&2; exit 3; }
while read -r n p v a s f; do
  deb=/var/cache/apt/archives/${p}_$(printf %s "$v" | sed 's/:/%3a/g')_$a.deb
  mkdir -p "$(dirname "$d/mirror/$n/$f")"
  if [ -r "$deb" ] && printf '%s  %s\n' "$s" "$deb" | sha256sum -c --quiet 2>/dev/null; then
    cp "$deb" "$d/mirror/$n/$f"
  else echo "$n $f $s $p:$a=$v" >> "$d/fetch"; fi
done < "$d/take"
if [ -s "$d/fetch" ]; then
  chown _apt "$d/debs" 2>/dev/null || true
  (cd "$d/debs" && cut -d' ' -f4 "$d/fetch" | xargs apt-get -q -o Acquire::Retries=3 download >&2)
  sha256sum "$d"/debs/*.deb > "$d/sums"
  while read -r n f s p; do
    got=$(awk -v s="$s" '$1 == s {print $2; exit}' "$d/sums")
    [ -n "$got" ] || { echo "$p could not be fetched" >&2; exit 1; }
    mv "$got" "$d/mirror/$n/$f"
  done < "$d/fetch"
fi
. ./gather_images.sh
cat > "$d/apt.conf" <<'CONF'
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "@PLACE@/sources.d";
Dir::Etc::Trusted "/dev/null";
Dir::Etc::TrustedParts "@PLACE@/keys";
Acquire::Check-Valid-Until "false";
APT::Sandbox::User "root";
Acquire::IndexTargets::deb::Packages::CompressionTypes "uncompressed";
CONF
cd "$d" && rm -rf debs wanted targets found take have fetch sums
. ./gather_list.sh
