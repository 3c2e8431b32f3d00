#!/bin/sh
# Starts a detached run, or attaches to it, and prints its output from an offset on.

umask 077
dir=@DIR@ digest=@DIGEST@ token=@TOKEN@ again=@AGAIN@ offset=@OFFSET@
say() { echo "stackwright: $*" >&2; }
look() { value=; [ -f "$dir/$1" ] && read -r value <"$dir/$1"; }
[ -d "$dir" ] || mkdir -p "$dir" || exit 1
exec 8>>"$dir/start" 9>>"$dir/alive"
flock 8
read -r boot </proc/sys/kernel/random/boot_id
read -r value </proc/1/stat
# shellcheck disable=SC2086 # the fields of /proc/1/stat
set -- ${value##*) } # fields after the name: the start time of process 1 changes when a container restarts
boot=$boot.${20}
if flock -n 9; then running=
elif [ -f "$dir/rc" ] && flock -w 10 9; then running= # it has just ended, and still held the lock
else running=1; fi
look digest; have=$value
look token; mine=$value
start=1
if [ -n "$running" ]; then
  if [ "$have" != "$digest" ]; then say other; exit 0; fi
  start=
  [ "$mine" = "$token" ] || { say attached; printf %s "$token" >"$dir/token"; }
elif [ "$have" = "$digest" ]; then
  if [ "$mine" = "$token" ]; then start=
  elif [ -z "$again" ] && [ ! -e "$dir/collected" ] && look rc && [ "$value" = 0 ]; then
    start=
    printf %s "$token" >"$dir/token"
    say resumed
  fi
fi
if [ -n "$start" ]; then
  if [ -e "$dir/log" ] || [ -e "$dir/in" ]; then
    find "$dir" -mindepth 1 -maxdepth 1 ! -name start ! -name alive -exec rm -rf {} +
  fi
  # cat reports why it cannot write; the echo of a shell does not
  fail() { cat /proc/version >"$dir/full"; say "nostart $*"; rm -rf "$dir/in" "$dir/full"; exit 1; }
  { mkdir "$dir/in" && tar -xzf - -C "$dir/in"; } || fail "the input is incomplete"
  { : >"$dir/log" && echo '    ' >"$dir/rc.new" && date +%s >"$dir/started" && echo "$boot" >"$dir/boot" &&
    printf %s "$digest" >"$dir/digest"; } || fail "the folder of the run cannot be written"
  setsid sh "$dir/in/wrapper" 8>&- </dev/null >>"$dir/log" 2>&1 &
  echo $! >"$dir/pid"
  printf %s "$token" >"$dir/token"
  running=1
  say started
else
  cat >/dev/null
fi
exec 9>&- 8>&-
# Polls the log instead of using inotify: with inotify, each line is a packet of its own, for every host.
follow() { tail -c +$((offset + 1)) -s @EVERY@ -f --pid="$value" "$@" "$dir/log"; }
look pid
if [ -z "$running" ]; then tail -c +$((offset + 1)) "$dir/log"
else follow ---disable-inotify 2>/dev/null || [ $? -ne 1 ] || follow; fi
if [ -f "$dir/rc" ]; then
  # if the connection is lost here, echo fails, and the result does not count as collected
  look rc
  say "exit $value" && : >"$dir/collected"
  exit 0
fi
(flock -n 9) 9>>"$dir/alive" || exit 0
rm -rf "$dir/in"
look boot
if [ "$boot" != "$value" ]; then say rebooted; else say died; fi
