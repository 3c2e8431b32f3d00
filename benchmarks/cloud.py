"""A cloud with any number of hosts for the benchmarks: a controller and compute hosts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "installer"))

from stackwright import answers  # noqa: E402
from stackwright.model import Facts, Interface  # noqa: E402

_GIB = 1024**3


def write_answers(path: Path, hosts: Sequence[str]) -> None:
    """A full answer file for these hosts; the first is the controller."""
    answers.save(path, answers.generate(install_hosts=list(hosts)))


def facts(hosts: Sequence[str]) -> dict[str, Facts]:
    """Facts of hosts that are Debian 12 servers."""
    found = {}
    for n, host in enumerate(hosts):
        short, full = f"node{n}", f"node{n}.example.org"
        found[host] = Facts(
            host=host, hostname=short, fqdn=full, address=host, resolves=dict.fromkeys((short, full), (host,)),
            os_id="debian", os_name="Debian GNU/Linux 12 (bookworm)", os_version="12", arch="x86_64",
            kernel="6.1.0-40", cpus=8, memory=32 * _GIB, disk_free={"/": 100 * _GIB, "/var": 400 * _GIB},
            default_interface="eth0",
            interfaces=(
                Interface("lo", up=True, addresses=("127.0.0.1/8", "::1/128")),
                Interface("eth0", f"02:00:00:00:{n // 256:02x}:{n % 256:02x}", 1500, True, (f"{host}/15",)),
                Interface("eth1", f"02:00:00:01:{n // 256:02x}:{n % 256:02x}", 1500, True),
            ),
            kvm=True, kernel_modules=frozenset({"openvswitch", "geneve", "dm_mod", "nf_tables", "vxlan", "xfs"}),
            listening=(("tcp", 22, "sshd"), ("udp", 68, "dhclient")), machine_id=f"{n:032x}",
            host_keys=(f"ssh-ed25519 {n:068x}",),
            extra={"init": "systemd", "locales": "C C.utf8 POSIX", "sudo": "yes", "user": "root",
                   f"reverse {host}": full},
        )  # fmt: skip
    return found
