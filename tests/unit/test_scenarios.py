"""Scenarios as data, and Tempest: its scripts run with programs that stand in for it, its output read as recorded."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import golden
import outcome
from golden import CASES
from stackwright import answers, cli, lab, lock, planner, scenarios, services
from stackwright.answers import Reading
from stackwright.cli import cloud
from stackwright.executor import Outcome
from stackwright.model import ExitCode, PuppetApply, Run, StackwrightError, Upload
from stackwright.operations import apply, inspection
from stackwright.operations import tempest as tempest_ops
from stackwright.operations.context import RunContext
from stackwright.scenarios import Known, record, tempest
from stackwright.state import directory

OUTPUT = """{0} tempest.api.identity.v3.test_domains.DefaultDomainTestJSON.test_default_domain_exists [0.43s] ... ok
{1} tempest.api.image.v2.test_images.ListImagesTest.test_list_no_params [1.2s] ... FAILED

Captured traceback:
~~~~~~~~~~~~~~~~~~~
    Traceback (most recent call last):
      File "base.py", line 1, in test
    tempest.lib.exceptions.TimeoutException: Request timed out

{1} setUpClass (tempest.api.compute.test_networks.NetworksTest) ... FAILED
{0} setUpClass (tempest.api.identity.v2.test_api_discovery.TestApiDiscovery) ... SKIPPED: Identity api v2 is not enabled

======
Totals
======
Ran: 4 tests in 12.5000 sec.
 - Passed: 1
 - Skipped: 1
 - Expected Fail: 0
 - Unexpected Success: 0
 - Failed: 2
