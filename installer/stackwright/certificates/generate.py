"""The authority of a cloud, and the certificates that it signs. Generated once and reused, so that plans stay the
same."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stackwright.certificates import pem
from stackwright.certificates.validate import SOON
from stackwright.model import Answers, Certificate, Certificates, ExitCode, StackwrightError
from stackwright.state.directory import StateDir

if TYPE_CHECKING:
    from stackwright.planner.steps.certificates import CertificateRequest

_AUTHORITY_LASTS = timedelta(days=3650)
_SERVER_LASTS = timedelta(days=730)
"""Some systems reject a longer validity (825 days) from authorities that users add."""

_SUBJECT = (
    (NameOID.COUNTRY_NAME, "CONFIG_SSL_CERT_SUBJECT_C"),
    (NameOID.STATE_OR_PROVINCE_NAME, "CONFIG_SSL_CERT_SUBJECT_ST"),
    (NameOID.LOCALITY_NAME, "CONFIG_SSL_CERT_SUBJECT_L"),
    (NameOID.ORGANIZATION_NAME, "CONFIG_SSL_CERT_SUBJECT_O"),
    (NameOID.ORGANIZATIONAL_UNIT_NAME, "CONFIG_SSL_CERT_SUBJECT_OU"),
)

DEFAULTS = {
    "CONFIG_SSL_CACERT_FILE": "/etc/pki/tls/certs/selfcert.crt",
    "CONFIG_SSL_CACERT_KEY_FILE": "/etc/pki/tls/private/selfkey.key",
    "CONFIG_SSL_CERT_DIR": "~/packstackca/",
}
"""Packstack's default paths, which are in every file that it wrote, the same for all clouds; they mean our paths."""


@dataclass(frozen=True)
class _Authority:
    chain: tuple[x509.Certificate, ...]
    """Its certificate, and those of the authorities above it; none where it is still to be made."""
    key: pem.Key | None
    file: Path


@dataclass(frozen=True)
class _Kept:
    """Where certificates are kept."""

    place: StateDir
    before: Path | None
    """A folder that earlier versions kept them in: only read."""
    write: bool

    def find(self, stem: str) -> tuple[Path, Path]:
        """Certificate and key, as far as they are there."""
        folders = [self.place.folder, *([self.before] if self.before else [])]
        folder = next((f for f in folders if (f / f"{stem}.crt").is_file()), self.place.folder)
        return folder / f"{stem}.crt", folder / f"{stem}.key"


_STAND_IN = "-----BEGIN {0}-----\n(apply generates it)\n-----END {0}-----\n"


def gather(
    answers: Answers, wanted: Iterable[CertificateRequest], place: StateDir, *, write: bool = True
) -> Certificates:
    """All certificates of a cloud. Missing ones are generated and kept below `place` only: an answer file may come from
    someone else, so it must not name files to write. An existing certificate, there or in CONFIG_SSL_CERT_DIR, is used
    if it has the same authority and the same names and is valid for another month. Without `write`, nothing is
    generated, and placeholders stand for missing certificates. Raises StackwrightError if a file cannot be used."""
    now = datetime.now(UTC)
    authority: _Authority | None = None
    kept = _Kept(StateDir(place.folder / "certificates"), _given(answers, "CONFIG_SSL_CERT_DIR"), write)
    of: dict[tuple[str, str], Certificate] = {}
    for one in wanted:
        if one.files:
            of[one.component, one.host] = _provided(one.files)
            continue
        authority = authority or _authority(answers, kept, now)
        of[one.component, one.host] = _server(answers, authority, one, kept, now)
    if authority is None:
        return Certificates(of)
    chain = pem.text(*authority.chain) if authority.chain else _STAND_IN.format("CERTIFICATE")
    return Certificates(of, chain, str(authority.file))


def _given(answers: Answers, key: str) -> Path | None:
    """The path in an answer; None if it is Packstack's default."""
    written = str(answers[key] or DEFAULTS[key])
    return None if written.rstrip("/") == DEFAULTS[key].rstrip("/") else Path(written).expanduser()


def _unusable(what: Path | str, error: ValueError) -> StackwrightError:
    return StackwrightError(f"{what}: {error}", "correct the file; nothing was changed", ExitCode.ANSWERS)


def _provided(files: tuple[str, ...]) -> Certificate:
    certificate, own, *between = (Path(file).expanduser() for file in files if file)
    try:
        chain = [*pem.certificates(certificate), *(c for path in between for c in pem.certificates(path))]
        return Certificate(pem.text(*chain), _key_text(pem.key(own)), pem.names(chain[0]), given=True)
    except ValueError as error:
        raise _unusable(", ".join(files), error) from None


