"""RabbitMQ: message broker."""

from __future__ import annotations

from stackwright.model import Component, Option, Port, Service
from stackwright.records import APPLIED, Names, Role, TlsServer, applied
from stackwright.services import ssl
from stackwright.services.named_hosts import CONTROLLER
from stackwright.services.options import choice_of, host_of, password, switch, value_of
from stackwright.services.probes import units
from stackwright.services.shared_packages import disk, measured
from stackwright.values import word

OPTIONS: tuple[Option, ...] = (
    choice_of(
        "CONFIG_AMQP_BACKEND",
        "Message broker. OpenStack's packages support RabbitMQ only.",
        ("rabbitmq",),
        default="rabbitmq",
        flag="amqp-backend",
        was=("CONFIG_AMQP_SERVER",),
    ),
    switch(
        "CONFIG_AMQP_INSTALL",
        (
            "Install RabbitMQ. With n, an existing broker on CONFIG_AMQP_HOST is used; CONFIG_AMQP_AUTH_USER needs "
            "all permissions on its virtual host /."
        ),
        default="y",
        ours=True,
    ),
    host_of(
        "CONFIG_AMQP_HOST",
        "Host of the message broker.",
        flag="amqp-host",
        was=("CONFIG_QPID_HOST",),
        passed_as=("transport_url",),
    ),
    switch(
        "CONFIG_AMQP_ENABLE_SSL",
        (
            "Use TLS for messages. The certificates come from the keys CONFIG_SSL_*; an existing broker's certificate "
            "must be signed by a CA that the hosts trust."
        ),
        flag="amqp-enable-ssl",
        was=("CONFIG_QPID_ENABLE_SSL",),
        passed_as=("transport_url",),
    ),
    switch(
        "CONFIG_AMQP_ENABLE_AUTH",
        (
            "Has no effect, and is accepted for old answer files: the services always log in with the user and "
            "password below, and RabbitMQ's guest account is removed."
        ),
        flag="amqp-enable-auth",
        was=("CONFIG_QPID_ENABLE_AUTH",),
        effect="nothing: the services always log in",
    ),
    value_of(
        "CONFIG_AMQP_AUTH_USER",
        "Broker user of the services.",
        word,
        default="amqp_user",
        flag="amqp-auth-user",
        was=("CONFIG_QPID_AUTH_USER",),
        required=True,
        passed_as=("transport_url",),
    ),
    password(
        "CONFIG_AMQP_AUTH_PASSWORD",
        "Password of CONFIG_AMQP_AUTH_USER.",
        flag="amqp-auth-password",
        was=("CONFIG_QPID_AUTH_PASSWORD",),
        passed_as=("transport_url",),
    ),
)

COMPONENTS: tuple[Component, ...] = (
    Component(
        "rabbitmq",
        role="messaging",
        provides=("messaging",),
        tls=TlsServer(ssl.messages, "rabbitmq:rabbitmq"),
        ports=(
            Port(5672, what="AMQP", when=lambda answers: not ssl.messages(answers)),
            Port(5671, what="AMQP over TLS", when=ssl.messages),
        ),
        probe=units("rabbitmq"),
        when=lambda answers: bool(answers["CONFIG_AMQP_INSTALL"]),
        packages=Names(debian=("rabbitmq-server",), redhat=("rabbitmq-server",)),
        units=Names(debian=("rabbitmq-server",), redhat=("rabbitmq-server",)),
        memory=measured(180),
        disk=disk(0.2, 0.2),
        logs=("/var/log/rabbitmq/*.log",),
        secrets=("CONFIG_AMQP_AUTH_PASSWORD",),
        derived_secrets=("rabbitmq.key",),
    ),
)

SERVICE = Service(
    "amqp",
    "RabbitMQ: message broker",
    OPTIONS,
    COMPONENTS,
    roles=(
        Role(
            "messaging",
            (
                "CONFIG_AMQP_HOST",
                CONTROLLER,
            ),
            rank=20,
        ),
    ),
    changes={
        "CONFIG_AMQP_BACKEND": APPLIED,
        "CONFIG_AMQP_HOST": applied("the broker on the old host keeps running"),
        "CONFIG_AMQP_AUTH_USER": applied("the old user stays in the broker"),
    },
)
