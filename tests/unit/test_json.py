"""With --json, each command prints objects that fit docs/output.schema.json, and nothing else."""

from __future__ import annotations

import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

import documents
import schema
from stackwright import answers, cli, verify
from stackwright.cli import streams
from stackwright.cli.arguments import parser
from stackwright.cli.flags import Parser
from stackwright.model import Event, ExitCode, Problem, Severity, StackwrightError
from stackwright.output import junit, live, machine

NESTED = ("answers", "bundle", "lab", "launch", "test", "clouds", "openrc")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STACKWRIGHT_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("STACKWRIGHT_LAB_DIR", str(tmp_path / "lab"))
    answers.save(tmp_path / "a", answers.generate(allinone_host="127.0.0.9"))
    (tmp_path / "bad").write_text("CONFIG_SWIFT_INSTALL=perhaps\nCONFIG_NOVA_INSTALL=n\nCONFIG_NOVA_INSTALL=y\n")


def _all(one: Parser) -> list[Parser]:
    return [one, *(deeper for sub in one.commands().values() for deeper in _all(sub))]


def test_every_command_takes_the_flags_of_all() -> None:
    found = _all(parser(NESTED))
    assert len(found) > 30
    for one in found:
        assert {"--json", "--color", "-v", "--verbose", "-q", "--quiet"} <= {*one.flags()}, one.prog


