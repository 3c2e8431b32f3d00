"""Reads certificates and private keys from files. Raises ValueError with the reason if one cannot be used."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey

MOST_BYTES = 1024 * 1024
"""Of certificates or a key: a chain has a few KiB, a bundle of all public authorities has 250."""


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise ValueError(f"is longer than {MOST_BYTES // 1024} KiB, the most that is read")
        return content
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None


def certificates(path: Path) -> list[x509.Certificate]:
    """All certificates of a PEM file, one or more, in their order."""
    content = _content(path)
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError:
        raise ValueError("no certificate in PEM format (-----BEGIN CERTIFICATE-----)") from None


def key(path: Path) -> Key:
    """The private key of a PEM file."""
    content = _content(path)
    try:
        found = load_pem_private_key(content, None)
    except TypeError:
        raise ValueError("the key has a passphrase, which services cannot enter") from None
    except Exception:
        raise ValueError("no private key in PEM format (-----BEGIN PRIVATE KEY-----)") from None
    if not isinstance(found, Key):
        raise ValueError("TLS cannot use a key of this type; use RSA or EC")
    return found


def belong(certificate: x509.Certificate, own: Key) -> bool:
    """Whether the key belongs to the certificate."""
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    return certificate.public_key().public_bytes(*form) == own.public_key().public_bytes(*form)


def names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The names and addresses in the certificate (subjectAltName)."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    addresses = found.get_values_for_type(x509.IPAddress)
    return (*found.get_values_for_type(x509.DNSName), *map(str, addresses))


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether it may sign other certificates."""
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (x509.ExtensionNotFound, ValueError):
        return False


def text(*chain: x509.Certificate) -> str:
    """As PEM."""
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in chain)
