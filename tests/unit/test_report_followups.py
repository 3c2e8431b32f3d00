"""What came after a run is on its page too: Tempest, packages against the lock, what SELinux denied, the bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import runs
from stackwright import report
from stackwright.model import StackwrightError
from stackwright.report.advice import next_steps, verdict
from stackwright.report.run import RunReport
from stackwright.state import directory


def having(**changes: Any) -> RunReport:
    later = {name: {**kept, **changes.get(name, {})} for name, kept in runs.LATER.items()}
    return report.collect(runs.ABOUT, runs.good(), proof=runs.PROOF, later=later)


def test_the_page_has_it_all_and_believes_nothing() -> None:
    page = report.as_html(having())
    for text in (
        "packstack-001: 71 passed, 1 failed, 1 failed as known, 4 skipped",
        "test_attach_&lt;detach&gt;",
        "&lt;timed out&gt;",
        "passes now",
        "https://bugs.example/2",
        "SELinux denials",
        "dest=&lt;35357&gt;",
        "1200 packages",
        "Compared with stackwright.lock: 45 differences",
        "5 more",
        "xz-utils",
    ):
        assert text in page, text
    assert "<detach>" not in page
    assert 'href="https://bugs' not in page, "only addresses of the cloud are links"


def test_nothing_is_said_of_what_did_not_happen() -> None:
    found = report.collect(runs.ABOUT, runs.good(), proof=runs.PROOF)
    page = report.as_html(found)
    assert "Tempest" not in page
    assert "SELinux denials" not in page
    assert "stackwright.lock" not in page
    assert "Run OpenStack's own tests" in " ".join(
        next_steps(report.collect(runs.ABOUT, runs.good(), proof=runs.PROOF))
    )


def test_what_is_older_than_the_run_is_not_its() -> None:
    old = {name: {**kept, "at": runs.BEGAN - 1} for name, kept in runs.LATER.items()}
    found = report.collect(runs.ABOUT, runs.good(), later=old)
    assert not found.tempest
    assert not found.bundle
    assert not found.denials


def test_machines_get_it_too() -> None:
    data = json.loads(report.as_json(having()))
    assert data["tempest"]["failed"][0]["lines"][0].endswith("<timed out>")
    assert data["bundle"]["digest"] == "ab" * 32
    assert data["afterwards"]["against"] == "stackwright.lock"


def test_a_bug_report_names_the_bundle_and_the_failed_tests() -> None:
    said = report.digest(having())
    assert "Steps to repeat:\n  stackwright bundle reproduce FILE, with the bundle of this run:\n" in said
    assert f"  cloud-20260101.bundle {'ab' * 32}\n" in said
    assert "  Tempest (packstack-001): 71 passed, 1 failed\n" in said
    assert "      Details: volume is 'in-use'\n" in said
    assert "    unexpected pass: tempest.api.network" in said
    assert "SELinux on" in said


def test_the_verdict_says_what_tempest_adds() -> None:
    def said(**tempest: Any) -> str:
        return verdict(having(tempest={"at": 4e9, "passed": 3, "failed": [], "mended": [], **tempest}))

    untested = report.collect(runs.ABOUT, runs.good(), proof=runs.PROOF)
    assert verdict(untested) == "OpenStack zed is installed and verified"
    assert said(ok=True) == "OpenStack zed is installed and verified"
    assert said(ok=False, failed=[{"test": "a"}]).endswith("; 1 of Tempest's tests failed")
    assert said(ok=False, complete=False).endswith("; Tempest did not finish")
    assert said(ok=True, mended=[{"test": "a"}]).endswith("; 1 known failure passed unexpectedly")
    assert said(ok=False, passed=0).endswith("; no Tempest test passed")
    page = report.as_html(having())
    assert '<header class="open">' in page
    assert "<dt>Tempest tests</dt><dd>71/72</dd>" in page
    assert '<header class="good">' in report.as_html(untested)


def test_what_to_do_next() -> None:
    steps = " ".join(next_steps(having()))
    assert "PortsTestJSON.test_create from the list of known failures" in steps
    assert "Find out why tempest.api.volume.test_volumes_actions" in steps
    assert "stackwright bundle create" in steps
    fine = having(tempest={"ok": True, "failed": []})
    steps = " ".join(next_steps(fine))
    assert "Remove tempest.api.network.test_ports.PortsTestJSON.test_create from the list" in steps
    assert "audit2why" in steps
    assert "versions differ from the lock file" in steps
    cut = having(tempest={"complete": False, "ok": False})
    assert "Find out why Tempest did not finish" in next_steps(cut)[0]
    assert "it did not finish" in report.as_html(cut)


def test_what_is_kept_is_cleaned_as_everything_else_is(tmp_path: Path) -> None:
    place = directory.StateDir(tmp_path)
    runs.keep(tmp_path, runs.good(), proof=runs.PROOF)
    lines = ["password=geheim123", "connect to 8.8.8.8 failed", "the token is verysecret"]
    failed = [{"test": "a.b", "lines": lines}]
    (tmp_path / "tempest.json").write_text(json.dumps({**runs.LATER["tempest"], "failed": failed}))
    (tmp_path / "afterwards.json").write_text("{}")
    found = report.load(place, lambda value: json.loads(json.dumps(value).replace("verysecret", "********")))
    page = report.as_html(found) + report.as_json(found) + report.digest(found)
    assert [word for word in ("geheim123", "8.8.8.8", "verysecret") if word in page] == []
    assert "public-1" in page


def test_versions_of_packages_are_no_addresses(tmp_path: Path) -> None:
    place = directory.StateDir(tmp_path)
    runs.keep(tmp_path, runs.good(), proof=runs.PROOF)
    told = [
        {"title": "n1: packages", "lines": ["tool: up from 8.8.4.4-1 to 8.8.8.8-1", "password=geheim"]},
        {"title": "n1: repositories", "lines": ["x: moved from http://8.8.8.8/ to http://8.8.4.4/"]},
    ]
    (tmp_path / "afterwards.json").write_text(json.dumps({**runs.LATER["afterwards"], "differences": told}))
    found = report.load(place, lambda value: json.loads(json.dumps(value).replace("geheim", "********")))
    assert found.not_as_locked == [
        ("n1: packages", "tool: up from 8.8.4.4-1 to 8.8.8.8-1"),
        ("n1: packages", "password=********"),
        ("n1: repositories", "x: moved from http://public-2/ to http://public-1/"),
    ]


@pytest.mark.parametrize("name", ["tempest", "afterwards", "bundle"])
@pytest.mark.parametrize("text", ["[]", "5", "{", '{"at": [5]}', '{"at": 4e9, "differences": [5]}'])
def test_what_is_kept_may_be_damaged(name: str, text: str, tmp_path: Path) -> None:
    """Then the report says so, and is never in the way."""
    place = directory.StateDir(tmp_path)
    runs.keep(tmp_path, runs.good(), proof=runs.PROOF)
    (tmp_path / f"{name}.json").write_text(text)
    with pytest.raises(StackwrightError, match="cannot be read"):
        report.load(place)
    assert report.refresh(place) is None
