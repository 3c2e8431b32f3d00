"""Creates and starts nodes (`up`), and removes them (`down`)."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path

from stackwright.lab import base, machine, network, packages, records, sizes, supervisor
from stackwright.lab.layout import (
    RELEASES,
    Lab,
    Node,
    Record,
    Size,
    check_names,
    check_release,
    fqdn,
    free_index,
)
from stackwright.model import ExitCode, StackwrightError

Say = Callable[[str], None]

LOCK = Path("/run/lock/stackwright-lab.lock")
"""One lock for the whole machine, because all labs share forwarding and the names of bridges."""

# Without kvm, because guests hung with it in nodes. In a node, /dev/kvm belongs to a group of the machine, so root may
# use it but libvirt's account may not: libvirt then probes QEMU's capabilities again for each instance (0.85 s instead
# of 0.05), and once it waited for the answer without end.
_DEVICES = ("loop-control", *(f"loop{n}" for n in range(8)), "fuse", "net/tun", "vhost-net")
_NSPAWN_RUN = Path("/run/systemd/nspawn")


def quiet(_: str) -> None:
    """Discards a message."""


# ------------------------------------------------------------------------------------------------------------------ up


def up(
    names: Collection[str],
    *,
    release: str = "",
    snapshot: str = "",
    size: Mapping[str, Size] | None = None,
    lab: Lab | None = None,
    say: Say = quiet,
    environment: Mapping[str, str] | None = None,
) -> list[Node]:
    """Creates or starts nodes, waits until SSH with the lab's key works, and returns them. Running nodes are unchanged.

    New nodes get the Debian release `release` (default: bookworm), or are created from `snapshot`, with its release. A
    stopped node is started with its disk unchanged. A node from before a restart of the machine is created again.
    Raises StackwrightError, also if a node exists but has another release.

    `size` has the limits of nodes by name. Limits that it does not set are unchanged; new nodes get those of the
    snapshot, or none. The size of a running node cannot change. `say` gets a message about that, and about limits that
    the kernel cannot enforce.
    """
    lab = records.chosen(lab)
    wanted = check_names(names)
    if not wanted:
        raise StackwrightError("no node name given", "name at least one: stackwright lab up n1", ExitCode.USAGE)
    if release:
        check_release(release)
    machine.require()
    environment = os.environ if environment is None else environment
    _prepare(lab)
    origin = snapshot_record(lab, snapshot) if snapshot else None
    base_name = origin.base if origin else base.ensure(lab, release or RELEASES[0], environment, say)
    with machine.locked(LOCK, lambda: say("waiting for another `stackwright lab`")):
        network.check_owner(lab)
        _remove_unusable(lab, say)
        existing = records.read_all(lab)
        for name in wanted:
            if name in existing:
                _check_same(existing[name], origin, release)
        network.ensure(lab)
        missing: set[str] = set()
        for name in wanted:
            record = existing.get(name) or _record(lab, name, base_name, origin, release or RELEASES[0])
            missing |= {*start(lab, _sized(lab, record, (size or {}).get(name, Size()), say), say)}
        sizes.warn(missing, say)
        records.publish(lab)
        base.prune(lab, records.used_bases(lab))
    for name in wanted:
        wait(lab, name)
    nodes = {n.name: n for n in records.list_nodes(lab)}
    if lost := [name for name in wanted if name not in nodes]:
        raise StackwrightError(
            f"another process removed these nodes while they started: {', '.join(lost)}",
            "use a separate lab: set STACKWRIGHT_LAB_NUMBER",
            ExitCode.BUSY,
        )
    return [nodes[name] for name in wanted]


def _prepare(lab: Lab) -> None:
    lab.directory.mkdir(parents=True, exist_ok=True)
    for folder in (lab.home, lab.bases, lab.packages, lab.nodes, lab.snapshots, lab.host_key("x").parent):
        folder.mkdir(mode=0o700, exist_ok=True)
    lab.home.chmod(0o700)
    _keygen(lab.key, "stackwright-lab")


def _keygen(path: Path, comment: str) -> str:
    """The public key of the private key at `path`; creates both if one is missing."""
    public = path.with_suffix(".pub")
    if not path.exists() or not public.exists():
        path.unlink(missing_ok=True)
        machine.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path])
    return public.read_text()


def _remove_unusable(lab: Lab, say: Say) -> None:
    """Removes incomplete nodes, and nodes from before the machine was restarted."""
    known = records.read_all(lab)
    for name in records.traces(lab):
        record = known.get(name)
        if record is None or not records.usable(record):
            say(f"{name}: removing what was left after a crash or a restart of the machine")
            discard(lab, name, record)


def _check_same(record: Record, origin: Record | None, release: str) -> None:
    if origin is not None and record.layers != origin.layers:
        raise StackwrightError(
            f"node {record.name} exists and was not created from that snapshot",
            f"remove it first: stackwright lab down {record.name}",
            ExitCode.USAGE,
        )
    if origin is None and release and record.release != release:
        raise StackwrightError(
            f"node {record.name} exists and runs {record.release}, not {release}",
            f"choose another name or remove it first: stackwright lab down {record.name}",
            ExitCode.USAGE,
        )


def _record(lab: Lab, name: str, base_name: str, origin: Record | None, release: str) -> Record:
    """Writes the record of a new node, before anything else is created for it."""
    taken = [r.index for r in records.read_all(lab).values()]
    record = Record(
        name=name,
        index=free_index(taken, origin.index if origin else 0),
        release=origin.release if origin else release,
        base=base_name,
        boot_id=machine.boot_id(),
        layers=origin.layers if origin else (),
        memory=origin.memory if origin else 0,
        cpus=origin.cpus if origin else 0,
    )
    records.write(lab, record)
    return record


def _sized(lab: Lab, record: Record, asked: Size, say: Say) -> Record:
    """Writes and returns the record with the requested size; a running node keeps its size."""
    wanted = Size(asked.memory or record.memory, asked.cpus or record.cpus)
    if wanted == record.size:
        return record
    if machine.node_pids(lab.root(record.name)):
        say(
            f"{record.name}: size unchanged ({record.size}); to get {wanted}, run `stackwright lab down "
            f"{record.name}` first"
        )
        return record
    changed = replace(record, memory=wanted.memory, cpus=wanted.cpus)
    records.write(lab, changed)
    return changed


def start(lab: Lab, record: Record, say: Say) -> tuple[str, ...]:
    """Starts a node that has a record, unless it runs. The caller holds the lock and calls `publish` afterwards.

    Returns the names of the limits that the kernel does not enforce, for `sizes.warn`.
    """
    name = record.name
    if machine.node_pids(lab.root(name)):
        say(f"{name}: already running at {lab.address(record.index)}")
        return ()
    say(f"{name}: starting at {lab.address(record.index)}")
    _mount(lab, record)
    # The groups of an earlier start may have other limits.
    supervisor.remove_groups(lab.namespace(name))
    enforced = sizes.enforce(lab.namespace(name), record.size, supervisor.mountinfo())
    _configure(lab, name, enforced)
    network.connect(lab, name, record.index)
    _boot(lab, name)
    return sizes.not_enforced(record.size, enforced)


def _mount(lab: Lab, record: Record) -> None:
    """Mounts the node's overlay if it is not mounted, and records its device number."""
    disk, root = lab.disk(record.name), lab.root(record.name)
    if not machine.mounts_under(root):
        for folder in ("upper", "work", "root"):
            (disk / folder).mkdir(exist_ok=True)
            (disk / folder).chmod(0o755)
        # An earlier mount of the same boot leaves this behind, and the kernel then refuses another volatile mount.
        machine.remove_tree(disk / "work/work/incompat/volatile")
        packages.seed(lab, record)
        lower = ":".join([*(str(lab.snapshots / tag / "layer") for tag in record.layers), str(lab.bases / record.base)])
        # volatile: no flush to disk. Otherwise fsync in dpkg and databases takes minutes.
        options = f"lowerdir={lower},upperdir={disk / 'upper'},workdir={disk / 'work'},volatile"
        try:
            machine.run(["mount", "-t", "overlay", lab.namespace(record.name), "-o", options, root])
        except StackwrightError as error:
            raise StackwrightError(
                f"{error.message}\nthe lab's directory must be on a file system that overlayfs can write to (ext4, "
                "xfs, btrfs or tmpfs, not another overlay), with kernel 5.10 or newer",
                "choose another directory with STACKWRIGHT_LAB_DIR",
                ExitCode.ENVIRONMENT,
            ) from None
    records.set_device(lab, record, root.stat().st_dev)


