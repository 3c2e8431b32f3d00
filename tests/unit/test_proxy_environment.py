"""What a run starts on a host with a proxy reaches the cloud's own hosts without it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from golden import CASES
from stackwright import planner, shell

DIRECT = ("198.18.0.10", "control.lab.stackwright.test")


def environment(tmp_path: Path, direct: tuple[str, ...] = DIRECT, **given: str) -> dict[str, str]:
    """What a detached script sees on a host with these variables."""
    folder = tmp_path / "run"
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "script").write_text(f"env >{tmp_path}/seen\n")
    (folder / "rc.new").write_text("    \n")
    wrapper = shell.fill("executor/detached_wrapper.sh", DIR=str(folder), BASE=str(tmp_path), DIRECT=",".join(direct))
    subprocess.run(["sh", "-c", wrapper], env={"PATH": "/usr/bin:/bin", **given}, check=True)
    assert (folder / "rc").read_text().strip() == "0"
    lines = (tmp_path / "seen").read_text().splitlines()
    return {k: v for k, _, v in (line.partition("=") for line in lines) if k.lower().endswith("_proxy")}


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy"])
def test_the_clouds_own_hosts_are_added(name: str, tmp_path: Path) -> None:
    """Capitals count: programs differ in which spelling they read."""
    seen = environment(tmp_path, **{name: "http://proxy.example:3128"})
    assert seen[name.lower()] == seen[name.upper()] == "http://proxy.example:3128"
    names = seen["no_proxy"].split(",")
    assert {*DIRECT, "localhost", "127.0.0.1", "::1"} <= set(names)
    assert seen["NO_PROXY"] == seen["no_proxy"]


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_what_the_host_has_is_kept(name: str, tmp_path: Path) -> None:
    given = {"http_proxy": "http://proxy.example:3128", name: "localhost,.example.org"}
    assert environment(tmp_path, **given)["no_proxy"].startswith("localhost,.example.org,localhost,127.0.0.1")


def test_a_star_means_everything_by_itself_only(tmp_path: Path) -> None:
    assert environment(tmp_path, http_proxy="http://proxy.example:3128", no_proxy="*")["no_proxy"] == "*"


def test_a_host_without_a_proxy_gets_nothing(tmp_path: Path) -> None:
    assert environment(tmp_path) == {}


def test_a_plan_names_every_host_and_api() -> None:
    direct = CASES["three-hosts"].plan().direct
    for host, facts in CASES["three-hosts"].facts().items():
        assert {host, facts.address} - {""} <= set(direct)
    assert CASES["three-hosts"].plan().summary["endpoints"]["keystone"].split("/")[2].split(":")[0] in direct


def test_of_many_hosts_those_with_apis_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "_FEW", 1)
    case = CASES["three-hosts"]
    direct = planner.reached_directly(planner.cloud(case.answers(), case.facts()))
    assert "control.lab.stackwright.test" in direct
    assert "compute.lab.stackwright.test" not in direct
