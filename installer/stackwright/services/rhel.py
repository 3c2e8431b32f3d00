"""Registration of Red Hat Enterprise Linux hosts."""

from __future__ import annotations

from stackwright.model import Component, Option, Service
from stackwright.records import applied, changes_of
from stackwright.services.options import choices_of, given_secret, switch, value_of
from stackwright.values import checksum, optional, text

_RHSM = (("CONFIG_RH_USER", "*"),)
_SAT6 = (("CONFIG_RH_SAT6_SERVER", "*"),)
_RHSM_PROXY = (("CONFIG_RH_PROXY", "*"),)
_SATELLITE = (("CONFIG_SATELLITE_URL", "*"),)
_SATELLITE_PROXY = (("CONFIG_SATELLITE_PROXY", "*"),)

_REGISTRATION = "registration with Red Hat, before packages are installed"

OPTIONS: tuple[Option, ...] = (
    value_of(
        "CONFIG_RH_USER",
        (
            "User of Red Hat's subscription service to register the hosts with. Leave it empty if the hosts are "
            "registered already, and on other distributions."
        ),
        optional,
        flag="rh-username",
        effect=_REGISTRATION,
    ),
    value_of(
        "CONFIG_SATELLITE_URL",
        "Red Hat Satellite 5 server to register the hosts with. Empty: none.",
        optional,
        flag="rhn-satellite-server",
        not_done="hosts are not registered; their present repositories must have all packages",
    ),
    value_of(
        "CONFIG_RH_SAT6_SERVER",
        "Red Hat Satellite 6 server to register the hosts with. Empty: none.",
        optional,
        flag="rh-sat6-server",
        effect=_REGISTRATION,
    ),
    value_of(
        "CONFIG_RH_SAT6_CA_CHECKSUM",
        (
            "SHA-256 checksum of the Satellite's katello-ca-consumer-latest.noarch.rpm, which is fetched over HTTP "
            "then. Empty: it is fetched over HTTPS, which works if the hosts trust the Satellite's certificate "
            "already, unless the package is installed on them."
        ),
        checksum,
        when=_SAT6,
        ours=True,
        effect=_REGISTRATION,
    ),
    given_secret("CONFIG_RH_PW", "Password of CONFIG_RH_USER.", when=_RHSM, flag="rh-password", effect=_REGISTRATION),
    switch(
        "CONFIG_RH_OPTIONAL",
        "Enable the optional channel. It has no effect: its successor, CodeReady Builder, is always enabled.",
        default="y",
        when=_RHSM,
        flag="rh-enable-optional",
        effect="nothing: CodeReady Builder, the channel's successor, is always enabled",
    ),
    value_of(
        "CONFIG_RH_PROXY",
        "Proxy for the subscription service.",
        optional,
        when=_RHSM,
        flag="rh-proxy-host",
        effect=_REGISTRATION,
    ),
    value_of(
        "CONFIG_RH_SAT6_ORG",
        "Organization at the Satellite 6 server.",
        text,
        when=_SAT6,
        flag="rh-sat6-org",
        effect=_REGISTRATION,
    ),
    given_secret(
        "CONFIG_RH_SAT6_KEY",
        "Activation key at the Satellite 6 server.",
        when=_SAT6,
        flag="rh-sat6-key",
        effect=_REGISTRATION,
    ),
    value_of(
        "CONFIG_RH_PROXY_PORT",
        "Port of the proxy for the subscription service.",
        text,
        when=_RHSM_PROXY,
        flag="rh-proxy-port",
        effect=_REGISTRATION,
    ),
    value_of(
        "CONFIG_RH_PROXY_USER",
        "User at the proxy for the subscription service. Empty: no login.",
        text,
        when=_RHSM_PROXY,
        flag="rh-proxy-user",
        effect=_REGISTRATION,
    ),
    given_secret(
        "CONFIG_RH_PROXY_PW",
        "Password of that proxy user.",
        when=_RHSM_PROXY,
        flag="rh-proxy-password",
        effect=_REGISTRATION,
    ),
    value_of(
        "CONFIG_SATELLITE_USER",
        "User at the Satellite 5 server. Not needed with an activation key.",
        text,
        when=_SATELLITE,
        flag="rhn-satellite-username",
    ),
    given_secret(
        "CONFIG_SATELLITE_PW", "Password of CONFIG_SATELLITE_USER.", when=_SATELLITE, flag="rhn-satellite-password"
    ),
    given_secret(
        "CONFIG_SATELLITE_AKEY",
        "Activation key at the Satellite 5 server.",
        when=_SATELLITE,
        flag="rhn-satellite-activation-key",
    ),
    value_of(
        "CONFIG_SATELLITE_CACERT",
        "Path or URL of the Satellite 5 server's CA certificate.",
        text,
        when=_SATELLITE,
        flag="rhn-satellite-cacert",
    ),
    value_of(
        "CONFIG_SATELLITE_PROFILE",
        "Name of the hosts' profile at the Satellite 5 server.",
        text,
        when=_SATELLITE,
        flag="rhn-satellite-profile",
    ),
    choices_of(
        "CONFIG_SATELLITE_FLAGS",
        "Extra options of the registration command, comma-separated.",
        ("novirtinfo", "norhnsd", "nopackages"),
        default="",
        when=_SATELLITE,
        flag="rhn-satellite-flags",
    ),
    value_of(
        "CONFIG_SATELLITE_PROXY",
        "Proxy for the Satellite 5 server.",
        text,
        when=_SATELLITE,
        flag="rhn-satellite-proxy-host",
    ),
    value_of(
        "CONFIG_SATELLITE_PROXY_USER",
        "User at the proxy for the Satellite 5 server. Empty: no login.",
        text,
        when=_SATELLITE_PROXY,
        flag="rhn-satellite-proxy-username",
    ),
    given_secret(
        "CONFIG_SATELLITE_PROXY_PW",
        "Password of CONFIG_SATELLITE_PROXY_USER.",
        when=_SATELLITE_PROXY,
        flag="rhn-satellite-proxy-password",
    ),
)

COMPONENTS: tuple[Component, ...] = ()

SERVICE = Service(
    "rhel",
    "Registration of Red Hat Enterprise Linux hosts",
    OPTIONS,
    COMPONENTS,
    changes={
        **changes_of(
            (option.key for option in OPTIONS),
            applied("a registered host is not registered again"),
        ),
    },
)
