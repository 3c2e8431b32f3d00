#!/bin/sh
# Makes the dashboard's static files, as the package's own script does. The output is Django's; the last lines of a
# failure are those of the last try.
#
# Tried three times: the compressor works in four threads (django-compressor 4.0) with a compiler of style sheets that
# keeps its state in globals (pyScss 1.4), so it sometimes finds a syntax error where there is none. Also, Puppet
# replaces the settings meanwhile: the new ones name a memcached that it may be about to start.

set -eu
export LC_ALL=C.UTF-8
. ./record.sh
manage=/usr/share/openstack-dashboard/manage.py
own=/var/lib/openstack-dashboard
due=$state/@STATIC_DUE@
if [ ! -e "$due" ] && [ -e $own/static/dashboard/manifest.json ]; then echo "they are there"; exit 0; fi
# Whatever the run's own: Apache reads them, as www-data.
umask 022
make_static() {
  python3 $manage collectstatic --noinput --clear && python3 $manage compress --force
}
mkdir -p $own/secret-key $own/static
tries=1
until make_static; do
  [ $tries -lt 3 ] || { echo "manage.py failed $tries times"; exit 1; }
  echo "manage.py failed; once more, because it does so by chance"
  sleep $((5 * tries))
  tries=$((tries + 1))
done
# Root's own, of no use to Apache: the package's settings have one made by whoever reads them first.
rm -f $own/secret-key/.secret_key_store
chown -R www-data $own/secret-key $own/static
rm -f "$due"
echo "stackwright: changed"
