#!/bin/sh
# Prints each gathered file with its size.

find . -type f | sed 's|^\./||' | while read -r f; do printf 'file\t%s %s\n' "$(stat -c %s "$f")" "$f"; done
printf 'end\t1\n'
