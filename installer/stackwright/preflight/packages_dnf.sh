#!/bin/sh
# Resolves the installation of packages with dnf. Only dnf's metadata cache changes.

LC_ALL=C.UTF-8; export LC_ALL
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
p() { printf '%s\t%s\n' "$1" "$2"; }
lines() { while IFS= read -r l; do p "$1" "$l"; done; }
@PROXY@
# The repositories as they will be, beside those that the host has.
mkdir "$d/repos"
cat > "$d/repos/stackwright.repo" <<'REPOSITORIES'
@FILE@
REPOSITORIES
fetch() {
  curl -fsSL --retry 1 --max-time 20 -o "$d/repos/$2.repo" "$1" 2> "$d/curl" && return
  p error "  - Curl error: $(sed -n 's/^curl: //p' "$d/curl") for $1"
  rm -f "$d/repos/$2.repo"
}
@FETCH@
rm -f "$d/have"
mkdir "$d/have"
for f in /etc/yum.repos.d/*.repo; do
  case ${f##*/} in stackwright*) ;; *) [ -e "$f" ] && ln -s "$f" "$d/have/" ;; esac
done
dnf -y --assumeno --setopt=reposdir="$d/repos,$d/have" --setopt=install_weak_deps=False \
  --setopt=*.skip_if_unavailable=True --setopt=timeout=20 --setopt=retries=2 @OPTIONS@ \
  install @PACKAGES@ > "$d/out" 2> "$d/err"
p exit $?
# --assumeno ends with 1 and these words when everything could be had.
grep -q '^Operation aborted\|^Nothing to do' "$d/out" "$d/err" && p resolved yes
grep -v '^Operation aborted\|^$' "$d/err" | lines error
grep -E '^(Error|  - |No match|Problem)' "$d/out" | lines error
sed -n 's/^No match for argument: //p' "$d/out" "$d/err" | sort -u | while read -r n; do
  b=${n%-*-*}
  p versions "$b $(dnf -qC --setopt=reposdir="$d/repos,$d/have" @OPTIONS@ repoquery --qf '%{evr} ' "$b" 2>/dev/null |
    tr '\n' ' ')"
done
sed -n 's/^Total download size: //p; s/^Total size: //p' "$d/out" | lines download-text
sed -n 's/^Installed size: //p' "$d/out" | lines disk
p end 1
