"""How API services run: several processes, each with one thread."""

from __future__ import annotations

import re

import pytest

from golden import CASES


@pytest.mark.parametrize("name", sorted(CASES))
def test_each_process_of_an_api_has_one_thread(name: str) -> None:
    """Where eventlet is loaded, oslo.log gives logging a green lock, for which native threads wait for ever."""
    for path in CASES[name].expected.glob("*.yaml"):
        text = path.read_text()
        found = dict(re.findall(r"^(\w+::wsgi::\w+)::threads: (\d+)$", text, re.MULTILINE))
        served = re.findall(r"^(\w+::wsgi::uwsgi\w*)::processes: \d+$", text, re.MULTILINE)
        assert set(served) <= set(found), path
        assert set(found.values()) <= {"1"}, path
