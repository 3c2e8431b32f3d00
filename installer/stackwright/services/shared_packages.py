"""Packages of libraries and of Apache, which several services need, and where figures of memory and disk come from.

Debian's package names were looked up in the package indexes of bookworm and trixie; they are meant for an installation
without Recommends. RDO's are those of its distgits and of the OpenStack Puppet modules (manifests/params.pp).
"""

from __future__ import annotations

from stackwright.records import Disk, Memory, Names

# On Debian the services use python3-pymysql; the Puppet module for database connections requires python3-mysqldb too.
DATABASE = Names(debian=("python3-mysqldb", "python3-pymysql"), redhat=("python3-PyMySQL",))
CACHE = Names(debian=("python3-memcache", "python3-pymemcache"), redhat=("python3-memcached", "python3-pymemcache"))
PYMEMCACHE = Names(debian=("python3-pymemcache",), redhat=CACHE.redhat)
"""Like CACHE, for services whose Debian packages depend on the rest."""
APACHE = Names(redhat=("httpd", "mailcap", "mod_ssl", "python3-mod_wsgi"))
"""On Debian the API services run under uWSGI, which their packages depend on."""
OPENVSWITCH = Names(debian=("openvswitch-switch",), redhat=("openvswitch",))

ALL_IN_ONE = (
    "idle Debian 12 all-in-one with two workers (proportional set size, 5.1 GiB in all), plus a fifth, and more for "
    "what grows with use"
)
WITH_TELEMETRY = "idle Debian 13 all-in-one with telemetry and Heat, one worker (proportional set size), plus a fifth"
DOWNLOADED = "Debian 12 all-in-one: 400 MB to download, 2.0 GB installed"


CONFIGURES = dict.fromkeys(
    ("packages", "units", "memory", "logs", "proof"),
    "it only configures what other components install, run and prove",
)
"""Why a component has nothing of its own: for `Component.without`."""


def measured(fixed: int, per_worker: int = 0, load: int = 0, source: str = ALL_IN_ONE) -> Memory:
    """Memory in MiB, from the measurement that `source` names."""
    return Memory(fixed, per_worker, load, source)


def estimated(fixed: int, per_worker: int = 0) -> Memory:
    """Memory in MiB, not measured but estimated from services of the same kind."""
    return Memory(fixed, per_worker, source="estimated from services of the same kind")


def disk(packages: float, data: float) -> Disk:
    """Disk space in GiB, from the installation that DOWNLOADED names."""
    return Disk(packages, data, DOWNLOADED)
