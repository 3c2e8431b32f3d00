#!/bin/sh
# Prints mode, owner and checksum of files. A missing file is no error: the caller sees that nothing is printed for it.

set -- @PATHS@
stat -c '%a %U:%G %u:%g %F/%n' -- "$@" 2>/dev/null
echo /
sha256sum -- "$@" 2>/dev/null
exit 0
