"""Registration of Red Hat Enterprise Linux hosts."""

from __future__ import annotations

from stackwright.model import Component, Option, Service
from stackwright.services.options import choices_of, given_secret, switch, value_of
from stackwright.values import optional, text

_RHSM = (("CONFIG_RH_USER", "*"),)
_SAT6 = (("CONFIG_RH_SAT6_SERVER", "*"),)
_RHSM_PROXY = (("CONFIG_RH_PROXY", "*"),)
_SATELLITE = (("CONFIG_SATELLITE_URL", "*"),)
_SATELLITE_PROXY = (("CONFIG_SATELLITE_PROXY", "*"),)

OPTIONS: tuple[Option, ...] = (
    value_of(
        "CONFIG_RH_USER",
        (
            "User to register the hosts with at Red Hat's subscription service. Leave it empty for systems that are "
            "registered, and for any other distribution."
        ),
        optional,
        flag="rh-username",
    ),
    value_of(
        "CONFIG_SATELLITE_URL",
        "Server of a Red Hat Satellite 5 to register the hosts with. Empty: none.",
        optional,
        flag="rhn-satellite-server",
        not_done="the hosts are not registered; what they need must come from the repositories that they have",
    ),
    value_of(
        "CONFIG_RH_SAT6_SERVER",
        "Server of a Red Hat Satellite 6 to register the hosts with. Empty: none.",
        optional,
        flag="rh-sat6-server",
    ),
    given_secret("CONFIG_RH_PW", "Password of CONFIG_RH_USER.", when=_RHSM, flag="rh-password"),
    switch(
        "CONFIG_RH_OPTIONAL",
        (
            "Enable the optional channel on hosts that are registered here. It has no effect: what took its place, "
            "CodeReady Builder, is always needed."
        ),
        default="y",
        when=_RHSM,
        flag="rh-enable-optional",
    ),
    value_of(
        "CONFIG_RH_PROXY", "Proxy on the way to the subscription service.", optional, when=_RHSM, flag="rh-proxy-host"
    ),
    value_of("CONFIG_RH_SAT6_ORG", "Organisation at the Satellite 6 server.", text, when=_SAT6, flag="rh-sat6-org"),
    given_secret("CONFIG_RH_SAT6_KEY", "Activation key at the Satellite 6 server.", when=_SAT6, flag="rh-sat6-key"),
    value_of("CONFIG_RH_PROXY_PORT", "Port on which that proxy listens.", text, when=_RHSM_PROXY, flag="rh-proxy-port"),
    value_of(
        "CONFIG_RH_PROXY_USER",
        "User to log in with at that proxy; empty when it asks for none.",
        text,
        when=_RHSM_PROXY,
        flag="rh-proxy-user",
    ),
    given_secret(
        "CONFIG_RH_PROXY_PW", "Password of that user at the proxy.", when=_RHSM_PROXY, flag="rh-proxy-password"
    ),
    value_of(
        "CONFIG_SATELLITE_USER",
        "User at the Satellite 5 server; not needed with an activation key.",
        text,
        when=_SATELLITE,
        flag="rhn-satellite-username",
    ),
    given_secret("CONFIG_SATELLITE_PW", "Password of that user.", when=_SATELLITE, flag="rhn-satellite-password"),
    given_secret(
        "CONFIG_SATELLITE_AKEY",
        "Activation key at the Satellite 5 server.",
        when=_SATELLITE,
        flag="rhn-satellite-activation-key",
    ),
    value_of(
        "CONFIG_SATELLITE_CACERT",
        "Path or URL of the certificate that proves the Satellite 5 server.",
        text,
        when=_SATELLITE,
        flag="rhn-satellite-cacert",
    ),
    value_of(
        "CONFIG_SATELLITE_PROFILE",
        "Name under which the hosts appear at the Satellite 5 server.",
        text,
        when=_SATELLITE,
        flag="rhn-satellite-profile",
    ),
    choices_of(
        "CONFIG_SATELLITE_FLAGS",
        "Extra switches of the registration command.",
        ("novirtinfo", "norhnsd", "nopackages"),
        default="",
        when=_SATELLITE,
        flag="rhn-satellite-flags",
    ),
    value_of(
        "CONFIG_SATELLITE_PROXY",
        "Proxy on the way to the Satellite 5 server.",
        text,
        when=_SATELLITE,
        flag="rhn-satellite-proxy-host",
    ),
    value_of(
        "CONFIG_SATELLITE_PROXY_USER",
        "User to log in with at that proxy; empty when it asks for none.",
        text,
        when=_SATELLITE_PROXY,
        flag="rhn-satellite-proxy-username",
    ),
    given_secret(
        "CONFIG_SATELLITE_PROXY_PW",
        "Password of that user at the proxy.",
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
)