Sum of execute time for each test: 2.0000 sec.
"""
IMAGES = "tempest.api.image.v2.test_images.ListImagesTest"
DOMAINS = "tempest.api.identity.v3.test_domains.DefaultDomainTestJSON.test_default_domain_exists"


@pytest.mark.parametrize("name", scenarios.names())
def test_each_scenario_can_be_installed(name: str) -> None:
    """Its answers are ones that this version can do, on Debian 12, and the plan has what they switch on."""
    one = scenarios.find(name)
    assert not set(one.answers) - set(services.options())
    files = [golden.FOLDER / "base.txt"]
    read = answers.load(files, dict(one.answers), {}, local_host="198.18.0.10", files=False)
    assert not read.errors
    plan = outcome.plan(read.answers, outcome.facts(read.answers))
    have = {c for s in plan.steps for a in s.actions if isinstance(a, PuppetApply) for c in a.components}
    for key, component in {
        "CONFIG_CINDER_INSTALL": "cinder-api",
        "CONFIG_SWIFT_INSTALL": "swift-proxy",
        "CONFIG_HEAT_INSTALL": "heat-engine",
        "CONFIG_HORIZON_INSTALL": "horizon",
    }.items():
        if key in one.answers:
            assert (component in have) == (one.answers[key] == "y"), key
    assert set(one.tempest) <= set(record.groups())
    assert one.title
    assert one.by_hand
    assert one.look_at


def test_the_mixes_of_others_are_there() -> None:
    after = [scenarios.find(name).after for name in scenarios.names()]
    assert sum("Packstack's scenario" in a for a in after) == 3
    assert sum("puppet-openstack-integration's scenario" in a for a in after) == 5
    assert scenarios.USUAL in scenarios.names()


def test_the_patterns_match_their_tests() -> None:
    wanted = re.compile(tempest.pattern(("smoke",)))
    assert wanted.search("tempest.api.image.v2.test_images.BasicOperationsImagesTest.test_delete_image[id-f8,smoke]")
    assert wanted.search(
        "tempest.scenario.test_server_basic_ops.TestServerBasicOps.test_server_basic_ops[id-7,network]"
    )
    assert not wanted.search("tempest.api.image.v2.test_images.ListImagesTest.test_list_images_param_limit[id-e9]")
    assert not wanted.search("tempest.scenario.test_server_basic_ops_more.X.test_y[id-1]")
    both = tempest.pattern(("smoke", "dashboard"))
    assert re.search(both, "tempest_horizon.tests.scenario.test_dashboard_basic_ops.TestDashboard.test_basic")
    assert tempest.pattern(("smoke", "smoke")) == tempest.pattern(("smoke",)), "each once"


def test_results_and_the_lines_of_failures_are_read() -> None:
    results = tempest.read(OUTPUT)
    assert (results.passed, results.skipped, results.seconds, results.ok) == (1, 1, 12.5, False)
    assert [f.test for f in results.failed] == [
        f"{IMAGES}.test_list_no_params",
        "setUpClass (tempest.api.compute.test_networks.NetworksTest)",
    ]
    assert results.failed[0].lines[-1].strip() == "tempest.lib.exceptions.TimeoutException: Request timed out"
    assert results.failed[1].lines == ()


def test_known_failures_are_shown_as_such_and_shout_when_they_pass() -> None:
    networks = "setUpClass (tempest.api.compute.test_networks.NetworksTest)"
    known = (
        Known(IMAGES, "the mirror is slow", "https://bugs.example/1"),
        Known(DOMAINS, "was", "https://bugs.example/2"),
        Known(networks, "x", "https://bugs.example/3"),
    )
    results = tempest.read(OUTPUT, known)
    assert [f.test for f in results.failed] == []
    assert results.ok
    assert [k.why for _, k in results.known] == ["the mirror is slow", "x"]
    said = tempest.text(results)
    assert f"known to fail: {IMAGES}.test_list_no_params\n    the mirror is slow\n    https://bugs.example/1" in said
    assert f"!!! UNEXPECTED PASS of a known failure: {DOMAINS}" in said
    assert results.to_json()["mended"][0]["link"] == "https://bugs.example/2"
    assert not Known("tempest.api.image.v2.test_im", "x", "y").is_about(f"{IMAGES}.test_list_no_params")


def test_a_run_without_totals_is_no_result() -> None:
    with pytest.raises(ValueError, match="did not finish"):
        tempest.read("{0} something ... ok\nKilled\n")


def test_lists_of_known_failures_are_checked(tmp_path: Path) -> None:
    assert all(k.link.startswith("https://") for k in scenarios.known_failures())
    mine = tmp_path / "known.txt"
    mine.write_text("# mine\n\ntest: a.b\nwhy: c: d\nlink: https://bugs.example/9\n")
    assert scenarios.known_failures([mine])[-1] == Known("a.b", "c: d", "https://bugs.example/9")
    mine.write_text("test: a.b\nwhy: c\n")
    with pytest.raises(StackwrightError, match="needs test, why and link"):
        scenarios.known_failures([mine])
    mine.write_bytes(b"\xef\xbb\xbftest: a\r\nwhy: b\r\nlink: c\r\n \r\ntest: d\r\nwhy: e\r\nlink: f\r\n")
    assert scenarios.known_failures([mine])[-2:] == (Known("a", "b", "c"), Known("d", "e", "f"))
    mine.write_text("test: a\nwhy: b\nlink: c\ntest: d\nwhy: e\nlink: f\n")
    with pytest.raises(StackwrightError, match="each once; this has test, why, link, test, why, link"):
        scenarios.known_failures([mine])
    with pytest.raises(StackwrightError, match="cannot read"):
        scenarios.known_failures([tmp_path / "none"])


def test_of_a_class_that_is_known_to_fail_some_tests_may_pass() -> None:
    passing = OUTPUT.replace("Captured traceback", f"{{0}} {IMAGES}.test_other [1.0s] ... ok\n\nCaptured traceback")
    results = tempest.read(passing, (Known(IMAGES, "x", "y"),))
    assert [test for test, _ in results.known] == [f"{IMAGES}.test_list_no_params"]
    assert results.mended == ()
    mended = tempest.read(passing.replace("FAILED", "ok"), (Known(IMAGES, "x", "y"),))
    assert [test for test, _ in mended.mended] == [f"{IMAGES}.test_list_no_params", f"{IMAGES}.test_other"]


# --------------------------------------------------------------------------------------------------------- the script

TEMPEST = """\
#!/bin/sh
case "$*" in
  *--list-tests*)
     [ -e none ] || printf 'tempest.a.T.test_a[id-1]\\ntempest.a.T.test_b[id-2]\\nheat_tempest_plugin.c.T.d\\n' ;;
  *) echo "$@" > asked
     printf '{0} tempest.a.T.test_a [1.0s] ... ok\\n{1} tempest.a.T.test_b [1.0s] ... FAILED\\n\\n    Traceback\\n'
     [ ! -e hang ] || exec sleep 100
     for n in $(seq 100); do [ -e told ] || [ ! -e untold ] || sleep 0.2; done
     [ -e told ] || [ ! -e untold ] || exit 1
     printf '{0} heat_tempest_plugin.c.T.d ... SKIPPED: no\\n\\nRan: 3 tests in 2.0 sec.\\n - Passed: 1\\n'
     printf -- ' - Skipped: 1\\n'
     printf -- ' - Failed: 1\\n'; exit 1 ;;
