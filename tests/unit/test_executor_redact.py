"""No secret gets through, in whatever form it is written."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from stackwright.executor import redactor

SECRET = "pa ss'w/ö\\rd&\"1"


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        quote(SECRET, safe=""),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        SECRET.replace("'", "'\\''"),
    ],
)
def test_every_way_of_writing_it(written: str) -> None:
    got = redactor([SECRET])(f"mysql://nova:{written}@198.18.0.1")
    assert "********" in got
    assert "w/" not in got.replace("//", "")
    assert "rd&" not in got


def test_structures_are_gone_through() -> None:
    redact = redactor(["geheim"])
    assert redact({"geheim": ["x geheim", ("geheim", 3, None)]}) == {"********": ["x ********", ("********", 3, None)]}


def test_a_long_secret_wins_over_one_that_is_part_of_it() -> None:
    assert redactor(["abcd", "abcdefgh"])("abcdefgh abcd") == "******** ********"


def test_short_ones_only_where_they_stand_alone() -> None:
    assert redactor(["ab"])("cab ab, ab=1 table") == "cab ********, ********=1 table"


def test_private_keys_line_by_line() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nAAAABBBBCCCCDDDD\n-----END KEY-----\n"
    assert "MIIEvQ" not in redactor([key])("the second line was MIIEvQIBADANBgkqhkiG9w0")


def test_nothing_to_hide() -> None:
    assert redactor([])("text") == "text"
    assert redactor([""])("text") == "text"
