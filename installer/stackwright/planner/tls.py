"""Certificates of servers: who needs one, for which names, where it lies, and who may read its key."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stackwright.model import Certificate, Certificates, File, Run, Step, Upload
from stackwright.platforms import Platform
from stackwright.services import ssl

if TYPE_CHECKING:
    from stackwright.planner.topology import Cloud, Host

_FOLDER = "/etc/stackwright/tls"
_APPLIED = "/var/lib/stackwright/certificates.sha256"


@dataclass(frozen=True)
class _Server:
    """A component that shows a certificate where the answers want it to."""

    wanted: Callable[[Mapping[str, Any]], bool]
    owner: str
    """Who reads the key. Apache reads it before it lets go of root's rights."""
    keys: tuple[str, ...] = ()
    """The answers by which a person brings certificate, key, and the certificates between it and its authority."""


_SERVERS: Mapping[str, _Server] = {
    "rabbitmq": _Server(ssl.messages, "rabbitmq:rabbitmq"),
    "nova-vncproxy": _Server(ssl.dashboard, "nova:nova", ("CONFIG_VNC_SSL_CERT", "CONFIG_VNC_SSL_KEY")),
    "horizon": _Server(
        ssl.dashboard,
        "root:root",
        ("CONFIG_HORIZON_SSL_CERT", "CONFIG_HORIZON_SSL_KEY", "CONFIG_HORIZON_SSL_CACERT"),
    ),
}


@dataclass(frozen=True)
class Wanted:
    """A certificate that has to be there before the plan is made."""

    component: str
    host: str
    names: tuple[str, ...]
    """Names and addresses of the host: what the certificate is for, where nobody brought one."""
    files: tuple[str, ...] = ()
    """Of a person: certificate, key, and the certificates between (or empty). Nothing: it is to be made."""


def encrypts(answers: Mapping[str, Any], component: str) -> bool:
    """Whether this component shows a certificate to those who connect to it."""
    server = _SERVERS.get(component)
    return server is not None and server.wanted(answers)


def given(answers: Mapping[str, Any], component: str) -> tuple[str, ...]:
    """The files by which a person brings this component's certificate; none: it is made."""
    files = tuple(str(answers.get(key) or "") for key in _SERVERS[component].keys)
    return files if files and files[0] else ()


def wanted(whole: Cloud) -> tuple[Wanted, ...]:
    """Every certificate that this cloud needs."""
    out = []
    for component in _SERVERS:
        if encrypts(whole.answers, component):
            for host in whole.having(component):
                names = (host.fqdn, host.facts.hostname.partition(".")[0], host.name, host.address)
                own = tuple(dict.fromkeys(name for name in names if name))
                out.append(Wanted(component, host.name, own, given(whole.answers, component)))
    return tuple(out)


def signed(whole: Cloud) -> bool:
    """Whether the cloud's authority has anything to sign."""
    return any(not one.files for one in wanted(whole))


def file(component: str, kind: str) -> str:
    """Where a component's certificate (`crt`) or key (`key`) is on its host."""
    return f"{_FOLDER}/{component}.{kind}"


def authority_file(platform: Platform) -> str:
    """Where the certificate of the cloud's authority is on each host: among those that the whole host trusts."""
    return f"{platform.paths['trusted_certificates']}/stackwright.crt"


def is_for(certificate: Certificate, name: str) -> bool:
    """Whether a certificate names this host name or address, by itself or by a wildcard."""
    _, _, domain = name.partition(".")
    return name in certificate.names or (not name[:1].isdigit() and f"*.{domain}" in certificate.names)


def seen_as(certificate: Certificate, host: Host) -> str:
    """What people call a host so that its certificate is good for it: its address where that is in the certificate,
    else a name."""
    named = (name for name in certificate.names if not name.startswith("*"))
    return next((n for n in (host.address, host.fqdn, host.name, *named) if is_for(certificate, n)), host.address)


def step(whole: Cloud, host: Host, certificates: Certificates) -> Step | None:
    """Puts on a host what it shows and whom it trusts, and has services that run already take it up. Keys are put only
    where their service is, and only it can read them: its packages, which bring its account, have to be there."""
    files: list[File] = []
    units: list[str] = []
    if certificates.authority:
        files.append(File(authority_file(host.platform), certificates.authority.encode()))
    for component, server in _SERVERS.items():
        if component in host.components and server.wanted(whole.answers):
            own = certificates.of[component, host.name]
            files.append(File(file(component, "crt"), own.chain.encode()))
            files.append(File(file(component, "key"), own.key.encode(), 0o600, server.owner, secret=True))
            units += host.platform.services[component]
    if not files:
        return None
    script = _take_up([f.path for f in files], host.platform.paths["update_ca"], units)
    actions = (Upload(tuple(files)), Run("certificates", script, 300))
    return Step(f"{host.name}:certificates", host.name, "certificates", actions, (f"{host.name}:packages",))


def _take_up(files: list[str], update_ca: str, units: list[str]) -> str:
    restart = f"systemctl try-restart {shlex.join(units)}\n" if units else ""
    return f"""\
set -eu
now=$(sha256sum {shlex.join(files)})
[ "$now" != "$(cat {_APPLIED} 2>/dev/null)" ] || exit 0
{update_ca}
{restart}printf '%s\\n' "$now" > {_APPLIED}
echo "stackwright: changed"
"""
