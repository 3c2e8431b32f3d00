#!/bin/sh
# On the controller, as root: Stackwright, and with it the cloud. Run again, it goes on where it stopped.
set -eu
command -v python3.11 >/dev/null || dnf -y -q install python3.11
[ -x /opt/stackwright/bin/python ] || python3.11 -m venv /opt/stackwright
rm -rf /tmp/stackwright
mkdir /tmp/stackwright
tar -xzf /tmp/stackwright.tar.gz -C /tmp/stackwright
/opt/stackwright/bin/pip install -q --force-reinstall --no-deps /tmp/stackwright
/opt/stackwright/bin/pip install -q /tmp/stackwright
install -m 600 /tmp/stackwright.key /root/.ssh/id_ed25519
install -m 600 /tmp/stackwright.answers /root/stackwright.answers
rm -f /tmp/stackwright.key
# The machines were made a moment ago, on this computer: their keys are taken as they come.
exec /opt/stackwright/bin/stackwright --answer-file /root/stackwright.answers --accept-new-host-keys
