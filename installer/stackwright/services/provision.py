"""Demo project and Tempest."""

from __future__ import annotations

from stackwright.model import Component, Option, Service
from stackwright.records import APPLIED, Names, PackageSet, applied, changes_of, fixed
from stackwright.services.options import choice_of, host_of, password, switch, value_of
from stackwright.services.shared_packages import CONFIGURES
from stackwright.values import address, checksum, count, natural, network, networks, pools, properties, text, url, word

_CIRROS = "https://download.cirros-cloud.net/0.6.2/cirros-0.6.2-x86_64-disk.img"

KNOWN_IMAGES = {_CIRROS: "07e44a73e54c94d988028515403c1ed762055e01b83a767edf3c2b387f78ce00"}
"""SHA-256 of images by URL. CirrOS's own server publishes MD5 sums only; projects that use the image pin this one."""

_DEMO = (("CONFIG_PROVISION_DEMO", "y"),)
_TEMPEST = (("CONFIG_PROVISION_TEMPEST", "y"),)
_NEUTRON = (("CONFIG_NEUTRON_INSTALL", "y"),)

_IMAGE = "the demo image, which is uploaded before Puppet runs"

OPTIONS: tuple[Option, ...] = (
    switch(
        "CONFIG_PROVISION_DEMO",
        (
            "Create a demo project with a private and an external network, a router, an image and a security group. "
            "Set n for a cloud that you set up yourself."
        ),
        default="y",
        flag="provision-demo",
    ),
    value_of(
        "CONFIG_PROVISION_DEMO_FLOATRANGE",
        (
            "Subnet of the demo's external network, for floating IP addresses. Use one that your network routes to "
            "the cloud to reach instances from other machines."
        ),
        network,
        default="172.24.4.0/24",
        when=_DEMO,
        flag="provision-demo-floatrange",
        passed_as=("external.cidr", "external.gateway", "external.version", "external.pools"),
    ),
    value_of(
        "CONFIG_PROVISION_DEMO_ALLOCATION_POOLS",
        (
            'Addresses of that subnet to use, such as ["start=198.18.4.10,end=198.18.4.99"]. Empty: all except the '
            "gateway. Set it if other machines have addresses in the subnet."
        ),
        pools,
        default="[]",
        when=_DEMO,
        flag="provision-demo-allocation-pools",
        passed_as=("external.pools",),
    ),
    value_of(
        "CONFIG_PROVISION_DEMO_GATEWAY",
        (
            "Gateway of that subnet, an address in it such as 198.18.4.254. Empty: the default gateway of a host if it "
            "is in the subnet and the bridge has no address of its own, else the first address."
        ),
        address,
        when=_DEMO,
        ours=True,
        flag="provision-demo-gateway",
        passed_as=("external.gateway", "external.pools", "host.bridges"),
    ),
    value_of(
        "CONFIG_PROVISION_DEMO_PRIVATE_SUBNET",
        "Subnet of the demo's private network. Packstack has no key for it and uses the default.",
        network,
        default="10.0.0.0/24",
        when=_DEMO,
        ours=True,
    ),
    value_of(
        "CONFIG_PROVISION_DEMO_SSH_FROM",
        (
            "Networks from which instances of the demo project accept ping and SSH, in its default security group. "
            "Empty: the external network and the networks of the cloud's hosts. 0.0.0.0/0 is everyone: the demo image "
            "has a password that everybody knows."
        ),
        networks,
        when=_DEMO,
        ours=True,
        passed_as=("demo_sources",),
    ),
    value_of(
        "CONFIG_PROVISION_IMAGE_NAME",
        "Name of the demo image.",
        text,
        default="cirros",
        when=_DEMO,
        flag="provision-image-name",
        required=True,
        passed_as=("image.path",),
    ),
    value_of(
        "CONFIG_PROVISION_IMAGE_URL",
        (
            "Source of the demo image: a URL, or the path of a file on Keystone's host (the controller by default). "
            "Packstack's default is CirrOS 0.5.1 from 2020."
        ),
        url,
        default=_CIRROS,
        when=_DEMO,
        flag="provision-image-url",
        was=("CONFIG_PROVISION_CIRROS_URL",),
        required=True,
        effect=_IMAGE,
    ),
    choice_of(
        "CONFIG_PROVISION_IMAGE_SOURCE",
        (
            "Download the demo image (url), build a small one on a host from its kernel (build), or build it only if "
            "the URL cannot be reached (auto)."
        ),
        ("auto", "url", "build"),
        default="auto",
        when=_DEMO,
        ours=True,
        passed_as=("image.path", "image.format"),
    ),
    value_of(
        "CONFIG_PROVISION_IMAGE_CHECKSUM",
        "SHA-256 checksum of the demo image. Empty: that of CirrOS 0.6.2 for the default URL; others are not checked.",
        checksum,
        when=_DEMO,
        ours=True,
        effect=_IMAGE,
    ),
    choice_of(
        "CONFIG_PROVISION_IMAGE_FORMAT",
        "Disk format of the demo image.",
        ("qcow2", "raw", "vmdk", "vdi", "vhd", "iso", "ami", "ari", "aki"),
        default="qcow2",
        when=_DEMO,
        flag="provision-image-format",
        passed_as=("image.format",),
    ),
    value_of(
        "CONFIG_PROVISION_IMAGE_PROPERTIES",
        "Properties of the demo image, such as hw_disk_bus=scsi,hw_scsi_model=virtio-scsi.",
        properties,
        when=_DEMO,
        flag="provision-image-properties",
    ),
    value_of(
        "CONFIG_PROVISION_IMAGE_SSH_USER",
        "Login user of instances of the demo image.",
        word,
        default="cirros",
        when=_DEMO,
        flag="provision-image-ssh-user",
        required=True,
        effect="`stackwright verify`, which logs in to an instance",
    ),
    switch(
        "CONFIG_PROVISION_OVS_BRIDGE",
        (
            "Give the external bridge the gateway address of the demo's external subnet, so that the all-in-one host "
            "itself reaches its instances. Set n if that gateway exists in the real network."
        ),
        default="y",
        when=_NEUTRON,
        flag="provision-ovs-bridge",
        was=("CONFIG_PROVISION_ALL_IN_ONE_OVS_BRIDGE",),
        passed_as=("host.bridges",),
    ),
    switch(
        "CONFIG_PROVISION_TEMPEST",
        "Install Tempest, OpenStack's integration tests.",
        flag="provision-tempest",
        not_done="Tempest is not installed; `stackwright verify` tests the finished cloud",
    ),
    host_of("CONFIG_TEMPEST_HOST", "Host of Tempest. Empty: the controller.", when=_TEMPEST, flag="tempest-host"),
    value_of(
        "CONFIG_PROVISION_TEMPEST_USER",
        "User of the tests. Empty: the tests create their own users.",
        word,
        when=_TEMPEST,
        flag="provision-tempest-user",
    ),
    password(
        "CONFIG_PROVISION_TEMPEST_USER_PW",
        "Password of CONFIG_PROVISION_TEMPEST_USER.",
        when=_TEMPEST,
        flag="provision-tempest-user-passwd",
    ),
    value_of(
        "CONFIG_PROVISION_TEMPEST_FLOATRANGE",
        "Subnet of the external network for the tests.",
        network,
        default="172.24.4.0/24",
        when=_TEMPEST,
        flag="provision-tempest-floatrange",
    ),
    value_of(
        "CONFIG_PROVISION_TEMPEST_FLAVOR_NAME",
        "Name of the flavor for the tests.",
        word,
        default="m1.nano",
        when=_TEMPEST,
        flag="provision-tempest-flavor-name",
        required=True,
    ),
    value_of(
        "CONFIG_PROVISION_TEMPEST_FLAVOR_DISK",
        "Disk size of that flavor in GiB.",
        count,
        default="1",
        when=_TEMPEST,
        flag="provision-tempest-flavor-disk",
    ),
    value_of(
        "CONFIG_PROVISION_TEMPEST_FLAVOR_RAM",
        "Memory of that flavor in MiB.",
        natural,
        default="128",
        when=_TEMPEST,
        flag="provision-tempest-flavor-ram",
    ),
    value_of(
        "CONFIG_PROVISION_TEMPEST_FLAVOR_VCPUS",
        "Virtual CPUs of that flavor.",
        natural,
        default="1",
        when=_TEMPEST,
        flag="provision-tempest-flavor-vcpus",
    ),
    value_of(
        "CONFIG_PROVISION_TEMPEST_FLAVOR_ALT_NAME",
        "Name of the second flavor, for resize tests.",
        word,
        default="m1.micro",
        when=_TEMPEST,
        flag="provision-tempest-flavor-alt-name",
        required=True,
    ),
    value_of(
        "CONFIG_PROVISION_TEMPEST_FLAVOR_ALT_DISK",
        "Disk size of the second flavor in GiB.",
        count,
        default="1",
        when=_TEMPEST,
        flag="provision-tempest-flavor-alt-disk",
    ),
    value_of(
        "CONFIG_PROVISION_TEMPEST_FLAVOR_ALT_RAM",
        "Memory of the second flavor in MiB.",
        natural,
        default="128",
        when=_TEMPEST,
        flag="provision-tempest-flavor-alt-ram",
    ),
    value_of(
        "CONFIG_PROVISION_TEMPEST_FLAVOR_ALT_VCPUS",
        "Virtual CPUs of the second flavor.",
        natural,
        default="1",
        when=_TEMPEST,
        flag="provision-tempest-flavor-alt-vcpus",
    ),
    switch("CONFIG_RUN_TEMPEST", "Run the tests after the installation.", when=_TEMPEST, flag="run-tempest"),
    value_of(
        "CONFIG_RUN_TEMPEST_TESTS",
        "Tests to run: regular expressions separated by spaces, or smoke.",
        text,
        default="smoke",
        when=_TEMPEST,
        flag="run-tempest-tests",
    ),
    value_of(
        "CONFIG_SKIP_TEMPEST_TESTS",
        "Tests to skip: regular expressions separated by spaces.",
        text,
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
        secrets=("CONFIG_KEYSTONE_DEMO_PW",),
        without=CONFIGURES,
    ),
)

