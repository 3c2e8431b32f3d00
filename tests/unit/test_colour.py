"""Colours, broken lines, and how much is shown."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from stackwright import cli
from stackwright.cli import streams
from stackwright.model import Event, ExitCode
from stackwright.output import live

RED = "\x1b[31m"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals_unless_somebody_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert streams.uses_colour(Terminal(), "auto")
    assert not streams.uses_colour(io.StringIO(), "auto")
    assert streams.uses_colour(io.StringIO(), "always")
    assert not streams.uses_colour(Terminal(), "never")
    monkeypatch.setenv("TERM", "dumb")
    assert not streams.uses_colour(Terminal(), "auto")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not streams.uses_colour(Terminal(), "auto")
    assert streams.uses_colour(Terminal(), "always"), "a flag says more than the environment"


def test_only_the_words_get_colours() -> None:
    text = streams.painted("a:1: error: no\nhint: do\nh: warning: w; terror: x\nFAILED    1.0 s\nnot UNFAILED")
    assert text.count("\x1b[0m") == 4
    assert f"a:1: {RED}error:\x1b[0m no" in text
    assert "terror: x" in text


@pytest.mark.parametrize(
    "words",
    [
        ["--color=always", "answers", "diff", "/nosuch", "/nosuch"],
        ["answers", "--color", "always", "diff", "/nosuch", "/nosuch"],
        ["answers", "diff", "/nosuch", "/nosuch", "--color=always"],
        ["--color=always", "--frobnicate"],
    ],
)
def test_the_flag_works_before_and_after_a_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) != ExitCode.OK
    assert f"{RED}error:" in capsys.readouterr().err
    cli.main([word.replace("always", "never") for word in words])
    assert "\x1b" not in capsys.readouterr().err


def test_an_unknown_choice_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["clouds", "--color=blue"]) == ExitCode.USAGE
    assert "choose one of auto, always, never" in capsys.readouterr().err


def test_lines_are_broken_at_words_and_commands_stay_whole() -> None:
    text = "    hint: " + "word " * 30 + "then run `stackwright apply --again --no-verify -a /a/long/file` again"
    lines = streams.broken(text, 60).split("\n")
    assert len(lines) > 3
    assert all(line.startswith("    ") for line in lines)
    assert any("`stackwright apply --again --no-verify -a /a/long/file`" in line for line in lines)
    assert [line for line in lines if len(line) > 62 and "`" not in line] == []
    assert " ".join(streams.broken(text, 60).split()) == " ".join(text.split()), "nothing is lost"
    assert streams.broken("short (yes/no) ", 60) == "short (yes/no) "
    assert streams.broken(text, 0) == text


def _run(kind: str) -> list[str]:
    out = io.StringIO()
    with live.Screen(out, kind) as screen:
        screen(Event("started", 1000.0, "h1:a", "h1", data={"title": "A"}))
        screen(Event("progress", 1001.0, "h1:a", "h1", data={"done": 1, "total": 9, "what": "x"}))
        screen(Event("progress", 1004.0, "h1:a", "h1", data={"done": 2, "total": 9, "what": "y"}))
        screen(Event("failed", 1005.0, "h1:a", "h1", data={"title": "A", "cause": "no room", "seconds": 5}))
        screen(Event("finished", 1006.0, data={"ok": False, "failed": 1, "seconds": 6}))
    return out.getvalue().splitlines()


def test_quiet_shows_failures_and_the_summary() -> None:
    assert [line for line in _run("quiet") if line] == ["h1: A failed: no room", "Failed after 6 s: 1 failed"]


def test_verbose_shows_all_progress() -> None:
    assert any(line.endswith("h1: a: 2 of 9, y") for line in _run("verbose"))
    assert not any(line.endswith("h1: a: 2 of 9, y") for line in _run("plain"))


def test_quiet_suppresses_remarks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cloud.answers").write_text("CONFIG_CONTROLLER_HOST=127.0.0.2\n")
    monkeypatch.setenv("STACKWRIGHT_STATE", str(tmp_path / "state"))
    assert cli.main(["status"]) == ExitCode.OK
    assert "answers: " in capsys.readouterr().err
    assert cli.main(["-q", "status"]) == ExitCode.OK
    assert capsys.readouterr().err == ""
    assert cli.main(["status", "-q", "-v"]) == ExitCode.OK
    assert "answers: " in capsys.readouterr().err, "the last one wins"
