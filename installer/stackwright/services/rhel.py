"""Registration of Red Hat Enterprise Linux hosts."""

from __future__ import annotations

from stackwright.model import Component, Option, Service
from stackwright.values import YES_NO, boolean, choices, optional, text

_RHSM = (("CONFIG_RH_USER", "*"),)
_SAT6 = (("CONFIG_RH_SAT6_SERVER", "*"),)
_RHSM_PROXY = (("CONFIG_RH_PROXY", "*"),)
_SATELLITE = (("CONFIG_SATELLITE_URL", "*"),)
_SATELLITE_PROXY = (("CONFIG_SATELLITE_PROXY", "*"),)

OPTIONS: tuple[Option, ...] = (
    Option(
        "CONFIG_RH_USER",
        (
            "User to register the hosts with at Red Hat's subscription service. Leave it empty for systems that "
            "are registered, and for any other distribution."
        ),
        default="",
        parse=optional,
        flag="rh-username",
    ),
    Option(
        "CONFIG_SATELLITE_URL",
        "Server of a Red Hat Satellite 5 to register the hosts with. Empty: none.",
        default="",
        parse=optional,
        flag="rhn-satellite-server",
        not_done="the hosts are not registered; what they need must come from the repositories that they have",
    ),
    Option(
        "CONFIG_RH_SAT6_SERVER",
        "Server of a Red Hat Satellite 6 to register the hosts with. Empty: none.",
        default="",
        parse=optional,
        flag="rh-sat6-server",
    ),
    Option(
        "CONFIG_RH_PW",
        "Password of CONFIG_RH_USER.",
        default="",
        parse=text,
        secret=True,
        when=_RHSM,
        flag="rh-password",
    ),
    Option(
        "CONFIG_RH_OPTIONAL",
        (
            "Enable the optional channel on hosts that are registered here. It has no effect: what took its place, "
            "CodeReady Builder, is always needed."
        ),
        default="y",
        parse=boolean,
        choices=YES_NO,
        when=_RHSM,
        flag="rh-enable-optional",
    ),
    Option(
        "CONFIG_RH_PROXY",
        "Proxy on the way to the subscription service.",
        default="",
        parse=optional,
        when=_RHSM,
        flag="rh-proxy-host",
    ),
    Option(
        "CONFIG_RH_SAT6_ORG",
        "Organisation at the Satellite 6 server.",
        default="",
        parse=text,
        when=_SAT6,
        flag="rh-sat6-org",
    ),
    Option(
        "CONFIG_RH_SAT6_KEY",
        "Activation key at the Satellite 6 server.",
        default="",
        parse=text,
        secret=True,
        when=_SAT6,
        flag="rh-sat6-key",
    ),
    Option(
        "CONFIG_RH_PROXY_PORT",
        "Port on which that proxy listens.",
        default="",
        parse=text,
        when=_RHSM_PROXY,
        flag="rh-proxy-port",
    ),
    Option(
        "CONFIG_RH_PROXY_USER",
        "User to log in with at that proxy; empty when it asks for none.",
        default="",
        parse=text,
        when=_RHSM_PROXY,
        flag="rh-proxy-user",
    ),
    Option(
        "CONFIG_RH_PROXY_PW",
        "Password of that user at the proxy.",
        default="",
        parse=text,
        secret=True,
        when=_RHSM_PROXY,
        flag="rh-proxy-password",
    ),
    Option(
        "CONFIG_SATELLITE_USER",
        "User at the Satellite 5 server; not needed with an activation key.",
        default="",
        parse=text,
        when=_SATELLITE,
        flag="rhn-satellite-username",
    ),
    Option(
        "CONFIG_SATELLITE_PW",
        "Password of that user.",
        default="",
        parse=text,
        secret=True,
        when=_SATELLITE,
        flag="rhn-satellite-password",
    ),
    Option(
        "CONFIG_SATELLITE_AKEY",
        "Activation key at the Satellite 5 server.",
        default="",
        parse=text,
        secret=True,
        when=_SATELLITE,
        flag="rhn-satellite-activation-key",
    ),
    Option(
        "CONFIG_SATELLITE_CACERT",
        "Path or URL of the certificate that proves the Satellite 5 server.",
        default="",
        parse=text,
        when=_SATELLITE,
        flag="rhn-satellite-cacert",
    ),
    Option(
        "CONFIG_SATELLITE_PROFILE",
        "Name under which the hosts appear at the Satellite 5 server.",
        default="",
        parse=text,
        when=_SATELLITE,
        flag="rhn-satellite-profile",
    ),
    Option(
        "CONFIG_SATELLITE_FLAGS",
        "Extra switches of the registration command.",
        default="",
        parse=choices("novirtinfo", "norhnsd", "nopackages"),
        choices=(
            "novirtinfo",
            "norhnsd",
            "nopackages",
        ),
        when=_SATELLITE,
        flag="rhn-satellite-flags",
    ),
    Option(
        "CONFIG_SATELLITE_PROXY",
        "Proxy on the way to the Satellite 5 server.",
        default="",
        parse=text,
        when=_SATELLITE,
        flag="rhn-satellite-proxy-host",
    ),
    Option(
        "CONFIG_SATELLITE_PROXY_USER",
        "User to log in with at that proxy; empty when it asks for none.",
        default="",
        parse=text,
        when=_SATELLITE_PROXY,
        flag="rhn-satellite-proxy-username",
    ),
    Option(
        "CONFIG_SATELLITE_PROXY_PW",
        "Password of that user at the proxy.",
        default="",
        parse=text,
        secret=True,
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
