#!/bin/sh
# Holds the packages of the cloud's own repositories at their versions.

command dnf -q versionlock list >/dev/null 2>&1 || dnf install 'dnf-command(versionlock)'
ours=$(dnf -q repoquery --installed --qf '%{from_repo} %{name}-%{evr}' |
  sed -n 's/^stackwright-[^ ]* //p; s/^delorean[^ ]* //p')
# shellcheck disable=SC2086 # a list of words
[ -z "$ours" ] || { dnf versionlock add $ours; record "dnf: versions are locked: dnf versionlock list"; }
