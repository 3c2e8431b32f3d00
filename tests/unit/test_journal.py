"""The journal: what is kept, what damage it survives, and who may write to it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from stackwright.model import ExitCode, StackwrightError
from stackwright.state.journal import Record, open_journal


def record(step: str, digest: str = "d", ok: bool = True, seconds: float = 1.0) -> Record:
    return Record(step, digest, ok, time.time(), seconds, changed=2, host="h", data={"x": [1]})


def test_written_records_are_read_back(tmp_path: Path) -> None:
    with open_journal(tmp_path / "state") as journal:
        journal.add(record("one"))
        journal.add(record("two", ok=False))
    with open_journal(tmp_path / "state") as journal:
        assert [(r.step, r.ok, r.changed, r.host, r.data) for r in journal.records] == [
            ("one", True, 2, "h", {"x": [1]}),
            ("two", False, 2, "h", {"x": [1]}),
        ]
        assert journal.done("one", "d")
        assert not journal.done("one", "other")
        assert not journal.done("two", "d")
        assert not journal.done("three", "d")


def test_a_later_failure_undoes_an_earlier_success(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        journal.add(record("one", seconds=7))
        journal.add(record("one", ok=False, seconds=1))
        assert not journal.done("one", "d")
        assert journal.estimate("one") == 7
        assert journal.estimate("two") is None


def test_a_forgotten_step_is_not_done(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        journal.add(record("one"))
        journal.forget("one")
        journal.forget("unknown")
    with open_journal(tmp_path) as journal:
        assert not journal.done("one", "d")


def test_the_journal_is_private(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with open_journal(state) as journal:
        journal.add(record("one"))
    assert state.stat().st_mode & 0o777 == 0o700
    assert {p.name: p.stat().st_mode & 0o777 for p in state.iterdir()} == {"journal.jsonl": 0o600, "lock": 0o600}


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_truncated_last_line_is_ignored(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "journal.jsonl"
    with open_journal(tmp_path) as journal:
        journal.add(record("one"))
        journal.add(record("two"))
    path.write_bytes(path.read_bytes()[:-cut])
    with open_journal(tmp_path) as journal:
        assert [r.step for r in journal.records] == ["one"]
        journal.add(record("three"))
    with open_journal(tmp_path) as journal:
        assert [r.step for r in journal.records] == ["one", "three"]


def test_damage_elsewhere_is_named_by_line_and_nothing_is_touched(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with open_journal(tmp_path) as journal:
        journal.add(record("one"))
        journal.add(record("two"))
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], "{" + lines[1][3:], lines[2]]) + "\n")
    before = path.read_bytes()
    with pytest.raises(StackwrightError, match=r"journal.jsonl:2 is damaged") as caught:
        open_journal(tmp_path)
    assert caught.value.code == ExitCode.ENVIRONMENT
    assert "Delete line 2" in caught.value.hint
    assert path.read_bytes() == before
    path.write_text("\n".join([lines[0], lines[2]]) + "\n")
    open_journal(tmp_path).close()


@pytest.mark.parametrize("first", ["[]", "null", '{"step": 1}', "\x00\x00", "ü"])
def test_something_that_is_no_journal(tmp_path: Path, first: str) -> None:
    (tmp_path / "journal.jsonl").write_text(first + "\n")
    with pytest.raises(StackwrightError, match="damaged"):
        open_journal(tmp_path)


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text('{"stackwright-journal": 99}\n{"something": "else"}\n')
    with pytest.raises(StackwrightError, match="newer Stackwright") as caught:
        open_journal(tmp_path)
    assert caught.value.code == ExitCode.ENVIRONMENT
    open_again = pytest.raises(StackwrightError, match="newer")
    with open_again:
        open_journal(tmp_path)  # and the refusal left no lock behind


def test_two_processes_cannot_write(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        "from pathlib import Path; from stackwright.state.journal import open_journal\n"
        f"journal = open_journal(Path({str(tmp_path)!r})); print('open', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout
    assert other.stdout.readline() == b"open\n"
    with pytest.raises(StackwrightError, match=rf"process {other.pid}\), since \d{{4}}-") as caught:
        open_journal(tmp_path)
    assert caught.value.code == ExitCode.BUSY
    open_journal(tmp_path, exclusive=False).close()  # reading is no trouble
    other.kill()
    other.communicate()
    open_journal(tmp_path).close()


def test_a_state_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackwrightError, match="cannot use the state directory") as caught:
        open_journal(tmp_path / "file" / "state")
    assert caught.value.code == ExitCode.ENVIRONMENT


def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full")
    with open_journal(tmp_path) as journal:
        journal.add(record("one"))
        journal.path = full
        with pytest.raises(StackwrightError, match="No space left") as caught:
            journal.add(record("two"))
        assert not journal.done("two", "d")
    assert caught.value.code == ExitCode.ENVIRONMENT
