"""The preparation of a host after its packages are installed and before Puppet runs: SELinux, clock, kernel settings,
bridges.

Each script records what it changed, like all scripts that change a host: see record.sh.
"""

from __future__ import annotations

from collections.abc import Iterable

from stackwright import services, shell
from stackwright.model import Action, File, Run, Step, Upload
from stackwright.planner.steps import network_manager
from stackwright.planner.topology import Cloud, Host
from stackwright.shell import Raw


def steps(whole: Cloud, host: Host, needs: tuple[str, ...]) -> list[Step]:
    """The host's preparation, and its bridges if NetworkManager creates them."""
    found = []
    actions = [*_selinux(whole, host), *_clock(whole, host), *_kernel(host)]
    if actions:
        found.append(Step(f"{host.name}:prepare", host.name, "SELinux, clock, kernel settings", tuple(actions), needs))
    if host.platform.network == "NetworkManager" and (bridges := network_manager.actions(host, whole.network.agent)):
        names = ", ".join(b.name for b in host.bridges if b.interfaces)
        found.append(Step(f"{host.name}:bridges", host.name, f"Bridges: {names}", bridges, needs))
    return found


def _selinux(whole: Cloud, host: Host) -> Iterable[Action]:
    """Sets the booleans that the components need. SELinux's mode is not changed."""
    if host.platform.family != "redhat":
        return
    wanted = sorted({boolean for name in host.components for boolean in whole.component(name).selinux})
    if "nova-compute" in host.components and "nfs" in whole.answers["CONFIG_CINDER_BACKEND"]:
        wanted.append("virt_use_nfs")
    if not wanted:
        return
    lines = []
    for name in sorted(wanted):
        lines.append(f"if ! getsebool {name} | grep -q 'on$'; then")
        lines += [f"  setsebool -P {name} on", f"  changed 'SELinux: {name}=on'", "fi"]
    yield Run("selinux", shell.fill("planner/steps/selinux.sh", BOOLEANS=Raw("\n".join(lines))), 600)


def _clock(whole: Cloud, host: Host) -> Iterable[Action]:
    """Replaces the system's time servers with those in the answers."""
    servers = whole.answers["CONFIG_NTP_SERVERS"]
    if not servers or host.facts.container:  # a container uses the clock of its machine
        return
    script = shell.fill(
        "planner/steps/clock.sh",
        PATH=host.platform.paths["chrony"],
        UNIT=services.units("chrony", host.platform)[0],
        SERVERS=Raw("\n".join(f"server {server} iburst" for server in servers)),
        NAMES=Raw(" ".join(servers)),
    )
    yield Run("clock", script, 300, retries=2)


def _kernel(host: Host) -> Iterable[Action]:
    """Kernel settings that linuxbridge's security groups need, now and after each boot. A container cannot set them."""
    if host.platform.family != "redhat" or host.facts.container or "linuxbridge-agent" not in host.components:
        return
    files = {
        "/etc/modules-load.d/stackwright.conf": "br_netfilter\n",
        "/etc/sysctl.d/60-stackwright.conf": "net.bridge.bridge-nf-call-iptables = 1\n"
        "net.bridge.bridge-nf-call-ip6tables = 1\n",
    }
    yield Upload(tuple(File(path, text.encode()) for path, text in files.items()))
    yield Run("kernel", shell.fill("planner/steps/kernel.sh"), 120)
