#!/bin/sh
# Configures Tempest for the cloud with tempestconf.

set -e
umask 077
trap '[ $? -eq 0 ] || rm -f @RC@' EXIT
# shellcheck disable=SC1091 # a placeholder
. @RC@
[ -d @FOLDER@/etc ] || { rm -rf @FOLDER@; tempest init @FOLDER@ > /dev/null; }
cd @FOLDER@
network=$(openstack network show @NETWORK@ -f value -c id)
discover-tempest-config --create --no-default-deployer --image @IMAGE@ --image-disk-format @FORMAT@ \
  --flavor-min-mem 192 --flavor-min-disk 1 --out etc/tempest.conf \
  network.public_network_id "$network" @SETTINGS@
