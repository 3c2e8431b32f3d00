#!/bin/sh
# Gathers the packages of a lock with dnf: a repository of the packages, and the images of the host. Prints each file with
# its size.

set -eu
LC_ALL=C.UTF-8; export LC_ALL
d=@WORK@
rm -rf "$d"; mkdir -p "$d/rpms"
sort > "$d/wanted" <<'WANTED'
@WANTED@
WANTED
dnf -q download --help > /dev/null 2>&1 || dnf -q -y install 'dnf-command(download)' >&2
command -v createrepo_c > /dev/null || dnf -q -y install createrepo_c >&2
# One that is gone ends dnf's whole call, so they are looked for first.
xargs dnf -q repoquery --qf \
  '%{name}-%{epoch}:%{version}-%{release}.%{arch}\n%{name}-%{version}-%{release}.%{arch}\n' < "$d/wanted" |
  sort -u > "$d/there"
gone=$(comm -23 "$d/wanted" "$d/there" | tr '\n' ' ')
[ -z "$gone" ] || { echo "no repository has these any more: $gone" >&2; exit 3; }
xargs dnf -q download --destdir "$d/rpms" < "$d/wanted" >&2
# RDO's trunk is not signed. Its packages are apart, so that all others are checked.
signed='%{SIGPGP:pgpsig}%{RSAHEADER:pgpsig} %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm\n'
rpm -qp --nosignature --qf "$signed" "$d"/rpms/*.rpm |
  sed -n 's/^(none)(none) //p' | while read -r file; do
    mkdir -p "$d/unsigned"
    mv "$d/rpms/$file" "$d/unsigned/"
  done
for kind in rpms unsigned; do
  [ ! -d "$d/$kind" ] || createrepo_c -q "$d/$kind" >&2
done
. ./gather_images.sh
cd "$d" && rm -f wanted there
. ./gather_list.sh
