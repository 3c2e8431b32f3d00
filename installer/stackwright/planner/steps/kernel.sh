#!/bin/sh
# Loads the kernel module of linuxbridge's security groups and its settings, now; files make it permanent.

set -eu
. ./record.sh
modprobe br_netfilter
sysctl -q -p /etc/sysctl.d/60-stackwright.conf
grep -qsx 'kernel: br_netfilter' "$state/changes.log" || changed 'kernel: br_netfilter'
