"""The shell scripts of a plan: short, POSIX, safe to run twice. Each runs as root on a host."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

RECORD = """\
state=${STACKWRIGHT_BASE:-/var/lib/stackwright}
mkdir -p "$state"
record() { grep -qsxF "$1" "$state/changes.log" || echo "$1" >> "$state/changes.log"; }
changed() { record "$1"; echo "$1"; echo "stackwright: changed"; }
keep() {
  [ -e "$state/saved$1" ] || [ ! -e "$1" ] && return
  (umask 077; mkdir -p "$state/saved$(dirname "$1")")
  cp -a "$1" "$state/saved$1"
}
"""
"""Shell functions of scripts that change a host beside Puppet: what they changed is written down, and a file is kept
as it was, so that all of it can be undone."""

# What a transaction brings: `packages` lists name and version of all that are installed, one per line.
_TRANSACTION = """\
had=
before() { had=$(packages | sort); }
brought() {
  { echo "$had"; echo; packages | sort; } | awk '
    NF == 0 {now = 1; next}
    !now {had[$1] = $2; next}
    !($1 in had) {print "package installed: " $1 " " $2; next}
    had[$1] != $2 {print "package changed: " $1 " " $2 ", was " had[$1]}' >> "$state/changes.log"
}
"""
_APT_PACKAGES = r"""
packages() { dpkg-query -W -f '${db:Status-Status} ${binary:Package} ${Version}\n' | sed -n 's/^installed //p'; }
"""
_RPM_PACKAGES = r"""
packages() { rpm -qa --qf '%{NAME}.%{ARCH} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\n'; }
"""

# Puppet is run by Stackwright; its agent would look for a server every half an hour.
_NO_AGENT = """if systemctl -q is-enabled puppet 2>/dev/null; then
  record "unit switched off: puppet"
  systemctl disable --now puppet || true
fi
"""
PINS = "/etc/apt/preferences.d/stackwright-lock"
"""Where apt is told which versions of packages are wanted, for what is installed from a lock."""

# Exit status 75 (EX_TEMPFAIL) says that trying again may help: a mirror that hiccups, a lock that is held.
APT_PREAMBLE = """\
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
fast=
said=$(mktemp)
trap 'rm -f "$said"' EXIT
# apt waits for dpkg's lock if it is told to, and never for those of its lists and of what it fetches.
apt() {
  waits=0
  while :; do
    rc=0
    $fast apt-get -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@" 2>"$said" || rc=$?
    cat "$said" >&2
    [ $rc -ne 0 ] && [ $waits -lt 120 ] && grep -qE 'Could not get lock|Unable to lock' "$said" || return $rc
    waits=$((waits + 1))
    echo "stackwright: progress 0 100 another package manager is at work; waiting for it"
    sleep 5
  done
}
"""

# What packages' own scripts call in vain is found by dpkg as a stand-in, in a folder that comes first on its path:
#
# Most of what setting up OpenStack's packages takes is byte code: py3compile starts two interpreters for each of three
# hundred packages (0.2 s of CPU each, before the first module is compiled), and dpkg waits for it. So py3compile only
# notes the package, and the noted ones are compiled beside dpkg, many at a time, and on beside Puppet's first minute,
# which leaves a core idle. What is killed loses byte code only, which is a matter of speed: Python does without.
#
# A hundred packages have systemd read all units anew (0.15 s of its CPU each), for services that must not start yet. It
# does so once, when all are there. A folder that is left over says that a run was killed before that.
_STANDINS = """\
standins=$state/standins
mkdir -p "$standins"
rm -rf "$state"/bytecode.*
bytecode=$(mktemp -d "$state/bytecode.XXXXXX")
: > "$bytecode/noted"
cat > "$standins/py3compile" <<END
#!/bin/sh
case "\\$#\\$1" in
  2-p|3-p) echo "\\$2 \\${3-}" >> "$bytecode/noted" ;;
  *) exec /usr/bin/py3compile "\\$@" ;;
esac
END
cat > "$standins/systemctl" <<'END'
#!/bin/sh
for word; do
  case $word in
    --system|-q|--quiet) ;;
    daemon-reload) exit 0 ;;
    *) break ;;
  esac
