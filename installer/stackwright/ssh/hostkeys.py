"""Is this the host that we think it is: known_hosts files, our own pins, and what to do with an unknown key."""

from __future__ import annotations

import base64
import functools
import hashlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import paramiko

from stackwright.model import ExitCode, StackwrightError

from .settings import Host


def _usual_files() -> tuple[Path, ...]:
    return Path.home() / ".ssh" / "known_hosts", Path("/etc/ssh/ssh_known_hosts")


@dataclass(frozen=True)
class Trust:
    """Whose host keys are believed.

    A key in `files` or `pins` is. An unknown one is shown to `confirm` (host, key type, "SHA256:..." fingerprint), or
    accepted when `accept_new`, and then pinned; else refused. A changed one is always refused.
    """

    pins: Path | None = None
    """Our own known_hosts file, in the cloud's state directory; written 0600."""
    files: tuple[Path, ...] = field(default_factory=_usual_files)
    accept_new: bool = False
    confirm: Callable[[str, str, str], bool] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def known(self, host: Host) -> list[tuple[str, paramiko.PKey, Path]]:
        """(type, key, file) of every key that is known for the host."""
        found = []
        for path in dict.fromkeys((*((self.pins,) if self.pins else ()), *host.known_hosts, *self.files)):
            for name, key in (_read(path).lookup(host.known_as) or {}).items():
                found.append((name, key, path))
        return found

    def check(self, host: Host, key: paramiko.PKey) -> None:
        """Returns when the key is the host's. Raises StackwrightError(UNREACHABLE) when it has changed, or is unknown
        and nobody vouches for it."""
        with self._lock:  # one question at a time, and the second host with the same name finds the first one's pin
            known = self.known(host)
            if any(seen == key for _, seen, _ in known):
                return
            shown = f"{_kind(key)} key {fingerprint(key)}"
            if known:
                paths = sorted({str(path) for _, _, path in known})
                removal = " and ".join(f"`ssh-keygen -R '{host.known_as}' -f '{path}'`" for path in paths)
                raise StackwrightError(
                    f"{host.name}: the host key has changed: it shows the {shown}, {paths[0]} has another.\n"
                    "Either the host was installed anew, or somebody else answers at its address.",
                    f"If it was installed anew: {removal}, then try again.",
                    ExitCode.UNREACHABLE,
                )
            if not self.accept_new and not (self.confirm and self.confirm(host.name, _kind(key), fingerprint(key))):
                raise StackwrightError(
                    f"{host.name}: the host key is not known: it shows the {shown}",
                    "Compare it with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the host; then log in once "
                    "with `ssh`, or use `--accept-new-host-keys`.",
                    ExitCode.UNREACHABLE,
                )
            self._pin(host, key)

    def _pin(self, host: Host, key: paramiko.PKey) -> None:
        if self.pins is None:
            return
        self.pins.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.pins.touch(mode=0o600, exist_ok=True)
        with self.pins.open("a") as file:
            file.write(f"{host.known_as} {key.get_name()} {key.get_base64()}\n")


def fingerprint(key: paramiko.PKey) -> str:
    """SHA256:..., as ssh-keygen -l writes it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")


def _kind(key: paramiko.PKey) -> str:
    return key.get_name().removeprefix("ssh-").split("-")[0].upper()


def _read(path: Path) -> paramiko.HostKeys:
    try:
        there = path.stat()
    except OSError:
        return paramiko.HostKeys()
    return _parse(path, (there.st_ino, there.st_size, there.st_mtime_ns))


@functools.lru_cache(8)  # a file with a thousand hosts is not parsed anew for each of them
def _parse(path: Path, _version: tuple[int, ...]) -> paramiko.HostKeys:
    keys = paramiko.HostKeys()
    if path.is_file():
        logging.getLogger("paramiko.hostkeys").setLevel(logging.CRITICAL)  # it warns of every line with a @marker
        for line in path.read_text(errors="replace").splitlines():
            text = line.strip()
            if not text or text.startswith(("#", "@")):
                continue
            try:
                entry = paramiko.hostkeys.HostKeyEntry.from_line(text)
            except (paramiko.SSHException, ValueError):
                continue  # a damaged line says nothing about any host
            if entry and entry.hostnames and entry.key:
                keys._entries.append(entry)  # type: ignore[attr-defined]  # load() gives up at the first damaged line
    return keys
