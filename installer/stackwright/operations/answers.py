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


def read_answers(options: AnswerOptions, locked: Path | None = None, *, resolve: bool = True) -> answer_files.Reading:
    """The answers of files, environment and flags, with every problem. Generated secrets are kept with the cloud, so
    that the next run has the same. With a lock, a tag of RDO's trunk means what it meant when the lock was written.
    Raises AnswersError.

    Without `resolve`, as for commands that only look, no command that gives a secret is run and nothing is written:
    the name of its key stands for such a secret, and for one that will be generated.
    """
    # Where the cloud's secrets are is known when its controller is. Files are read once, because a pipe can be read
    # only once; so are commands that print secrets run.
    first = answer_files.load(options.files, options.settings, os.environ, run=False, files=False)
    state = state_of(first.answers, options.state)
    remembered = _remembered(state)
    reading = answer_files.load(first.documents, options.settings, os.environ, remembered=remembered, run=resolve)
    if reading.errors:
        raise answer_files.AnswersError(reading.problems)
    made = answer_files.made(reading.answers)
    if not resolve:
        unknown = {key for key in reading.answers.secrets if answer_files.is_unresolved(reading.answers, key)}
        stand_ins = answer_files.with_stand_ins(reading.answers, unknown | (set(made) - set(remembered)))
        reading = replace(reading, answers=stand_ins)
    elif made != remembered and made:
        state.write("secrets.json", json.dumps({**remembered, **made}, indent=1, sort_keys=True) + "\n")
    if locked:
        return replace(reading, answers=trunk.held(reading.answers, lock.load(locked).trunk))
    return reading


def _remembered(state: directory.StateDir) -> dict[str, str]:
    """The secrets that were generated for a cloud. An unreadable file is an error, because with new secrets the
    services could not log in to each other."""
    try:
        found = json.loads(state.read("secrets.json") or "{}")
        if all(isinstance(value, str) for value in found.values()):
            return dict(found)
    except (ValueError, AttributeError):
        pass
    raise StackwrightError(
        f"{state.folder / 'secrets.json'} is damaged; it contains the generated passwords of this cloud",
        "restore it from a backup; if the cloud is not needed any more, remove that folder",
        ExitCode.ENVIRONMENT,
    )
