"""Checks certificates and keys that the administrator provides, before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stackwright.certificates import pem

SOON = timedelta(days=30)
"""Certificates that expire earlier are reported."""


@dataclass(frozen=True)
class Complaint:
    """A problem with one of the files."""

    file: str
    text: str
    hint: str
    warning: bool = False


def check(files: tuple[str, ...], *, authority: bool, now: datetime | None = None) -> Iterator[Complaint]:
    """Problems of these files: certificate, its key, and optionally intermediate certificates."""
    now = now or datetime.now(UTC)
    paths = [Path(file).expanduser() for file in files]
    try:
        certificate = pem.certificates(paths[0])[0]
    except ValueError as error:
        yield Complaint(
            files[0], f"it holds no certificate: {error}", "check the file with `openssl x509 -in FILE -text`"
        )
        return
    yield from _dates(files[0], certificate.not_valid_before_utc, certificate.not_valid_after_utc, now)
    if authority and not pem.is_authority(certificate):
        yield Complaint(
            files[0], "this certificate may not sign others (CA:TRUE is missing)", "use the authority's certificate"
        )
    if not authority and not pem.names(certificate):
        hint = "create a new one with subjectAltName; browsers ignore the common name"
        yield Complaint(files[0], "this certificate has no subjectAltName, so browsers reject it", hint, warning=True)
    try:
        if not pem.belong(certificate, pem.key(paths[1])):
            yield Complaint(
                files[1],
                f"this is not the key of the certificate in {files[0]}",
                "use the key of that certificate",
            )
    except ValueError as error:
        yield Complaint(
            files[1],
            f"it holds no usable private key: {error}",
            "remove a passphrase with `openssl pkey -in OLD -out NEW`",
        )
    if len(files) > 2 and files[2]:
        try:
            pem.certificates(paths[2])
        except ValueError as error:
            yield Complaint(
                files[2],
                f"it holds no certificates: {error}",
                "leave the key empty if there are no intermediate certificates",
            )


def _dates(file: str, begins: datetime, ends: datetime, now: datetime) -> Iterator[Complaint]:
    if ends <= now:
        yield Complaint(file, f"this certificate expired on {ends:%Y-%m-%d}", "create a new certificate")
    elif begins > now:
        yield Complaint(
            file, f"this certificate is not valid before {begins:%Y-%m-%d}", "check the clock of this machine"
        )
    elif ends < now + SOON:
        hint = "create a new certificate soon and apply again"
        yield Complaint(file, f"this certificate expires on {ends:%Y-%m-%d}", hint, warning=True)
