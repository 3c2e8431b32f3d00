#!/bin/sh
# Holds the lease of a host, and renews it at each line of standard input. A lease from before a reboot is void, because
# no run can survive a reboot.

umask 077
base=@BASE@ token=@TOKEN@ who=@WHO@ lapse=@LAPSE@
mkdir -p "$base/runs" || exit 1
boot=$(cat /proc/sys/kernel/random/boot_id).$(cut -d' ' -f22 /proc/1/stat)
now() { read -r up _ </proc/uptime; echo "${up%%.*}"; }
put() {
  printf '%s\n' "$token" "$$" "$boot" "$(now)" "$since" "$who" >"$base/lease.new" &&
    mv -f "$base/lease.new" "$base/lease"
}
get() {
  { read -r l_token; read -r l_pid; read -r l_boot; read -r l_beat; read -r l_since; read -r l_who; } <"$base/lease"
}
exec 8>>"$base/lease.guard"
flock 8
since=$(date '+%Y-%m-%d %H:%M:%S %Z')
if [ -f "$base/lease" ] && get; then
  if [ "$l_token" != "$token" ] && [ "$l_boot" = "$boot" ] && [ $(($(now) - l_beat)) -lt "$lapse" ]; then
    echo "busy $l_who, since $l_since"
    exit 0
  fi
  [ "$l_token" != "$token" ] || since=$l_since
fi
put || { cat /proc/version >"$base/lease.new"; exit 1; } # cat reports the reason; the printf of a shell does not
exec 8>&-
for alive in "$base"/runs/*/alive; do
  [ -f "$alive" ] || continue
  run=${alive%/alive}
  if ! [ -d "$run/in" ]; then :; elif (flock -n 9) 9>>"$alive"; then rm -rf "$run/in"; fi
done
echo held
while IFS= read -r _; do
  get && [ "$l_token" = "$token" ] && [ "$l_pid" = "$$" ] || { echo lost; exit 0; }
  put 2>/dev/null
  echo beat
done
get && [ "$l_token" = "$token" ] && [ "$l_pid" = "$$" ] && rm -f "$base/lease"
