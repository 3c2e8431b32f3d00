#!/bin/sh
# Prints the size of the packages that an earlier bundle brought, in bytes, and the free space, in KiB.

[ -d @OFFLINE@ ] && du -sb @OFFLINE@ | cut -f1 || echo 0
df -Pk /var/lib | awk 'NR == 2 {print $4}'
