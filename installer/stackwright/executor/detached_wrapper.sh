#!/bin/sh
# Runs a script detached from the session and writes its exit status. Only this wrapper locks `alive`, so the lock shows
# whether the run is still going on, even if its process id was reused. The status overwrites existing bytes, which also
# works on a full disk.

trap '' HUP
cd /
export STACKWRIGHT_RUN=@DIR@ STACKWRIGHT_BASE=@BASE@
# The cloud's own hosts are not behind the proxy. Programs differ in which of the two spellings they read.
for kind in http https ftp all no; do
  upper=$(printf %s "${kind}_proxy" | tr "[:lower:]" "[:upper:]")
  eval "value=\${${kind}_proxy:-\${$upper-}}"
  [ -z "$value" ] || export "${kind}_proxy=$value" "$upper=$value"
done
if [ -n "${http_proxy-}${https_proxy-}${all_proxy-}" ] && [ "${no_proxy-}" != '*' ]; then
  no_proxy=${no_proxy:+$no_proxy,}localhost,127.0.0.1,::1,$(uname -n),@DIRECT@
  NO_PROXY=$no_proxy
  export no_proxy NO_PROXY
fi
sh @DIR@/in/script 8>&- 9>&-
rc=$?
rm -rf @DIR@/in
printf '%-4s\n' "$rc" 1<>@DIR@/rc.new && mv -f @DIR@/rc.new @DIR@/rc
