"""Horizon: the dashboard."""

from __future__ import annotations

from stackwright.model import Component, Option, Port, Service
from stackwright.services import ssl
from stackwright.values import YES_NO, boolean, hosts, path, text

_TLS = (("CONFIG_HORIZON_INSTALL", "y"), ("CONFIG_HORIZON_SSL", "y"))
_ON = (("CONFIG_HORIZON_INSTALL", "y"),)

OPTIONS: tuple[Option, ...] = (
    Option(
        "CONFIG_HORIZON_INSTALL",
        "Install the dashboard, Horizon.",
        default="y",
        parse=boolean,
        choices=YES_NO,
        was=("CONFIG_DASHBOARD_INSTALL",),
        flag="os-horizon-install",
    ),
    Option(
        "CONFIG_HORIZON_HOST",
        "Host of the dashboard, or several with commas. Empty: the controller.",
        default="",
        parse=hosts,
        was=("CONFIG_DASHBOARD_HOST",),
        when=_ON,
        ours=True,
    ),
    Option(
        "CONFIG_HORIZON_SSL",
        "Serve the dashboard over HTTPS. Passwords go through it: say y unless the network is yours alone.",
        default="n",
        parse=boolean,
        choices=YES_NO,
        when=_ON,
        flag="os-horizon-ssl",
    ),
    Option(
        "CONFIG_HORIZON_SECRET_KEY",
        "Secret that dashboard sessions are signed with.",
        default="",
        parse=text,
        secret=True,
        generate=True,
        was=("CONFIG_DASHBOARD_SECRET_KEY",),
        when=_ON,
        flag="os-horizon-secretkey",
    ),
    Option(
        "CONFIG_HORIZON_SSL_CERT",
        (
            "Certificate of the dashboard, on the controlling machine. Empty: one is made by the authority of "
            "the keys CONFIG_SSL_*."
        ),
        default="",
        parse=path,
        was=("CONFIG_SSL_CERT",),
        when=_TLS,
        flag="os-ssl-cert",
    ),
    Option(
        "CONFIG_HORIZON_SSL_KEY",
        "Private key of that certificate, without a passphrase.",
        default="",
        parse=path,
        was=("CONFIG_SSL_KEY",),
        when=_TLS,
        flag="os-ssl-key",
    ),
    Option(
        "CONFIG_HORIZON_SSL_CACERT",
        "Certificates between that certificate and its authority.",
        default="",
        parse=path,
        was=("CONFIG_SSL_CACHAIN",),
        when=_TLS,
        flag="os-ssl-cachain",
    ),
)

COMPONENTS: tuple[Component, ...] = (
    Component(
        "horizon",
        role="dashboard",
        requires=("cache", "identity"),
        provides=("dashboard",),
        ports=(
            Port(80, public=True, what="dashboard"),
            Port(443, public=True, what="dashboard over TLS", when=ssl.dashboard),
        ),
        # Without its static files it answers with an error. On Debian they are made beside Puppet's run, which takes
        # longer, and the probe is repeated: so it comes to its end without the run having to wait for that step.
        probe="curl --noproxy '*' {{ trust('horizon') }}-sf -o /dev/null --max-time 60 "
        "{{ cloud.dashboard(host) }}/auth/login/\n",
        when=lambda answers: bool(answers["CONFIG_HORIZON_INSTALL"]),
    ),
)

SERVICE = Service(
    "horizon",
    "Horizon: the dashboard",
    OPTIONS,
    COMPONENTS,
    switch="CONFIG_HORIZON_INSTALL",
)
