"""The state directory of a cloud on the controlling machine, and the saved settings for access to its hosts."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stackwright.model import ExitCode, StackwrightError


def state_root() -> Path:
    """The folder of all clouds: $STACKWRIGHT_STATE, else stackwright/ in the XDG state folder."""
    if given := os.environ.get("STACKWRIGHT_STATE"):
        return Path(given)
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "stackwright"


@dataclass(frozen=True)
class StateDir:
    """The folder of one cloud, named after its controller. Private, because it contains credentials."""

    folder: Path

    def make(self) -> Path:
        """The folder; creates it with mode 0700 if it does not exist."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StackwrightError(
                f"cannot create the state directory {self.folder}: {error.strerror}",
                "choose another with --state",
                ExitCode.ENVIRONMENT,
            ) from None
        return self.folder

    def write(self, name: str, text: str) -> Path:
        """Writes a private file atomically."""
        path = self.make() / name
        new = path.with_name(f".{name}.new")
        try:
            handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                out.write(text)
            new.replace(path)
        except OSError as error:
            raise StackwrightError(
                f"{path} cannot be written: {error.strerror}",
                "free disk space, or choose another directory with --state",
                ExitCode.ENVIRONMENT,
            ) from None
        return path

    def read(self, name: str) -> str:
        """The text of a file, empty if it does not exist. Raises StackwrightError if it cannot be read."""
        try:
            return (self.folder / name).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise StackwrightError(
                f"{self.folder / name} cannot be read: {error.strerror}",
                "correct its permissions, or choose another directory with --state",
                ExitCode.ENVIRONMENT,
            ) from None


def state_dir(controller: str, root: Path | None = None) -> StateDir:
    """The folder of the cloud with that controller."""
    safe = "".join(c if c.isalnum() or c in "._-" else "_" for c in controller) or "cloud"
    return StateDir((root or state_root()) / safe)


@contextlib.contextmanager
def scratch(state: StateDir) -> Iterator[StateDir]:
    """A private copy of a cloud's folder for a preview; what is written there is removed with it. Without logs, bundles
    and results: no plan depends on them."""
    with tempfile.TemporaryDirectory(prefix="stackwright-preview-") as root:
        copy = StateDir(Path(root) / state.folder.name)
        copy.make()
        files = sorted(state.folder.iterdir()) if state.folder.is_dir() else []
        for path in files:
            if path.is_file():
                shutil.copy2(path, copy.folder)
            elif path.name == "certificates":
                shutil.copytree(path, copy.folder / path.name)
        yield copy


@dataclass(frozen=True)
class Access:
    """How the hosts of a cloud are reached, in addition to ~/.ssh/config. Stored with the cloud, so that later commands
    need no flags; passwords are never stored."""

    user: str = ""
    port: int = 0
    keys: tuple[str, ...] = ()
    known_hosts: tuple[str, ...] = ()
    jump: str = ""

    def to_json(self) -> str:
        return json.dumps(self.__dict__, indent=1, sort_keys=True) + "\n"

    @staticmethod
    def from_json(text: str) -> Access:
        """Parses the output of `to_json`; without settings if the text is empty or invalid."""
        try:
            data = json.loads(text or "{}")
            return Access(
                user=str(data.get("user", "")),
                port=int(data.get("port", 0)),
                keys=tuple(data.get("keys", ())),
                known_hosts=tuple(data.get("known_hosts", ())),
                jump=str(data.get("jump", "")),
            )
        except (ValueError, AttributeError, TypeError):
            return Access()

    def differences(self, other: Access) -> list[tuple[str, object]]:
        """The settings that are not the other's, by name."""
        return [(key, value) for key, value in self.__dict__.items() if value != getattr(other, key)]

    def over(self, other: Access) -> Access:
        """These settings, with those of the other where these are empty."""
        return Access(**{k: v or getattr(other, k) for k, v in self.__dict__.items()})
