"""A state directory that is damaged, or of a newer version, ends in a clear error or in less to show: never in a
traceback, and never in new passwords for a cloud that has some."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from stackwright import cli
from stackwright.model import ExitCode, Plan, Run, Step
from stackwright.operations import apply
from stackwright.operations.answers import read_answers
from stackwright.operations.options import AnswerOptions
from stackwright.state import directory, snapshots
from stackwright.state.journal import Record, open_journal

GARBAGE = [b"", b"\xff\x00\xfe{", b"{", b"[]", b"null", b"7", b'{"version": 99}', b'{"a": {"b": 1}}']


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, directory.StateDir]:
    """An answer file whose secrets are made, and the state of a run."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("STACKWRIGHT_STATE", str(tmp_path / "state"))
    file = tmp_path / "cloud.answers"
    file.write_text("CONFIG_CONTROLLER_HOST=node.lab.test\n")
    place = directory.state_dir("node.lab.test")
    read_answers(AnswerOptions((file,)))
    plan = Plan((Step("node.lab.test:x", "node.lab.test", "x", (Run("x", "true"),)),))
    with open_journal(place.make()) as journal:
        snapshots.keep(place, plan, journal, apply._snapshot_maker(plan, place))
        journal.add(
            Record("node.lab.test:x", plan.digests()["node.lab.test:x"], True, time.time(), host="node.lab.test")
        )
    place.write("verify.json", json.dumps({"at": 1.0, "ok": True}))
    place.write("access.json", directory.Access(user="ann").to_json())
    (place.folder / "known_hosts").write_text("node.lab.test ssh-ed25519 AAAA\n")
    return file, place


def status(file: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = cli.main(["status", "-a", str(file), "--offline"])
    said = capsys.readouterr()
    assert "defect" not in said.err
    return code, said.out + said.err


def test_the_state_is_that_of_a_run(cloud: tuple[Path, directory.StateDir], capsys: pytest.CaptureFixture[str]) -> None:
    code, said = status(cloud[0], capsys)
    assert code == ExitCode.OK
    assert "1 host, 1 healthy" in said
    assert "passed" in said
    names = {p.name for p in cloud[1].folder.iterdir()}
    assert {"journal.jsonl", "applied.json", "secrets.json", "verify.json", "access.json"} <= names


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("name", ["applied.json", "applied.key", "verify.json", "access.json", "known_hosts"])
def test_damaged_optional_files_are_ignored(
    cloud: tuple[Path, directory.StateDir], name: str, garbage: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    file, place = cloud
    (place.folder / name).write_bytes(garbage)
    code, said = status(file, capsys)
    assert code == ExitCode.OK, said


@pytest.mark.parametrize("garbage", [g for g in GARBAGE if g])
def test_unreadable_passwords_are_not_generated_again(
    cloud: tuple[Path, directory.StateDir], garbage: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    file, place = cloud
    path = place.folder / "secrets.json"
    path.write_bytes(garbage)
    code, said = status(file, capsys)
    assert code == ExitCode.ENVIRONMENT
    assert f"{path} is damaged" in said
    assert path.read_bytes() == garbage, "it was written over"


def test_a_damaged_journal_names_its_line(
    cloud: tuple[Path, directory.StateDir], capsys: pytest.CaptureFixture[str]
) -> None:
    file, place = cloud
    journal = place.folder / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([lines[0], b"\xff\xfe\n", *lines[1:]]))
    code, said = status(file, capsys)
    assert code == ExitCode.ENVIRONMENT
    assert "journal.jsonl:2 is damaged" in said
    journal.write_bytes(b"".join(lines))
    assert status(file, capsys)[0] == ExitCode.OK


def test_a_newer_journal_is_left_alone(
    cloud: tuple[Path, directory.StateDir], capsys: pytest.CaptureFixture[str]
) -> None:
    file, place = cloud
    journal = place.folder / "journal.jsonl"
    newer = journal.read_bytes().replace(b'"stackwright-journal": 1', b'"stackwright-journal": 2')
    journal.write_bytes(newer)
    code, said = status(file, capsys)
    assert code == ExitCode.ENVIRONMENT
    assert "written by a newer Stackwright" in said
    assert journal.read_bytes() == newer


def test_a_file_in_the_folder_s_place(
    tmp_path: Path, cloud: tuple[Path, directory.StateDir], capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    other.write_text("not a folder")
    code = cli.main(["status", "-a", str(cloud[0]), "--offline", "--state", str(other)])
    said = capsys.readouterr().err
    assert code == ExitCode.ENVIRONMENT, said
    assert str(other) in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_named(cloud: tuple[Path, directory.StateDir], capsys: pytest.CaptureFixture[str]) -> None:
    file, place = cloud
    (place.folder / "secrets.json").unlink()
    (place.folder / ".secrets.json.new").symlink_to("/dev/full")
    code = cli.main(["apply", "-a", str(file)])  # commands that only look do not write them
    assert code == ExitCode.ENVIRONMENT
    assert "No space left on device" in capsys.readouterr().err
    assert not (place.folder / "secrets.json").exists()
