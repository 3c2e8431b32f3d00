"""Reads and writes the records of nodes, finds traces of nodes, and publishes names, addresses and host keys."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from stackwright.lab import machine, network, supervisor
from stackwright.lab.layout import (
    Lab,
    Node,
    Record,
    check_name,
    dump_record,
    fqdn,
    hosts_block,
    known_hosts_text,
    lab_from,
    parse_record,
    ssh_config_text,
    with_hosts_block,
)
from stackwright.model import ExitCode, StackwrightError


def chosen(lab: Lab | None) -> Lab:
    """The given lab, or the one that the environment selects."""
    return lab or lab_from(os.environ)


def text_of(path: Path) -> str:
    """The text of a file; empty if it cannot be read."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def read_all(lab: Lab) -> dict[str, Record]:
    """All readable records, by name."""
    found = ((path.parent.name, parse_record(text_of(path))) for path in sorted(lab.nodes.glob("*/node.json")))
    return {name: record for name, record in found if record is not None and record.name == name}


def write(lab: Lab, record: Record) -> None:
    """Writes a record atomically."""
    _replace(lab.disk(record.name) / "node.json", dump_record(record))


def set_device(lab: Lab, record: Record, device: int) -> Record:
    """Writes and returns the record with the device number of the mounted overlay."""
    changed = replace(record, device=device)
    write(lab, changed)
    return changed


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text)
    fresh.replace(path)


def traces(lab: Lab) -> list[str]:
    """Names of nodes of which anything exists, with or without a record: folders, namespaces, processes, groups."""
    folders = [p.name for p in lab.nodes.iterdir()] if lab.nodes.is_dir() else []
    running = [name for root in machine.containers().values() if lab.root(name := root.parent.name) == root]
    return sorted({*folders, *running, *network.namespaces(lab), *supervisor.grouped(lab.namespace(""))})


def usable(record: Record) -> bool:
    """Whether the node is complete, and was created in this boot of the machine."""
    return bool(record.device) and record.boot_id == machine.boot_id()


def _node(lab: Lab, record: Record) -> Node:
    pids = machine.node_pids(lab.root(record.name))
    state = "running" if pids else "stopped"
    return Node(
        name=record.name,
        fqdn=fqdn(record.name),
        address=lab.address(record.index),
        release=record.release,
        state=state if usable(record) else "lost",
        user="root",
        key=lab.key,
        known_hosts=lab.known_hosts,
        ssh_config=lab.ssh_config,
        external_network=lab.external_network,
        external_gateway=lab.external_gateway,
        index=record.index,
        pid=pids[0] if pids else 0,
        memory=record.memory,
        cpus=record.cpus,
    )


def list_nodes(lab: Lab | None = None) -> list[Node]:
    """The lab's nodes, ordered by address. Needs root, because only root may read the lab's folder."""
    machine.require(())
    lab = chosen(lab)
    return sorted((_node(lab, r) for r in read_all(lab).values()), key=lambda n: n.index)


def ssh_command(name: str, lab: Lab | None = None) -> list[str]:
    """The words of an ssh command that logs in to a running node; append a remote command to them.

    Raises StackwrightError if there is no such node, or if it is not running.
    """
    lab = chosen(lab)
    check_name(name)
    node = next((n for n in list_nodes(lab) if n.name == name), None)
    if node is None or node.state != "running":
        problem = f"no node named {name}" if node is None else f"node {name} is {node.state}"
        raise StackwrightError(problem, f"start it: stackwright lab up {name}", ExitCode.ENVIRONMENT)
    return ["ssh", "-F", str(lab.ssh_config), name]


def snapshot(lab: Lab, tag: str) -> Record | None:
    """A snapshot's record, or None. Raises StackwrightError if the name is invalid."""
    return parse_record(text_of(lab.snapshots / check_name(tag, "snapshot") / "node.json"))


def list_snapshots(lab: Lab | None = None) -> list[str]:
    """The names of the lab's snapshots."""
    machine.require(())
    return sorted(p.parent.name for p in chosen(lab).snapshots.glob("*/node.json"))


def publish(lab: Lab) -> None:
    """Writes all nodes to known_hosts and ssh_config on the machine, and to /etc/hosts in every node."""
    records = read_all(lab)
    indices = {name: record.index for name, record in records.items()}
    public = {name: text_of(lab.host_key(name).with_suffix(".pub")) for name in records}
    _replace(lab.known_hosts, known_hosts_text(lab, {n: (indices[n], key) for n, key in public.items() if key}))
    _replace(lab.ssh_config, ssh_config_text(lab, indices))
    block = hosts_block(lab, indices)
    for name in records:
        hosts = lab.root(name) / "etc/hosts"
        # A symbolic link could point out of the node, to the machine's own file.
        if hosts.is_file() and not hosts.is_symlink():
            text = hosts.read_text()
            if (changed := with_hosts_block(text, block)) != text:
                hosts.write_text(changed)


def used_bases(lab: Lab) -> frozenset[str]:
    """The base images that a node or a snapshot of any lab number uses."""
    paths = [*lab.directory.glob("lab*/nodes/*/node.json"), *lab.directory.glob("lab*/snapshots/*/node.json")]
    return frozenset(record.base for path in paths if (record := parse_record(text_of(path))))
