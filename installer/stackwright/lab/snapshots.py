"""Snapshots: the disk of a node, saved under a name as a read-only overlay layer of other nodes. Nothing is copied."""

from __future__ import annotations

import time
from dataclasses import replace

from stackwright.lab import machine, nodes, packages, records, sizes
from stackwright.lab.layout import Lab, check_name, dump_record
from stackwright.model import ExitCode, StackwrightError

_PATIENCE = 180.0
"""Seconds for an orderly shutdown: twice systemd's limit of 90 s for a unit that does not stop."""


def take_snapshot(name: str, tag: str, *, lab: Lab | None = None, say: nodes.Say = nodes.quiet) -> None:
    """Shuts a node down, saves its disk under a name, and starts it again on top of that.

    Services start as after a reboot of a host. `up(..., snapshot=tag)` creates nodes from it. The first one gets the
    address of the original node, if that is free, so that an installed cloud works under the same name.
    Raises StackwrightError.
    """
    lab = records.chosen(lab)
    check_name(tag, "snapshot")
    if (lab.snapshots / tag).exists():
        raise StackwrightError(
            f"snapshot {tag} exists", f"choose another name or remove it: stackwright lab forget {tag}", ExitCode.USAGE
        )
    machine.require()
    command = records.ssh_command(name, lab)
    say(f"{name}: shutting down")
    machine.run([*command, "systemctl", "poweroff"], check=False)
    started = time.monotonic()
    while machine.node_pids(lab.root(name)):
        if time.monotonic() - started > _PATIENCE:
            raise StackwrightError(
                f"node {name} did not shut down within {_PATIENCE:.0f} s", f"find out why: stackwright lab ssh {name}"
            )
        time.sleep(0.1)
    with machine.locked(nodes.LOCK):
        record = records.read_all(lab).get(name)
        if record is None or machine.node_pids(lab.root(name)) or (lab.snapshots / tag).exists():
            raise StackwrightError(
                f"another process changed {name} in the meantime", "try again; nothing was changed", ExitCode.BUSY
            )
        machine.detach_loops(record.device)
        machine.unmount_under(lab.root(name))
        packages.harvest(lab, record)
        kept = replace(record, layers=(tag, *record.layers), device=0)
        made = lab.snapshots / tag
        made.mkdir(mode=0o700)
        (lab.disk(name) / "upper").rename(made / "layer")
        machine.remove_tree(lab.disk(name) / "work")
        (made / "node.json").write_text(dump_record(kept))
        records.write(lab, kept)
        sizes.warn(nodes.start(lab, kept, say), say)
        records.publish(lab)
    # The disk was mounted without flushes (volatile), but a snapshot must survive a restart of the machine.
    machine.run(["sync", "--file-system", made])
    nodes.wait(lab, name)


def next_tag(name: str, lab: Lab) -> str:
    """A name for a node's next snapshot: n1-1, n1-2..."""
    existing = set(records.list_snapshots(lab))
    return next(tag for n in range(1, len(existing) + 2) if (tag := f"{name}-{n}") not in existing)


def reset(name: str, tag: str = "", *, lab: Lab | None = None, say: nodes.Say = nodes.quiet) -> str:
    """Restores a node to a snapshot: the named one, or its newest, or, without any, its first state. It keeps its name,
    address, size and host key. Returns the name of the snapshot, or an empty text. Raises StackwrightError."""
    lab = records.chosen(lab)
    machine.require()
    origin = nodes.snapshot_record(lab, check_name(tag, "snapshot")) if tag else None
    with machine.locked(nodes.LOCK):
        record = records.read_all(lab).get(name)
        if record is None:
            raise StackwrightError(
                f"no node named {name}", "list the nodes with `stackwright lab list`", ExitCode.USAGE
            )
        fresh = replace(record, boot_id=machine.boot_id(), device=0)
        if origin:
            fresh = replace(fresh, layers=origin.layers, base=origin.base, release=origin.release)
        say(f"{name}: restored to {fresh.layers[0] if fresh.layers else 'its first state'}")
        nodes.discard(lab, name, record)
        records.write(lab, fresh)
        sizes.warn(nodes.start(lab, fresh, say), say)
        records.publish(lab)
    nodes.wait(lab, name)
    return fresh.layers[0] if fresh.layers else ""


def remove_snapshot(tag: str, *, lab: Lab | None = None) -> None:
    """Removes a snapshot that no node and no other snapshot uses. Raises StackwrightError otherwise."""
    lab = records.chosen(lab)
    machine.require(())
    with machine.locked(nodes.LOCK):
        nodes.snapshot_record(lab, tag)
        users = [name for name, record in records.read_all(lab).items() if tag in record.layers]
        if users:
            raise StackwrightError(
                f"snapshot {tag} is in use by node {users[0]}",
                f"remove the nodes first: stackwright lab down {' '.join(users)}",
                ExitCode.USAGE,
            )
        others = [t for t in records.list_snapshots(lab) if t != tag]
        users = [t for t in others if (record := records.snapshot(lab, t)) and tag in record.layers]
        if users:
            raise StackwrightError(
                f"snapshot {tag} is in use by snapshot {users[0]}",
                f"remove that snapshot first: stackwright lab forget {users[0]}",
                ExitCode.USAGE,
            )
        machine.remove_tree(lab.snapshots / tag)
