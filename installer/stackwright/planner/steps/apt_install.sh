#!/bin/sh
# Installs packages in one transaction, without starting the services that they bring.
#
# A service that starts before it is configured crash-loops, and its package waits for it (91 s each were measured); so
# a policy-rc.d refuses all starts meanwhile. dbus and polkit have to reload their policies afterwards, or libvirt is
# refused. eatmydata is used where the host has it: throw-away nodes do.
#
# A package's own script that fails is tried a second time, because some fail by chance: the dashboard's did, and does
# where an administrator's override has it make static files after all.
# shellcheck disable=SC2034,SC2154 # @SELECT@ uses $wanted and sets $may and $missing

. ./apt.sh
. ./record.sh

packages() { dpkg-query -W -f '${db:Status-Status} ${binary:Package} ${Version}\n' | sed -n 's/^installed //p'; }
. ./transaction.sh
. ./dashboard_hold.sh
wanted="@PACKAGES@"
policy=/usr/sbin/policy-rc.d
saved=$policy.stackwright
allow_starts() {
  ! grep -qs '^# stackwright' $policy || rm -f $policy
  [ ! -e $saved ] || mv $saved $policy
}
# What a run has left that was killed.
allow_starts
free_dashboard
# A run that was killed in its transaction has told systemd nothing of the new units.
if [ -d "$state/standins" ]; then
  systemctl daemon-reload
  rm -rf "$state/standins"
fi
@SELECT@
if [ -z "$missing" ]; then echo "all packages are there"; exit 0; fi
[ ! -e $policy ] || mv $policy $saved
trap 'rm -f "$said"; allow_starts; free_dashboard' EXIT
printf '#!/bin/sh\n# stackwright: nothing starts before it is configured\nexit 101\n' > $policy
chmod 755 $policy
# A transaction that was cut off, by a host that went down: apt wants it brought to its end before anything else.
[ -z "$(ls "${DPKG_ADMINDIR:-/var/lib/dpkg}/updates" 2>/dev/null)" ] ||
  dpkg --force-confdef --force-confold --configure -a || true
# The download first, apart: it may be tried again, a half-configured transaction may not. Nor would it help where what
# is wanted is not to be had.
# shellcheck disable=SC2086 # a list of words
apt -y --no-install-recommends $may --download-only install $missing || {
  ! grep -qE 'Unable to locate|no installation candidate|was not found|unmet dependencies|held broken' "$said" ||
    exit 100
  exit 75
}
command -v eatmydata >/dev/null 2>&1 && fast=eatmydata
. ./standins.sh
# By exec: a shell that redirects a function keeps the run's own output open, and somebody waits for its end.
(exec >/dev/null 2>&1; compiler) &
status=$(mktemp)
mkfifo "$status.pipe"
# Not awk: Debian's waits for 4 KiB before it looks at them.
told='s/^pmstatus:\([^ ]*\):\([0-9][0-9]*\)\(\.[0-9]*\)\{0,1\}:.*/stackwright: progress \2 100 \1/p'
sed -un "$told" < "$status.pipe" &
reader=$!
transaction() {
  # shellcheck disable=SC2086 # a list of words
  apt -y --no-install-recommends $may -o APT::Status-Fd=3 -o DPkg::Path="$standins:/usr/sbin:/usr/bin:/sbin:/bin" \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install $missing 3>&4 4>&-
}
hold_dashboard
before
exec 4> "$status.pipe"
rc=0
transaction || rc=$?
if [ $rc -ne 0 ] && half=$(dpkg --audit) && [ -n "$half" ]; then
  echo "a package's own script failed; once more, because some do so by chance:"
  echo "$half"
  rc=0
  transaction || rc=$?
fi
exec 4>&-
wait $reader || true
: > "$bytecode/done"
rm -rf "$status" "$status.pipe"
brought
# Also where the transaction failed: a part of the packages may be there.
systemctl daemon-reload || [ $rc -ne 0 ]
rm -rf "$standins"
[ $rc -eq 0 ] || exit $rc
# What follows needs nothing that is on the disk. The run's end waits for none of its children that write no log.
[ -z "$fast" ] || sync >/dev/null 2>&1 &
systemctl reload dbus 2>/dev/null || true
systemctl try-restart polkit 2>/dev/null || true
. ./no_agent.sh
echo "stackwright: changed"
