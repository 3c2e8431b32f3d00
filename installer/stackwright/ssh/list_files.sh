#!/bin/sh
# Prints mode, owner and checksum of files. Nothing is printed for a missing file, which is not an error.

set -- @PATHS@
stat -c '%a %U:%G %u:%g %F/%n' -- "$@" 2>/dev/null
echo /
sha256sum -- "$@" 2>/dev/null
exit 0
