"""Answers that may be seen by others: without secrets, or with something else in their place."""

from __future__ import annotations

import re
from dataclasses import replace

from stackwright.model import Answers
from stackwright.services import options

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s,]+@")


def without_credentials(text: str) -> str:
    """The text without names and passwords in its URLs."""
    return _CREDENTIALS.sub("", text)


def public(answers: Answers) -> dict[str, str]:
    """The texts of answers that differ from the defaults, by key, without secrets; what a URL says of a name and a
    password is one."""
    known = options()
    return {
        key: without_credentials(answer.text)
        for key, answer in answers.entries.items()
        if key not in answers.secrets and key in known and answer.text != known[key].default
    }


def impersonal(answers: Answers) -> Answers:
    """The same answers with the name of its key in the place of each secret that is there: whoever has the same
    answers but for the secrets gets the same."""
    stand_ins = {
        key: f"{key}.secret".ljust(32, ".")[-32:] if key.endswith("_ENC_KEY") else f"{key}.secret"
        for key in answers.secrets
        if key in answers.entries and answers.entries[key].value
    }
    entries = {
        key: replace(entry, value=stand_ins[key], text=stand_ins[key]) if key in stand_ins else entry
        for key, entry in answers.entries.items()
    }
    return Answers(entries, answers.secrets)
