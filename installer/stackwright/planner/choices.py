"""Choices that depend on a host's hardware and kernel, for settings that the answers leave open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stackwright.model import Answers, Facts

_GIB = 1024**3


@dataclass(frozen=True)
class Choices:
    """The choices for one host."""

    virt_type: str
    """kvm or qemu."""
    datapath_type: str
    """Open vSwitch's datapath: system (in the kernel) or netdev (in user space)."""
    workers: int
    """Processes of each API service."""
    machine_id: bool
    """Whether libvirt identifies the host by its machine-id instead of the firmware's UUID. Containers on one machine
    share that UUID, and libvirt does not migrate an instance to a host with the same one."""

    @property
    def userspace(self) -> bool:
        """Whether Open vSwitch forwards packets in user space."""
        return self.datapath_type == "netdev"


def _auto(value: Any) -> bool:
    return str(value or "").strip().lower() in {"", "auto", "%{::default_hypervisor}"}


def workers(answers: Answers, facts: Facts) -> int:
    """Processes per API service: CONFIG_SERVICE_WORKERS, else one per two cores and per 2 GiB of memory, 1 to 8.

    With a dozen services, one process per core would make small hosts swap, because each process loads its whole
    program. Eight are enough for a host that also runs other services.
    """
    if answered := int(answers["CONFIG_SERVICE_WORKERS"]):
        return answered
    by_memory = facts.memory // (2 * _GIB) if facts.memory else facts.cpus
    return max(1, min(facts.cpus // 2, by_memory, 8))


def choose(answers: Answers, facts: Facts) -> Choices:
    """The choices for the host that `facts` describe."""
    virt = answers["CONFIG_NOVA_LIBVIRT_VIRT_TYPE"]
    # In a container, /dev/kvm belongs to the machine that runs it; instances were seen to hang with it.
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
    """Answers for a new all-in-one file that depend on this host. They are written into the file, where the user sees
    them and can change them."""
    out: dict[str, str] = {}
    if facts.kernel_modules and "dm_mod" not in facts.kernel_modules:
        # LVM needs device-mapper; a Ceph cluster with one OSD on a file needs no kernel module.
        out["CONFIG_CINDER_BACKEND"] = "ceph"
    if facts.extra.get("image_url") == "unreachable":
        out["CONFIG_PROVISION_IMAGE_SOURCE"] = "build"
    if facts.arch == "aarch64":
        # The default is for x86_64, and CirrOS names its images by architecture.
        out["CONFIG_PROVISION_IMAGE_URL"] = "https://download.cirros-cloud.net/0.6.2/cirros-0.6.2-aarch64-disk.img"
    return out
