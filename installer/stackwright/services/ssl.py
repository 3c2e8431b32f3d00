"""TLS certificates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackwright.model import Component, Option, Service
from stackwright.records import APPLIED, applied, changes_of
from stackwright.services.options import switch, value_of
from stackwright.values import path, text

_USED = (("CONFIG_HORIZON_SSL|CONFIG_AMQP_ENABLE_SSL", "y"),)
_SELFSIGN = (*_USED, ("CONFIG_SSL_CACERT_SELFSIGN", "y"))

_SIGNED = "the certificates that the cloud's CA signs, before planning"

OPTIONS: tuple[Option, ...] = (
    value_of(
        "CONFIG_SSL_CACERT_FILE",
        (
            "CA certificate that signs the services' certificates, on the controlling machine. With "
            "CONFIG_SSL_CACERT_SELFSIGN=y and no such file, a CA is generated in the cloud's state directory."
        ),
        path,
        default="/etc/pki/tls/certs/selfcert.crt",
        when=_USED,
        flag="ssl-cacert-file",
        required=True,
        effect=_SIGNED,
    ),
    value_of(
        "CONFIG_SSL_CACERT_KEY_FILE",
        "Private key of that CA, without a passphrase. If it is missing, it is generated with the certificate.",
        path,
        default="/etc/pki/tls/private/selfkey.key",
        when=_USED,
        flag="ssl-cacert-key-file",
        required=True,
        effect=_SIGNED,
    ),
    value_of(
        "CONFIG_SSL_CERT_DIR",
        (
            "Folder on the controlling machine with certificates and keys of an earlier version, which are used while "
            "they are valid. New ones are written to the cloud's state directory only."
        ),
        path,
        default="~/packstackca/",
        when=_USED,
        flag="ssl-cert-dir",
        required=True,
        effect=_SIGNED,
    ),
    switch(
        "CONFIG_SSL_CACERT_SELFSIGN",
        "Generate a CA for this cloud. Set n to use your organization's CA from the two files above.",
        default="y",
        when=_USED,
        flag="ssl-cacert-selfsign",
        effect=_SIGNED,
    ),
    value_of(
        "CONFIG_SSL_CERT_SUBJECT_C",
        "Country in the certificates' subject.",
        text,
        default="--",
        when=_SELFSIGN,
        flag="ssl-cert-subject-country",
        was=("CONFIG_SELFSIGN_CACERT_SUBJECT_C",),
        effect=_SIGNED,
    ),
    value_of(
        "CONFIG_SSL_CERT_SUBJECT_ST",
        "State or province in the certificates' subject.",
        text,
        default="State",
        when=_SELFSIGN,
        flag="ssl-cert-subject-state",
        was=("CONFIG_SELFSIGN_CACERT_SUBJECT_ST",),
        required=True,
        effect=_SIGNED,
    ),
    value_of(
        "CONFIG_SSL_CERT_SUBJECT_L",
        "City in the certificates' subject.",
        text,
        default="City",
        when=_SELFSIGN,
        flag="ssl-cert-subject-location",
        was=("CONFIG_SELFSIGN_CACERT_SUBJECT_L",),
        required=True,
        effect=_SIGNED,
    ),
    value_of(
        "CONFIG_SSL_CERT_SUBJECT_O",
        "Organization in the certificates' subject.",
        text,
        default="openstack",
        when=_SELFSIGN,
        flag="ssl-cert-subject-organization",
        was=("CONFIG_SELFSIGN_CACERT_SUBJECT_O",),
        required=True,
        effect=_SIGNED,
    ),
    value_of(
        "CONFIG_SSL_CERT_SUBJECT_OU",
        "Department in the certificates' subject.",
        text,
        default="stackwright",
        when=_SELFSIGN,
        flag="ssl-cert-subject-organizational-unit",
        was=("CONFIG_SELFSIGN_CACERT_SUBJECT_OU",),
        required=True,
        effect=_SIGNED,
    ),
    value_of(
        "CONFIG_SSL_CERT_SUBJECT_CN",
        (
            "Common name of the CA. Empty: the controller's address. The services' certificates always contain their "
            "hosts' names and addresses."
        ),
        text,
        when=_SELFSIGN,
        flag="ssl-cert-subject-common-name",
        was=("CONFIG_SELFSIGN_CACERT_SUBJECT_CN",),
        effect=_SIGNED,
    ),
    value_of(
        "CONFIG_SSL_CERT_SUBJECT_MAIL",
        "E-mail address in the CA's subject. Empty: admin@ and the common name.",
        text,
        when=_SELFSIGN,
        flag="ssl-cert-subject-email",
        was=("CONFIG_SELFSIGN_CACERT_SUBJECT_MAIL",),
        effect=_SIGNED,
    ),
)

COMPONENTS: tuple[Component, ...] = ()


def dashboard(answers: Mapping[str, Any]) -> bool:
    """Whether the dashboard and instances' consoles use TLS."""
    return bool(answers.get("CONFIG_HORIZON_INSTALL") and answers.get("CONFIG_HORIZON_SSL"))


def messages(answers: Mapping[str, Any]) -> bool:
    """Whether the message broker uses TLS."""
    return bool(answers.get("CONFIG_AMQP_ENABLE_SSL"))


SERVICE = Service(
    "ssl",
    "TLS certificates",
    OPTIONS,
    COMPONENTS,
    changes={
        "CONFIG_SSL_CACERT_FILE": APPLIED,
        "CONFIG_SSL_CACERT_KEY_FILE": APPLIED,
        "CONFIG_SSL_CERT_DIR": APPLIED,
        **changes_of(
            (option.key for option in OPTIONS if "_CERT_SUBJECT_" in option.key),
            applied("existing certificates stay until they are renewed"),
        ),
    },
)
