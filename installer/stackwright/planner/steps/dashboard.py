"""The dashboard's static files on Debian: made beside Puppet, and not in the transaction that brings its package, as
`scripts.apt_install` sees to."""

from __future__ import annotations

from stackwright.model import Run, Step
from stackwright.planner.steps.packages import RECORD, STATIC_DUE
from stackwright.planner.topology import Host

# What the package's own script does. Its output is Django's; the last lines of a failure are those of the last try.
# Tried again, because the compressor works in four threads (django-compressor 4.0) with a compiler of style sheets that
# keeps its state in globals (pyScss 1.4): now and then it finds a syntax error where there is none. Also because Puppet
# replaces the settings meanwhile: the new ones name a memcached that it may be about to start.
_MAKE = f"""\
set -eu
export LC_ALL=C.UTF-8
{RECORD}\
manage=/usr/share/openstack-dashboard/manage.py
own=/var/lib/openstack-dashboard
due=$state/{STATIC_DUE}
if [ ! -e "$due" ] && [ -e $own/static/dashboard/manifest.json ]; then echo "they are there"; exit 0; fi
# Whatever the run's own: Apache reads them, as www-data.
umask 022
make_static() {{
  python3 $manage collectstatic --noinput --clear && python3 $manage compress --force
}}
mkdir -p $own/secret-key $own/static
tries=1
until make_static; do
  [ $tries -lt 3 ] || {{ echo "manage.py failed $tries times"; exit 1; }}
  echo "manage.py failed; once more, because it does so by chance"
  sleep $((5 * tries))
  tries=$((tries + 1))
done
# Root's own, of no use to Apache: the package's settings have one made by whoever reads them first.
rm -f $own/secret-key/.secret_key_store
chown -R www-data $own/secret-key $own/static
rm -f "$due"
echo "stackwright: changed"
"""


def steps(host: Host) -> list[Step]:
    """Makes the static files of a host's dashboard where they are due or missing, beside Puppet."""
    if "horizon" not in host.components or host.platform.package_manager != "apt":
        return []
    title = "the dashboard's style sheets and scripts"
    make = Run("dashboard", _MAKE, 900)
    return [Step(f"{host.name}:dashboard", host.name, title, (make,), (f"{host.name}:packages",))]
