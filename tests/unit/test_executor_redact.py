"""No secret gets through, in whatever form it is written."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

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
        quote(SECRET),
        quote(SECRET, safe="").lower(),
        quote_plus(SECRET),
        html.escape(SECRET),
        html.escape(SECRET, quote=False),
        html.escape(SECRET).replace("&#x27;", "&#39;"),
        "pa\\ ss\\'w/\\ö\\\\rd\\&\\\"1",
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


@pytest.mark.parametrize("before", ["", "a", "ab", "admin:", "nova:x"])
@pytest.mark.parametrize("after", ["", "b", "bc", "\n"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_in_base64_wherever_it_begins(before: str, after: str, encode: Callable[[bytes], bytes]) -> None:
    """As in `Authorization: Basic`: what is left of it tells at most half a letter."""
    secret = "geheim>>>?wort77"
    got = redactor([secret])(f"Authorization: Basic {encode((before + secret + after).encode()).decode()}, x")
    assert "********" in got
    left = got.partition("Basic ")[2].partition(",")[0]
    assert len(left.replace("********", "").rstrip("=")) <= (len(before) + len(after)) * 8 // 6 + 3


def test_short_ones_are_not_looked_for_in_base64() -> None:
    encoded = base64.b64encode(b"abcd").decode()
    assert redactor(["abcd"])(encoded) == encoded
