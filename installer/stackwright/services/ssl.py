"""Certificates, for the services that are told to use TLS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackwright.model import Component, Option, Service
from stackwright.services.options import switch, value_of
from stackwright.values import path, text

_USED = (("CONFIG_HORIZON_SSL|CONFIG_AMQP_ENABLE_SSL", "y"),)
_SELFSIGN = (*_USED, ("CONFIG_SSL_CACERT_SELFSIGN", "y"))

OPTIONS: tuple[Option, ...] = (
    value_of(
        "CONFIG_SSL_CACERT_FILE",
        (
            "Certificate of the authority that signs the services' certificates, on the controlling machine. With "
            "CONFIG_SSL_CACERT_SELFSIGN=y it is made where it is not there; the default then stands for a file in the "
            "folder below."
        ),
        path,
        default="/etc/pki/tls/certs/selfcert.crt",
        when=_USED,
        flag="ssl-cacert-file",
        required=True,
    ),
    value_of(
        "CONFIG_SSL_CACERT_KEY_FILE",
        "Private key of that authority, without a passphrase; it is treated as the certificate is.",
        path,
        default="/etc/pki/tls/private/selfkey.key",
        when=_USED,
        flag="ssl-cacert-key-file",
        required=True,
    ),
    value_of(
        "CONFIG_SSL_CERT_DIR",
        (
            "Folder of the controlling machine in which certificates and their keys are made and kept. The default "
            "stands for a private one beside what else is kept of this cloud."
        ),
        path,
        default="~/packstackca/",
        when=_USED,
        flag="ssl-cert-dir",
        required=True,
    ),
    switch(
        "CONFIG_SSL_CACERT_SELFSIGN",
        "Make an authority of our own. Say n to bring your organisation's, in the two files above.",
        default="y",
        when=_USED,
        flag="ssl-cacert-selfsign",
    ),
    value_of(
        "CONFIG_SSL_CERT_SUBJECT_C",
        "Country in the certificates' subject.",
        text,
        default="--",
        when=_SELFSIGN,
        flag="ssl-cert-subject-country",
        was=("CONFIG_SELFSIGN_CACERT_SUBJECT_C",),
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
    ),
    value_of(
        "CONFIG_SSL_CERT_SUBJECT_L",
        "Town in the certificates' subject.",
        text,
        default="City",
        when=_SELFSIGN,
        flag="ssl-cert-subject-location",
        was=("CONFIG_SELFSIGN_CACERT_SUBJECT_L",),
        required=True,
    ),
    value_of(
        "CONFIG_SSL_CERT_SUBJECT_O",
        "Organisation in the certificates' subject.",
        text,
        default="openstack",
        when=_SELFSIGN,
        flag="ssl-cert-subject-organization",
        was=("CONFIG_SELFSIGN_CACERT_SUBJECT_O",),
        required=True,
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
    ),
    value_of(
        "CONFIG_SSL_CERT_SUBJECT_CN",
        (
            "Common name of the authority. Empty: the controller's address. The services' certificates always carry "
            "their hosts' names and addresses."
        ),
        text,
        when=_SELFSIGN,
        flag="ssl-cert-subject-common-name",
        was=("CONFIG_SELFSIGN_CACERT_SUBJECT_CN",),
    ),
    value_of(
        "CONFIG_SSL_CERT_SUBJECT_MAIL",
        "Mail address in the authority's subject. Empty: admin at the common name.",
        text,
        when=_SELFSIGN,
        flag="ssl-cert-subject-email",
        was=("CONFIG_SELFSIGN_CACERT_SUBJECT_MAIL",),
    ),
)

COMPONENTS: tuple[Component, ...] = ()


def dashboard(answers: Mapping[str, Any]) -> bool:
    """Whether the dashboard, and with it the screens of instances, are encrypted."""
    return bool(answers.get("CONFIG_HORIZON_INSTALL") and answers.get("CONFIG_HORIZON_SSL"))


def messages(answers: Mapping[str, Any]) -> bool:
    """Whether the messages between the services are encrypted."""
    return bool(answers.get("CONFIG_AMQP_ENABLE_SSL"))


SERVICE = Service(
    "ssl",
    "Certificates, for the services that are told to use TLS",
    OPTIONS,
    COMPONENTS,
)
