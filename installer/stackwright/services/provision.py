"""What is made in the finished cloud: a demo project, Tempest."""

from __future__ import annotations

from stackwright.model import Component, Option, Service
from stackwright.values import (
    YES_NO,
    boolean,
    checksum,
    choice,
    count,
    host,
    natural,
    network,
    pools,
    properties,
    text,
    url,
    word,
)

_DEMO = (("CONFIG_PROVISION_DEMO", "y"),)
_TEMPEST = (("CONFIG_PROVISION_TEMPEST", "y"),)
_NEUTRON = (("CONFIG_NEUTRON_INSTALL", "y"),)

OPTIONS: tuple[Option, ...] = (
    Option(
        "CONFIG_PROVISION_DEMO",
        (
            "Make a project demo with a private and an external network, a router, an image and a security "
            "group: a cloud to try at once. n for a cloud that gets its own set-up."
        ),
        default="y",
        parse=boolean,
        choices=YES_NO,
        flag="provision-demo",
    ),
    Option(
        "CONFIG_PROVISION_DEMO_FLOATRANGE",
        (
            "External network of the demo, where floating addresses come from. Take one that your network "
            "routes to reach instances from elsewhere."
        ),
        default="172.24.4.0/24",
        parse=network,
        when=_DEMO,
        flag="provision-demo-floatrange",
    ),
    Option(
        "CONFIG_PROVISION_DEMO_ALLOCATION_POOLS",
        (
            'Part of that network that may be given out, as ["start=198.18.4.10,end=198.18.4.99"]. Empty: all '
            "but the gateway. Use it when others have addresses there."
        ),
        default="[]",
        parse=pools,
        when=_DEMO,
        flag="provision-demo-allocation-pools",
    ),
    Option(
        "CONFIG_PROVISION_DEMO_PRIVATE_SUBNET",
        "Private network of the demo. Packstack has this value in its code.",
        default="10.0.0.0/24",
        parse=network,
        when=_DEMO,
        ours=True,
    ),
    Option(
        "CONFIG_PROVISION_IMAGE_NAME",
        "Name of the demo's image.",
        default="cirros",
        parse=text,
        when=_DEMO,
        flag="provision-image-name",
        required=True,
    ),
    Option(
        "CONFIG_PROVISION_IMAGE_URL",
        (
            "Where the demo's image comes from: a URL, or the path of a file on the host that makes the demo (the "
            "controller). Packstack's default is CirrOS 0.5.1, of 2020."
        ),
        default="https://download.cirros-cloud.net/0.6.2/cirros-0.6.2-x86_64-disk.img",
        parse=url,
        was=("CONFIG_PROVISION_CIRROS_URL",),
        when=_DEMO,
        flag="provision-image-url",
        required=True,
    ),
    Option(
        "CONFIG_PROVISION_IMAGE_SOURCE",
        (
            "Take the image from its URL (url), build a small one on a host from its own kernel (build), or "
            "build one only when the URL cannot be reached (auto)."
        ),
        default="auto",
        parse=choice("auto", "url", "build"),
        choices=(
            "auto",
            "url",
            "build",
        ),
        when=_DEMO,
        ours=True,
    ),
    Option(
        "CONFIG_PROVISION_IMAGE_CHECKSUM",
        "SHA-256 that the image must have. Empty: not checked.",
        default="",
        parse=checksum,
        when=_DEMO,
        ours=True,
    ),
    Option(
        "CONFIG_PROVISION_IMAGE_FORMAT",
        "Format that the image's file has.",
        default="qcow2",
        parse=choice("qcow2", "raw", "vmdk", "vdi", "vhd", "iso", "ami", "ari", "aki"),
        choices=(
            "qcow2",
            "raw",
            "vmdk",
            "vdi",
            "vhd",
            "iso",
            "ami",
            "ari",
            "aki",
        ),
        when=_DEMO,
        flag="provision-image-format",
    ),
    Option(
        "CONFIG_PROVISION_IMAGE_PROPERTIES",
        "Properties of the image, as hw_disk_bus=scsi,hw_scsi_model=virtio-scsi.",
        default="",
        parse=properties,
        when=_DEMO,
        flag="provision-image-properties",
    ),
    Option(
        "CONFIG_PROVISION_IMAGE_SSH_USER",
        "User to log in with to instances of that image.",
        default="cirros",
        parse=word,
        when=_DEMO,
        flag="provision-image-ssh-user",
        required=True,
    ),
    Option(
        "CONFIG_PROVISION_OVS_BRIDGE",
        (
            "Give the external bridge the gateway address of the demo's external network, so that the "
            "all-in-one host itself reaches its instances. n when the real network has that gateway."
        ),
        default="y",
        parse=boolean,
        choices=YES_NO,
        was=("CONFIG_PROVISION_ALL_IN_ONE_OVS_BRIDGE",),
        when=_NEUTRON,
        flag="provision-ovs-bridge",
    ),
    Option(
        "CONFIG_PROVISION_TEMPEST",
        "Install Tempest, OpenStack's own tests.",
        default="n",
        parse=boolean,
        choices=YES_NO,
        flag="provision-tempest",
        not_done="Tempest is not installed; `stackwright verify` tries the finished cloud",
    ),
    Option(
        "CONFIG_TEMPEST_HOST",
        "Host of Tempest. Empty: the controller.",
        default="",
        parse=host,
        when=_TEMPEST,
        flag="tempest-host",
    ),
    Option(
        "CONFIG_PROVISION_TEMPEST_USER",
        "User for the tests. Empty: the tests make their own.",
        default="",
        parse=word,
        when=_TEMPEST,
        flag="provision-tempest-user",
    ),
    Option(
        "CONFIG_PROVISION_TEMPEST_USER_PW",
        "Password of that user.",
        default="PW_PLACEHOLDER",
        parse=text,
        secret=True,
        generate=True,
        when=_TEMPEST,
        flag="provision-tempest-user-passwd",
    ),
    Option(
        "CONFIG_PROVISION_TEMPEST_FLOATRANGE",
        "External network for the tests.",
        default="172.24.4.0/24",
        parse=network,
        when=_TEMPEST,
        flag="provision-tempest-floatrange",
    ),
    Option(
        "CONFIG_PROVISION_TEMPEST_FLAVOR_NAME",
        "Name of the flavor that tests use.",
        default="m1.nano",
        parse=word,
        when=_TEMPEST,
        flag="provision-tempest-flavor-name",
        required=True,
    ),
    Option(
        "CONFIG_PROVISION_TEMPEST_FLAVOR_DISK",
        "Disk of that flavor in GiB.",
        default="1",
        parse=count,
        when=_TEMPEST,
        flag="provision-tempest-flavor-disk",
    ),
    Option(
        "CONFIG_PROVISION_TEMPEST_FLAVOR_RAM",
        "Memory of that flavor in MiB.",
        default="128",
        parse=natural,
        when=_TEMPEST,
        flag="provision-tempest-flavor-ram",
    ),
    Option(
        "CONFIG_PROVISION_TEMPEST_FLAVOR_VCPUS",
        "Virtual processors of that flavor.",
        default="1",
        parse=natural,
        when=_TEMPEST,
        flag="provision-tempest-flavor-vcpus",
    ),
    Option(
        "CONFIG_PROVISION_TEMPEST_FLAVOR_ALT_NAME",
        "Name of the flavor that instances are resized to.",
        default="m1.micro",
        parse=word,
        when=_TEMPEST,
        flag="provision-tempest-flavor-alt-name",
        required=True,
    ),
    Option(
        "CONFIG_PROVISION_TEMPEST_FLAVOR_ALT_DISK",
        "Disk of that second flavor in GiB.",
        default="1",
        parse=count,
        when=_TEMPEST,
        flag="provision-tempest-flavor-alt-disk",
    ),
    Option(
        "CONFIG_PROVISION_TEMPEST_FLAVOR_ALT_RAM",
        "Memory of that second flavor in MiB.",
        default="128",
        parse=natural,
        when=_TEMPEST,
        flag="provision-tempest-flavor-alt-ram",
    ),
    Option(
        "CONFIG_PROVISION_TEMPEST_FLAVOR_ALT_VCPUS",
        "Virtual processors of that second flavor.",
        default="1",
        parse=natural,
        when=_TEMPEST,
        flag="provision-tempest-flavor-alt-vcpus",
    ),
    Option(
        "CONFIG_RUN_TEMPEST",
        "Run the tests at the end.",
        default="n",
        parse=boolean,
        choices=YES_NO,
        when=_TEMPEST,
        flag="run-tempest",
    ),
    Option(
        "CONFIG_RUN_TEMPEST_TESTS",
        "Tests to run: regular expressions with blanks between, or smoke.",
        default="smoke",
        parse=text,
        when=_TEMPEST,
        flag="run-tempest-tests",
    ),
    Option(
        "CONFIG_SKIP_TEMPEST_TESTS",
        "Tests to leave out: regular expressions with blanks between.",
        default="",
        parse=text,
        when=_TEMPEST,
        flag="skip-tempest-tests",
    ),
)

COMPONENTS: tuple[Component, ...] = (
    Component(
        "demo",
        role="identity",
        requires=("identity",),
        provides=("demo",),
        after=("compute-api", "image", "network-api", "object", "object-storage"),
        when=lambda answers: bool(answers["CONFIG_PROVISION_DEMO"]),
    ),
)

SERVICE = Service(
    "provision",
    "What is made in the finished cloud: a demo project, Tempest",
    OPTIONS,
    COMPONENTS,
)
