#!/bin/sh
# Prints the hash that a tag of RDO's trunk means, and when the tag was moved last: the copy gets the server's time.

t=$(mktemp) || exit 1
trap 'rm -f "$t"' EXIT
curl -fsSL -R --max-time 60 -o "$t" @PROXY@@URL@ || exit
printf '%s %s\n' "$(head -c 200 "$t" | tr -s '[:space:]' ' ')" "$(stat -c %Y "$t")"
