#!/bin/sh
# Enables repositories of the system, downloads RDO's trunk files, lowers EPEL's priority. `dnf config-manager` is a
# plug-in, which minimal systems lack.

set -eu
. ./record.sh
@PROXY@
config() {
  dnf config-manager --help >/dev/null 2>&1 || dnf -y @OPTIONS@ install 'dnf-command(config-manager)' || exit 75
  dnf -y config-manager "$@"
}
enabled() { dnf -q repolist --enabled | awk -v id="$1" 'NR > 1 && $1 == id {found = 1} END {exit !found}'; }
known() { dnf -q repolist --all | awk -v id="$1" 'NR > 1 && $1 == id {found = 1} END {exit !found}'; }
enable() {
  enabled "$1" && return
  known "$1" || { echo "the system has no repository $1" >&2; exit 1; }
  case $1 in *-rpms) subscription-manager repos --enable "$1" ;; *) config --set-enabled "$1" ;; esac
  changed "repository $1 enabled"
}
behind() {
  enabled "$1" || return 0
  [ "$(dnf -q config-manager --dump "$1" 2>/dev/null | sed -n 's/^priority *= *//p')" = 100 ] && return
  config --save --setopt="$1.priority=100"
  changed "repository $1: priority=100"
}
main() {
  grep -qsx "$1 *= *$2" /etc/dnf/dnf.conf && return
  config --save --setopt="$1=$2"
  changed "dnf: $1=$2"
}
fetch() {
  new=/etc/yum.repos.d/.$2.new
  curl -fsSL --retry 3 --max-time 60 -o "$new" "$1" || { rm -f "$new"; exit 75; }
  grep -q '^\[' "$new" || { echo "$1 is no repository file" >&2; rm -f "$new"; exit 1; }
  record "file made: /etc/yum.repos.d/$2.repo"
  mv "$new" "/etc/yum.repos.d/$2.repo"
}
@CALLS@
