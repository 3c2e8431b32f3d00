"""Reads a cloud's answers together with the passwords that were generated for it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

from stackwright import answers as answer_files
from stackwright import lock
from stackwright.model import Answers, ExitCode, StackwrightError
from stackwright.operations import trunk
from stackwright.operations.options import AnswerOptions
from stackwright.state import directory


def state_of(answers: Answers, root: Path | None = None) -> directory.StateDir:
    """The state directory of the cloud that these answers describe."""
    return directory.state_dir(str(answers["CONFIG_CONTROLLER_HOST"]), root)


def read_answers(options: AnswerOptions, locked: Path | None = None, *, keep: bool = True) -> answer_files.Reading:
    """The answers of files, environment and flags, with every problem. Generated secrets are kept with the cloud, so
    that the next run has the same, unless `keep` is false. With a lock, a tag of RDO's trunk means what it meant when
    the lock was written. Raises AnswersError."""
    # Where the cloud's secrets are is known when its controller is. Files are read once, because a pipe can be read
    # only once; so are commands that print secrets run.
    first = answer_files.load(options.files, options.settings, os.environ, run=False, files=False)
    state = state_of(first.answers, options.state)
    remembered = _remembered(state)
    reading = answer_files.load(first.documents, options.settings, os.environ, remembered=remembered)
    if reading.errors:
        raise answer_files.AnswersError(reading.problems)
    made = answer_files.made(reading.answers)
    if keep and made and made != remembered:
        state.write("secrets.json", json.dumps({**remembered, **made}, indent=1, sort_keys=True) + "\n")
    if locked:
        return replace(reading, answers=trunk.held(reading.answers, lock.load(locked).trunk))
    return reading


def _remembered(state: directory.StateDir) -> dict[str, str]:
    """The secrets that were generated for a cloud. New ones would lock its services out of each other, so a file that
    cannot be read is an error."""
    try:
        found = json.loads(state.read("secrets.json") or "{}")
        if all(isinstance(value, str) for value in found.values()):
            return dict(found)
    except (ValueError, AttributeError):
        pass
    raise StackwrightError(
        f"{state.folder / 'secrets.json'} is damaged: it has the passwords that were generated for this cloud",
        "Restore it from a backup. For a cloud that is not needed any more, remove its folder.",
        ExitCode.ENVIRONMENT,
    )
