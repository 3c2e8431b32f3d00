"""Horizon: the dashboard."""

from __future__ import annotations

from stackwright.model import Component, Option, Port, Service
from stackwright.records import Names
from stackwright.services import ssl
from stackwright.services.options import generated_secret, hosts_of, switch, value_of
from stackwright.services.shared_packages import APACHE, CACHE, disk, measured
from stackwright.values import path

_TLS = (("CONFIG_HORIZON_INSTALL", "y"), ("CONFIG_HORIZON_SSL", "y"))
_ON = (("CONFIG_HORIZON_INSTALL", "y"),)

OPTIONS: tuple[Option, ...] = (
    switch(
        "CONFIG_HORIZON_INSTALL",
        "Install the dashboard, Horizon.",
        default="y",
        flag="os-horizon-install",
        was=("CONFIG_DASHBOARD_INSTALL",),
    ),
    hosts_of(
        "CONFIG_HORIZON_HOST",
        "Host of the dashboard, or several with commas. Empty: the controller.",
        when=_ON,
        was=("CONFIG_DASHBOARD_HOST",),
        ours=True,
    ),
    switch(
        "CONFIG_HORIZON_SSL",
        "Serve the dashboard over HTTPS. Passwords go through it: say y unless the network is yours alone.",
        when=_ON,
        flag="os-horizon-ssl",
    ),
    generated_secret(
        "CONFIG_HORIZON_SECRET_KEY",
        "Secret that dashboard sessions are signed with.",
        when=_ON,
        flag="os-horizon-secretkey",
        was=("CONFIG_DASHBOARD_SECRET_KEY",),
    ),
    value_of(
        "CONFIG_HORIZON_SSL_CERT",
        (
            "Certificate of the dashboard, on the controlling machine. Empty: one is made by the authority of the "
            "keys CONFIG_SSL_*."
        ),
        path,
        when=_TLS,
        flag="os-ssl-cert",
        was=("CONFIG_SSL_CERT",),
    ),
    value_of(
        "CONFIG_HORIZON_SSL_KEY",
        "Private key of that certificate, without a passphrase.",
        path,
        when=_TLS,
        flag="os-ssl-key",
        was=("CONFIG_SSL_KEY",),
    ),
    value_of(
        "CONFIG_HORIZON_SSL_CACERT",
        "Certificates between that certificate and its authority.",
        path,
        when=_TLS,
        flag="os-ssl-cachain",
        was=("CONFIG_SSL_CACHAIN",),
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
        packages=(
            CACHE
            + APACHE
            + Names(
                # puppetlabs-apache asks for mime-support; Debian 13 neither has it nor asks.
                debian=(
                    "apache2",
                    "libapache2-mod-wsgi-py3",
                    "mime-support",
                    "openstack-dashboard",
                    "openstack-dashboard-apache",
                ),
                redhat=("openstack-dashboard",),
            )
        ).but(
            "debian-13",
            "apache2",
            "libapache2-mod-wsgi-py3",
            "openstack-dashboard",
            "openstack-dashboard-apache",
            *CACHE.debian,
        ),
        units=Names(debian=("apache2",), redhat=("httpd",)),
        selinux=("httpd_can_network_connect",),
        memory=measured(60, per_worker=130),
        disk=disk(0.2, 0.1),
        logs=(
            "/var/log/apache2/error.log",
            "/var/log/apache2/horizon*error*.log",
            "/var/log/httpd/*error*log",
            "/var/log/horizon/*.log",
        ),
        secrets=("CONFIG_HORIZON_SECRET_KEY",),
        derived_secrets=("horizon.key",),
    ),
)

SERVICE = Service(
    "horizon",
    "Horizon: the dashboard",
    OPTIONS,
    COMPONENTS,
    expendable=True,
    switch="CONFIG_HORIZON_INSTALL",
)