done
exec /usr/bin/systemctl "$@"
END
chmod 755 "$standins/py3compile" "$standins/systemctl"
modules() {
  while read -r package folder; do
    folder=${folder:-/usr/lib/python3/dist-packages}
    folder=${folder%/}
    for list in "/var/lib/dpkg/info/$package.list" "/var/lib/dpkg/info/${package%:*}.list"; do
      [ ! -e "$list" ] || grep "^$folder/.*[.]py\\$" "$list" || true
    done
  done
}
# Noted packages from a line on, up to another one; what cannot be compiled is left to Python.
compile() {
  sed -n "$1,$2p" "$bytecode/noted" | modules | xargs -r -n 100 -P "$spare" python3 -m compileall -q || true
}
compiler() {
  umask 022  # not the run's own: services read what is compiled, and they are not root
  from=1
  spare=$(($(nproc) > 1 ? $(nproc) - 1 : 1))
  while kill -0 $$ && [ ! -e "$bytecode/done" ]; do
    to=$(wc -l < "$bytecode/noted")
    if [ "$to" -ge $from ] && command -v python3; then
      compile $from "$to"
      from=$((to + 1))
    else
      sleep 0.5
    fi
  done
  compile $from '$'
  rm -rf "$bytecode"
}
"""

STATIC_DUE = "dashboard-static-due"
"""In Stackwright's folder on a host: a file that says that the dashboard's static files are still to be made."""

# openstack-dashboard's script makes static files if it can execute manage.py, 13 s in its set-up and 14 s in a trigger
# at the end, both on dpkg's time. So it cannot, by an override of the file's mode, and a step beside Puppet makes them
# once (`planner/dashboard.py`). A file says that the override is ours, for a run that is killed; an administrator's own
# stays, and Debian's way with it.
_DASHBOARD = f"""\
manage=/usr/share/openstack-dashboard/manage.py
held=$state/dashboard-held
hold_dashboard() {{
  case " $missing " in
    *" openstack-dashboard "*|*" openstack-dashboard="*|*" openstack-dashboard:"*) ;;
    *) return 0 ;;
  esac
  ! dpkg-statoverride --list $manage >/dev/null || return 0
  : > "$held"
  : > "$state/{STATIC_DUE}"
  dpkg-statoverride --add root root 0644 $manage
  [ ! -e $manage ] || chmod 644 $manage
}}
free_dashboard() {{
  [ -e "$held" ] || return 0
  case $(dpkg-statoverride --list $manage || true) in
    "root root 644 "*)
      dpkg-statoverride --remove $manage
      [ ! -e $manage ] || chmod 755 $manage
      ;;
  esac
  rm -f "$held"
}}
"""


def apt_lists() -> str:
    """Brings Debian's package lists up to date.

    A source that does not answer is tried again for a while. If it never does, the others are used, as apt does of
    itself: what is needed of that one is missed when the packages are installed.
    """
    return (
        APT_PREAMBLE
        + """\
lists() {
  for pause in 5 10 20; do
    apt -o APT::Update::Error-Mode=any update && return
    sleep $pause
  done
  apt update
}
lists || exit 75
"""
    )


def apt_install(packages: Sequence[str], *, exact: bool = False) -> str:
    """Installs packages in one transaction, without starting the services that they bring. With `exact`, `packages`
    are name=version: what is there in another version is exchanged for that.

    A service that starts before it is configured crash-loops, and its package waits for it (91 s each were measured);
    so a policy-rc.d refuses all starts meanwhile. dbus and polkit have to be told of their new policies afterwards, or
    libvirt is refused. eatmydata is used where the host has it: throw-away nodes do.

    Python's modules are compiled beside dpkg, and systemd reads its units once, see `_STANDINS`.

    The dashboard's static files are not made in the transaction, see `_DASHBOARD`.

    A package's own script that fails is tried a second time, because some fail by chance: the dashboard's did, and does
    where an administrator's override has it make static files after all.
    """
    # Versions have a tilde, which is nothing special where they stand; a lock is read only if they are sound.
    names = " ".join(packages if exact else (shlex.quote(p) for p in packages))
    return (
        APT_PREAMBLE
        + RECORD
        + _APT_PACKAGES
        + _TRANSACTION
        + _DASHBOARD
        + f"""\
