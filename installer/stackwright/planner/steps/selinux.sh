#!/bin/sh
# Switches on SELinux booleans. Enforcing stays enforcing.

set -eu
. ./record.sh
selinuxenabled || { echo 'SELinux is switched off on this host'; exit 0; }
@BOOLEANS@
