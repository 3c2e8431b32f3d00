"""RabbitMQ: the messages between the services."""

from __future__ import annotations

from stackwright.model import Component, Option, Port, Service
from stackwright.services import ssl
from stackwright.services.probes import units
from stackwright.values import YES_NO, boolean, choice, host, text, word

OPTIONS: tuple[Option, ...] = (
    Option(
        "CONFIG_AMQP_BACKEND",
        "Message broker. RabbitMQ is the only one that OpenStack's packages still support.",
        default="rabbitmq",
        parse=choice("rabbitmq"),
        choices=("rabbitmq",),
        was=("CONFIG_AMQP_SERVER",),
        flag="amqp-backend",
    ),
    Option(
        "CONFIG_AMQP_INSTALL",
        (
            "Install RabbitMQ. With n, the broker on CONFIG_AMQP_HOST must be there, and let CONFIG_AMQP_AUTH_USER do "
            "everything in the virtual host /."
        ),
        default="y",
        parse=boolean,
        choices=YES_NO,
        ours=True,
    ),
    Option(
        "CONFIG_AMQP_HOST",
        "Host of the message broker.",
        default="",
        parse=host,
        was=("CONFIG_QPID_HOST",),
        flag="amqp-host",
    ),
    Option(
        "CONFIG_AMQP_ENABLE_SSL",
        (
            "Encrypt the messages. The certificates come from the keys CONFIG_SSL_*; that of a broker that is there "
            "already must be from an authority that the hosts trust."
        ),
        default="n",
        parse=boolean,
        choices=YES_NO,
        was=("CONFIG_QPID_ENABLE_SSL",),
        flag="amqp-enable-ssl",
    ),
    Option(
        "CONFIG_AMQP_ENABLE_AUTH",
        (
            "Kept for old files, and without effect: the services always log in with the user and password below, and "
            "RabbitMQ's guest account is removed."
        ),
        default="n",
        parse=boolean,
        choices=YES_NO,
        was=("CONFIG_QPID_ENABLE_AUTH",),
        flag="amqp-enable-auth",
    ),
    Option(
        "CONFIG_AMQP_AUTH_USER",
        "User with which the services log in to the broker.",
        default="amqp_user",
        parse=word,
        was=("CONFIG_QPID_AUTH_USER",),
        flag="amqp-auth-user",
        required=True,
    ),
    Option(
        "CONFIG_AMQP_AUTH_PASSWORD",
        "Password of that user.",
        default="PW_PLACEHOLDER",
        parse=text,
        secret=True,
        generate=True,
        was=("CONFIG_QPID_AUTH_PASSWORD",),
        flag="amqp-auth-password",
    ),
)

COMPONENTS: tuple[Component, ...] = (
    Component(
        "rabbitmq",
        role="messaging",
        provides=("messaging",),
        ports=(
            Port(5672, what="AMQP", when=lambda answers: not ssl.messages(answers)),
            Port(5671, what="AMQP over TLS", when=ssl.messages),
        ),
        probe=units("rabbitmq"),
        when=lambda answers: bool(answers["CONFIG_AMQP_INSTALL"]),
    ),
)

SERVICE = Service(
    "amqp",
    "RabbitMQ: the messages between the services",
    OPTIONS,
    COMPONENTS,
)
