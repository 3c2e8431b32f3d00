"""Where hosts' packages come from: steps that follow from answers and facts. dnf itself is tried on a real node."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import golden
import outcome
from stackwright import answers, planner, platforms
from stackwright.model import Answers, ExitCode, Run, StackwrightError, Step, Upload
from stackwright.operations import trunk
from stackwright.planner.steps import registration, repositories
from stackwright.planner.topology import Cloud
from stackwright.ssh import Result
from stackwright.ssh.pool import Hosts
from stackwright.state import directory

HASH = "0123456789abcdef0123456789abcdef"
HOST = "198.18.0.10"


def given(**settings: str) -> Answers:
    flags = {"CONFIG_CONTROLLER_HOST": HOST, "CONFIG_PROVISION_DEMO": "n", **settings}
    return answers.read([], flags, {}, local_host=HOST, remembered=golden.secrets())


def cloud(os_id: str = "centos", **settings: str) -> Cloud:
    return planner.cloud(given(**settings), outcome.facts(given(**settings), os_id, "9"))


def step(whole: Cloud) -> Step:
    return repositories.step(whole, whole.hosts[HOST])


def texts(found: Step) -> str:
    """Everything that the step brings to the host."""
    out = ""
    for action in found.actions:
        match action:
            case Upload(files):
                out += "".join(f.content.decode() for f in files)
            case Run(script=script):
                out += script
                subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    return out


def test_the_release_that_is_asked_for() -> None:
    text = texts(step(cloud(CONFIG_OPENSTACK_RELEASE="caracal")))
    assert "/cloud/$basearch/openstack-caracal/" in text
    assert "openstack-epoxy" not in text
    assert "enable crb\n" in text
    assert "behind epel\n" in text


def test_the_transaction_waits_for_the_repositories() -> None:
    plan = planner.plan(planner.cloud(given(), outcome.facts(given(), "centos", "9")))
    assert plan.step(f"{HOST}:packages").needs == (f"{HOST}:repositories",)
    (install,) = plan.step(f"{HOST}:packages").actions
    assert isinstance(install, Run)
    assert "--disablerepo=epel" in install.script


def test_no_such_release_here() -> None:
    settings = given(CONFIG_OPENSTACK_RELEASE="zed")
    with pytest.raises(StackwrightError, match="zed cannot be installed on CentOS Stream 10") as caught:
        planner.cloud(settings, outcome.facts(settings, "centos", "10"))
    assert "choose one of: epoxy; zed can be installed on Debian 12 (bookworm), CentOS Stream 9" in caught.value.hint


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [("OPENSTACK_RELEASE", "flamingo", "zed (2022.2), antelope (2023.1)"), ("RDO_TRUNK", "latest", "puppet-passed-ci")],
)
def test_what_no_system_has_is_known_before_any_host_is_looked_at(key: str, value: str, said: str) -> None:
    with pytest.raises(StackwrightError) as caught:
        given(**{f"CONFIG_{key}": value})
    assert said in str(caught.value)


def test_trunk_by_the_hash_that_was_found() -> None:
    whole = cloud(CONFIG_RDO_TRUNK="consistent")
    host = whole.hosts[HOST]
    pinned = replace(host, facts=replace(host.facts, extra={"trunk": HASH}))
    text = texts(repositories.step(whole, pinned))
    assert f"/centos9-epoxy/consistent/01/23/{HASH}/delorean.repo stackwright-trunk\n" in text
    assert "/centos9-epoxy/delorean-deps.repo stackwright-trunk-deps\n" in text
    assert "/SIGs/" not in text, "trunk's dependencies come from trunk"


def test_trunk_of_master() -> None:
    text = texts(step(cloud(CONFIG_RDO_TRUNK=HASH, CONFIG_OPENSTACK_RELEASE="master")))
    assert f"/centos9-master/current/01/23/{HASH}/delorean.repo" in text


def test_trunk_is_not_for_debian() -> None:
    settings = given(CONFIG_RDO_TRUNK="current")
    with pytest.raises(StackwrightError, match="no RDO trunk for Debian"):
        trunk.pinned(None, settings, outcome.facts(settings))  # type: ignore[arg-type]


class _Told:
    """A connection that knows what the tag means, and what trunk's dependencies are."""

    def __init__(self, out: str) -> None:
        self.out, self.commands = out, list[str]()

    def run(self, command: str, **_: Any) -> Any:
        if "delorean-deps.repo" in command:
            return Result(0, "file\t[delorean-deps]\n", "")
        self.commands.append(command)
        return Result(0, self.out, "") if self.out else Result(6, "", "curl: (6) Could not resolve host\n")


def _hosts(tmp_path: Path, connection: _Told) -> Any:
    hosts = Hosts(directory.Access(), directory.state_dir(HOST, tmp_path))
    hosts._open[HOST] = connection  # type: ignore[assignment]
    return hosts


