"""One host that caches the packages that all hosts download: Squid, which every distribution has, as a proxy between
the hosts' package managers and their repositories.

The cache is the first step on its host, and the package lists of all hosts wait for it. Only Stackwright's transactions
use it, and only while it answers: otherwise a host downloads from its repositories, as it does when its administrator
installs packages. Downloads over TLS pass through and are not cached. If several hosts request one file at the same
time, Squid downloads it once (`collapsed_forwarding`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from stackwright import shell
from stackwright.model import Answers, File, Run, Step, Upload
from stackwright.shell import Raw
from stackwright.values import is_address

if TYPE_CHECKING:
    from stackwright.planner.topology import Cloud, Host

PORT = 3128
"""Squid's default port."""

SIZE = 20 * 1024
"""Maximum size of the cache in MB. OpenStack's packages of one release are 1 to 2 GB."""

_NEW = "/var/lib/stackwright/squid.conf"

_CONF = """\
# Written by Stackwright: what the cloud's hosts download of packages.
acl hosts src @HOSTS@
acl web port 80 443 1025-65535
acl tls port 443
acl CONNECT method CONNECT
http_access deny !web
http_access deny CONNECT !tls
http_access allow hosts
http_access deny all
http_port @PORT@
@PARENT@cache_mem 64 MB
maximum_object_size 2 GB
cache_dir ufs /var/spool/squid @SIZE@ 16 256
collapsed_forwarding on
# A package file never changes under its name. The lists of packages do, so the cache asks the mirror each time.
refresh_pattern -i \\.(u?deb|d?rpm)$ 129600 100% 129600
refresh_pattern . 0 0% 0
shutdown_lifetime 1 second
"""


def host_of(answers: Answers) -> str:
    """The host with the cache; empty if there is none, or if all packages come from CONFIG_OFFLINE_REPO."""
    return "" if answers["CONFIG_OFFLINE_REPO"] else str(answers["CONFIG_PACKAGE_CACHE_HOST"])


def url(address: str) -> str:
    """The URL of the cache on the host with that address."""
    return f"http://[{address}]:{PORT}" if ":" in address else f"http://{address}:{PORT}"


def addresses(host: Host) -> tuple[str, ...]:
    """The possible source addresses of a host's packets to others: its own address, and those of its interfaces."""
    own = (ipaddress.ip_interface(a).ip for i in host.facts.interfaces for a in i.addresses)
    found = (str(a) for a in own if not a.is_loopback and not a.is_link_local)
    return tuple(dict.fromkeys((*([host.address] if is_address(host.address) else []), *found)))


def step(whole: Cloud, host: Host) -> Step | None:
    """The step that installs the cache, on its host; None on other hosts."""
    if host_of(whole.answers) != host.name:
        return None
    manager = host.platform.package_manager
    parent = str(whole.answers["CONFIG_PACKAGE_PROXY"])
    allowed = sorted({a for h in whole.hosts.values() for a in addresses(h)} | {"127.0.0.1", "::1"})
    conf = _CONF.replace("@HOSTS@", " ".join(allowed)).replace("@PORT@", str(PORT)).replace("@SIZE@", str(SIZE))
    conf = conf.replace("@PARENT@", _parent(parent))
    if manager == "apt":
        script = shell.fill("planner/steps/cache_apt.sh", NEW=_NEW, PORT=PORT)
    else:
        options = Raw(f"--setopt=proxy={parent}" if parent else "")
        script = shell.fill("planner/steps/cache_dnf.sh", NEW=_NEW, PORT=PORT, OPTIONS=options)
    actions = (Upload((File(_NEW, conf.encode()),)), Run("cache", script, 600, retries=3))
    return Step(_id(host.name), host.name, "Package cache", actions)


def through(whole: Cloud, prepared: Iterable[Step]) -> list[Step]:
    """The steps of a host, changed so that those that download packages use the cache and wait for it."""
    name = host_of(whole.answers)
    if name not in whole.hosts:
        return list(prepared)
    return [_through(s, whole.hosts[name]) for s in prepared]


def _through(one: Step, cache: Host) -> Step:
    first = one.id.endswith((":lists", ":repositories"))
    prefix = shell.fill("planner/steps/cache_through.sh", ADDRESS=cache.address, PORT=PORT, URL=Raw(url(cache.address)))
    actions = tuple(
        replace(a, script=prefix + a.script) if isinstance(a, Run) and a.name in ("lists", "packages") else a
        for a in one.actions
    )
    return replace(one, actions=actions, needs=(*one.needs, _id(cache.name)) if first else one.needs)


def _id(host: str) -> str:
    return f"{host}:cache"


def _parent(proxy: str) -> str:
    """Squid's settings for the proxy that it uses itself; empty for none."""
    at = urlsplit(proxy)
    if not at.hostname:
        return ""
    return f"cache_peer {at.hostname} parent {at.port or 80} 0 no-query default\nnever_direct allow all\n"