def _configure(lab: Lab, name: str, enforced: Size) -> None:
    """Writes the node's names, keys, resolver and limits. All but the limits are written only once, because the node
    may change them."""
    etc, marker = lab.root(name) / "etc", lab.disk(name) / "furnished"
    (lab.root(name) / sizes.LIMITS).unlink(missing_ok=True)
    if text := sizes.limits_text(enforced):
        _put(lab.root(name) / sizes.LIMITS, text)
    if not marker.exists():
        _put(etc / "hostname", f"{name}\n")
        _put(etc / "machine-id", f"{uuid.uuid4().hex}\n", 0o444)
        _put(etc / "hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n")
        resolvers = [Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf")]
        _put(etc / "resolv.conf", network.nameservers([records.text_of(path) for path in resolvers]))
        public = _keygen(lab.host_key(name), fqdn(name))
        _put(etc / "ssh/ssh_host_ed25519_key.pub", public)
        _put(etc / "ssh/ssh_host_ed25519_key", lab.host_key(name).read_text(), 0o600)
        _put(lab.root(name) / "root/.ssh/authorized_keys", _keygen(lab.key, "stackwright-lab"), 0o600)
        marker.touch()


def _put(path: Path, text: str, mode: int = 0o644) -> None:
    """Writes a file in a node, and replaces an existing one; never follows a link out of the node."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(text)
    path.chmod(mode)


def _boot(lab: Lab, name: str) -> None:
    binds = [f"--bind=/dev/{device}" for device in _DEVICES if Path("/dev", device).exists()]
    modules = Path("/lib/modules", os.uname().release)
    if modules.is_dir():
        binds.append(f"--bind-ro={modules.resolve()}:{modules}")
    words = [
        "systemd-nspawn", "--quiet", "--boot", "--settings=no", "--register=no", "--keep-unit",
        f"--machine={lab.namespace(name)}", f"--hostname={name}", f"--directory={lab.root(name)}",
        f"--network-namespace-path=/run/netns/{lab.namespace(name)}",
        # The node's root has all capabilities, except that it cannot set the machine's clock.
        "--capability=all", "--drop-capability=CAP_SYS_TIME",
        # The limits that systemd sets on real hosts, if the machine allows them; databases cannot start with less.
        "--rlimit=RLIMIT_NOFILE=1024:524288", "--rlimit=RLIMIT_NPROC=infinity",
        "--resolv-conf=off", "--timezone=off", "--link-journal=no", *binds,
    ]  # fmt: skip
    environment = {
        "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "yes",
        "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
        "SYSTEMD_NSPAWN_TMPFS_TMP": "0",
    }
    supervisor.start(lab.namespace(name), words, lab.disk(name) / "console.log", environment)


def wait(lab: Lab, name: str, patience: float = 60.0) -> None:
    """Waits until SSH with the lab's key works. Raises StackwrightError with the end of the node's console."""
    record = records.read_all(lab).get(name)
    started = time.monotonic()
    while record is not None and (reason := _ssh_error(lab, name)):
        waited = time.monotonic() - started
        # The supervisor process needs a moment to appear.
        if waited > patience or (waited > 3 and not machine.node_pids(lab.root(name))):
            if name not in records.read_all(lab):
                return
            console = "\n".join(records.text_of(lab.disk(name) / "console.log").splitlines()[-15:])
            raise StackwrightError(
                f"cannot log in to {name} with SSH: {reason}\nlast lines of its console:\n{console}",
                f"remove it with `stackwright lab down {name}` and try again",
                ExitCode.ENVIRONMENT,
            )
        time.sleep(0.05)


def _ssh_error(lab: Lab, name: str) -> str:
    """Why SSH does not work yet; empty if it does."""
    command = ["ssh", "-F", str(lab.ssh_config), "-o", "BatchMode=yes", "-o", "ConnectTimeout=2", name, "echo in"]
    output = machine.run(["sh", "-c", '"$@" 2>&1', "sh", *command], check=False).strip()
    return "" if output.splitlines()[-1:] == ["in"] else output or "no answer"


# ---------------------------------------------------------------------------------------------------------------- down


def down(names: Collection[str] = (), *, lab: Lab | None = None, say: Say = quiet) -> list[str]:
    """Removes nodes (without names, all of them) completely; returns the names of the removed nodes.

    Uses the actual processes, mounts and groups in addition to the records, so it also cleans up after a crash. With
    the last node, bridges, firewall rules and forwarding are removed. Keys, base images, downloaded packages and
    snapshots are kept.
    """
    lab = records.chosen(lab)
    wanted = check_names(names)
    machine.require(("ip", "nft", "losetup"))
    with machine.locked(LOCK, lambda: say("waiting for another `stackwright lab`")):
        network.check_owner(lab)
        existing = records.traces(lab)
        if unknown := [name for name in wanted if name not in existing]:
            raise StackwrightError(
                f"no node named {' or '.join(unknown)}",
                "list the nodes with `stackwright lab list`",
                ExitCode.USAGE,
            )
        removed = [name for name in existing if not wanted or name in wanted]
        known = records.read_all(lab)
        for name in removed:
            say(f"{name}: removing")
            discard(lab, name, known.get(name))
        if not records.traces(lab):
            network.remove(lab)
        if lab.home.is_dir():
            records.publish(lab)
    return removed


def discard(lab: Lab, name: str, record: Record | None) -> None:
    """Removes one node, complete or not."""
    root, machine_name = lab.root(name), lab.namespace(name)
    machine.kill_container(root, machine_name)
    supervisor.remove_groups(machine_name)
    devices = {record.device} if record and record.boot_id == machine.boot_id() else set()
    if machine.mounts_under(root):
        devices.add(root.stat().st_dev)
    for device in devices - {0}:
        machine.detach_loops(device)
        # systemd-nspawn removes its locks only on a tmpfs, and only if it is not killed.
        for lock in (_NSPAWN_RUN / "locks").glob(f"inode-{device}:*"):
            lock.unlink(missing_ok=True)
    machine.remove_tree(_NSPAWN_RUN / "propagate" / machine_name)
    if record and lab.packages.is_dir():
        packages.harvest(lab, record)
    machine.unmount_under(root)
    network.disconnect(lab, name, record.index if record else 0)
    machine.remove_tree(lab.disk(name))


def snapshot_record(lab: Lab, tag: str) -> Record:
    """A snapshot's record; raises StackwrightError if there is no snapshot of that name."""
    record = records.snapshot(lab, tag)
    if record is None:
        existing = ", ".join(records.list_snapshots(lab)) or "none"
        raise StackwrightError(
            f"no snapshot named {tag}; snapshots: {existing}",
            "create one: stackwright lab snapshot n1 TAG",
            ExitCode.USAGE,
        )
    return record
