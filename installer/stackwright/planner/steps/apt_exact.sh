#!/bin/sh
# Finds the packages of $wanted (name=version) that are not installed in exactly that version.
# shellcheck disable=SC2034,SC2154 # apt_install.sh sets $wanted and uses the others

may=--allow-downgrades
# shellcheck disable=SC2086 # a list of words
missing=$(dpkg-query -W -f '${db:Status-Abbrev} ${binary:Package}=${Version}\n' | sed -n 's/^.i[^ ]* *//p' | sort |
  { printf '%s\n' $wanted | sort | comm -23 - /dev/fd/3; } 3<&0 | tr '\n' ' ')
