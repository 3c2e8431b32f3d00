"""A scan of the hosts' TCP and UDP ports from inside an instance, and what it may find.

Most UDP ports give no answer, whether they are open or not. So the hosts count: one chain sees each datagram before the
firewall's chains, another one those that the firewall let pass.
"""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Callable, Iterable

METADATA = "169.254.169.254"
_UDP_SAMPLE = (53, 67, 123, 6081)
_SAMPLE = (22, 80, 3306, 5672, 5900, 6641, 6642, 8775, 11211)

Target = tuple[str, int]

Sh = Callable[[str], str]
"""Runs a script on a node, as root, and returns its output."""


def _targets(node: Sh, sockets: str, sample: Iterable[int], family: str) -> set[Target]:
    """The node's addresses of a family, each with the ports of `sockets` (options of ss) that are not on loopback, and
    with a sample of ports."""
    ports = {*sample}
    for line in node(f"ss -lnH {sockets}").splitlines():
        address, _, port = line.split()[3].rpartition(":")
        if not address.startswith(("127.", "[::1", "[::ffff:127.")):
            ports.add(int(port))
    found = (ipaddress.ip_interface(text).ip for text in re.findall(rf"{family} (\S+)", node("ip -o address")))
    return {(str(a), port) for a in found if not a.is_loopback and not a.is_link_local for port in ports}


def listening(node: Sh) -> set[Target]:
    """The TCP ports to try on a node: those where something listens, and a sample, at each of its addresses."""
    return _targets(node, "-t", _SAMPLE, "inet6?")


_UDP = "@th,64,48 0x00017363616e"
"""What the instance's datagrams are recognised by: they are requests of TFTP for a file "scan"."""


def udp_listening(node: Sh) -> set[Target]:
    """The UDP ports to try on a node, at each of its IPv4 addresses."""
    return _targets(node, "-u", _UDP_SAMPLE, "inet")


def udp_count(node: Sh) -> None:
    """Counts the instance's datagrams on a node from now on."""
    node(f"""nft -f - <<'NFT'
table ip port_scan {{
  set arrived {{ type ipv4_addr . inet_service; flags dynamic; }}
  set passed {{ type ipv4_addr . inet_service; flags dynamic; }}
  chain first {{
    type filter hook prerouting priority -310
    udp dport 1-65535 {_UDP} add @arrived {{ ip daddr . udp dport }}
  }}
  chain last {{
    type filter hook input priority 300
    udp dport 1-65535 {_UDP} add @passed {{ ip daddr . udp dport }}
  }}
}}
NFT""")


def udp_counted(node: Sh) -> tuple[set[Target], set[Target]]:
    """What arrived at a node, and what its firewall let pass; ends the counting."""
    found = []
    for name in ("arrived", "passed"):
        listed = node(f"nft -n list set ip port_scan {name}")
        found.append({(address, int(port)) for address, port in re.findall(r"(\d[\d.]+) \. (\d+)", listed)})
    node("nft delete table ip port_scan")
    return found[0], found[1]


def udp_over_ssh(login: str, targets: Iterable[Target]) -> str:
    """A command line that sends one datagram to each target from an instance with busybox: a second for each."""
    words = " ".join(f"'{address} {port}'" for address, port in sorted(targets))
    send = 'set -- $target; timeout 1 tftp -g -r scan -l /tmp/none "$1" "$2" > /dev/null 2>&1'
    return f"{logged_in(login, 'sh -s')} <<'SCAN'\nfor target in {words}; do {send}; done; echo sent\nSCAN"


def script(targets: Iterable[Target]) -> str:
    """A script for an instance with busybox: prints the address and port of each target that accepts a connection.
    It takes a second for 30 targets that do not answer."""
    words = " ".join(f"'{address} {port}'" for address, port in sorted(targets))
    return f"""n=0
for target in {words}; do
  set -- $target
  (nc -w1 "$1" "$2" -e true < /dev/null > /dev/null 2>&1 && echo "reached $1 $2") &
  n=$((n + 1))
  [ $((n % 30)) != 0 ] || wait
done
wait
echo "scanned $n"
"""


def parsed(output: str) -> set[Target]:
    """What the script found. Fails if it did not come to its end."""
    assert re.search(r"^scanned [1-9]", output, re.MULTILINE), output
    return {(address, int(port)) for address, port in re.findall(r"^reached (\S+) (\d+)$", output, re.MULTILINE)}


def logged_in(login: str, command: str) -> str:
    """A command line that runs a command in an instance; `login` is the ssh command that logs in."""
    options = "ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=10 -o BatchMode=yes"
    return f"{login.replace('ssh', options, 1)} {command}"


def over_ssh(login: str, targets: Iterable[Target]) -> str:
    """A command line that runs the script in an instance."""
    return f"{logged_in(login, 'sh -s')} <<'SCAN'\n{script(targets)}SCAN"


FIXED = "without a floating address until the end"


def without_floating_address(login: str, targets: Iterable[Target]) -> str:
    """A command line that leaves the script running in an instance. It waits there until the metadata no longer name a
    floating address, and writes what it finds to a file (`collected`)."""
    asked = f"wget -qO- http://{METADATA}/latest/meta-data/public-ipv4"
    wait = f'n=0; while [ -n "$({asked})" ] && [ $n -lt 60 ]; do n=$((n + 1)); sleep 2; done; [ $n -lt 60 ] || exit 1'
    start = "cat > scan; rm -f found; (sh scan > finding 2> /dev/null && mv finding found) > /dev/null 2>&1 &"
    ended = f'[ -n "$({asked})" ] || echo "{FIXED}"'
    return f"{logged_in(login, shlex.quote(start))} <<'SCAN'\n{wait}\n{script(targets)}{ended}\nSCAN"


def collected(login: str) -> str:
    """A command line that prints what the script found without a floating address; nothing as long as it runs."""
    return logged_in(login, shlex.quote("cat found 2> /dev/null || true"))


def open_to_everyone(lines: Iterable[str], protocol: str = "tcp") -> set[int]:
    """The ports of a host that a plan's list says are open to everyone."""
    ports: set[int] = set()
    for line in lines:
        if found := re.fullmatch(rf"\s*{protocol} (\d+)(?:-(\d+))? .*: everyone", line):
            ports.update(range(int(found[1]), int(found[2] or found[1]) + 1))
    return ports


def judge(found: set[Target], hosts: dict[str, tuple[set[Target], set[int]]]) -> None:
    """Compares what an instance reached with what it may reach. `hosts` has, by name, a host's targets and the ports
    that are open to everyone. Of the metadata proxy it is HTTP alone."""
    assert {port for address, port in found if address == METADATA} == {80}
    meant = {(address, port) for targets, ports in hosts.values() for address, port in targets if port in ports}
    everything = {target for targets, _ in hosts.values() for target in targets}
    assert everything - meant, "everything that was tried is open, so nothing is proved"
    assert found & meant, "an instance uses the APIs, so the scan finds these"
    assert found - meant - {(METADATA, 80)} == set()
