#!/bin/sh
# Removes files of other versions of the module. Puppet loads every provider that it finds in the folder, so those of an
# earlier version must not stay.

cd @FOLDER@ || exit 1
removed=$(find . -type f | grep -vxF -e @NAMES@)
[ -z "$removed" ] && exit 0
printf '%s\n' "$removed" | while IFS= read -r file; do rm -f -- "$file" || exit 1; done || exit 1
find . -mindepth 1 -type d -empty -delete
echo "stackwright: changed"
