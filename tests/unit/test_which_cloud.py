"""Which cloud a command means where no answer file is named, and what it says about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackwright import cli
from stackwright.model import ExitCode, StackwrightError
from stackwright.operations import clouds
from stackwright.operations.options import AnswerOptions
from stackwright.planner.steps import credentials
from stackwright.state import baseline
from stackwright.state.baseline import AppliedAnswers
from stackwright.state.directory import StateDir

FILE = "CONFIG_CONTROLLER_HOST={0}\nCONFIG_COMPUTE_HOSTS={0}\nCONFIG_NETWORK_HOSTS={0}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STACKWRIGHT_STATE", str(tmp_path / "state"))
    monkeypatch.delenv(clouds.VARIABLE, raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def cloud(folder: Path, address: str, dashboard: str = "") -> Path:
    """A cloud that was installed from an answer file."""
    file = folder / f"{address}.answers"
    file.write_text(FILE.format(address))
    state = StateDir(folder / "state" / address)
    state.write("journal.jsonl", "")
    clouds.remember(state, [str(file)], dashboard)
    return file


def chosen(environ: dict[str, str] | None = None, *files: Path) -> tuple[tuple[Path, ...], str]:
    given, why = clouds.choose(AnswerOptions(files), "verify", environ or {})
    return given.files, why


def test_the_order_of_choice(here: Path) -> None:
    with pytest.raises(StackwrightError) as caught:
        chosen()
    assert caught.value.code == ExitCode.USAGE
    only = cloud(here, "198.18.0.10")
    assert chosen() == ((only,), "the only cloud")
    Path(clouds.USUAL).write_text("")
    assert chosen() == ((Path(clouds.USUAL),), "in this directory")
    assert chosen({clouds.VARIABLE: "/e"}) == ((Path("/e"),), "$STACKWRIGHT_ANSWERS")
    assert chosen({clouds.VARIABLE: "/e"}, Path("named")) == ((Path("named"),), "")


def test_one_of_several_clouds_has_to_be_named(here: Path) -> None:
    cloud(here, "198.18.0.10")
    cloud(here, "198.18.0.20")
    with pytest.raises(StackwrightError) as caught:
        chosen()
    assert "2 clouds are known; `stackwright clouds` lists them" in caught.value.hint


def test_a_single_cloud_without_its_answer_file_is_not_chosen(here: Path) -> None:
    cloud(here, "198.18.0.10").unlink()
    with pytest.raises(StackwrightError):
        chosen()


@pytest.mark.parametrize("damaged", ["", "[]", "{", '{"files": 3}', '{"files": [{}]}'])
def test_a_damaged_record_counts_as_missing(here: Path, damaged: str) -> None:
    cloud(here, "198.18.0.10")
    StateDir(here / "state/198.18.0.10").write(clouds.FILE, damaged)
    (found,) = clouds.known()
    assert [path for path in found.files if path.is_file()] == []
    with pytest.raises(StackwrightError):
        chosen()


def test_clouds_are_listed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["clouds"]) == ExitCode.OK
    assert "no clouds yet" in capsys.readouterr().out
    file = cloud(here, "198.18.0.10")
    StateDir(here / "state/198.18.0.10").write("verify.json", '{"ok": false}')
    assert cli.main(["clouds"]) == ExitCode.OK
    line = capsys.readouterr().out
    assert line.startswith("198.18.0.10 ")
    assert "verification failed" in line
    assert str(file) in line
    assert cli.main(["clouds", "--json"]) == ExitCode.OK
    (entry,) = json.loads(capsys.readouterr().out)["clouds"]
    assert (entry["name"], entry["verified"], entry["answers"]) == ("198.18.0.10", False, [str(file)])


def test_credentials_of_the_only_cloud(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cloud(here, "198.18.0.10", "http://198.18.0.10/horizon")
    state = StateDir(here / "state/198.18.0.10")
    assert cli.main(["openrc"]) == ExitCode.USAGE
    assert "not installed yet" in capsys.readouterr().err
    people = {"admin": ("admin", "s3cret", "admin"), "demo": ("demo", "d3mo", "demo")}
    state.write("clouds.yaml", credentials.clouds_yaml("http://198.18.0.10:5000/v3", "RegionOne", people))
    state.write("keystonerc_demo", "export OS_USERNAME=demo\n")
    before = sorted(path.name for path in state.folder.iterdir())

    assert cli.main(["dashboard"]) == ExitCode.OK
    shown = capsys.readouterr()
    assert "(the only cloud)" in shown.err
    assert "dashboard: http://198.18.0.10/horizon\nadmin  user admin, domain Default" in shown.out
    assert "s3cret" not in shown.out + shown.err
    assert cli.main(["credentials"]) == ExitCode.OK
    assert "user admin, domain Default, password: s3cret" in capsys.readouterr().out
    assert cli.main(["openrc", "--project", "demo"]) == ExitCode.OK
    assert capsys.readouterr().out == "export OS_USERNAME=demo\n"
    assert sorted(path.name for path in state.folder.iterdir()) == before


@pytest.mark.parametrize("name", ["", "-x", "a b", "$(id)", "x" * 64, "a/b"])
def test_an_instance_has_a_plain_name(name: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cloud(here, "198.18.0.10")
    assert cli.main(["launch", "--", name]) == ExitCode.USAGE
    assert "not a name for an instance" in capsys.readouterr().err


def test_it_is_no_other_record_of_the_cloud(here: Path) -> None:
    """The answers of the last runs are kept beside it."""
    cloud(here, "198.18.0.10", "http://198.18.0.10/horizon")
    state = StateDir(here / "state/198.18.0.10")
    baseline.begin(state, AppliedAnswers({"CONFIG_DEBUG_MODE": "y"}), {}, lambda _: True)
    assert clouds.read(state).dashboard == "http://198.18.0.10/horizon"
    clouds.remember(state, [], "")
    assert baseline.load(state).begun == AppliedAnswers({"CONFIG_DEBUG_MODE": "y"})
