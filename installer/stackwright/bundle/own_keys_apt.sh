#!/bin/sh
# Puts the keys that this host trusts for archives where apt looks for those of a bundle. A bundle brings none.

set -eu
d=@OFFLINE@/keys
rm -rf "$d"; mkdir -p "$d"
for k in $(sed -n 's/^[Ss]igned-[Bb]y: *//p' /etc/apt/sources.list.d/*.sources 2>/dev/null) \
  $(sed -n 's/.*signed-by=\([^], ]*\).*/\1/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null) \
  /etc/apt/trusted.gpg.d/* /usr/share/keyrings/debian-archive-keyring.*; do
  case $k in *.asc | *.gpg | *.pgp) ;; *) continue ;; esac
  [ -f "$k" ] && cp "$k" "$d/$(printf %s "${k#/}" | tr / _)"
done
[ -n "$(ls "$d")" ] || { echo 'this host trusts no key for archives' >&2; exit 1; }