@pytest.mark.parametrize(
    ("words", "kind", "code"),
    [
        ("answers check a", "result", ExitCode.OK),
        ("answers check a bad", "result", ExitCode.ANSWERS),
        ("answers explain", "result", ExitCode.OK),
        ("answers explain CONFIG_NOVA_INSTALL -a a", "result", ExitCode.OK),
        ("answers explain floating", "result", ExitCode.OK),
        ("answers diff a a", "result", ExitCode.OK),
        ("answers diff a a2", "error", ExitCode.ANSWERS),
        ("answers generate -", "result", ExitCode.OK),
        ("answers generate new --minimal", "result", ExitCode.OK),
        ("answers migrate a", "result", ExitCode.OK),
        ("answers completion bash", "result", ExitCode.OK),
        ("answers manual", "result", ExitCode.OK),
        ("answers nosuch", "error", ExitCode.USAGE),
        ("check -a bad", "error", ExitCode.ANSWERS),
        ("check -a a --over-ssh --port 1", "error", ExitCode.UNREACHABLE),
        ("plan -a a --over-ssh --port 1", "error", ExitCode.UNREACHABLE),
        ("apply -a a --over-ssh --port 1", "error", ExitCode.UNREACHABLE),
        ("verify -a a --over-ssh --port 1", "error", ExitCode.UNREACHABLE),
        ("status -a a --offline", "result", ExitCode.OK),
        ("logs -a a h", "error", ExitCode.USAGE),
        ("report -a a", "error", None),
        ("openrc -a a", "error", ExitCode.USAGE),
        ("credentials -a a", "error", ExitCode.USAGE),
        ("launch -a a --over-ssh --port 1", "error", ExitCode.UNREACHABLE),
        ("clouds", "result", ExitCode.OK),
        ("lock diff a a", "error", None),
        ("bundle show a", "error", None),
        ("test --list", "result", ExitCode.OK),
        ("test --show smoke", "result", ExitCode.OK),
        ("lab list", "result", ExitCode.OK),
        ("--validate-answer-file bad", "result", ExitCode.ANSWERS),
        ("--gen-answer-file new", "result", ExitCode.OK),
        ("--frobnicate", "error", ExitCode.USAGE),
        ("--lab", "error", ExitCode.USAGE),
        ("lab ssh", "error", ExitCode.USAGE),
    ],
)
def test_each_command_prints_objects_only(
    words: str, kind: str, code: ExitCode | None, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [*words.split(), "--json"] if words != "lab ssh" else ["--json", "lab", "ssh", "n1"]
    status = cli.main(given)
    last = schema.lines(capsys.readouterr().out)[-1]
    assert (last["type"], last["exit"]) == (kind, status)
    assert code is None or status == code


@pytest.mark.parametrize("words", ["--help", "--version", "plan --help", "answers check --help"])
def test_help_is_an_object_too(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--json", *words.split()])
    (found,) = schema.lines(capsys.readouterr().out)
    assert found["text"]


def test_an_error_has_its_problems(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "-a", "bad", "--json"]) == ExitCode.ANSWERS
    said = capsys.readouterr()
    (found,) = schema.lines(said.out)
    problems = {one["name"]: one for one in found["problems"]}
    assert problems["bad-value"]["message"].startswith("CONFIG_SWIFT_INSTALL = 'perhaps' must be y or n")
    assert problems["repeated-key"]["severity"] == "warning"
    assert "the answers have 1 error" in said.err, "people still see it"


def test_an_interruption_is_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(_: object) -> int:
        print("half of a line", end="")
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_dispatch", interrupted)
    assert cli.main(["clouds", "--json"]) == ExitCode.INTERRUPTED
    (found,) = schema.lines(capsys.readouterr().out)
    assert (found["type"], found["exit"], found["text"]) == ("error", 130, ["half of a line"])


def test_events_fit_the_schema() -> None:
    """Those of a recorded run, as a program reads them."""
    out = io.StringIO()
    output = machine.Output(out)
    _, events, proof = documents.recorded()
    kept = Event("kept", 1.0, "h:a", "h", data={"title": "A"})
    with live.Screen(kind="json", take=output.event) as screen:
        for event in (*events, kept):
            screen(event)
    print("a remark that somebody prints", file=output)  # type: ignore[call-overload]
    output.result({"verification": proof})
    output.problems([Problem("memory", "seen", "it needs more", "hint", "h", Severity.WARNING)])
    output.finish("apply", 0)
    found = schema.lines(out.getvalue())
    assert [one["kind"] for one in found[:-1]] == [*(e.kind.replace("kept", "unchanged") for e in events), "unchanged"]
    assert found[-1]["text"] == ["a remark that somebody prints"]
    assert found[-1]["problems"][0]["message"] == "seen; it needs more"
    finished = next(one for one in found if one.get("kind") == "finished")
    assert "unchanged" in finished["data"]
    assert "kept" not in json.dumps(finished)


def test_what_an_error_prints_is_no_terminal_s_command() -> None:
    out = io.StringIO()
    machine.Output(out).fail("check", StackwrightError("a\x1b[31mb", "", ExitCode.FAILED))
    assert "\\u001b" not in out.getvalue()
    schema.lines(out.getvalue())


def test_the_walker_refuses_what_does_not_fit() -> None:
    good = json.loads(machine.line("result", {"command": "x", "exit": 0, "problems": []}))
    assert list(schema.errors(good, schema.OUTPUT)) == []
    for wrong in ({"exit": "0"}, {"schema": 2}, {"type": "event"}, {"problems": [{}]}, {"verified": "yes"}):
        assert list(schema.errors({**good, **wrong}, schema.OUTPUT)), wrong
    with pytest.raises(AssertionError):
        list(schema.errors(1, {"minimum": 2}))


def test_without_json_nothing_is_added(capsys: pytest.CaptureFixture[str]) -> None:
    streams.result({"a": 1})
    assert capsys.readouterr().out == ""


# -------------------------------------------------------------------------------------------------------------- JUnit


def test_checks_become_test_cases(tmp_path: Path) -> None:
    checks = (
        verify.CheckResult("image", "Image\x00s", "glance", "ok", 1.5),
        verify.CheckResult("volume", "Volumes", "cinder", "failed", 2.0, "no <space>", "c.log", ("line & more",)),
        verify.CheckResult("ssh", "SSH", "nova", "skipped", detail="volume failed"),
        verify.CheckResult("late", "Late", "heat", "unknown"),
    )
    path = tmp_path / "verify.xml"
    junit.write(path, verify.VerifyResult(checks, 7.0, True, ("server x: 409",)))
    suite = ElementTree.fromstring(path.read_text())
    assert {key: suite.get(key) for key in ("tests", "failures", "skipped", "errors")} == {
        "tests": "5", "failures": "3", "skipped": "1", "errors": "0",
    }  # fmt: skip
    cases = {case.get("name"): case for case in suite}
    assert list(cases) == ["Image?s", "Volumes", "SSH", "Late", "cleanup"]
    failure = cases["Volumes"].find("failure")
    assert failure is not None
    assert (failure.get("message"), failure.text) == ("no <space>", "line & more")
    unfinished = ElementTree.fromstring(junit.document(verify.VerifyResult((), complete=False, other=("Traceback",))))
    assert unfinished.get("failures") == "1", "a verification that did not end is no success"
    with pytest.raises(StackwrightError, match="cannot write"):
        junit.write(tmp_path / "none" / "x.xml", verify.VerifyResult(()))
