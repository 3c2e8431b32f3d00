"""The clouds that were installed from this machine, and which of them a command means."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from stackwright.model import ExitCode, StackwrightError
from stackwright.operations.options import AnswerOptions
from stackwright.state import directory
from stackwright.state.directory import StateDir

FILE = "origin.json"
VARIABLE = "STACKWRIGHT_ANSWERS"
USUAL = "cloud.answers"


@dataclass(frozen=True)
class Known:
    """A cloud in the state directory."""

    name: str
    """Its controller."""
    folder: Path
    files: tuple[Path, ...]
    """The answer files that it was last applied with; none are known of clouds that version 0.1.0 applied."""
    applied: float
    """When its last run began or ended, in seconds since the epoch."""
    verified: bool | None
    """The result of its last verification; None: there was none."""
    dashboard: str = ""


def remember(state: StateDir, files: Iterable[str], dashboard: str) -> None:
    """Keeps with a cloud which answer files describe it, and the URL of its dashboard. Names that are no files (a pipe)
    are left out."""
    paths = [str(path.resolve()) for path in map(Path, files) if path.is_file()]
    state.write(FILE, json.dumps({"files": paths, "dashboard": dashboard}, indent=1) + "\n")


def known(root: Path | None = None) -> tuple[Known, ...]:
    """All clouds of which something was applied, by name."""
    base = root or directory.state_root()
    folders = sorted(base.iterdir()) if base.is_dir() else []
    return tuple(read(StateDir(folder)) for folder in folders if (folder / "journal.jsonl").is_file())


def read(state: StateDir) -> Known:
    """What is kept of a cloud. Damaged files count as missing."""
    files: tuple[Path, ...] = ()
    dashboard = ""
    try:
        kept = json.loads(state.read(FILE) or "{}")
        files = tuple(Path(str(name)) for name in kept.get("files", ()))
        dashboard = str(kept.get("dashboard", ""))
    except (ValueError, AttributeError, TypeError):
        pass
    try:
        verified = bool(json.loads(state.read("verify.json"))["ok"])
    except (ValueError, KeyError, TypeError):
        verified = None
    journal = state.folder / "journal.jsonl"
    applied = journal.stat().st_mtime if journal.is_file() else 0.0
    return Known(state.folder.name, state.folder, files, applied, verified, dashboard)


def only(state: StateDir) -> bool:
    """Whether commands mean this cloud if none is named, in a folder without an answer file of the usual name."""
    named = bool(os.environ.get(VARIABLE)) or Path(USUAL).is_file()
    return not named and all(cloud.folder == state.folder for cloud in known(state.folder.parent))


def choose(given: AnswerOptions, command: str, environ: Mapping[str, str], hint: str = "") -> tuple[AnswerOptions, str]:
    """The answers that a command works with, and why these: those that were named, else $STACKWRIGHT_ANSWERS, else
    ./cloud.answers, else those of the only cloud. Raises StackwrightError where none is meant."""
    if given.files:
        return given, ""
    if name := environ.get(VARIABLE):
        return replace(given, files=(Path(name),)), f"${VARIABLE}"
    if Path(USUAL).is_file():
        return replace(given, files=(Path(USUAL),)), "in this directory"
    clouds = known(given.state)
    if len(clouds) == 1 and clouds[0].files and all(path.is_file() for path in clouds[0].files):
        return replace(given, files=clouds[0].files), "the only cloud"
    more = [f"{len(clouds)} clouds are known; `stackwright clouds` lists them"] if len(clouds) > 1 else []
    raise StackwrightError(
        f"{command} needs an answer file",
        "; ".join([*more, "name it with --answer-file FILE", *filter(None, [hint])]),
        ExitCode.USAGE,
    )
