#!/bin/sh
# Configures Tempest for the cloud with tempestconf.

set -e
umask 077
trap '[ $? -eq 0 ] || rm -f @RC@' EXIT
# shellcheck disable=SC1091 # a placeholder
. @RC@
[ -d @FOLDER@/etc ] || { rm -rf @FOLDER@; tempest init @FOLDER@ > /dev/null; }
cd @FOLDER@
# A node that has just started may not have all of its services yet.
left=@TRIES@
until network=$(openstack network show @NETWORK@ -f value -c id 2>&1) && openstack flavor list > /dev/null 2>&1; do
  [ $((left = left - 1)) -gt 0 ] || { printf '%s\n' "$network"; exit 1; }
  sleep 5
done
discover-tempest-config --create --no-default-deployer --image @IMAGE@ --image-disk-format @FORMAT@ \
  --flavor-min-mem 192 --flavor-min-disk 1 --out etc/tempest.conf \
  network.public_network_id "$network" @SETTINGS@
