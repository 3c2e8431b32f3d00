"""Certificates of servers: which components need one, for which names, and the step that puts them on a host."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from stackwright import services, shell
from stackwright.model import Certificates, File, Run, Step, Upload
from stackwright.planner.tls import authority_file, encrypts, file, given, servers
from stackwright.planner.topology import Cloud, Host
from stackwright.shell import Raw

_APPLIED = "/var/lib/stackwright/certificates.sha256"


@dataclass(frozen=True)
class CertificateRequest:
    """A certificate that must exist before planning."""

    component: str
    host: str
    names: tuple[str, ...]
    """Names and addresses of the host, for a certificate that is generated."""
    files: tuple[str, ...] = ()
    """The administrator's files: certificate, key, and intermediate certificates (can be empty). No files: the
    certificate is generated."""


def wanted(whole: Cloud) -> tuple[CertificateRequest, ...]:
    """Every certificate that this cloud needs."""
    out = []
    for component in servers():
        if encrypts(whole.answers, component):
            for host in whole.having(component):
                names = (host.fqdn, host.facts.hostname.partition(".")[0], host.name, host.address)
                own = tuple(dict.fromkeys(name for name in names if name))
                out.append(CertificateRequest(component, host.name, own, given(whole.answers, component)))
    return tuple(out)


def signed(whole: Cloud) -> bool:
    """Whether the cloud's authority has anything to sign."""
    return any(not one.files for one in wanted(whole))


def step(whole: Cloud, host: Host, certificates: Certificates) -> Step | None:
    """Uploads the cloud's authority and the host's certificates, and restarts services that already run with others.
    Keys are uploaded only to hosts of their service and are readable only for its account, so its packages must be
    installed first."""
    files: list[File] = []
    units: list[str] = []
    if certificates.authority:
        files.append(File(authority_file(host.platform), certificates.authority.encode()))
    for component, server in servers().items():
        if component in host.components and server.wanted(whole.answers):
            own = certificates.of[component, host.name]
            files.append(File(file(component, "crt"), own.chain.encode()))
            files.append(File(file(component, "key"), own.key.encode(), 0o600, server.owner, secret=True))
            units += services.units(component, host.platform, whole.release)
    if not files:
        return None
    script = _take_up([f.path for f in files], host.platform.paths["update_ca"], units)
    actions = (Upload(tuple(files)), Run("certificates", script, 300))
    return Step(f"{host.name}:certificates", host.name, "Certificates", actions, (f"{host.name}:packages",))


def _take_up(files: list[str], update_ca: str, units: list[str]) -> str:
    restart = f"systemctl try-restart {shlex.join(units)}" if units else ""
    return shell.fill(
        "planner/steps/certificates.sh",
        FILES=files,
        UPDATE_CA=Raw(update_ca),
        RESTART=Raw(restart),
        APPLIED=_APPLIED,
    )
