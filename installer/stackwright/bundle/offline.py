"""Packages that a bundle carries: the part of each archive that the lock names, with its own signature.

On Debian that is a mirror with few packages: each archive's signed index (InRelease), the lists that it signs, and the
packages at their places. apt checks it as it checks any archive, with the keys that the host had for it. With dnf it is
one repository of the packages, which are signed themselves, and the keys that the host trusts.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from stackwright.planner import STATE_DIR
from stackwright.planner.steps import package_cache, packages
from stackwright.planner.steps.locked import APT_CONFIG, OFFLINE
from stackwright.planner.steps.package_cache import PORT

_APT = r"""
set -eu
LC_ALL=C.UTF-8; export LC_ALL
d=@WORK@
rm -rf "$d"; mkdir -p "$d/sources.d" "$d/keys" "$d/debs"
cat > "$d/wanted" <<'WANTED'
@WANTED@
WANTED
n=0
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
@TAKE_IMAGES@
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
@LIST@
"""

_DNF = r"""
set -eu
LC_ALL=C.UTF-8; export LC_ALL
d=@WORK@
rm -rf "$d"; mkdir -p "$d/rpms" "$d/keys" "$d/repos.d"
sort > "$d/wanted" <<'WANTED'
@WANTED@
WANTED
dnf -q download --help > /dev/null 2>&1 || dnf -q -y install 'dnf-command(download)' >&2
command -v createrepo_c > /dev/null || dnf -q -y install createrepo_c >&2
# One that is gone ends dnf's whole call, so they are looked for first.
for word in $(cat "$d/wanted"); do echo "$word"; done | xargs dnf -q repoquery --qf \
  '%{name}-%{epoch}:%{version}-%{release}.%{arch}\n%{name}-%{version}-%{release}.%{arch}\n' | sort -u > "$d/there"
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
rpm -q gpg-pubkey --qf '%{DESCRIPTION}\n' > "$d/keys/trusted.asc" || : > "$d/keys/trusted.asc"
for kind in rpms unsigned; do
  [ -d "$d/$kind" ] || continue
  createrepo_c -q "$d/$kind" >&2
  cat >> "$d/repos.d/offline.repo" <<REPO
[stackwright-bundle-$kind]
name=packages of a bundle ($kind)
baseurl=file://@PLACE@/$kind
module_hotfixes=1
gpgcheck=$([ $kind = rpms ] && echo 1 || echo 0)
gpgkey=file://@PLACE@/keys/trusted.asc

REPO
done
@TAKE_IMAGES@
cd "$d" && rm -f wanted there
@LIST@
"""

_UNIT = "stackwright-packages"

SERVE = f"""\
set -eu
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
{packages.RECORD}# Minimal systems have less of it than that, or none.
python3 -c 'import http.server' 2> /dev/null || {{
  export APT_CONFIG={APT_CONFIG}
  apt-get -q update
  apt-get -q -y --no-install-recommends install python3
  record "package installed: python3"
}} >&2
{package_cache.LET_IN}systemctl stop {_UNIT} 2> /dev/null || true
systemctl reset-failed {_UNIT} 2> /dev/null || true
# It sees nothing else of the host, and ends by itself should nobody end it.
systemd-run -q --unit={_UNIT} --property=DynamicUser=yes --property=BindReadOnlyPaths={OFFLINE}:/srv \\
  --property=RuntimeMaxSec=86400 "$(command -v python3)" -m http.server --directory /srv {PORT}
answers() {{
  timeout 2 bash -c 'exec 3<>/dev/tcp/127.0.0.1/{PORT} && printf "HEAD / HTTP/1.0\\r\\n\\r\\n" >&3 && head -n 1 <&3' \\
    2> /dev/null | grep -q ' 200 '
}}
n=0
until answers; do
  n=$((n + 1))
  [ $n -lt 50 ] && systemctl is-active --quiet {_UNIT} || {{
    journalctl -q -n 20 -o cat -u {_UNIT} | grep 'Error' >&2
    exit 1
  }}
  sleep 0.2
done
"""
"""A script for a host that has a bundle's packages: serves them over http, at the package cache's port, to whoever
installs them and checks their signatures."""

END_SERVING = f"systemctl stop {_UNIT} 2> /dev/null || true"
"""For the same host; where nothing is served it does nothing."""

_TAKE_IMAGES = """\
mkdir "$d/images"
[ ! -d @IMAGES@ ] || cp @IMAGES@/* "$d/images/" 2>/dev/null || true"""

_LIST = """\
find . -type f | sed 's|^\\./||' | while read -r f; do printf 'file\\t%s %s\\n' "$(stat -c %s "$f")" "$f"; done
printf 'end\\t1\\n'"""

IMAGES = f"{STATE_DIR}/images"

WORK = f"{STATE_DIR}/bundle"
"""On the host that packages are gathered on."""


def gather(words: Iterable[str], package_manager: str) -> str:
    """A script for a host: puts the packages (name=version, or dnf's NEVRAs), and the images that it has, into WORK,
    and prints each file with its size."""
    values = {"TAKE_IMAGES": _TAKE_IMAGES, "LIST": _LIST, "WANTED": "\n".join(sorted(words)), "PLACE": OFFLINE}
    values |= {"WORK": shlex.quote(WORK), "IMAGES": IMAGES}
    script = _APT if package_manager == "apt" else _DNF
    for name, value in values.items():
        script = script.replace(f"@{name}@", value)
    return script


def place(file: str) -> str:
    """Where a file of those that `gather` listed belongs on a host."""
    kind, _, name = file.partition("/")
    return f"{IMAGES}/{name}" if kind == "images" else f"{OFFLINE}/{file}"


def reached(address: str) -> str:
    """A script for another host: exits with 0 where it reaches what is served at an address."""
    return f"timeout 10 bash -c ': < /dev/tcp/{address}/{PORT}'"


def is_served(file: str) -> bool:
    """Whether one of those that `gather` listed need not be on a host that is served. What nobody signed has to be:
    http would not tell that it was changed on its way."""
    return file.startswith(("mirror/", "rpms/"))


def led(file: str, content: bytes, address: str) -> bytes:
    """What such a file has in it on a host that is served from an address."""
    url = package_cache.url(address)
    if file.startswith("sources.d/"):
        return content.replace(f"file:{OFFLINE}/mirror/".encode(), f"{url}/mirror/".encode())
    if file.startswith("repos.d/"):
        there = f"proxy=_none_\nbaseurl={url}/rpms"
        return content.replace(f"baseurl=file://{OFFLINE}/rpms".encode(), there.encode())
    if file == "apt.conf":
        # A proxy of the host's is for other archives. Lists are served under their names, not under their checksums.
        own = "" if ":" in address else f'Acquire::http::Proxy::{address} "DIRECT";\n'
        return content + f'Acquire::http::Proxy "DIRECT";\n{own}Acquire::By-Hash "no";\n'.encode()
    return content


def listed(output: str) -> dict[str, int]:
    """The files that `gather` printed, with their sizes; empty where it was cut off."""
    lines = [line.partition("\t") for line in output.splitlines()]
    if ("end", "\t", "1") not in lines:
        return {}
    found = (value.partition(" ") for key, _, value in lines if key == "file")
    return {name: int(size) for size, _, name in found}
