#!/bin/sh
# On the controller, as root: Stackwright, and with it the cloud. Run again, it goes on where it stopped.
#   install.sh              what /tmp/stackwright.answers describes
#   install.sh HOSTS        what /tmp/stackwright.bundle describes, on these hosts: THEIRS=MINE,...
set -eu
command -v python3.11 >/dev/null || dnf -y -q install python3.11
[ -x /opt/stackwright/bin/python ] || python3.11 -m venv /opt/stackwright
rm -rf /tmp/stackwright
mkdir /tmp/stackwright
tar -xzf /tmp/stackwright.tar.gz -C /tmp/stackwright
/opt/stackwright/bin/pip install -q --force-reinstall --no-deps /tmp/stackwright
/opt/stackwright/bin/pip install -q /tmp/stackwright
install -m 600 /tmp/stackwright.key /root/.ssh/id_ed25519
rm -f /tmp/stackwright.key
if [ $# -gt 0 ]; then
  install -m 600 /tmp/stackwright.bundle /root/stackwright.bundle
  exec /opt/stackwright/bin/stackwright bundle reproduce /root/stackwright.bundle --hosts "$1" --accept-new-host-keys
fi
install -m 600 /tmp/stackwright.answers /root/stackwright.answers
# The machines were made a moment ago, on this computer: their keys are taken as they come.
exec /opt/stackwright/bin/stackwright --answer-file /root/stackwright.answers --accept-new-host-keys
