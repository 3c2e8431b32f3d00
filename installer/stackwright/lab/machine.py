"""Access to this machine: programs, processes, mounts, loop devices, locks. Independent of nodes."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from stackwright import shell
from stackwright.model import ExitCode, StackwrightError

_PACKAGES = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "nft": "nftables",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "losetup": "mount",
    "mount": "mount",
    "setsid": "util-linux",
}
"""Programs that the lab calls, and the Debian packages that contain them."""

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _which(program: str) -> str | None:
    return shutil.which(program, path=_PATH)


def require(
    programs: Collection[str] = tuple(_PACKAGES),
    *,
    which: Callable[[str], str | None] = _which,
    uid: int | None = None,
) -> None:
    """Raises one StackwrightError that names everything that is missing (root, programs), with hints."""
    missing = [p for p in programs if which(p) is None]
    packages = sorted({_PACKAGES[p] for p in missing})
    lines, hints = [], []
    if (os.geteuid() if uid is None else uid) != 0:
        lines.append("the lab needs root to create network namespaces, mounts and firewall rules")
        hints.append("run the command with sudo")
    if missing:
        lines.append(f"programs are missing on this machine: {', '.join(missing)}")
        hints.append(f"install them: apt-get install --yes --no-install-recommends {' '.join(packages)}")
    if lines:
        raise StackwrightError("\n".join(lines), "\n".join(hints), ExitCode.ENVIRONMENT)


def run(
    argv: Sequence[str | Path],
    *,
    input: str | None = None,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    hands_lock_on: bool = False,
) -> str:
    """Runs a program and returns its standard output. Raises StackwrightError with its last lines if it fails.

    The program inherits the locks of `locked`, so they are held until it and its child processes have ended, even if
    this process is killed. With `hands_lock_on`, it inherits only the newest lock, as its standard input: a child
    process that goes on running releases the lock when it closes standard input.
    """
    words = [str(word) for word in argv]
    held = _held.get()
    on_standard_input = held[-1] if hands_lock_on and held else subprocess.DEVNULL
    done = subprocess.run(
        words,
        input=input,
        stdin=on_standard_input if input is None else None,
        capture_output=True,
        text=True,
        errors="replace",
        env={**os.environ, "PATH": _PATH, "LC_ALL": "C.UTF-8", **(env or {})},
        pass_fds=() if hands_lock_on else held,
        umask=0o022,  # files in a node must not depend on the caller's umask
        check=False,
    )
    if check and done.returncode != 0:
        output = "\n".join((done.stderr or done.stdout).strip().splitlines()[-12:])
        raise StackwrightError(
            f"`{' '.join(words[:6])}{' ...' if len(words) > 6 else ''}` ended with {done.returncode}:\n{output}",
            "run `stackwright lab down --all` to remove incomplete nodes",
            ExitCode.ENVIRONMENT,
        )
    return done.stdout


def boot_id() -> str:
    """An identifier that changes with every restart of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


_held: ContextVar[tuple[int, ...]] = ContextVar("held", default=())
"""The file descriptors of the locks that this thread holds."""


