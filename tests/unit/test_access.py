"""How the hosts are reached: kept after a successful run, and reported when it is used again."""

from __future__ import annotations

from pathlib import Path

from stackwright.operations import access
from stackwright.operations.options import AccessOptions
from stackwright.output import text
from stackwright.state.directory import Access, StateDir


def test_it_is_kept_only_when_asked_to(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "cloud")
    with access.connect(AccessOptions(Access(user="operator", port=2222)), state) as hosts:
        assert state.read("access.json") == ""
        hosts.remember()
    assert Access.from_json(state.read("access.json")) == Access(user="operator", port=2222)


def test_what_was_kept_is_reported_when_it_is_used(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "cloud")
    state.write("access.json", Access(user="operator", port=2222, keys=("/home/o/id",)).to_json())
    notes: list[str] = []
    with access.connect(AccessOptions(Access(user="root")), state, note=notes.append) as hosts:
        assert hosts.access == Access(user="root", port=2222, keys=("/home/o/id",))
    assert notes == ["SSH as in the last successful run: port 2222, keys /home/o/id"]
    notes.clear()
    with access.connect(AccessOptions(Access("a", 1, ("k",))), state, note=notes.append):
        assert notes == []


def test_the_last_lines_of_a_failed_verification() -> None:
    lines = text.not_verified("Verification failed: nova.", Path("/log"), [Path("my cloud.answers")]).splitlines()
    assert lines[1] == "Verification failed: nova. The cloud is installed, but not verified."
    assert lines[-1] == "After a repair, verify again: stackwright verify -a 'my cloud.answers'"


def test_the_last_lines_of_a_failed_run_name_the_changed_answers() -> None:
    lines = text.not_installed(["CONFIG_NOVA_DB_PW", *"abcdefghi"], Path("/log"), Path("/report")).splitlines()
    assert lines[1] == "changed since the last good run: CONFIG_NOVA_DB_PW, a, b, c, d, e, f, g and 2 more"
    assert lines[2:4] == ["log: /log", "report: /report"]
    assert text.not_installed([], Path("/log"), None).splitlines()[1] == "log: /log"
