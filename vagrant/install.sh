#!/bin/sh
# Installs Stackwright and the cloud, on the controller, as root. Run again, it continues where it stopped.
#   install.sh              the cloud of /tmp/stackwright.answers
#   install.sh HOSTS        the cloud of /tmp/stackwright.bundle, on these hosts: THEIRS=MINE,...
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
# Vagrant has just created the machines on this computer: accept their host keys.
exec /opt/stackwright/bin/stackwright --answer-file /root/stackwright.answers --accept-new-host-keys
