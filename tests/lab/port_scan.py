"""A scan of the hosts' TCP ports from inside an instance, and what it may find."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable

METADATA = "169.254.169.254"
_SAMPLE = (22, 80, 3306, 5672, 5900, 6641, 6642, 8775, 11211)

Target = tuple[str, int]

Sh = Callable[[str], str]
"""Runs a script on a node, as root, and returns its output."""


def listening(node: Sh) -> set[Target]:
    """The node's addresses, each with the ports where something listens for others, and with a sample of ports."""
    ports = {*_SAMPLE}
    for line in node("ss -lntH").splitlines():
        address, _, port = line.split()[3].rpartition(":")
        if not address.startswith(("127.", "[::1", "[::ffff:127.")):
            ports.add(int(port))
    found = (ipaddress.ip_interface(text).ip for text in re.findall(r"inet6? (\S+)", node("ip -o address")))
    return {(str(a), port) for a in found if not a.is_loopback and not a.is_link_local for port in ports}


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


def open_to_everyone(told: Iterable[str]) -> set[int]:
    """The TCP ports of a host that a plan's list says are open to everyone."""
    ports: set[int] = set()
    for line in told:
        if found := re.fullmatch(r"\s*tcp (\d+)(?:-(\d+))? .*: everyone", line):
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
