#!/bin/sh
# Runs a script detached from the session and writes its exit status. `alive` is locked by this wrapper alone, so the
# lock shows whether the run goes on, whatever became of its process id. The status overwrites bytes that exist already:
# that works on a full disk, too.

trap '' HUP
cd /
export STACKWRIGHT_RUN=@DIR@ STACKWRIGHT_BASE=@BASE@
sh @DIR@/in/script 8>&- 9>&-
rc=$?
rm -rf @DIR@/in
printf '%-4s\n' "$rc" 1<>@DIR@/rc.new && mv -f @DIR@/rc.new @DIR@/rc
