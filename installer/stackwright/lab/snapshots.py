"""Snapshots: a node's disk kept under a name, as a layer that other nodes stand on. Nothing is copied."""

from __future__ import annotations

import time
from dataclasses import replace

from stackwright.lab import machine, nodes, packages, records, sizes
from stackwright.lab.layout import Lab, check_name, dump_record
from stackwright.model import ExitCode, StackwrightError

_PATIENCE = 180.0
"""Seconds for an orderly shutdown: two of systemd's 90 s limits for a unit that does not stop."""


def take_snapshot(name: str, tag: str, *, lab: Lab | None = None, say: nodes.Say = nodes.quiet) -> None:
    """Shuts a node down in order, keeps its disk under a name, and starts it again on top of that.

    Services come back as after a restart of the host. `up(..., snapshot=tag)` makes nodes from it; the first one gets
    the address of the node it was taken from, if that is free: what is installed there goes on working under the
    same name. Raises StackwrightError.
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
        sizes.tell(nodes.start(lab, kept, say), say)
        records.publish(lab)
    # The disk was mounted without any waiting for writes; a snapshot is to survive a restart of the machine.
    machine.run(["sync", "--file-system", made])
    nodes.wait(lab, name)


def next_tag(name: str, lab: Lab) -> str:
    """A name for a node's next snapshot: n1-1, n1-2..."""
    there = set(records.list_snapshots(lab))
    return next(tag for n in range(1, len(there) + 2) if (tag := f"{name}-{n}") not in there)


def reset(name: str, tag: str = "", *, lab: Lab | None = None, say: nodes.Say = nodes.quiet) -> str:
    """Throws away what a node did since its newest snapshot, or since the one named, and starts it from there again;
    where it has none, as it was made. It keeps its name, address, size and host key. Returns the snapshot's name, empty
    where there is none. Raises StackwrightError."""
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
        sizes.tell(nodes.start(lab, fresh, say), say)
        records.publish(lab)
    nodes.wait(lab, name)
    return fresh.layers[0] if fresh.layers else ""


def remove_snapshot(tag: str, *, lab: Lab | None = None) -> None:
    """Removes a snapshot that no node and no other snapshot stands on. Raises StackwrightError otherwise."""
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
