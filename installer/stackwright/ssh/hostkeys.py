"""Checks host keys: known_hosts files, the cloud's own known_hosts file, and unknown keys."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import paramiko

from stackwright.model import ExitCode, StackwrightError

from .knownhosts import Known, find
from .settings import Host


def _usual_files() -> tuple[Path, ...]:
    folder = Path.home() / ".ssh"
    return folder / "known_hosts", folder / "known_hosts2", Path("/etc/ssh/ssh_known_hosts")


@dataclass(frozen=True)
class Trust:
    """Which host keys are accepted.

    Keys in `files` or `pins` are accepted. An unknown key is accepted with `accept_new`, or if `confirm` (host, key
    type, fingerprint "SHA256:...") returns True; it is then added to `pins`. A changed key is always rejected.
    """

    pins: Path | None = None
    """Our own known_hosts file, in the cloud's state directory; written 0600."""
    files: tuple[Path, ...] = field(default_factory=_usual_files)
    accept_new: bool = False
    confirm: Callable[[str, str, str], bool] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def known(self, host: Host) -> list[Known]:
        """All known keys of the host."""
        return [known for known in self._lines(host, host.known_as) if not known.marker]

    def _lines(self, host: Host, name: str) -> list[Known]:
        paths = dict.fromkeys((*((self.pins,) if self.pins else ()), *host.known_hosts, *self.files))
        return [known for path in paths for known in find(path, name)]

    def check(self, host: Host, key: paramiko.PKey) -> None:
        """Returns if the key is accepted. Raises StackwrightError(UNREACHABLE) if it has changed, was revoked, or is
        unknown and not confirmed."""
        with self._lock:  # one question at a time; a second host with the same name finds the key of the first
            lines = self._lines(host, host.known_as)
            shown = f"{_kind(key)} key {fingerprint(key)}"
            same = [line for line in lines if line.key == key.get_base64()]
            known = [line for line in lines if not line.marker]
            if revoked := next((line for line in same if line.marker == "@revoked"), None):
                raise StackwrightError(
                    f"{host.name}: the host presents a revoked key: the {shown}, revoked in {revoked.path}",
                    "create a new key on the host: remove the old one, then `ssh-keygen -A`",
                    ExitCode.UNREACHABLE,
                )
            if any(not line.marker for line in same):
                return
            if known:
                paths = list(dict.fromkeys(str(line.path) for line in known))
                removal = " and ".join(f"`ssh-keygen -R '{host.known_as}' -f '{path}'`" for path in paths)
                raise StackwrightError(
                    f"{host.name}: the host key has changed: the host presents the {shown}, but {paths[0]} has "
                    "another one\neither the host was reinstalled, or another machine answers at its address",
                    f"if the host was reinstalled, run {removal} and try again",
                    ExitCode.UNREACHABLE,
                )
            if host.known_as.startswith("[") and self._known_at_port_22(host, key):
                return
            if not self.accept_new and not (self.confirm and self.confirm(host.name, _kind(key), fingerprint(key))):
                signed = any(line.marker == "@cert-authority" for line in lines)
                raise StackwrightError(
                    f"{host.name}: the host key is unknown: the host presents the {shown}"
                    + (
                        "; host certificates are not supported, although a certificate authority is known for it"
                        if signed
                        else ""
                    ),
                    "compare it with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the host; then log in once "
                    "with `ssh`, or use `--accept-new-host-keys`",
                    ExitCode.UNREACHABLE,
                )
            self._pin(host, key)

    def _known_at_port_22(self, host: Host, key: paramiko.PKey) -> bool:
        """Whether the key is known for the host at port 22. Like OpenSSH, accept it at another port too."""
        name = host.known_as[1:].rpartition("]")[0]
        same = [line.marker for line in self._lines(host, name) if line.key == key.get_base64()]
        return "" in same and "@revoked" not in same

    def _pin(self, host: Host, key: paramiko.PKey) -> None:
        if self.pins is None:
            return
        self.pins.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.pins.touch(mode=0o600, exist_ok=True)
        with self.pins.open("a") as file:
            file.write(f"{host.known_as} {key.get_name()} {key.get_base64()}\n")


def fingerprint(key: paramiko.PKey) -> str:
    """SHA256:..., as `ssh-keygen -l` prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")


def _kind(key: paramiko.PKey) -> str:
    return key.get_name().removeprefix("ssh-").split("-")[0].upper()
