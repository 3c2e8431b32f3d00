"""VMware vCenter as the hypervisor."""

from __future__ import annotations

from stackwright.model import Component, Option, Service
from stackwright.values import YES_NO, boolean, host, text, words

_NOVA = (("CONFIG_NOVA_INSTALL", "y"),)
_VMWARE = (("CONFIG_NOVA_INSTALL", "y"), ("CONFIG_VMWARE_BACKEND", "y"))

OPTIONS: tuple[Option, ...] = (
    Option(
        "CONFIG_VMWARE_BACKEND",
        "Run instances on a VMware vCenter rather than on hosts of this cloud.",
        default="n",
        parse=boolean,
        choices=YES_NO,
        when=_NOVA,
        flag="os-vmware",
        not_yet=("y",),
    ),
    Option(
        "CONFIG_VCENTER_HOST",
        "Address of the vCenter.",
        default="",
        parse=host,
        when=_VMWARE,
        flag="vcenter-host",
        required=True,
    ),
    Option(
        "CONFIG_VCENTER_USER",
        "User that Nova logs in with at the vCenter.",
        default="",
        parse=text,
        when=_VMWARE,
        flag="vcenter-username",
        required=True,
    ),
    Option(
        "CONFIG_VCENTER_PASSWORD",
        "Password of that user.",
        default="",
        parse=text,
        secret=True,
        when=_VMWARE,
        flag="vcenter-password",
        required=True,
    ),
    Option(
        "CONFIG_VCENTER_CLUSTER_NAMES",
        "Clusters of the vCenter to use, with commas.",
        default="",
        parse=words,
        was=("CONFIG_VCENTER_CLUSTER_NAME",),
        when=_VMWARE,
        flag="vcenter-clusters",
        required=True,
    ),
)

COMPONENTS: tuple[Component, ...] = ()

SERVICE = Service(
    "vmware",
    "VMware vCenter as the hypervisor",
    OPTIONS,
    COMPONENTS,
)
