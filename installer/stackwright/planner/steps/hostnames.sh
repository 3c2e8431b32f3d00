#!/bin/sh
# Sets the host's name and writes all hosts to /etc/hosts. The host's own names are removed from loopback lines: the
# first matching line wins.

set -eu
. ./record.sh
had=$(uname -n)
# shellcheck disable=SC2157 # a placeholder
if [ -n "@GIVEN@" ] && [ "$had" != "@GIVEN@" ]; then
  if command -v hostnamectl >/dev/null 2>&1; then
    hostnamectl set-hostname @GIVEN@
  else
    echo @GIVEN@ > /etc/hostname
    hostname @GIVEN@
  fi
  changed "host name: @GIVEN@, was $had"
fi
new=$(mktemp)
trap 'rm -f "$new"' EXIT
sed '/^# Stackwright: begin/,/^# Stackwright: end/d' /etc/hosts | awk -v own="@OWN@" '
  BEGIN {count = split(own, names); for (n = 1; n <= count; n++) mine[tolower(names[n])] = 1}
  $1 !~ /^(127\.|::1$)/ {print; next}
  {
    line = $1; lost = 0
    for (n = 2; n <= NF; n++) if (tolower($n) in mine) lost = 1; else line = line " " $n
    if (!lost) print; else if (line != $1) print line
  }' > "$new"
cat >> "$new" <<'HOSTS'
# Stackwright: begin
@LINES@
# Stackwright: end
HOSTS
if ! cmp -s "$new" /etc/hosts; then
  keep /etc/hosts
  cat "$new" > /etc/hosts
  changed 'file changed: /etc/hosts'
fi
