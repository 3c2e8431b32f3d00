#!/bin/sh
# Removes what launch.sh created.

name=@NAME@
# shellcheck disable=SC1091 # written by the installation
. /root/keystonerc_demo
openstack server show "$name" > /dev/null 2>&1 && { openstack server delete --wait "$name" || exit 1; }
for address in $(openstack floating ip list --tags "stackwright-$name" -f value -c 'Floating IP Address'); do
  openstack floating ip delete "$address" || exit 1
done
openstack keypair show "$name" > /dev/null 2>&1 && { openstack keypair delete "$name" || exit 1; }
exit 0
