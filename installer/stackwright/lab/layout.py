"""Paths, names and addresses of the lab. Pure functions without I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from stackwright.model import ExitCode, StackwrightError

DEFAULT_DIRECTORY = "/var/cache/stackwright/lab"
DOMAIN = "lab.stackwright.test"
RELEASES = ("bookworm", "trixie")
FIRST_INDEX = 10
LAST_INDEX = 250

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")


@dataclass(frozen=True)
class Lab:
    """One lab: a folder and a number.

    The folder contains base images, downloaded packages, SSH keys and the disks of the nodes. The number determines
    addresses and names of bridges, so labs with different numbers are independent.
    """

    directory: Path
    number: int = 0

    @property
    def home(self) -> Path:
        """Folder of this lab number: nodes, snapshots, keys. Mode 0700."""
        return self.directory / f"lab{self.number}"

    @property
    def bases(self) -> Path:
        return self.directory / "base"

    @property
    def packages(self) -> Path:
        """Downloaded .deb files by release, shared by all nodes."""
        return self.directory / "packages"

    @property
    def nodes(self) -> Path:
        return self.home / "nodes"

    @property
    def snapshots(self) -> Path:
        return self.home / "snapshots"

    @property
    def key(self) -> Path:
        """The private SSH key for root on every node of this lab."""
        return self.home / "id_ed25519"

    def host_key(self, name: str) -> Path:
        """A node's SSH host key. It is kept when the node is removed, so that a new node of that name has the same."""
        return self.home / "host-keys" / name

    @property
    def known_hosts(self) -> Path:
        return self.home / "known_hosts"

    @property
    def ssh_config(self) -> Path:
        return self.home / "ssh_config"

    @property
    def network(self) -> str:
        """The network of the nodes; the machine has its first address."""
        return f"198.18.{self.number}.0/24"

    @property
    def gateway(self) -> str:
        return f"198.18.{self.number}.1"

    @property
    def external_network(self) -> str:
        """The network at the second interface of every node, for floating addresses."""
        return f"198.19.{self.number}.0/24"

    @property
    def external_gateway(self) -> str:
        return f"198.19.{self.number}.1"

    @property
    def bridge(self) -> str:
        return f"swlab{self.number}"

    @property
    def external_bridge(self) -> str:
        return f"swext{self.number}"

    @property
    def table(self) -> str:
        """The nftables table (family ip)."""
        return f"stackwright_lab{self.number}"

    def namespace(self, name: str) -> str:
        """The name of a node's network namespace and of its systemd-nspawn machine."""
        return f"swlab{self.number}-{name}"

    def disk(self, name: str) -> Path:
        """The folder of one node: record, overlay layers, console log."""
        return self.nodes / name

    def root(self, name: str) -> Path:
        """Where a node's file system is mounted on the machine."""
        return self.disk(name) / "root"

    def links(self, index: int) -> tuple[str, str]:
        """The machine's ends of a node's two veth pairs (at most 15 characters, the kernel's limit)."""
        return f"sw{self.number}i{index}", f"sw{self.number}e{index}"

    def address(self, index: int) -> str:
        return f"198.18.{self.number}.{index}"


@dataclass(frozen=True)
class Size:
    """The resource limits of a node; 0 means no limit."""

    memory: int = 0
    """Bytes."""
    cpus: int = 0
    """Processors."""

    def __str__(self) -> str:
        parts = [f"{self.memory / 2**30:.3g} GiB"] if self.memory else []
        if self.cpus:
            parts.append(f"{self.cpus} processor{'s' if self.cpus > 1 else ''}")
        return ", ".join(parts) or "no limit"


@dataclass(frozen=True)
class Record:
    """The record of a node. It is written before anything is created, so that `down` can remove incomplete nodes."""

    name: str
    index: int
    release: str
    base: str
    boot_id: str
    """The boot of the machine in which the node was created; nodes do not survive a reboot of the machine."""
    layers: tuple[str, ...] = ()
    """Snapshots between the base image and the node's own layer, the newest first."""
    device: int = 0
    """Device number of the mounted overlay, 0 until it is mounted. It identifies the loop devices of the node."""
    memory: int = 0
    """Memory limit in bytes; this and `cpus` as in `Size`."""
    cpus: int = 0

    @property
    def size(self) -> Size:
        return Size(self.memory, self.cpus)


@dataclass(frozen=True)
class Node:
    """A throw-away node, with everything that is needed to log in to it."""

    name: str
    fqdn: str
    address: str
    release: str
    state: str
    """running, stopped, or lost (incomplete, or created before the machine was restarted)."""
    user: str
    key: Path
    known_hosts: Path
    ssh_config: Path
    external_network: str
    """The network of eth1, which has no address in the node: 198.19.0.0/24."""
    external_gateway: str
    """The machine's address in that network; the machine forwards and masquerades."""
    index: int = 0
    pid: int = 0
    """Process id of systemd-nspawn; 0 while not running."""
    memory: int = 0
    """Memory limit in bytes; 0 means no limit."""
    cpus: int = 0
    """Limit of processors; 0 means no limit."""

    @property
    def size(self) -> Size:
        return Size(self.memory, self.cpus)