@contextmanager
def locked(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Holds an exclusive lock on a file; calls `waiting` once if another process has it.

    A crash releases it, but only after the programs have ended that `run` started meanwhile.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        before = _held.set((*_held.get(), handle.fileno()))
        try:
            yield
        finally:
            _held.reset(before)


# ---------------------------------------------------------------------------------------------------------- processes


def _argv(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def alive(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def _all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def containers() -> dict[int, Path]:
    """The supervisor and systemd-nspawn processes of all nodes, with the root folder of each."""
    found = {}
    for pid in _all_pids():
        argv = _argv(pid)
        roots = [word.removeprefix("--directory=") for word in argv if word.startswith("--directory=")]
        if roots and Path(argv[0]).name in ("sh", "systemd-nspawn") and alive(pid):
            found[pid] = Path(roots[0])
    return found


def node_pids(root: Path) -> list[int]:
    """The supervisor and systemd-nspawn processes of the node whose file system is mounted at `root`."""
    return [pid for pid, directory in containers().items() if directory == root]


def _pid_namespace(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        return ""


def kill_container(root: Path, namespace: str, patience: float = 20.0) -> None:
    """Kills a node's systemd-nspawn and all processes in its network namespace and in their PID namespaces.

    Waits until they have ended; raises StackwrightError after `patience` seconds.
    """
    own = _pid_namespace(os.getpid())
    spaces: set[str] = set()
    deadline = time.monotonic() + patience
    while True:
        outer = node_pids(root)
        inner = set(namespace_pids(namespace))
        spaces |= {space for pid in inner if (space := _pid_namespace(pid))} - {own, ""}
        if spaces:
            inner |= {pid for pid in _all_pids() if _pid_namespace(pid) in spaces}
        left = [pid for pid in (*outer, *sorted(inner)) if pid != os.getpid() and alive(pid)]
        if not left:
            return
        if time.monotonic() > deadline:
            raise StackwrightError(
                f"processes of {namespace} do not end: {', '.join(map(str, left))}",
                "inspect them with `ps -fp PID`, then run `stackwright lab down --all` again",
                ExitCode.ENVIRONMENT,
            )
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)


def namespace_pids(namespace: str) -> list[int]:
    """The processes in a named network namespace."""
    try:
        target = Path(f"/run/netns/{namespace}").stat()
    except OSError:
        return []
    out = []
    for pid in _all_pids():
        try:
            found = Path(f"/proc/{pid}/ns/net").stat()
        except OSError:
            continue
        if (found.st_dev, found.st_ino) == (target.st_dev, target.st_ino):
            out.append(pid)
    return out


# ----------------------------------------------------------------------------------------------------- mounts, devices


def mounts_under(path: Path) -> list[str]:
    """Mount points at `path` or below it, the deepest and latest first."""
    out = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point = line.split()[4].encode().decode("unicode_escape")
        if point == str(path) or point.startswith(f"{path}/"):
            out.append(point)
    return out[::-1]


def unmount_under(path: Path) -> None:
    """Unmounts everything at or below `path`. While a mount is busy, waits up to 10 s, then detaches it (lazy)."""
    deadline = time.monotonic() + 10
    while points := mounts_under(path):
        lazy = ["--lazy"] if time.monotonic() > deadline else []
        for point in points:
            run(["umount", *lazy, point], check=False)
        if mounts_under(path):
            time.sleep(0.05)


def remove_tree(path: Path) -> None:
    """Removes a folder, but never crosses into a file system that is mounted in it.

    Removes many files in parallel: with the mount option `discard`, ext4 waits for the disk at each file, 4 minutes for
    the 50,000 files of an all-in-one cloud.
    """
    unmount_under(path)
    if path.is_dir():
        run(["sh", "-c", shell.fill("lab/remove_tree.sh"), "sh", path])


def loops_of(device: int) -> list[str]:
    """Loop devices whose backing files are on the file system with this device number, or on such a loop device.

    Devices that use other loop devices come first.
    """
    listing = run(["losetup", "--list", "--json", "--output", "NAME,BACK-MAJ:MIN,MAJ:MIN"])
    if not device or not listing.strip():
        return []
    entries = [
        (str(e["name"]), str(e["back-maj:min"]).strip(), str(e["maj:min"]).strip())
        for e in json.loads(listing)["loopdevices"]
    ]
    return stacked_loops(f"{os.major(device)}:{os.minor(device)}", entries)


def stacked_loops(device: str, entries: Sequence[tuple[str, str, str]]) -> list[str]:
    """`loops_of` for triples (name, device of the backing file, own device); devices as MAJOR:MINOR."""
    found: list[str] = []
    level = {device}
    while level:
        step = [(name, own) for name, back, own in entries if back in level and name not in found]
        found += [name for name, _ in step]
        level = {own for _, own in step}
    return found[::-1]


def detach_loops(device: int) -> None:
    """Detaches the loop devices that `loops_of` returns."""
    for name in loops_of(device):
        run(["losetup", "--detach", name], check=False)
