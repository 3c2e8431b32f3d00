#!/bin/sh
# Boots an instance of the demo project with a floating address, or uses the one that is there. The last line is the
# address. Standard input is the public key.

set -e
name=@NAME@
umask 077
# shellcheck disable=SC1091 # written by the installation
. /root/keystonerc_demo
key=$(mktemp)
trap 'rm -f "$key"' EXIT
cat > "$key"
openstack keypair show "$name" > /dev/null 2>&1 || openstack keypair create --public-key "$key" "$name" > /dev/null
if ! openstack server show "$name" > /dev/null 2>&1; then
  echo "creating the instance $name"
  openstack server create --image @IMAGE@ --flavor @FLAVOR@ --network @NETWORK@ --key-name "$name" --wait "$name" > /dev/null
fi
status=$(openstack server show "$name" -f value -c status)
[ "$status" = ACTIVE ] || { echo "the instance $name is $status, expected ACTIVE" >&2; exit 3; }
address=$(openstack floating ip list --tags "stackwright-$name" -f value -c 'Floating IP Address')
if [ -z "$address" ]; then
  echo "creating a floating address"
  address=$(openstack floating ip create @EXTERNAL@ --tag "stackwright-$name" -f value -c floating_ip_address)
fi
openstack server show "$name" -f value -c addresses | grep -qF "$address" ||
  openstack server add floating ip "$name" "$address"
echo "$address"