def test_a_tag_is_looked_up_once(tmp_path: Path) -> None:
    settings = given(CONFIG_RDO_TRUNK="current", CONFIG_PACKAGE_PROXY="http://198.18.0.1:3128")
    seen = outcome.facts(settings, "centos", "9")
    first = _Told(f"{HASH}\n")
    assert trunk.pinned(_hosts(tmp_path, first), settings, seen)[HOST].extra["trunk"] == HASH
    assert len(first.commands) == 1
    assert "--proxy http://198.18.0.1:3128 https://trunk.rdoproject.org/" in first.commands[0]
    later = _Told("f" * 32)
    assert trunk.pinned(_hosts(tmp_path, later), settings, seen)[HOST].extra["trunk"] == HASH
    assert later.commands == []


@pytest.mark.parametrize("out", ["", "<html>moved</html>"])
def test_a_tag_that_cannot_be_looked_up(tmp_path: Path, out: str) -> None:
    settings = given(CONFIG_RDO_TRUNK="current")
    with pytest.raises(StackwrightError, match="cannot resolve the tag current") as caught:
        trunk.pinned(_hosts(tmp_path, _Told(out)), settings, outcome.facts(settings, "centos", "9"))
    assert caught.value.code is ExitCode.UNREACHABLE


def test_version_lock() -> None:
    def script(**settings: str) -> str:
        plan = planner.plan(planner.cloud(given(**settings), outcome.facts(given(**settings), "centos", "9")))
        (install,) = plan.step(f"{HOST}:packages").actions
        assert isinstance(install, Run)
        return install.script

    assert "versionlock" not in script()
    assert "versionlock add" in script(CONFIG_VERSION_LOCK="y")


RHSM = {"CONFIG_RH_USER": "somebody", "CONFIG_RH_PW": 'it\'s "secret"', "CONFIG_RH_PROXY": "198.18.0.1"}
SATELLITE = {
    "CONFIG_RH_SAT6_SERVER": "satellite.example.org",
    "CONFIG_RH_SAT6_ORG": "Example",
    "CONFIG_RH_SAT6_KEY": "key-1",
}


def test_only_red_hat_is_registered() -> None:
    assert registration.action(given(**RHSM), platforms.by_id("centos-stream-9")) is None
    assert registration.action(given(), platforms.by_id("rhel-9")) is None
    found = step(cloud("rhel", **RHSM))
    assert [a.name for a in found.actions if isinstance(a, Run)] == ["registration", "repositories"]
    assert "enable codeready-builder-for-rhel-9-x86_64-rpms\n" in texts(found)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (RHSM, ["register", "--username=somebody", '--password=it\'s "secret"', "--proxy=198.18.0.1"]),
        (SATELLITE, ["register", "--org=Example", "--activationkey=key-1"]),
    ],
)
def test_registration(tmp_path: Path, settings: dict[str, str], expected: list[str]) -> None:
    """A stand-in for subscription-manager tells what it was called with, and what everybody could read of it."""
    program = tmp_path / "subscription-manager"
    program.write_text(
        "import json, sys\n"
        f"out = open({str(tmp_path / 'called')!r}, 'w')\n"
        "json.dump([sys.argv[1:], open('/proc/self/cmdline').read()], out)\n"
    )
    (tmp_path / "bin").mkdir()
    for name, text in {"subscription-manager": "exit 1", "rpm": "exit 0", "dnf": "exit 9"}.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    action = registration.action(given(**settings), platforms.by_id("rhel-9"))
    assert action
    assert action.secret
    script = action.script.replace("/usr/sbin/subscription-manager", str(program))
    script = script.replace("/var/lib/stackwright", str(tmp_path / "state"))
    path = f"{tmp_path / 'bin'}:/usr/bin:/bin"
    done = subprocess.run(["sh"], input=script, text=True, capture_output=True, env={"PATH": path}, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("stackwright: changed\n")
    arguments, visible = json.loads((tmp_path / "called").read_text())
    assert arguments == expected
    assert "secret" not in visible
    assert "key-1" not in visible


@pytest.mark.parametrize(
    ("checksum", "fetched", "installed"),
    [
        ("", "https://satellite.example.org/pub/katello-ca-consumer-latest.noarch.rpm", True),
        (hashlib.sha256(b"of the Satellite").hexdigest(), "http://satellite.example.org/pub/", True),
        ("0" * 64, "http://satellite.example.org/pub/", False),
    ],
)
def test_a_satellites_package_cannot_be_changed_on_its_way(
    tmp_path: Path, checksum: str, fetched: str, installed: bool
) -> None:
    """It is fetched over HTTPS, or it is the file of the checksum."""
    programs = {
        "rpm": "exit 1",
        "subscription-manager": "exit 0",
        "curl": f'printf \'of the Satellite\' > "$5"; echo "$6" > {tmp_path}/fetched',
        "dnf": f"touch {tmp_path}/installed",
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    action = registration.action(given(**SATELLITE, CONFIG_RH_SAT6_CA_CHECKSUM=checksum), platforms.by_id("rhel-9"))
    assert action
    script = action.script.replace("if subscription-manager identity", "if false")
    script = script.partition("inside=$(cat")[0]
    done = subprocess.run(
        ["sh"], input=script, text=True, capture_output=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}
    )
    assert (done.returncode == 0) == installed, done.stderr
    assert (tmp_path / "fetched").read_text().startswith(fetched)
    assert (tmp_path / "installed").exists() == installed
