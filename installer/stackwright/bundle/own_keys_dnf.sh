#!/bin/sh
# Puts the keys that this host trusts for packages, and those of the cloud's repositories, where dnf looks for those of a
# bundle. A bundle brings none.

set -eu
export LC_ALL=C.UTF-8 https_proxy=@PROXY@
d=@OFFLINE@/keys
rm -rf "$d"; mkdir -p "$d"
major=$(. /etc/os-release && echo "${VERSION_ID%%.*}")
# Keys of the host's own enabled repositories, as far as they are files.
# shellcheck disable=SC2046 # file names without blanks
awk '
  function out() {if (on) print keys; keys = ""; on = 1}
  /^\[/ {out(); more = 0; next}
  /^enabled *= *(0|[Nn]o|[Ff]alse)/ {on = 0}
  /^gpgkey *=/ {sub(/^gpgkey *= */, ""); keys = keys " " $0; more = 1; next}
  more && /^[ \t]/ {keys = keys " " $0; next}
  {more = 0}
  END {out()}
' /dev/null $(find /etc/yum.repos.d -name '*.repo' ! -name 'stackwright*') | tr -s ' ,\t' '\n' |
  sed -n "s/\$releasever/$major/; s|^file://||p" > "$d/files"
# shellcheck disable=SC2043 # @KEYS@ is a placeholder for a list
for key in @KEYS@; do
  file=${key#file://}
  if [ "$file" = "$key" ]; then
    # RDO's release packages put its keys there.
    file=/etc/pki/rpm-gpg/${key##*/}
    if [ ! -f "$file" ]; then
      file=$d/${key##*/}
      curl -fsSL --proto '=https' --max-time 60 --max-filesize 1000000 -o "$file" "$key" ||
        { echo "cannot get $key" >&2; exit 1; }
    fi
  fi
  [ -f "$file" ] || { echo "there is no file $file" >&2; exit 1; }
  echo "$file" >> "$d/files"
done
sort -u "$d/files" | while read -r file; do [ ! -f "$file" ] || { cat "$file"; echo; }; done > "$d/all"
rpm -q gpg-pubkey --qf '%{DESCRIPTION}\n' >> "$d/all" || true
sed -n '/^-----BEGIN PGP PUBLIC KEY BLOCK/,/^-----END PGP PUBLIC KEY BLOCK/p' "$d/all" > "$d/trusted.asc"
find "$d" -type f ! -name trusted.asc -delete
[ -s "$d/trusted.asc" ] || { echo 'this host trusts no key for packages' >&2; exit 1; }
