"""Which components use TLS, the paths of their certificates on the host, and the names that clients use."""

from __future__ import annotations

from stackwright import services
from stackwright.model import Answers, Certificate
from stackwright.platforms import Platform
from stackwright.records import TlsServer

_FOLDER = "/etc/stackwright/tls"


def servers() -> dict[str, TlsServer]:
    """The components that can use TLS, by name, in the order of the services."""
    return {c.name: c.tls for c in services.all_components() if c.tls}


def encrypts(answers: Answers, component: str) -> bool:
    """Whether clients connect to this component over TLS."""
    server = servers().get(component)
    return server is not None and server.wanted(answers)


def given(answers: Answers, component: str) -> tuple[str, ...]:
    """The administrator's own certificate files for this component; empty: the cloud's authority generates one."""
    files = tuple(str(answers[key]) for key in servers()[component].keys)
    return files if files and files[0] else ()


def file(component: str, kind: str) -> str:
    """Path of a component's certificate (`crt`) or key (`key`) on its host."""
    return f"{_FOLDER}/{component}.{kind}"


def authority_file(platform: Platform) -> str:
    """Path of the certificate of the cloud's authority on each host, in the folder of trusted certificates."""
    return f"{platform.paths['trusted_certificates']}/stackwright.crt"


def is_for(certificate: Certificate, name: str) -> bool:
    """Whether a certificate is valid for this host name or address, by itself or through a wildcard."""
    _, _, domain = name.partition(".")
    return name in certificate.names or (not name[:1].isdigit() and f"*.{domain}" in certificate.names)


def public_name(certificate: Certificate, address: str, *names: str) -> str:
    """The address or name under which clients reach a host so that its certificate is valid: the address if the
    certificate has it, else the first of these names that fits, else a name of the certificate."""
    named = (name for name in certificate.names if not name.startswith("*"))
    return next((n for n in (address, *names, *named) if is_for(certificate, n)), address)
