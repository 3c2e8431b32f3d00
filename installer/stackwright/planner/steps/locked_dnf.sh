#!/bin/sh
# Installs exactly the package versions of a lock, in one transaction.

set -eu
export LC_ALL=C.UTF-8
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sort > "$work/wanted" <<'WANTED'
@WANTED@
WANTED
rpm -qa --qf '%{NAME}-%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}.%{ARCH}\n' | sort > "$work/there"
comm -23 "$work/wanted" "$work/there" > "$work/missing"
plugin=
command dnf -q versionlock list > /dev/null 2>&1 || plugin='dnf-command(versionlock)'
if [ ! -s "$work/missing" ] && [ -z "$plugin" ]; then echo "all packages are there"; exit 0; fi
# The list must not hinder the transaction, and has to be there: the plug-in fails without.
cat @VERSION_LOCK@ > "$work/lock"
trap 'cat "$work/lock" > @VERSION_LOCK@; rm -rf "$work"' EXIT
: > @VERSION_LOCK@
dnf() { command dnf -y --setopt=install_weak_deps=False --allowerasing @OPTIONS@ "$@"; }
[ -z "$plugin" ] || dnf install "$plugin" || exit 75
if [ -s "$work/missing" ]; then
  # shellcheck disable=SC2046 # one package on each line
  dnf --downloadonly install $(cat "$work/missing") || exit 75
  # shellcheck disable=SC2046 # one package on each line
  dnf install $(cat "$work/missing")
fi
systemctl daemon-reload
systemctl disable --now puppet 2>/dev/null || true
echo "stackwright: changed"