wanted="{names}"
policy=/usr/sbin/policy-rc.d
saved=$policy.stackwright
allow_starts() {{
  ! grep -qs '^# stackwright' $policy || rm -f $policy
  [ ! -e $saved ] || mv $saved $policy
}}
# What a run has left that was killed.
allow_starts
free_dashboard
# A run that was killed in its transaction has told systemd nothing of the new units.
if [ -d "$state/standins" ]; then
  systemctl daemon-reload
  rm -rf "$state/standins"
fi
{_APT_EXACT if exact else _APT_MISSING}if [ -z "$missing" ]; then echo "all packages are there"; exit 0; fi
[ ! -e $policy ] || mv $policy $saved
trap 'rm -f "$said"; allow_starts; free_dashboard' EXIT
printf '#!/bin/sh\\n# stackwright: nothing starts before it is configured\\nexit 101\\n' > $policy
chmod 755 $policy
# A transaction that was cut off, by a host that went down: apt wants it brought to its end before anything else.
[ -z "$(ls "${{DPKG_ADMINDIR:-/var/lib/dpkg}}/updates" 2>/dev/null)" ] ||
  dpkg --force-confdef --force-confold --configure -a || true
# The download first, apart: it may be tried again, a half-configured transaction may not. Nor would it help where what
# is wanted is not to be had.
apt -y --no-install-recommends $may --download-only install $missing || {{
  ! grep -qE 'Unable to locate|no installation candidate|was not found|unmet dependencies|held broken' "$said" ||
    exit 100
  exit 75
}}
command -v eatmydata >/dev/null 2>&1 && fast=eatmydata
{_STANDINS}# By exec: a shell that redirects a function keeps the run's own output open, and somebody waits for its end.
(exec >/dev/null 2>&1; compiler) &
status=$(mktemp)
mkfifo "$status.pipe"
# Not awk: Debian's waits for 4 KiB before it looks at them.
told='s/^pmstatus:\\([^ ]*\\):\\([0-9][0-9]*\\)\\(\\.[0-9]*\\)\\{{0,1\\}}:.*/stackwright: progress \\2 100 \\1/p'
sed -un "$told" < "$status.pipe" &
reader=$!
transaction() {{
  apt -y --no-install-recommends $may -o APT::Status-Fd=3 -o DPkg::Path="$standins:/usr/sbin:/usr/bin:/sbin:/bin" \\
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install $missing 3>&4 4>&-
}}
hold_dashboard
before
exec 4> "$status.pipe"
rc=0
transaction || rc=$?
if [ $rc -ne 0 ] && half=$(dpkg --audit) && [ -n "$half" ]; then
  echo "a package's own script failed; once more, because some do so by chance:"
  echo "$half"
  rc=0
  transaction || rc=$?
fi
exec 4>&-
wait $reader || true
: > "$bytecode/done"
rm -rf "$status" "$status.pipe"
brought
# Also where the transaction failed: a part of the packages may be there.
systemctl daemon-reload || [ $rc -ne 0 ]
rm -rf "$standins"
[ $rc -eq 0 ] || exit $rc
# What follows needs nothing that is on the disk. The run's end waits for none of its children that write no log.
[ -z "$fast" ] || sync >/dev/null 2>&1 &
systemctl reload dbus 2>/dev/null || true
systemctl try-restart polkit 2>/dev/null || true
"""
        + _NO_AGENT
        + 'echo "stackwright: changed"\n'
    )


_APT_MISSING = """\
may=
rm -f @PINS@
missing=
for p in $wanted; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing="$missing $p"
done
""".replace("@PINS@", PINS)

_APT_EXACT = """\
may=--allow-downgrades
missing=$(dpkg-query -W -f '${db:Status-Abbrev} ${binary:Package}=${Version}\\n' | sed -n 's/^.i[^ ]* *//p' | sort |
  { printf '%s\\n' $wanted | sort | comm -23 - /dev/fd/3; } 3<&0 | tr '\\n' ' ')
