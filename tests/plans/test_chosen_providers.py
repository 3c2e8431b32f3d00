"""CONFIG_PUPPET_PROVIDERS: our providers, or the upstream ones alone."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import golden
from stackwright import planner
from stackwright.model import Answers, File, Plan, PuppetApply, Run, Upload
from stackwright.planner.steps import puppet_module

CASE = golden.CASES["three-hosts"]


def answers(providers: str) -> Answers:
    given = CASE.answers()
    entry = replace(given.entries["CONFIG_PUPPET_PROVIDERS"], value=providers)
    return replace(given, entries={**given.entries, "CONFIG_PUPPET_PROVIDERS": entry})


def plan(providers: str) -> Plan:
    return planner.plan(planner.cloud(answers(providers), CASE.facts()))


def module_files(made: Plan, host: str) -> set[str]:
    uploads = (a for a in made.step(f"{host}:module").actions if isinstance(a, Upload))
    return {f.path for a in uploads for f in a.files}


def test_upstream_leaves_out_every_provider_and_fact_that_replaces_one() -> None:
    upstream, fast = plan("upstream"), plan("fast")
    for host in fast.hosts:
        left_out = module_files(fast, host) - module_files(upstream, host)
        assert {path for path in left_out if "/lib/puppet/provider/" not in path} == {
            f"{puppet_module.MODULE_DIR}/stackwright/lib/facter/disabled_facts.rb"
        }
        providers = {path for path in module_files(upstream, host) if "/lib/puppet/provider/" in path}
        assert {Path(path).parent.name for path in providers} == {"rabbitmq_user", "stackwright_security_group_rule"}


def test_upstream_starts_nothing_ahead_of_its_turn() -> None:
    quick = ("stackwright::starts", "stackwright::migrations", "stackwright::discovery", "stackwright::keystone_keys")
    fast = "".join(run.manifest for run in golden.last_runs(plan("fast")).values())
    upstream = "".join(run.manifest for run in golden.last_runs(plan("upstream")).values())
    assert [name for name in quick if name not in fast] == []
    assert [name for name in quick if name in upstream] == []


def test_upstream_gets_the_command_that_its_providers_call_and_more_time() -> None:
    whole = planner.cloud(answers("upstream"), CASE.facts())
    assert all("python3-openstackclient" in planner.packages(whole, host) for host in whole.hosts.values())
    limits = {a.timeout for s in plan("upstream").steps for a in s.actions if isinstance(a, PuppetApply)}
    assert limits == {puppet_module.UPSTREAM_TIMEOUT}
    assert PuppetApply.timeout < puppet_module.UPSTREAM_TIMEOUT


def remove_old(folder: Path, providers: str) -> str:
    """Runs the script that removes files of other versions, with `folder` in the place of the host's."""
    actions = puppet_module.actions(providers, File("/cloud.json", b"{}"))
    script = next(a.script for a in actions if isinstance(a, Run))
    script = script.replace(f"{puppet_module.MODULE_DIR}/stackwright", str(folder))
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout


def put(folder: Path, providers: str) -> None:
    for file in puppet_module.files(providers):
        path = folder / file.path.removeprefix(f"{puppet_module.MODULE_DIR}/stackwright/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)


def found(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_files_of_an_earlier_version_are_removed_from_a_host(tmp_path: Path) -> None:
    """Puppet would load a provider of version 0.1.0 together with the one that has another name now."""
    put(tmp_path, "fast")
    expected = found(tmp_path)
    assert remove_old(tmp_path, "fast") == ""
    old = tmp_path / "lib/puppet/provider/exec of old/ahead's.rb"
    old.parent.mkdir()
    old.write_text("")
    assert remove_old(tmp_path, "fast") == "stackwright: changed\n"
    assert found(tmp_path) == expected
    assert not old.parent.exists()


def test_switching_to_upstream_removes_our_providers_from_a_host(tmp_path: Path) -> None:
    put(tmp_path, "fast")
    assert remove_old(tmp_path, "upstream") == "stackwright: changed\n"
    assert not (tmp_path / "lib/puppet/provider/keystone_user").exists()
    assert (tmp_path / "manifests/external_bridge.pp").exists()