esac
"""


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A folder with programs in the place of Tempest's."""
    programs = {"tempest": TEMPEST, "stestr": "#!/bin/sh\necho subunit\n", "subunit2junitxml": "#!/bin/sh\ncat\n",
                "subunit2html": '#!/bin/sh\ncp "$1" "$2"\n'}  # fmt: skip
    (tmp_path / "bin").mkdir()
    (tmp_path / "work").mkdir()
    for name, text in programs.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "work.rc").write_text("OS_PASSWORD=geheim\n")
    return tmp_path


def tried(host: Path, limit: int = 60) -> tuple[int, list[str]]:
    script = tempest.run(("smoke",), workers=2, limit=limit).replace(tempest.FOLDER, str(host / "work"))
    environment = {**os.environ, "PATH": f"{host / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, env=environment, check=False)
    return done.returncode, done.stdout.splitlines()


def test_progress_is_counted_and_failed_tests_do_not_fail_the_script(host: Path) -> None:
    code, said = tried(host)
    assert code == 0
    assert [line for line in said if line.startswith("stackwright: progress")] == [
        "stackwright: progress 0 3 3 tests, 2 at a time",
        "stackwright: progress 1 3 1 passed, 0 failed, 0 skipped: tempest.a.T.test_a",
        "stackwright: progress 2 3 1 passed, 1 failed, 0 skipped: tempest.a.T.test_b",
        "stackwright: progress 3 3 1 passed, 1 failed, 1 skipped: heat_tempest_plugin.c.T.d",
    ]
    assert "{1} tempest.a.T.test_b [1.0s] ... FAILED" in said
    assert tempest.read((host / "work/output.txt").read_text()).failed[0].test == "tempest.a.T.test_b"
    assert (host / "work/junit.xml").read_text() == "subunit\n"
    assert (host / "work/results.html").exists()
    assert not (host / "work.rc").exists(), "the way in does not stay"
    assert "--concurrency 2" in (host / "work/asked").read_text()


def test_a_result_is_told_before_the_next_one_is_there(host: Path) -> None:
    (host / "work/untold").touch()
    script = tempest.run(("smoke",), workers=2, limit=60).replace(tempest.FOLDER, str(host / "work"))
    environment = {**os.environ, "PATH": f"{host / 'bin'}:{os.environ['PATH']}"}
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        for line in process.stdout:
            if line.startswith("stackwright: progress 2 "):
                (host / "work/told").touch()
    assert process.returncode == 0


def test_it_ends_when_its_time_is_over(host: Path) -> None:
    (host / "work/hang").touch()
    code, said = tried(host, limit=1)
    assert code == 1
    assert "it did not finish within 1 s" in said


def test_no_test_at_all_is_a_failure(host: Path) -> None:
    (host / "work/none").touch()
    code, said = tried(host)
    assert code == 1
    assert "no test fits; Tempest says:" in said


def test_as_many_at_a_time_as_the_machine_allows() -> None:
    gib = 1024**3
    assert [tempest.workers(*m) for m in ((1, 64 * gib), (8, 4 * gib), (8, 12 * gib), (64, 256 * gib))] == [1, 1, 4, 4]


@pytest.mark.parametrize("case", ["allinone", "three-hosts", "centos-9", "tls"])
def test_the_step_is_sound_shell_and_keeps_the_password_out_of_it(case: str) -> None:
    given = CASES[case].answers()
    whole = planner.cloud(given, CASES[case].facts())
    step = tempest_ops.step(whole, tempest_ops.TestRequest("smoke", ("smoke",)))
    assert step.always
    secret = given["CONFIG_KEYSTONE_ADMIN_PW"]
    for action in step.actions:
        if isinstance(action, Run):
            assert secret not in action.script
            assert subprocess.run(["sh", "-n"], input=action.script, text=True, check=False).returncode == 0
            assert not re.search(r"@[A-Z]+@", action.script)
        else:
            assert isinstance(action, Upload)
            assert [f.secret for f in action.files] == [True]
    told = " ".join(a.script for a in step.actions if isinstance(a, Run))
    assert ("apt-get" in told) == (whole.hosts[step.host].platform.package_manager == "apt")


# -------------------------------------------------------------------------------------------------------- the command


def test_scenarios_are_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["test", "--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(scenarios.names())
    assert cli.main(["test", "--show", "packstack-002"]) == 0
    said = capsys.readouterr().out
    assert "after Packstack's scenario002, without Sahara, Trove" in said
    assert "  CONFIG_GLANCE_BACKEND=swift\n" in said
    assert cli.main(["test", "packstack-02"]) == ExitCode.USAGE
    assert "did you mean packstack-002?" in capsys.readouterr().err
    assert cli.main(["test"]) == ExitCode.USAGE
    assert "test needs an answer file" in capsys.readouterr().err


def test_a_scenario_gets_a_node_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All but the node, the run and Tempest is real: the answer file is the scenario's, with the lab's networks."""
    monkeypatch.setenv("STACKWRIGHT_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key").touch()
    node = SimpleNamespace(
        user="root",
        address="198.18.0.10",
        key=tmp_path / "key",
        known_hosts=tmp_path / "key",
        external_network="198.19.3.0/24",
    )
    up: list[tuple[str, str]] = []
    monkeypatch.setattr(lab, "up", lambda names, release, **_: up.append((*names, release)) or [node])
    monkeypatch.setattr(lab, "route", lambda *_: None)
    monkeypatch.setattr(inspection, "presets", lambda *_: (None, {}))
    monkeypatch.setattr(inspection, "look", lambda *_: {})
    applied, tested = [], []

    def install(reading: Reading, *_: Any) -> apply.Installed:
        applied.append([Path(document.name) for document in reading.documents])
        return apply.Installed(cast(Any, None), ExitCode.OK, cast(Any, SimpleNamespace(outcome=Outcome(ok=True))))

    monkeypatch.setattr(apply, "install", install)
    monkeypatch.setattr(cloud, "show", lambda result, _: result.code)

    def run(begun: RunContext, wanted: tempest_ops.TestRequest, **_: Any) -> tempest_ops.TestResult:
        tested.append((wanted.name, begun.answers["CONFIG_HEAT_INSTALL"], begun.answers["CONFIG_NEUTRON_L2_AGENT"]))
        return tempest_ops.TestResult(tempest.Results(passed=1), tmp_path)

    monkeypatch.setattr(tempest_ops, "run", run)
    assert cli.main(["test", "packstack-003", "--lab"]) == 0
    file = tmp_path / "stackwright-packstack-003.answers"
    assert up == [("packstack-003", "bookworm")]
    assert applied == [[file]]
    assert tested == [("packstack-003", True, "openvswitch")]
    assert "CONFIG_PROVISION_DEMO_FLOATRANGE=198.19.131.0/24" in file.read_text()
    assert cli.main(["test", "smoke", "puppet-004", "--lab", "x"]) == ExitCode.USAGE
    assert cli.main(["test", "smoke", "--lab", "x", "-a", str(file)]) == ExitCode.USAGE
    assert "x is one node" in capsys.readouterr().err


def test_a_cloud_does_not_change_its_switches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STACKWRIGHT_STATE", str(tmp_path / "state"))
    (tmp_path / "a.txt").write_text("CONFIG_CONTROLLER_HOST=198.18.0.10\n")
    directory.state_dir("198.18.0.10").write(lock.NAME, lock.write(lock.Lock("0.1.0", "", "zed")))
    assert cli.main(["test", "packstack-003", "--install", "-a", str(tmp_path / "a.txt")]) == ExitCode.PREFLIGHT
    said = capsys.readouterr().err
    assert "packstack-003 needs the L2 agent openvswitch, but this cloud has ovn" in said
    assert "stackwright test packstack-003 --lab" in said


OWN = """\
title = "Mine"
tempest = ["smoke", "volume"]
by_hand = ["Try it."]
[answers]
CONFIG_HEAT_INSTALL = "n"
"""


def test_a_scenario_of_ones_own_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "my-mix.toml"
    file.write_text(OWN)
    assert cli.main(["test", "--show", str(file)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("my-mix: Mine\n")
    assert "  CONFIG_HEAT_INSTALL=n\n" in said
    for old, new, why in (
        ('title = "Mine"', "", "title is missing"),
        ("[answers]", "[answer]", "unknown keys: answer"),
        ('"smoke", "volume"', '"smok"', "unknown test group smok; groups: smoke, quick, network"),
        ('"smoke", "volume"', "", "tempest is empty"),
        ('["Try it."]', '"Try it."', "by_hand is not a list of strings"),
        ("[answers]", "[answers", "Expected ']'"),
    ):
        file.write_text(OWN.replace(old, new))
        assert cli.main(["test", "--show", str(file)]) == ExitCode.USAGE
        assert why in capsys.readouterr().err
    assert cli.main(["test", "--show", "none.toml"]) == ExitCode.USAGE
    assert "cannot read none.toml" in capsys.readouterr().err


def test_what_a_file_switches_on_has_to_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STACKWRIGHT_STATE", str(tmp_path / "state"))
    (tmp_path / "a.txt").write_text("CONFIG_CONTROLLER_HOST=198.18.0.10\n")
    file = tmp_path / "mine.toml"
    file.write_text(OWN.replace("HEAT", "HEET"))
    assert cli.main(["test", str(file), "-a", str(tmp_path / "a.txt")]) == ExitCode.USAGE
    assert "sets unknown keys: CONFIG_HEET_INSTALL" in capsys.readouterr().err
    file.write_text(OWN.replace('"n"', '"perhaps"'))
    assert cli.main(["test", str(file), "-a", str(tmp_path / "a.txt")]) == ExitCode.ANSWERS
    assert "perhaps" in capsys.readouterr().err
    assert cli.main(["test", "--time-limit", "0", "-a", str(tmp_path / "a.txt")]) == ExitCode.USAGE
    assert "--time-limit: '0' is not a whole number, 1 or more" in capsys.readouterr().err


def test_a_cloud_that_lacks_what_a_scenario_wants_is_not_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STACKWRIGHT_STATE", str(tmp_path / "state"))
    file = tmp_path / "a.txt"
    file.write_text("CONFIG_CONTROLLER_HOST=198.18.0.10\nCONFIG_HEAT_INSTALL=n\nCONFIG_CINDER_INSTALL=n\n")
    assert cli.main(["test", "packstack-003", "-a", str(file)]) == ExitCode.ANSWERS
    said = capsys.readouterr().err
    assert "CONFIG_HEAT_INSTALL=y" in said
    assert "stackwright test packstack-003 --install -a FILE" in said


@pytest.mark.parametrize("password", ["50%", "a$b", "'abc'", "true"])
def test_a_password_that_tempest_cannot_be_told_is_refused(password: str) -> None:
    given = CASES["allinone"].answers()
    tempest_ops.require_testable(given)
    with pytest.raises(StackwrightError, match="CONFIG_KEYSTONE_ADMIN_PW") as found:
        tempest_ops.require_testable(given.with_value("CONFIG_KEYSTONE_ADMIN_PW", password))
    assert found.value.hint


def test_the_documents_say_what_the_interoperability_scenario_runs() -> None:
    page = " ".join((Path(__file__).parents[2] / "docs" / "day-2.md").read_text().split())
    assert "`stackwright test -a FILE interop` runs the 284 tests" in page
    answers = scenarios.find("interop").answers
    assert {"CONFIG_CINDER_INSTALL", "CONFIG_SWIFT_INSTALL", "CONFIG_PROVISION_DEMO"} <= set(answers)


def test_the_interoperability_scenario_selects_exactly_the_required_tests() -> None:
    listed = Path(scenarios.__file__).parent / "data" / "interop-2020.06.txt"
    names = [line for line in listed.read_text().splitlines() if not line.startswith("#")]
    selected = re.compile(tempest.pattern(["interop"]))
    assert len(set(names)) == 284
    assert [name for name in names if not selected.search(f"{name}[id-1,smoke]")] == []
    assert selected.search(names[0])
    assert not selected.search(f"{names[0]}_more[id-1]")
    assert not selected.search("tempest.api.compute.servers.test_servers.ServersTestJSON.test_other[id-1]")
    moved = "tempest.api.network.admin.test_routers.RoutersAdminTest.test_update_router_unset_gateway"
    assert selected.search(f"{moved}[id-1]")


def test_a_third_of_the_required_tests_is_a_scenario() -> None:
    listed = Path(scenarios.__file__).parent / "data" / "interop-2020.06.txt"
    names = [line for line in listed.read_text().splitlines() if not line.startswith("#")]
    assert scenarios.find("interop-quick").tempest == ("interop-quick",)
    selected = re.compile(tempest.pattern(["interop-quick"]))
    chosen = [name for name in names if selected.search(f"{name}[id-1]")]
    assert len(chosen) > len(names) / 3
    assert {name.split(".")[2] for name in chosen} == {name.split(".")[2] for name in names}, "each service"
