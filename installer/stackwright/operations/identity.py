"""The id of a cloud: random, and stored in the state directory and on the hosts."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from stackwright import planner
from stackwright.model import Answers, Facts
from stackwright.state.directory import StateDir

_FILE = "cloud-id"


def cloud_id(answers: Answers, facts: Mapping[str, Facts], state: StateDir) -> str:
    """The id of the cloud of these answers, stored in the state directory.

    If the hosts show that they were installed with these answers, their id is used: another operator may have the same
    answers, but not this state directory; and version 0.1.0 stored no id. Raises StackwrightError if the state
    directory cannot be read or written.
    """
    kept = state.read(_FILE).strip()
    found = _installed(answers, facts) or kept or _earlier(facts, state) or secrets.token_hex(16)
    if found != kept:
        state.write(_FILE, found + "\n")
    return found


def _installed(answers: Answers, facts: Mapping[str, Facts]) -> str:
    """The id of a host that was installed with the same password of Keystone's database; empty if there is none."""
    records = [one.cloud for one in facts.values() if one.cloud.get("id")]
    if not records:
        return ""
    key = planner.cloud_key(answers)
    return next((record["id"] for record in records if record.get("key", record["id"]) == key), "")


def _earlier(facts: Mapping[str, Facts], state: StateDir) -> str:
    """The id of the hosts, if a version that stored no ids installed them from this state directory."""
    found = {one.cloud["id"] for one in facts.values() if one.cloud.get("id")}
    return found.pop() if len(found) == 1 and state.read("journal.jsonl") else ""
