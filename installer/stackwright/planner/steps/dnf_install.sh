#!/bin/sh
# Installs packages in one transaction. RPMs do not start services by themselves.

. ./record.sh

packages() { rpm -qa --qf '%{NAME}.%{ARCH} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\n'; }
. ./transaction.sh
set -eu
export LC_ALL=C.UTF-8
wanted="@PACKAGES@"
dnf() { command dnf -y --setopt=install_weak_deps=False @OPTIONS@ "$@"; }
missing=
for p in $wanted; do rpm -q --quiet --whatprovides "$p" || missing="$missing $p"; done
if [ -z "$missing" ]; then echo "all packages are there"; exit 0; fi
# The download first, apart: it may be tried again, unless a mirror's hiccup cannot be the reason.
said=$(mktemp)
trap 'rm -f "$said"' EXIT
# shellcheck disable=SC2086 # a list of words
dnf --downloadonly install $missing 2> "$said" || {
  cat "$said" >&2
  ! grep -qiE 'GPG|not signed|find a match|nothing provides|conflicting requests' "$said" || exit 1
  exit 75
}
before
pipe=$(mktemp -u)
mkfifo "$pipe"
awk '{print} /^ *(Installing|Upgrading|Running scriptlet) *: .* [0-9]+\/[0-9]+ *$/ {
  split($NF, n, "/"); print "stackwright: progress", n[1], n[2], $(NF - 1)} {fflush()}' < "$pipe" &
reader=$!
rc=0
# shellcheck disable=SC2086 # a list of words
dnf install $missing > "$pipe" || rc=$?
wait $reader || true
rm -f "$pipe"
brought
[ $rc -eq 0 ] || exit $rc
rpm -qa --qf '%{NAME}-%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}.%{ARCH}\n' |
  sort > "$state/packages.txt"
systemctl daemon-reload
. ./no_agent.sh
@VERSION_LOCK@
echo "stackwright: changed"