"""


def dnf_install(packages: Sequence[str], options: Sequence[str] = (), *, lock: bool = False) -> str:
    """Installs packages in one transaction. RPMs start nothing by themselves.

    `options` are dnf's, for this transaction. With `lock`, what came from repositories of ours is held at its version
    afterwards. What is installed then is written down in any case.
    """
    return (
        RECORD
        + _RPM_PACKAGES
        + _TRANSACTION
        + _DNF_INSTALL.format(
            names=" ".join(shlex.quote(p) for p in packages),
            options=" ".join(shlex.quote(o) for o in options),
            no_agent=_NO_AGENT,
            lock=_VERSION_LOCK if lock else "",
        )
    )


_DNF_INSTALL = """\
set -eu
export LC_ALL=C.UTF-8
wanted="{names}"
dnf() {{ command dnf -y --setopt=install_weak_deps=False {options} "$@"; }}
missing=
for p in $wanted; do rpm -q --quiet --whatprovides "$p" || missing="$missing $p"; done
if [ -z "$missing" ]; then echo "all packages are there"; exit 0; fi
# The download first, apart: it may be tried again, unless a mirror's hiccup cannot be the reason.
said=$(mktemp)
trap 'rm -f "$said"' EXIT
dnf --downloadonly install $missing 2> "$said" || {{
  cat "$said" >&2
  ! grep -qiE 'GPG|not signed|find a match|nothing provides|conflicting requests' "$said" || exit 1
  exit 75
}}
before
pipe=$(mktemp -u)
mkfifo "$pipe"
awk '{{print}} /^ *(Installing|Upgrading|Running scriptlet) *: .* [0-9]+\\/[0-9]+ *$/ {{
  split($NF, n, "/"); print "stackwright: progress", n[1], n[2], $(NF - 1)}} {{fflush()}}' < "$pipe" &
reader=$!
rc=0
dnf install $missing > "$pipe" || rc=$?
wait $reader || true
rm -f "$pipe"
brought
[ $rc -eq 0 ] || exit $rc
rpm -qa --qf '%{{NAME}}-%|EPOCH?{{%{{EPOCH}}:}}:{{}}|%{{VERSION}}-%{{RELEASE}}.%{{ARCH}}\\n' |
  sort > "$state/packages.txt"
systemctl daemon-reload
{no_agent}{lock}echo "stackwright: changed"
"""

_VERSION_LOCK = """\
command dnf -q versionlock list >/dev/null 2>&1 || dnf install 'dnf-command(versionlock)'
ours=$(dnf -q repoquery --installed --qf '%{from_repo} %{name}-%{evr}' |
  sed -n 's/^stackwright-[^ ]* //p; s/^delorean[^ ]* //p')
[ -z "$ours" ] || { dnf versionlock add $ours; record "dnf: versions are locked: dnf versionlock list"; }
"""


def fetch_image(url: str, checksum: str, path: str) -> str:
    """Gets the demonstration's image from a URL or a file of the host; checked against a SHA-256 where one is given.
    What is there already is kept where it came from the same place."""
    at, where = shlex.quote(url), shlex.quote(path)
    check = f"echo {shlex.quote(checksum)}' ' \"$new\" | sha256sum -c --quiet || exit 1\n" if checksum else ""
    origin = shlex.quote(f"{url} {checksum}".strip())
    return f"""\
set -eu
[ -s {where} ] && [ "$(cat {where}.from 2>/dev/null)" = {origin} ] && exit 0
mkdir -p "$(dirname {where})"
new={where}.new
case {at} in
  /*) cp {at} "$new" ;;
  file://*) u={at}; cp "${{u#file://}}" "$new" ;;
  *) curl --fail --silent --show-error --location --retry 3 --max-time 900 --output "$new" {at} || exit 75 ;;
esac
{check}mv "$new" {where}
printf '%s\n' {origin} > {where}.from
echo "stackwright: changed"
"""
