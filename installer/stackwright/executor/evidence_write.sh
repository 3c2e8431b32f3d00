#!/bin/sh
# Writes a file to find out whether the disk is full.

file=$(mktemp @BASE@/full.XXXXXXXX) || exit 1
head -c 1000000 /dev/zero >"$file"
rm -f "$file"
