"""What a run leaves behind in its cloud's folder, and the command that shows it."""

from __future__ import annotations

import base64
import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

import runs
from golden import CASES
from stackwright import cli, lock, planner, report, verify
from stackwright.model import Event, ExitCode, Plan, Problem, PuppetApply, Run, Severity, StackwrightError, Step
from stackwright.operations import apply as apply_ops
from stackwright.operations import inspection
from stackwright.ssh import Connection, LocalConnection
from stackwright.state import directory

pytestmark = pytest.mark.slow

PUPPET = str(Path(__file__).with_name("standin-puppet"))
SECRET = "correct-horse/battery"
QUOTED = "correct-horse%2Fbattery"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0p1Zs0Zq1m8v8yq4H3e9d1JmWZC0Xo7oOe7hGQ2r1X"


class Hosts(apply_ops.Hosts):
    """Hosts that are folders of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open = {}
        self.refuses: StackwrightError | None = None

    def connect(self, name: str) -> Connection:
        if self.refuses:
            raise self.refuses
        if name not in self._open:
            self._open[name] = LocalConnection(name, become=False, base=str(self.folder / name))
        return self._open[name]


@pytest.fixture
def place(tmp_path: Path) -> directory.StateDir:
    return directory.StateDir(tmp_path / "state" / "198.18.0.10")


def apply(place: directory.StateDir, tmp_path: Path, *steps: Step, hosts: Hosts | None = None) -> apply_ops.Applied:
    about = {**runs.ABOUT, "began": 0.0, "hosts": {}, "steps": [
        {"id": s.id, "host": s.host, "title": s.title, "needs": list(s.needs)} for s in steps
    ]}  # fmt: skip
    with hosts or Hosts(tmp_path / "hosts") as connected:
        return apply_ops.apply(Plan(steps, secrets=frozenset({SECRET})), connected, place, lambda _: None, about=about)


def sh(name: str, script: str, *needs: str) -> Step:
    return Step(f"h:{name}", "h", f"title of {name}", (Run(name, script),), needs)


PUPPET_STEP = Step(
    "h:puppet-0",
    "h",
    "Puppet",
    (PuppetApply("puppet-0", "# change Service[x]", "x: y", "/m", puppet=PUPPET),),
    ("h:one",),
)


def test_every_run_leaves_a_report_and_names_it(place: directory.StateDir, tmp_path: Path) -> None:
    applied = apply(place, tmp_path, sh("one", "sleep 0.2"), PUPPET_STEP)
    assert applied.report == place.folder / "report.html"
    data = json.loads(place.read("report.json"))
    assert (data["ok"], data["proved"], data["changed"]) == (True, False, 1)
    assert [(step["step"], step["state"], step["critical"]) for step in data["steps"]] == [
        ("h:one", "ok", True),
        ("h:puppet-0", "ok", True),
    ]
    assert data["steps"][0]["phases"][0]["name"] == "one"
    assert {"facts", "catalog", "configuration", "scripts"} <= set(data["by_kind"])
    for path in (*place.folder.glob("report.*"), *place.folder.glob("logs/*")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_failed_run_does_too(place: directory.StateDir, tmp_path: Path) -> None:
    applied = apply(place, tmp_path, sh("one", "echo no disk; exit 1"), PUPPET_STEP)
    assert not applied.outcome.ok
    assert "no disk" in place.read("report.html")
    assert json.loads(place.read("report.json"))["verdict"] == "OpenStack zed is not installed: 1 step failed"


def test_the_next_run_has_a_report_of_its_own(place: directory.StateDir, tmp_path: Path) -> None:
    """Also within the same second."""
    for number in range(1, 5):
        apply(place, tmp_path, sh("one", f"echo {number}; [ {number} -gt 3 ]"))
        assert json.loads(place.read("report.json"))["ok"] == (number > 3)
        assert len(list(place.folder.glob("logs/*.jsonl"))) == number


def test_a_run_that_did_nothing_because_of_another_one_leaves_the_report_alone(
    place: directory.StateDir, tmp_path: Path
) -> None:
    apply(place, tmp_path, sh("one", "true"))
    before = place.read("report.html")
    hosts = Hosts(tmp_path / "hosts")
    hosts.refuses = StackwrightError("h is being worked on by somebody", "wait", ExitCode.BUSY)
    with pytest.raises(StackwrightError, match="worked on"):
        apply(place, tmp_path, sh("two", "true"), hosts=hosts)
    assert len(list(place.folder.glob("logs/*.jsonl"))) == 1
    assert report.refresh(place)
    assert place.read("report.html") == before


def test_no_secret_key_or_public_address_is_in_any_of_it(place: directory.StateDir, tmp_path: Path) -> None:
    """A host says all of them, in its output, in a resource's name and in a failure's lines."""
    basic = base64.b64encode(f"admin:{SECRET}".encode()).decode()
    said = f"{SECRET} {HOST_KEY} 8.8.8.8 mysql://nova:unknown-to-all@127.0.0.1/nova peer:2a02:26f0::7 {basic} {QUOTED}"
    manifest = f"# change Exec[{SECRET} 8.8.8.8]\n# print {said}\n# fail Service[x] {said}"
    failing = Step("h:p", "h", "Puppet", (PuppetApply("p", manifest, "x: y", "/m", puppet=PUPPET),))
    assert not apply(place, tmp_path, sh("one", f"echo '{said}' >&2; exit 1"), failing).outcome.ok
    proof = {**runs.REFUSED, "at": 4e9, "checks": [{**runs.REFUSED["checks"][1], "lines": [HOST_KEY, "from 8.8.8.8"]}]}
    place.write("verify.json", json.dumps(proof))
    assert report.refresh(place)
    found = report.load(place)
    texts = {
        "page": place.read("report.html"),
        "json": place.read("report.json"),
        "text": report.digest(found),
        "slowest": report.slowest_table(found, 100),
    }
    for name, text in texts.items():
        inside = basic[12:-4]  # the name before it may be seen
        for forbidden in (SECRET, HOST_KEY.split()[1][:30], "8.8.8.8", "unknown-to-all", "2a02:", inside, QUOTED):
            assert forbidden not in text, (name, forbidden)
    assert "public-1" in texts["page"]
    assert "[key]" in texts["text"]
    record = next(place.folder.glob("logs/*.jsonl")).read_text()
    assert [secret for secret in (SECRET, inside, QUOTED) if secret in record] == []


@pytest.mark.parametrize("case", ["allinone", "three-hosts", "centos-9-three-hosts"])
def test_what_is_known_before_a_run_has_no_secret(case: str) -> None:
    answers, seen = CASES[case].answers(), CASES[case].facts()
    warning = Problem("memory", "2 GiB", "8 GiB", host=next(iter(seen)), severity=Severity.WARNING)
    clock = report.Clock()
    with clock.part("examine the hosts"):
        pass
    about = json.loads(json.dumps(apply_ops.about(planner.cloud(answers, seen), CASES[case].plan(), [warning], clock)))
    text = json.dumps(about)
    assert not [secret for secret in answers.secret_texts() if len(secret) > 4 and secret in text]
    assert not answers.secrets & set(about["answers"])
    assert set(about["hosts"]) == set(seen)
    assert about["before"][0][0] == "examine the hosts"
    assert {s["id"] for s in about["steps"]} == {s.id for s in CASES[case].plan().steps}
    components = {c for host in about["hosts"].values() for parts in host["services"].values() for c in parts}
    assert components == {c for names in about["summary"]["hosts"].values() for c in names}
    assert report.as_html(report.collect(about, []))


def test_only_answers_that_say_something_are_told() -> None:
    case = CASES["allinone"]
    about = apply_ops.about(planner.cloud(case.answers(), case.facts()), case.plan())
    assert 0 < len(about["answers"]) < 60


def test_the_answer_that_is_asked_for_is_in_the_record_and_progress_is_not(place: directory.StateDir) -> None:
    log = place.make() / "logs" / "x.log"
    log.parent.mkdir()
    take = report.begin(log, {"began": 1.0})
    take(Event("progress", 2.0, "h:one", "h"))
    take(Event("started", 3.0, "h:one", "h"))
    lines = [json.loads(line) for line in (log.with_suffix(".jsonl")).read_text().splitlines()]
    assert [line.get("kind", "") for line in lines] == ["", "started"]


def test_a_record_that_was_cut_short_is_read_up_to_there(place: directory.StateDir) -> None:
    path = runs.keep(place.folder, runs.good())
    with path.open("a") as file:
        file.write('{"kind": "ok", "at"')
    assert report.load(place).state == "ok"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"stackwright-run": 2}\n', "version 2"),
        ('{"stackwright-run": 1, "steps": [{"id": "x"}]}\n', "cannot be read"),
        ('{"stackwright-run": 1, "steps": 7}\n', "cannot be read"),
        ('{"stackwright-run": "x"}\n', "cannot be read"),
    ],
)
def test_an_unreadable_record_is_reported_and_ignored(content: str, said: str, place: directory.StateDir) -> None:
    runs.keep(place.folder, []).write_text(content)
    with pytest.raises(StackwrightError, match=said) as error:
        report.load(place)
    assert error.value.code == ExitCode.ENVIRONMENT
    assert report.refresh(place) is None


# -------------------------------------------------------------------------------------------------------- the command


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: directory.StateDir) -> str:
    """An answer file of the cloud whose folder `place` is."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("STACKWRIGHT_STATE", str(place.folder.parent))
    path = tmp_path / "cloud.answers"
    assert cli.main(["--gen-answer-file", str(path), "--install-hosts", "198.18.0.10"]) == ExitCode.OK
    return str(path)


