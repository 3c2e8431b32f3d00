"""`--allinone` and `--install-hosts`: which answer file is used, and what stays if nothing was installed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stackwright import answers
from stackwright.model import ExitCode, StackwrightError
from stackwright.operations import apply, inspection, quickstart
from stackwright.operations.options import AccessOptions, AnswerOptions, ApplyOptions, Console, QuickStartOptions
from stackwright.state.directory import StateDir, scratch

HOST, OTHER = "198.18.0.10", "198.18.0.11"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("STACKWRIGHT_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(inspection, "presets", lambda *_: (None, {}))
    return tmp_path


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def install(*hosts: str, dry_run: bool = False, lines: list[str] | None = None) -> quickstart.Started:
    shown = lines if lines is not None else []
    console = Console(shown.append, shown.append)
    return quickstart.install(
        QuickStartOptions(hosts), AnswerOptions(), AccessOptions(), ApplyOptions(dry_run=dry_run), console
    )


def installs(monkeypatch: pytest.MonkeyPatch, work: Callable[[StateDir], Any]) -> None:
    """Replaces the installation itself."""
    monkeypatch.setattr(apply, "install", lambda *given: work(given[2]))


def fail(_: StateDir) -> Any:
    raise StackwrightError("the host does not answer", code=ExitCode.UNREACHABLE)


def begin_and_fail(state: StateDir) -> Any:
    (state.make() / "logs").mkdir()
    (state.folder / "logs/20261130-120000.log").write_text("")
    return fail(state)


@pytest.mark.parametrize(
    ("earlier", "now"), [((HOST, OTHER), (HOST,)), ((HOST,), (HOST, OTHER)), ((HOST,), (HOST, "198.18.0.12"))]
)
def test_an_earlier_answer_file_for_other_hosts_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch, earlier: tuple[str, ...], now: tuple[str, ...]
) -> None:
    installs(monkeypatch, lambda _: pytest.fail("it must not be installed"))
    file = home / f"stackwright-{HOST}.answers"
    answers.save(file, answers.generate(install_hosts=list(earlier)))
    before = file.read_bytes()
    with pytest.raises(StackwrightError) as caught:
        install(*now)
    assert caught.value.code == ExitCode.USAGE
    assert f"for {', '.join(earlier)}, but these were requested: {', '.join(now)}" in caught.value.message
    assert file.read_bytes() == before


def test_an_earlier_answer_file_for_the_same_hosts_is_used_and_named(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installs(monkeypatch, lambda _: "installed")
    file = home / f"stackwright-{HOST}.answers"
    answers.save(file, answers.generate(install_hosts=[HOST, OTHER]))
    lines: list[str] = []
    assert install(HOST, OTHER, lines=lines).file == file
    assert f"answers: {file} (of an earlier run)\nhosts: {HOST}, {OTHER}" in lines


def test_a_generated_answer_file_is_removed_if_nothing_was_installed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home / f"stackwright-{HOST}.answers"
    installs(monkeypatch, fail)
    with pytest.raises(StackwrightError):
        install(HOST)
    assert not file.exists()
    installs(monkeypatch, begin_and_fail)
    with pytest.raises(StackwrightError):
        install(HOST)
    assert file.exists()


def test_the_generated_answer_file_is_short(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = home / f"stackwright-{HOST}.answers"
    installs(monkeypatch, lambda state: begin_and_fail(state))
    asked = AnswerOptions(settings={"CONFIG_HORIZON_INSTALL": "y", "CONFIG_SWIFT_INSTALL": "n"})
    with pytest.raises(StackwrightError):
        quickstart.install(
            QuickStartOptions((HOST,)), asked, AccessOptions(), ApplyOptions(), Console(lambda _: None, lambda _: None)
        )
    text = file.read_text()
    assert len(text.splitlines()) < 120
    for line in (f"CONTROLLER_HOST={HOST}", "HORIZON_INSTALL=y", "SWIFT_INSTALL=n"):
        assert f"\nCONFIG_{line}\n" in text


def test_a_preview_writes_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []

    def preview(state: StateDir) -> str:
        seen.append(state.write("known_hosts", "a pinned key"))
        return "previewed"

    installs(monkeypatch, preview)
    install(HOST, dry_run=True)
    assert seen
    assert not seen[0].exists()
    assert everything(home) == {}


def test_a_preview_reads_the_state_of_the_cloud(tmp_path: Path) -> None:
    state = StateDir(tmp_path / HOST)
    state.write("secrets.json", "{}")
    (state.make() / "certificates").mkdir()
    (state.folder / "certificates/ca.crt").write_text("authority")
    (state.folder / "logs").mkdir()
    before = everything(tmp_path)
    with scratch(state) as copy:
        assert copy.folder.name == HOST
        assert everything(copy.folder) == {"secrets.json": b"{}", "certificates/ca.crt": b"authority"}
        copy.write("secrets.json", "changed")
    assert everything(tmp_path) == before
    assert not copy.folder.exists()


def test_a_preview_creates_no_node(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKWRIGHT_LAB_DIR", str(home / "lab"))
    options = QuickStartOptions(allinone=True, lab="new")
    with pytest.raises(StackwrightError) as caught:
        quickstart.install(options, AnswerOptions(), AccessOptions(), ApplyOptions(dry_run=True), Console(print, print))
    assert caught.value.code == ExitCode.USAGE
    assert "stackwright lab up new" in caught.value.hint
