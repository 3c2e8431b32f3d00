"""The network of the lab: two bridges, masquerading, and each node's namespace with its two veth pairs."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import re
import socket
import struct
from pathlib import Path
from typing import Any

from stackwright.lab import machine
from stackwright.lab.layout import Lab
from stackwright.model import ExitCode, StackwrightError

_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
_FORWARD_BEFORE = Path("/run/stackwright-lab.ip_forward")
"""The value of ip_forward before the first lab of this boot; it is restored when the last lab is removed."""

_ANOTHER_NUMBER = "choose another lab number (0 to 255): export STACKWRIGHT_LAB_NUMBER=1"

_ALIAS = "stackwright-lab:"
_NETNS = Path("/run/netns")


def _links(*words: str) -> list[dict[str, Any]]:
    text = machine.run(["ip", "-json", "-details", "link", "show", *words], check=False)
    return list(json.loads(text)) if text.strip() else []


def _link(name: str) -> dict[str, Any] | None:
    return next(iter(_links("dev", name)), None)


def _owner(link: dict[str, Any]) -> str:
    alias = str(link.get("ifalias", ""))
    return alias.removeprefix(_ALIAS) if alias.startswith(_ALIAS) else ""


def _disable_checksum_offload(interface: str) -> None:
    """Disables transmit checksum offload: SIOCETHTOOL with ETHTOOL_STXCSUM.

    Between virtual devices, the kernel forwards packets without computing their checksum. Open vSwitch's datapath in
    user space passes them on to guests unchanged, where TCP drops them.
    """
    value = ctypes.create_string_buffer(struct.pack("II", 0x17, 0), 8)
    request = struct.pack("16sP16x", interface.encode(), ctypes.addressof(value))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, contextlib.suppress(OSError):
        fcntl.ioctl(sock, 0x8946, request)


# ------------------------------------------------------------------------------------------------------------ the lab


def ruleset(lab: Lab) -> str:
    """The lab's nftables table: nodes reach other networks behind the machine's address, but cannot be reached."""
    ours = f'"{lab.bridge}", "{lab.external_bridge}"'
    sources = f"{lab.network}, {lab.external_network}"
    return f"""\
table ip {lab.table} {{
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {{ {sources} }} ip daddr != {{ {sources} }} oifname != {{ {ours} }} masquerade
  }}
  chain forward {{
    type filter hook forward priority filter; policy accept;
    iifname != {{ {ours} }} oifname {{ {ours} }} ct state new drop
  }}
}}
"""


def _mtu_outwards() -> int:
    routes = json.loads(machine.run(["ip", "-json", "-4", "route", "show", "default"]) or "[]")
    for route in routes:
        link = _link(str(route.get("dev", "")))
        if link:
            return min(1500, int(link.get("mtu", 1500)))
    return 1500


def check_owner(lab: Lab) -> None:
    """Raises StackwrightError if the lab's bridges exist, but belong to a lab in another folder."""
    for name in (lab.bridge, lab.external_bridge):
        link = _link(name)
        if link and _owner(link) != str(lab.directory):
            raise StackwrightError(
                f"the bridge {name} exists and belongs to {_owner(link) or 'something else'}, "
                f"not to the lab in {lab.directory}",
                _ANOTHER_NUMBER,
                ExitCode.ENVIRONMENT,
            )


def _check_addresses(lab: Lab) -> None:
    """Raises StackwrightError if another interface of the machine has an address in one of the lab's networks."""
    for link in json.loads(machine.run(["ip", "-json", "-4", "address", "show"]) or "[]"):
        for address in link.get("addr_info", []):
            prefix = str(address.get("local", "")).rpartition(".")[0] + "."
            ours = (lab.bridge, lab.external_bridge)
            if link.get("ifname") not in ours and prefix in (f"198.18.{lab.number}.", f"198.19.{lab.number}."):
                raise StackwrightError(
                    f"interface {link['ifname']} of this machine has the address {address['local']}, which is in a "
                    f"network of the lab ({lab.network}, {lab.external_network})",
                    _ANOTHER_NUMBER,
                    ExitCode.ENVIRONMENT,
                )


def ensure(lab: Lab) -> None:
    """Creates the lab's bridges and rules and enables forwarding, where missing. The caller holds the lock."""
    check_owner(lab)
    _check_addresses(lab)
    mtu = _mtu_outwards()
    for kind, (name, address) in enumerate(
        ((lab.bridge, lab.gateway), (lab.external_bridge, lab.external_gateway)), start=1
    ):
        if _link(name) is None:
            mac = f"02:53:57:{lab.number:02x}:00:{kind:02x}"
            options = ["forward_delay", "0", "stp_state", "0", "mcast_snooping", "0"]
            machine.run(["ip", "link", "add", name, "address", mac, "type", "bridge", *options])
        machine.run(["ip", "link", "set", name, "alias", f"{_ALIAS}{lab.directory}", "mtu", str(mtu), "up"])
        machine.run(["ip", "address", "replace", f"{address}/24", "dev", name])
    _disable_checksum_offload(lab.external_bridge)
    machine.run(["nft", "-f", "-"], input=f"table ip {lab.table}\ndelete table ip {lab.table}\n{ruleset(lab)}")
    _forward()