def _key_text(key: pem.Key) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _authority(answers: Answers, kept: _Kept, now: datetime) -> _Authority:
    """That of the files that are named; where these are not there, our own one, which is made the first time."""
    makes = bool(answers["CONFIG_SSL_CACERT_SELFSIGN"])
    keys = ("CONFIG_SSL_CACERT_FILE", "CONFIG_SSL_CACERT_KEY_FILE")
    named = [_given(answers, key) if makes else Path(str(answers[key])).expanduser() for key in keys]
    own = kept.find("authority")
    file, key_file = (path or usual for path, usual in zip(named, own, strict=True))
    if makes and not file.exists() and not key_file.exists():
        file, key_file = own
    if makes and not file.exists() and not key_file.exists():
        if not kept.write:
            return _Authority((), None, file)
        key: pem.Key = ec.generate_private_key(ec.SECP256R1())
        made = _sign(key, _name(answers, authority=True), now, _AUTHORITY_LASTS)
        kept.place.write(key_file.name, _key_text(key))
        kept.place.write(file.name, pem.text(made))
    try:
        authority = _Authority(tuple(pem.certificates(file)), pem.key(key_file), file)
    except ValueError as error:
        raise _unusable(f"the authority's files {file} and {key_file}", error) from None
    if not pem.belong(authority.chain[0], pem.key(key_file)) or authority.chain[0].not_valid_after_utc < now + SOON:
        problem = ValueError("certificate and key do not match, or the certificate expires within 30 days")
        raise _unusable(f"the authority's files {file} and {key_file}", problem)
    return authority


def _server(
    answers: Answers, authority: _Authority, wanted: CertificateRequest, kept: _Kept, now: datetime
) -> Certificate:
    stem = f"{wanted.component}-{wanted.host.replace(':', '_')}"
    file, key_file = kept.find(stem)
    try:
        certificate, key = pem.certificates(file)[0], pem.key(key_file)
        certificate.verify_directly_issued_by(authority.chain[0])
        good = pem.belong(certificate, key) and set(pem.names(certificate)) == set(wanted.names)
        good = good and certificate.not_valid_after_utc > now + SOON
    except Exception:  # unusable for any reason: generate another one
        good = False
    if not good and not kept.write:
        return Certificate(_STAND_IN.format("CERTIFICATE"), _STAND_IN.format("PRIVATE KEY"), wanted.names)
    if not good:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _sign(key, _name(answers, wanted.names[0]), now, _SERVER_LASTS, authority, wanted.names)
        kept.place.write(key_file.name, _key_text(key))
        kept.place.write(file.name, pem.text(certificate))
    between = [one for one in authority.chain if one.subject != one.issuer]
    return Certificate(pem.text(certificate, *between), _key_text(key), pem.names(certificate))


def _name(answers: Answers, host: str = "", *, authority: bool = False) -> x509.Name:
    """A subject. That of the authority also has a mail address, so that it never equals the subject of a server:
    clients would regard that server's certificate as self-signed."""
    parts = [(oid, str(answers[key])) for oid, key in _SUBJECT]
    if authority:
        host = str(answers["CONFIG_SSL_CERT_SUBJECT_CN"] or answers["CONFIG_CONTROLLER_HOST"])
    parts.append((NameOID.COMMON_NAME, host))
    if authority:
        parts.append((NameOID.EMAIL_ADDRESS, str(answers["CONFIG_SSL_CERT_SUBJECT_MAIL"] or f"admin@{host}")))
    # A common name has at most 64 characters; subjectAltName, which clients check, has no such limit.
    parts = [(oid, value) for oid, value in parts if value not in ("", "--")]
    try:
        return x509.Name([x509.NameAttribute(oid, value[:64]) for oid, value in parts])
    except ValueError as error:
        raise StackwrightError(
            f"invalid certificate subject {', '.join(value for _, value in parts)}: {error}",
            "correct the keys CONFIG_SSL_CERT_SUBJECT_...",
            ExitCode.ANSWERS,
        ) from None


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _sign(
    key: pem.Key,
    subject: x509.Name,
    now: datetime,
    lasts: timedelta,
    authority: _Authority | None = None,
    names: Iterable[str] = (),
) -> x509.Certificate:
    """A certificate for a server, or the self-signed one of an authority."""
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    signer = authority.chain[0] if authority else None
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(
        ((authority.key if authority else None) or key).public_key()
    )
    if signer:
        try:
            named = signer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
            above = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(named)
        except x509.ExtensionNotFound:
            pass
    ends = min(now + lasts, signer.not_valid_after_utc) if signer else now + lasts
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
         "decipher_only"), False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # the hosts' clocks may be behind
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=not signer, path_length=None if signer else 0), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=True, key_cert_sign=not signer, crl_sign=not signer, **usage), critical=True
        )
        .add_extension(own, critical=False)
        .add_extension(above, critical=False)
    )
    if signer:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName(map(_general, names)), critical=False)
    by = (authority.key if authority else None) or key
    digest = None if isinstance(by, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey) else hashes.SHA256()
    return builder.sign(by, digest)
