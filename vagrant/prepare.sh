#!/bin/sh
# Prepares a machine, as root: names that resolve, a root file system as large as its disk, the controller's key.
#   prepare.sh HOSTS        lines for /etc/hosts
set -eu
sed -i -e '/^127\.0\.1\.1 /d' -e '/# stackwright$/d' /etc/hosts
printf '%s\n' "$1" | sed 's/$/ # stackwright/' >> /etc/hosts

disk=$(lsblk -no PKNAME "$(findmnt -no SOURCE /)" | head -n 1)
part=$(cat "/sys/class/block/$(basename "$(findmnt -no SOURCE /)")/partition")
command -v growpart >/dev/null || dnf -y -q install cloud-utils-growpart
growpart "/dev/$disk" "$part" || [ $? = 1 ] # 1: no change needed
xfs_growfs / >/dev/null

mkdir -p /root/.ssh
chmod 700 /root/.ssh
touch /root/.ssh/authorized_keys
chmod 600 /root/.ssh/authorized_keys
grep -qxFf /tmp/stackwright.pub /root/.ssh/authorized_keys || cat /tmp/stackwright.pub >> /root/.ssh/authorized_keys
restorecon -R /root/.ssh
