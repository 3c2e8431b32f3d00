#!/bin/sh
# Prints trunk's file of dependencies and the checksum of each repository of trunk's own that it names. The
# distribution's repositories change every day, as the system's own do, and are left out.

t=$(mktemp -d) || exit 1
trap 'rm -rf "$t"' EXIT
get() { curl -fsSL --max-time 30 -o "$t/$1" @PROXY@"$2"; }
url=@URL@
get file "$url" || exit
sed 's/^/file\t/' "$t/file"
origin=$(printf %s "$url" | cut -d/ -f1-3)
sed -n 's/^baseurl *= *//p' "$t/file" | sed "s/[$]basearch/$(uname -m)/g" | tr -s ' ,' '\n' |
while IFS= read -r base; do
  case $base in "$origin"/*) ;; *) continue ;; esac
  get repomd "${base%/}/repodata/repomd.xml" || continue
  printf 'repomd\t%s %s\n' "$base" "$(sha256sum < "$t/repomd" | cut -d' ' -f1)"
done
