"""Certificates and keys that a person brings: are they good for anything? Asked before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stackwright.certificates import pem

SOON = timedelta(days=30)
"""What ends earlier is not worth beginning with."""


@dataclass(frozen=True)
class Complaint:
    """Something that is wrong with one of the files."""

    file: str
    wanted: str
    hint: str
    warning: bool = False


def check(files: tuple[str, ...], *, authority: bool, now: datetime | None = None) -> Iterator[Complaint]:
    """What is wrong with these: certificate, its key, and perhaps certificates between it and its authority."""
    now = now or datetime.now(UTC)
    paths = [Path(file).expanduser() for file in files]
    try:
        certificate = pem.certificates(paths[0])[0]
    except ValueError as error:
        yield Complaint(files[0], f"a certificate: {error}", "`openssl x509 -in FILE -text` shows what is one")
        return
    yield from _dates(files[0], certificate.not_valid_before_utc, certificate.not_valid_after_utc, now)
    if authority and not pem.is_authority(certificate):
        yield Complaint(files[0], "a certificate that may sign others (CA:TRUE)", "bring that of the authority")
    if not authority and not pem.names(certificate):
        hint = "have it made anew with subjectAltName; the common name no longer counts"
        yield Complaint(files[0], "one that names its hosts: browsers refuse it", hint, warning=True)
    try:
        if not pem.belong(certificate, pem.key(paths[1])):
            yield Complaint(files[1], f"the key of the certificate in {files[0]}: it is another's", "bring its key")
    except ValueError as error:
        yield Complaint(files[1], f"a private key: {error}", "`openssl pkey -in OLD -out NEW` takes a passphrase away")
    if len(files) > 2 and files[2]:
        try:
            pem.certificates(paths[2])
        except ValueError as error:
            yield Complaint(files[2], f"certificates: {error}", "leave it empty where there are none between")


def _dates(file: str, begins: datetime, ends: datetime, now: datetime) -> Iterator[Complaint]:
    if ends <= now:
        yield Complaint(file, f"one that is still good: it ended on {ends:%Y-%m-%d}", "have it made anew")
    elif begins > now:
        yield Complaint(
            file, f"one that is good by now: it begins on {begins:%Y-%m-%d}", "is this machine's clock right?"
        )
    elif ends < now + SOON:
        hint = "have it made anew before long, and apply again"
        yield Complaint(file, f"one that is good for longer: it ends on {ends:%Y-%m-%d}", hint, warning=True)
