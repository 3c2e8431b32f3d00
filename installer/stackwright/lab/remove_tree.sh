#!/bin/sh
# Removes the folder $1, without crossing into file systems mounted in it; many files at once.

remove="rm --recursive --force --one-file-system"
# shellcheck disable=SC2086 # a command with its options
find "$1" -xdev -mindepth 6 -maxdepth 6 -print0 | xargs -0 -r -n 8 -P 16 $remove --preserve-root=all --
$remove -- "$1"