def lab_from(environment: Mapping[str, str]) -> Lab:
    """The lab that STACKWRIGHT_LAB_DIR (a folder) and STACKWRIGHT_LAB_NUMBER (0 to 255) select.

    Raises StackwrightError if one of them is invalid.
    """
    directory = Path(environment.get("STACKWRIGHT_LAB_DIR") or DEFAULT_DIRECTORY)
    if not directory.is_absolute() or re.search(r"[\s:,\\]", str(directory)):
        raise StackwrightError(
            f"STACKWRIGHT_LAB_DIR is {str(directory)!r}, but must be an absolute path without spaces, colons, commas "
            "and backslashes",
            f"unset it to use {DEFAULT_DIRECTORY}",
            ExitCode.USAGE,
        )
    text = environment.get("STACKWRIGHT_LAB_NUMBER") or "0"
    if not re.fullmatch(r"[0-9]{1,3}", text) or int(text) > 255:
        raise StackwrightError(
            f"STACKWRIGHT_LAB_NUMBER is {text!r}, but must be a number from 0 to 255",
            "choose the third part of the nodes' addresses: 198.18.NUMBER.10",
            ExitCode.USAGE,
        )
    return Lab(directory, int(text))


def check_name(name: str, what: str = "node") -> str:
    """Returns the name if it is a valid host name; raises StackwrightError otherwise."""
    if not _NAME.fullmatch(name):
        raise StackwrightError(
            f"{name!r} is not a valid name of a {what}; use 1 to 32 characters (a-z, 0-9, '-') that start "
            "with a letter and do not end with '-'",
            f"use, for example: stackwright lab up {'n1' if what == 'node' else 'n1 --from clean'}",
            ExitCode.USAGE,
        )
    if name == "localhost":
        raise StackwrightError("a node cannot be named localhost", "choose another name, such as n1", ExitCode.USAGE)
    return name


def check_names(names: Collection[str]) -> tuple[str, ...]:
    """Checks every name; returns them without repetitions, in the given order."""
    return tuple(dict.fromkeys(check_name(name) for name in names))


def check_release(release: str) -> str:
    """Returns the release if the lab supports it; raises StackwrightError otherwise."""
    if release not in RELEASES:
        raise StackwrightError(
            f"unknown Debian release {release!r}; use {' or '.join(RELEASES)}",
            f"use, for example: stackwright lab up n1 --release {RELEASES[0]}",
            ExitCode.USAGE,
        )
    return release


def free_index(taken: Collection[int], preferred: int = 0) -> int:
    """The last part of a new node's address: `preferred` if it is free, otherwise the lowest free one."""
    if FIRST_INDEX <= preferred <= LAST_INDEX and preferred not in taken:
        return preferred
    for index in range(FIRST_INDEX, LAST_INDEX + 1):
        if index not in taken:
            return index
    raise StackwrightError(
        f"all {LAST_INDEX - FIRST_INDEX + 1} addresses of the lab are in use",
        "remove a node: `stackwright lab down NAME`; `stackwright lab list` shows the nodes",
        ExitCode.ENVIRONMENT,
    )


def dump_record(record: Record) -> str:
    """The record as JSON text."""
    return json.dumps(asdict(record), indent=1, sort_keys=True) + "\n"


def parse_record(text: str) -> Record | None:
    """Parses a record from JSON; None if the text is not a record (truncated by a crash, or of another version)."""
    try:
        data = json.loads(text)
        values = {f.name: data[f.name] for f in fields(Record) if f.name in data}
        record = Record(**{**values, "layers": tuple(values.get("layers", ()))})
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    numbers = (record.index, record.device, record.memory, record.cpus)
    typed = all(isinstance(number, int) for number in numbers) and isinstance(record.name, str)
    return record if typed else None


def fqdn(name: str) -> str:
    """A node's full name."""
    return f"{name}.{DOMAIN}"


def hosts_block(lab: Lab, nodes: Mapping[str, int]) -> str:
    """The lines for /etc/hosts, between two markers: the name and address of each node."""
    lines = [f"{lab.address(index)} {fqdn(name)} {name}" for name, index in sorted(nodes.items(), key=lambda i: i[1])]
    return "\n".join([_BEGIN, *lines, _END]) + "\n"


_BEGIN = "# stackwright lab: begin"
_END = "# stackwright lab: end"


def with_hosts_block(text: str, block: str) -> str:
    """A hosts file in which `block` replaces the lines of the lab, or is added; all other lines are unchanged."""
    pattern = re.compile(re.escape(_BEGIN) + r"\n.*?" + re.escape(_END) + r"\n?", re.DOTALL)
    if pattern.search(text):
        return pattern.sub(lambda _: block, text, count=1)
    return text + ("" if not text or text.endswith("\n") else "\n") + block


def ssh_config_text(lab: Lab, nodes: Mapping[str, int]) -> str:
    """An OpenSSH client configuration for the lab's nodes; host keys are always checked."""
    out = ["# Written by `stackwright lab`; use it as: ssh -F FILE NAME"]
    for name, index in sorted(nodes.items()):
        out += [
            f"Host {name} {fqdn(name)} {lab.address(index)}",
            f"  HostName {lab.address(index)}",
            "  User root",
            f"  IdentityFile {lab.key}",
            "  IdentitiesOnly yes",
            f"  UserKnownHostsFile {lab.known_hosts}",
            "  GlobalKnownHostsFile /dev/null",
            "  StrictHostKeyChecking yes",
            "  UpdateHostKeys no",
        ]
    return "\n".join(out) + "\n"


def known_hosts_text(lab: Lab, keys: Mapping[str, tuple[int, str]]) -> str:
    """known_hosts lines: each node's public key under its name, full name and address."""
    return "".join(
        f"{name},{fqdn(name)},{lab.address(index)} {' '.join(key.split()[:2])}\n"
        for name, (index, key) in sorted(keys.items())
    )