def _forward() -> None:
    before, boot = _FORWARD.read_text().strip(), machine.boot_id()
    noted = _FORWARD_BEFORE.read_text().split() if _FORWARD_BEFORE.exists() else []
    if len(noted) != 2 or noted[1] != boot:
        _FORWARD_BEFORE.write_text(f"{before} {boot}\n")
    if before != "1":
        _FORWARD.write_text("1\n")


def remove(lab: Lab) -> None:
    """Removes the lab's bridges, remaining veth pairs and rules. After the last lab, restores ip_forward."""
    for name in (lab.bridge, lab.external_bridge):
        link = _link(name)
        if link is None or _owner(link) not in ("", str(lab.directory)):
            continue
        for port in _links("master", name):
            _delete_link(str(port["ifname"]))
        _delete_link(name)
    machine.run(["nft", "delete", "table", "ip", lab.table], check=False)
    others = [link for link in _links("type", "bridge") if _owner(link)]
    if not others and _FORWARD_BEFORE.exists():
        noted = _FORWARD_BEFORE.read_text().split()
        if len(noted) == 2 and noted[1] == machine.boot_id() and noted[0] != _FORWARD.read_text().strip():
            _FORWARD.write_text(f"{noted[0]}\n")
        _FORWARD_BEFORE.unlink()


def _delete_link(name: str) -> None:
    machine.run(["ip", "link", "delete", "dev", name], check=False)


# ----------------------------------------------------------------------------------------------------------- the node


def _is_namespace(path: Path) -> bool:
    return bool(machine.mounts_under(path))


def connect(lab: Lab, name: str, index: int) -> None:
    """Creates the node's namespace with eth0 (its address, the default route) and eth1 (no address)."""
    space = lab.namespace(name)
    if not _is_namespace(_NETNS / space):
        (_NETNS / space).unlink(missing_ok=True)
        machine.run(["ip", "netns", "add", space])
    machine.run(["ip", "-n", space, "link", "set", "lo", "up"])
    mtu = str((_link(lab.bridge) or {}).get("mtu", 1500))
    for number, (outside, bridge) in enumerate(zip(lab.links(index), (lab.bridge, lab.external_bridge), strict=True)):
        _delete_link(outside)
        mac = f"02:53:57:{lab.number:02x}:{number + 1:02x}:{index:02x}"
        peer = ["peer", "name", f"eth{number}", "address", mac, "mtu", mtu, "netns", space]
        machine.run(["ip", "link", "add", outside, "mtu", mtu, "type", "veth", *peer])
        machine.run(["ip", "link", "set", outside, "master", bridge, "up"])
        machine.run(["ip", "-n", space, "link", "set", f"eth{number}", "up"])
    _disable_checksum_offload(lab.links(index)[1])
    machine.run(["ip", "-n", space, "address", "replace", f"{lab.address(index)}/24", "dev", "eth0"])
    machine.run(["ip", "-n", space, "route", "replace", "default", "via", lab.gateway])


def route(network: str, address: str) -> None:
    """Adds a route from this machine to a network (such as floating addresses) through the node at `address`."""
    machine.run(["ip", "route", "replace", network, "via", address])


def disconnect(lab: Lab, name: str, index: int) -> None:
    """Removes the routes through the node, its veth pairs and its namespace."""
    for outside in lab.links(index) if index else ():
        _delete_link(outside)
    if index:
        machine.run(["ip", "route", "flush", "via", lab.address(index)], check=False)
    path = _NETNS / lab.namespace(name)
    if _is_namespace(path):
        machine.run(["ip", "netns", "delete", lab.namespace(name)], check=False)
    path.unlink(missing_ok=True)


def namespaces(lab: Lab) -> list[str]:
    """The names of nodes that have a network namespace."""
    prefix = lab.namespace("")
    return sorted(p.name.removeprefix(prefix) for p in _NETNS.glob(f"{prefix}*")) if _NETNS.is_dir() else []


def nameservers(texts: list[str]) -> str:
    """A resolv.conf for nodes, from the first text with a name server that nodes can reach (no loopback address)."""
    for text in texts:
        servers = re.findall(r"^\s*nameserver\s+(\S+)", text, re.M)
        usable = [s for s in servers if not s.startswith("127.") and s != "::1"]
        if usable:
            rest = [line for line in text.splitlines() if re.match(r"\s*(search|domain|options)\s", line)]
            return "".join(f"{line}\n" for line in [*(f"nameserver {s}" for s in usable), *rest])
    return ""
