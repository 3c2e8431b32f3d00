"""What is decided from what a host is, where the answers leave it open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stackwright.model import Answers, Facts

_GIB = 1024**3


@dataclass(frozen=True)
class Choices:
    """Decisions for one host."""

    virt_type: str
    """kvm or qemu."""
    datapath_type: str
    """Open vSwitch's: system (the kernel's) or netdev (its own, in user space)."""
    workers: int
    """Processes of each API service."""
    machine_id: bool
    """Whether libvirt tells the host from others by its machine-id. The firmware's id, which it takes else, is in a
    container that of the machine below; and it moves no instance to a host with the same id."""

    @property
    def userspace(self) -> bool:
        """Whether Open vSwitch forwards packets by itself."""
        return self.datapath_type == "netdev"


def _auto(value: Any) -> bool:
    return str(value or "").strip().lower() in {"", "auto", "%{::default_hypervisor}"}


def workers(answers: Answers, facts: Facts) -> int:
    """Processes per API service: as answered, else one for two cores, at most one per 2 GiB of memory, 1 to 8.

    A dozen services each with a process per core is what makes small hosts swap. Each process of an API
    loads its whole program; eight are enough for any host that also does other things.
    """
    if answered := int(answers["CONFIG_SERVICE_WORKERS"]):
        return answered
    by_memory = facts.memory // (2 * _GIB) if facts.memory else facts.cpus
    return max(1, min(facts.cpus // 2, by_memory, 8))


def choose(answers: Answers, facts: Facts) -> Choices:
    """The decisions for the host that `facts` describe."""
    virt = answers["CONFIG_NOVA_LIBVIRT_VIRT_TYPE"]
    # In a container /dev/kvm belongs to the machine below; guests were seen to hang under it.
    usable_kvm = facts.kvm and not facts.container
    datapath = answers["CONFIG_NEUTRON_DATAPATH"]
    agent = str(answers["CONFIG_NEUTRON_L2_AGENT"])
    kernel = {"openvswitch", "geneve"} if agent == "ovn" else {"openvswitch"}
    return Choices(
        virt_type=("kvm" if usable_kvm else "qemu") if _auto(virt) else str(virt),
        datapath_type=("system" if kernel <= facts.kernel_modules else "netdev") if _auto(datapath) else str(datapath),
        workers=workers(answers, facts),
        machine_id=facts.container,
    )


def presets(facts: Facts) -> dict[str, str]:
    """Answers that a new all-in-one file gets because of what this host is; each is written into the file, to be seen
    and changed there."""
    out: dict[str, str] = {}
    if facts.kernel_modules and "dm_mod" not in facts.kernel_modules:
        # Without device-mapper there is no LVM; a Ceph with one OSD on a file needs nothing of the kernel.
        out["CONFIG_CINDER_BACKEND"] = "ceph"
    if facts.extra.get("image_url") == "unreachable":
        out["CONFIG_PROVISION_IMAGE_SOURCE"] = "build"
    if facts.arch == "aarch64":
        # The default is for x86_64, and CirrOS names its images by architecture.
        out["CONFIG_PROVISION_IMAGE_URL"] = "https://download.cirros-cloud.net/0.6.2/cirros-0.6.2-aarch64-disk.img"
    return out