def test_without_a_run_the_command_says_so(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", "-a", file]) == ExitCode.USAGE
    assert "nothing was applied yet" in capsys.readouterr().err


def test_the_command_in_all_its_forms(
    file: str, place: directory.StateDir, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.keep(place.folder, runs.good(), proof=runs.PROOF)
    capsys.readouterr()
    assert cli.main(["report", "-a", file]) == ExitCode.OK
    assert capsys.readouterr().out.startswith("Title: OpenStack zed is installed and verified")
    assert cli.main(["report", "-a", file, "--slowest", "2"]) == ExitCode.OK
    table = capsys.readouterr().out
    assert "critical path, 5 min 50 s in total:" in table
    assert len(table.partition("slowest:\n")[2].splitlines()) == 2
    assert cli.main(["report", "-a", file, "--slowest"]) == ExitCode.OK
    assert len(capsys.readouterr().out.partition("slowest:\n")[2].splitlines()) > 2
    page = tmp_path / "page.html"
    assert cli.main(["report", "-a", file, "--html", str(page), "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["proved"] is True
    assert page.read_text().startswith("<!doctype html>")
    assert cli.main(["report", "-a", file, "--html", str(page)]) == ExitCode.OK
    assert capsys.readouterr().out == f"wrote {page}\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), ExitCode.USAGE, "report needs an answer file"),
        (("-a", "@", "--slowest", "0"), ExitCode.USAGE, "a number above 0"),
        (("-a", "@", "--slowest", "many"), ExitCode.USAGE, "--slowest"),
        (("-a", "@", "--html", "/nowhere/at/all.html"), ExitCode.ENVIRONMENT, "cannot write"),
    ],
)
def test_wrong_words(
    words: tuple[str, ...], code: ExitCode, said: str, file: str, place: directory.StateDir,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    runs.keep(place.folder, runs.good())
    assert cli.main(["report", *(file if word == "@" else word for word in words)]) == code
    assert said in capsys.readouterr().err


def test_the_summary_names_the_report(tmp_path: Path) -> None:
    from stackwright.output import text as text_output

    plan = Plan((), summary={"release": "zed"})
    assert f"report:        {tmp_path}" in text_output.summary(plan, [], tmp_path / "log", tmp_path, proved=True)
    assert "report" not in text_output.summary(plan, [], tmp_path / "log", None, proved=True)


# ------------------------------------------------------------------------------------------- the way of a whole command


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The hosts of a golden case, seen as recorded; what is done to them is done to folders of this machine."""
    case = CASES["allinone"]
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("STACKWRIGHT_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(inspection, "look", lambda *_, **__: case.facts())
    monkeypatch.setattr(inspection, "package_problems", lambda *_, **__: [])
    packages = replace(sh("packages", "true"), id="198.18.0.10:packages")
    steps = tuple(replace(s, host="198.18.0.10") for s in (packages, sh("one", "sleep 0.2"), PUPPET_STEP))
    plan = Plan(steps, ("198.18.0.10",), summary=case.plan().summary)
    monkeypatch.setattr(planner, "plan", lambda *_, **__: plan)
    hosts = Hosts(tmp_path / "hosts")
    monkeypatch.setattr(apply_ops.Hosts, "connect", lambda _, name: hosts.connect(name))
    path = tmp_path / "cloud.answers"
    words = ["--install-hosts", "198.18.0.10", "--set", "CONFIG_CINDER_BACKEND=ceph"]
    assert cli.main(["--gen-answer-file", str(path), *words]) == ExitCode.OK
    return str(path)


def test_apply_ends_with_the_report_and_tells_its_preparation(
    cloud: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["apply", "-a", cloud, "--no-verify"]) == ExitCode.OK
    folder = tmp_path / "state" / "198.18.0.10"
    assert f"report:        {folder / 'report.html'}\n" in capsys.readouterr().out
    data = json.loads((folder / "report.json").read_text())
    assert [span["name"] for span in data["before"]] == ["examine the hosts", "check", "plan", "resolve the packages"]
    assert (data["ok"], data["proved"]) == (True, False)
    assert data["hosts"]["198.18.0.10"]["services"]["keystone"]
    # What this machine consists of, since it stands for the host; and it goes on without changes the second time.
    kept = lock.load(folder / lock.NAME)
    assert kept.hosts["198.18.0.10"].packages["dpkg"]
    assert cli.main(["apply", "-a", cloud, "--no-verify"]) == ExitCode.OK
    afterwards = json.loads((folder / "report.json").read_text())["afterwards"]
    assert (afterwards["against"], afterwards["differences"]) == ("the previous lock", [])


def test_a_verification_rewrites_the_report(
    cloud: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = [
        {"kind": "check", "check": "ping", "title": "It answers", "service": "neutron", "state": "ok", "seconds": 0.1},
        {"kind": "finished", "seconds": 0.2, "left": []},
    ]
    says = "".join(f"echo '{json.dumps(line)}'\n" for line in checks)
    monkeypatch.setattr(
        verify, "build", lambda *_: Step("verify", "198.18.0.10", "Prove it", (Run("verify", says),), always=True)
    )
    assert cli.main(["apply", "-a", cloud]) == ExitCode.OK
    data = json.loads((tmp_path / "state" / "198.18.0.10" / "report.json").read_text())
    assert data["verdict"] == "OpenStack zed is installed and verified"
    assert data["critical_path"][-1]["name"] == "Verify the cloud"
    assert [check["name"] for check in data["checks"]] == ["ping"]
    # What the proof itself did is no step of the run.
    assert [step["step"] for step in data["steps"]] == ["198.18.0.10:packages", "h:one", "h:puppet-0"]
    assert "verified" in capsys.readouterr().out