_TEMPEST_TOOLS = Names(*(("python3-tempestconf", "python3-junitxml", "python3-os-testr"),) * 2)

PACKAGE_SETS: tuple[PackageSet, ...] = (
    # Only `stackwright test` installs it.
    PackageSet(
        "tempest",
        Names(debian=("tempest",), redhat=("openstack-tempest",)) + _TEMPEST_TOOLS,
        when=lambda _: False,
    ),
)

SERVICE = Service(
    "provision",
    "Demo project and Tempest",
    OPTIONS,
    COMPONENTS,
    needs=(("CONFIG_PROVISION_TEMPEST", "y", "CONFIG_NOVA_INSTALL", "Tempest's tests boot instances"),),
    package_sets=PACKAGE_SETS,
    changes={
        "CONFIG_PROVISION_DEMO": applied("with n, the demo's resources stay"),
        "CONFIG_PROVISION_DEMO_FLOATRANGE": fixed("the external network exists, and a subnet keeps its range", "demo"),
        "CONFIG_PROVISION_DEMO_ALLOCATION_POOLS": applied("addresses that are in use stay in use"),
        "CONFIG_PROVISION_DEMO_GATEWAY": APPLIED,
        "CONFIG_PROVISION_DEMO_SSH_FROM": applied("rules for networks that are no longer named stay"),
        "CONFIG_PROVISION_DEMO_PRIVATE_SUBNET": fixed(
            "the private network exists, and a subnet keeps its range", "demo"
        ),
        "CONFIG_PROVISION_IMAGE_NAME": applied("the old image stays"),
        **changes_of(
            (
                "CONFIG_PROVISION_IMAGE_URL",
                "CONFIG_PROVISION_IMAGE_SOURCE",
                "CONFIG_PROVISION_IMAGE_CHECKSUM",
                "CONFIG_PROVISION_IMAGE_FORMAT",
                "CONFIG_PROVISION_IMAGE_PROPERTIES",
            ),
            applied("an existing image stays; CONFIG_PROVISION_IMAGE_NAME creates another one"),
        ),
        "CONFIG_PROVISION_IMAGE_SSH_USER": APPLIED,
        "CONFIG_TEMPEST_HOST": APPLIED,
        **changes_of(option.key for option in OPTIONS if "TEMPEST_" in option.key),
    },
)
