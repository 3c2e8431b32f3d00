"""Changed answers of an installed cloud: each says whether it can change, what it touches, or why it cannot."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

import golden
from golden import CASES
from stackwright import answers, cli, planner, services
from stackwright.answers import syntax
from stackwright.model import Answers, ExitCode, Facts, Plan, PuppetApply, StackwrightError, Step
from stackwright.operations import apply, changes, inspection
from stackwright.operations.options import ApplyOptions, CheckOptions, Console
from stackwright.output import live, text
from stackwright.ssh.pool import Hosts
from stackwright.state import baseline, snapshots
from stackwright.state.directory import StateDir
from stackwright.state.journal import Journal, Record, open_journal

HOST = "198.18.0.10"
CLOUD_ID = "a" * 32
CONSOLE = Console(show=lambda _: None, note=lambda _: None)
INSTALLED = {
    "CONFIG_HEAT_INSTALL": "y",
    "CONFIG_CINDER_BACKEND": "lvm,ceph",
    "CONFIG_NEUTRON_ML2_TYPE_DRIVERS": "geneve,vlan,flat",
    "CONFIG_NEUTRON_ML2_VLAN_RANGES": "physnet1:100:200",
}


def reading(**given: str) -> answers.Reading:
    files = [syntax.read_file(golden.FOLDER / "base.txt")]
    return answers.from_documents(
        files, {**INSTALLED, **given}, files=False, local_host=HOST, remembered=golden.secrets()
    )


def read(**given: str) -> Answers:
    found = reading(**given)
    assert found.errors == ()
    return found.answers


def facts(installed: bool = True) -> dict[str, Facts]:
    record = {"id": CLOUD_ID, "release": "zed"} if installed else {}
    return {host: replace(one, cloud=record, uid=0) for host, one in CASES["allinone"].facts().items()}


@cache
def plan(**given: str) -> Plan:
    return planner.plan(replace(planner.cloud(read(**given), facts()), id=CLOUD_ID))


def record(journal: Journal, what: Plan, ok: Callable[[Step], bool]) -> None:
    digests = what.digests()
    for step in what.steps:
        if not journal.done(step.id, digests[step.id]):
            journal.add(Record(step.id, digests[step.id], ok(step), time.time(), host=step.host))
        if not ok(step):
            return  # an interrupted run begins nothing after it


def run(state: StateDir, ok: Callable[[Step], bool] = lambda _: True, **given: str) -> None:
    """Keeps what a run keeps in which these steps succeeded, up to the first one that did not."""
    what = plan(**given)
    state.write("cloud-id", CLOUD_ID + "\n")
    with open_journal(state.make()) as journal:
        changes.begin(read(**given), state, journal)
        snapshots.keep(state, what, journal, apply._snapshot_maker(what, state))
        record(journal, what, ok)
        complete = all(journal.done(step, digest) for step, digest in what.digests().items())
    if complete:
        changes.finish(what, state)


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    """Nothing was applied yet."""
    return StateDir(tmp_path / HOST)


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> StateDir:
    """After a run that succeeded. For tests that only read."""
    state = StateDir(tmp_path_factory.mktemp("applied") / HOST)
    run(state)
    return state


@pytest.fixture
def installed(applied: StateDir, state: StateDir) -> StateDir:
    """A copy of it."""
    shutil.copytree(applied.folder, state.folder)
    return state


def refused(state: StateDir, given: Answers, seen: dict[str, Facts] | None = None) -> dict[str, str]:
    """By key: what the answer should be, for those that cannot change."""
    seen = seen or facts()
    found = changes.changed(given, state, inspection.reinstalled(state, seen))
    return {p.seen.split()[0]: p.wanted for p in changes.problems(found, given, seen, CLOUD_ID)}


# -------------------------------------------------------------------------------------------------------- completeness


def test_every_answer_says_whether_it_can_change() -> None:
    """A switch and a password need no entry: both can."""
    undeclared = [
        option.key
        for service in services.all_services()
        for option in service.options
        if option.key not in service.changes
        and option.choices != ("y", "n")
        and not (option.secret and option.default == "PW_PLACEHOLDER")
    ]
    assert undeclared == [], "add them to `changes` of their service's record"


def test_declared_changes_are_valid() -> None:
    components = {component.name for component in services.all_components()}
    for service in services.all_services():
        assert set(service.changes) <= {option.key for option in service.options}, service.name
        for key, change in service.changes.items():
            assert change.can == "yes" or change.why, key
            assert set(change.until) <= components, key
            assert change.why == change.why.strip().rstrip("."), key


FOR_LIFE = (
    "CONFIG_HEAT_AUTH_ENC_KEY",
    "CONFIG_SWIFT_HASH",
    "CONFIG_CEPH_SECRET",
    "CONFIG_KEYSTONE_REGION",
    "CONFIG_KEYSTONE_HOST",
    "CONFIG_NEUTRON_L2_AGENT",
    "CONFIG_PROVISION_DEMO_FLOATRANGE",
    "CONFIG_PROVISION_DEMO_PRIVATE_SUBNET",
    "CONFIG_GLANCE_BACKEND",
    "CONFIG_MARIADB_INSTALL",
    "CONFIG_MARIADB_HOST",
    "CONFIG_OPENSTACK_RELEASE",
)


@pytest.mark.parametrize("key", FOR_LIFE)
def test_permanent_answers_are_declared(key: str) -> None:
    assert services.change_of(key).can == "no"


@pytest.mark.parametrize(
    "key", [key for key in services.options() if key.endswith(("_KS_PW", "_DB_PW"))] + ["CONFIG_KEYSTONE_ADMIN_PW",
    "CONFIG_KEYSTONE_DEMO_PW", "CONFIG_MARIADB_PW", "CONFIG_AMQP_AUTH_PASSWORD", "CONFIG_HORIZON_SECRET_KEY"],
)  # fmt: skip
def test_passwords_can_change(key: str) -> None:
    assert services.change_of(key).can == "yes"


# ----------------------------------------------------------------------------------------------- what cannot change


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("CONFIG_HEAT_AUTH_ENC_KEY", "0123456789abcdef", "encrypted"),
        ("CONFIG_SWIFT_HASH", "0ther", "object"),
        ("CONFIG_CEPH_SECRET", "0ther", "Ceph's ID"),
        ("CONFIG_KEYSTONE_REGION", "east", "region"),
        ("CONFIG_NEUTRON_L2_AGENT", "openvswitch", "agent"),
        ("CONFIG_PROVISION_DEMO_FLOATRANGE", "198.18.7.0/24", "subnet"),
        ("CONFIG_CINDER_BACKEND", "lvm", "volumes"),
        ("CONFIG_CINDER_VOLUMES_SIZE", "30G", "resized"),
        ("CONFIG_SWIFT_STORAGE_FSTYPE", "xfs", "formatted"),
        ("CONFIG_NEUTRON_ML2_TYPE_DRIVERS", "geneve", "networks"),
    ],
)
def test_it_is_refused_with_the_reason(applied: StateDir, key: str, value: str, reason: str) -> None:
    before, now = read(), reading(**{key: value}).answers
    found = changes.problems(changes.changed(now, applied), now, facts(), CLOUD_ID)
    (problem,) = [p for p in found if key in p.seen]
    assert problem.name == "fixed-answer"
    assert reason in problem.wanted
    assert key in problem.hint
    for secret in (value, str(before[key])):
        assert not services.options()[key].secret or secret not in f"{problem}"


def test_the_same_answers_are_not_refused(applied: StateDir) -> None:
    assert changes.changed(read(), applied) == ()
    assert refused(applied, read()) == {}
    # Empty stands for the controller, and a size may have another unit.
    same = read(CONFIG_KEYSTONE_HOST=HOST, CONFIG_GLANCE_HOST=HOST, CONFIG_CINDER_VOLUMES_SIZE="20480M")
    assert changes.changed(same, applied) == ()
    assert refused(applied, read(CONFIG_OPENSTACK_RELEASE="zed")) == {}


def test_a_default_of_another_version_is_a_changed_answer(state: StateDir) -> None:
    """Answer files leave defaults out: a version with another default must not change the cloud unnoticed."""
    was = {"CONFIG_NEUTRON_L2_AGENT": "openvswitch", "CONFIG_NOVA_SCHED_RAM_ALLOC_RATIO": "1.0", "CONFIG_GONE": "x"}
    run(state)
    kept = json.loads(state.read(baseline.FILE))
    for one in ("begun", "finished"):
        assert not set(kept[one]["defaults"]) & read().secrets
        kept[one]["defaults"] |= was
    state.write(baseline.FILE, json.dumps(kept))
    found = {one.key: (one.before, one.after) for one in changes.changed(read(), state)}
    assert found["CONFIG_NEUTRON_L2_AGENT"] == ("openvswitch", "ovn")
    assert found["CONFIG_NOVA_SCHED_RAM_ALLOC_RATIO"][0] == "1.0"
    assert "CONFIG_NEUTRON_L2_AGENT" in refused(state, read())
    for one in ("begun", "finished"):  # a version that did not record them
        del kept[one]["defaults"]
    state.write(baseline.FILE, json.dumps(kept))
    assert changes.changed(read(), state) == ()


def test_entries_can_be_added(state: StateDir) -> None:
    run(state, CONFIG_CINDER_BACKEND="lvm")
    assert refused(state, read(CONFIG_CINDER_BACKEND="ceph,lvm")) == {}
    run(state, CONFIG_CINDER_BACKEND="ceph,lvm")
    assert "lvm" in refused(state, read(CONFIG_CINDER_BACKEND="ceph"))["CONFIG_CINDER_BACKEND"]


def test_an_answer_can_change_until_its_component_is_installed(state: StateDir) -> None:
    run(state, CONFIG_PROVISION_DEMO="n")
    assert refused(state, read(CONFIG_PROVISION_DEMO_FLOATRANGE="198.18.7.0/24")) == {}
    run(state, CONFIG_PROVISION_DEMO_FLOATRANGE="198.18.7.0/24")
    assert list(refused(state, read())) == ["CONFIG_PROVISION_DEMO_FLOATRANGE"]


def test_a_key_of_a_service_that_was_off_for_a_while_stays_for_life(installed: StateDir) -> None:
    run(installed, CONFIG_HEAT_INSTALL="n")
    assert refused(installed, read()) == {}
    assert list(refused(installed, read(CONFIG_HEAT_AUTH_ENC_KEY="0123456789abcdef"))) == ["CONFIG_HEAT_AUTH_ENC_KEY"]


def test_reinstalled_hosts_have_nothing_that_is_for_life(applied: StateDir) -> None:
    other = read(CONFIG_KEYSTONE_REGION="east", CONFIG_HEAT_AUTH_ENC_KEY="0123456789abcdef")
    assert len(refused(applied, other)) == 2
    assert refused(applied, other, facts(installed=False)) == {}


def test_an_installation_that_failed_early_can_be_corrected(state: StateDir) -> None:
    """No run finished, but what is installed counts."""
    run(state, lambda step: not step.id.endswith(":packages"))
    assert refused(state, read(CONFIG_KEYSTONE_REGION="east")) == {}
    run(state, lambda step: not step.id.endswith(":credentials"))
    assert list(refused(state, read(CONFIG_KEYSTONE_REGION="east"))) == ["CONFIG_KEYSTONE_REGION"]


# ---------------------------------------------------------------------------------------------- what can, and touches


def test_components_that_a_changed_answer_affects_are_listed(applied: StateDir) -> None:
    now = read(CONFIG_DEBUG_MODE="y", CONFIG_NOVA_DB_PW="entirely-another", CONFIG_PROVISION_DEMO="n")
    found = {one.key: one for one in changes.changed(now, applied)}
    assert set(found) == {"CONFIG_DEBUG_MODE", "CONFIG_NOVA_DB_PW", "CONFIG_PLACEMENT_DB_PW", "CONFIG_PROVISION_DEMO"}
    assert (found["CONFIG_DEBUG_MODE"].before, found["CONFIG_DEBUG_MODE"].after) == ("n", "y")
    assert {"keystone", "nova-compute"} <= set(found["CONFIG_DEBUG_MODE"].components)
    assert found["CONFIG_DEBUG_MODE"].hosts == (HOST,)
    shown = text.changed(found.values())
    assert "CONFIG_NOVA_DB_PW: ******** -> another secret\n    touches nova-" in shown
    assert "nova-database" in found["CONFIG_NOVA_DB_PW"].components
    assert "note: with n, the demo's resources stay" in shown
    assert "entirely-another" not in shown + json.dumps([one.__dict__ for one in found.values()])


def test_no_secret_is_kept(applied: StateDir) -> None:
    kept = applied.read(baseline.FILE)
    assert [s for s in read().secret_texts() if s in kept] == []
    assert (applied.folder / baseline.FILE).stat().st_mode & 0o077 == 0


def test_every_answer_that_can_be_changed_alone_is_found(applied: StateDir) -> None:
    """Whatever the kind of its value is."""
    for key, value in (
        ("CONFIG_SERVICE_WORKERS", "3"),
        ("CONFIG_CACHE_MEMORY", "512M"),
        ("CONFIG_NEUTRON_ML2_VNI_RANGES", "20:200"),
        ("CONFIG_NOVA_SCHED_RAM_ALLOC_RATIO", "1.0"),
        ("CONFIG_COMPUTE_HOSTS", f"{HOST},198.18.0.11"),
        ("CONFIG_PROVISION_IMAGE_NAME", "debian"),
        ("CONFIG_HORIZON_INSTALL", "n"),
    ):
        assert [one.key for one in changes.changed(read(**{key: value}), applied)] == [key]


# --------------------------------------------------------------------------------------------------- interrupted runs


def test_the_next_run_finishes_an_interrupted_change(installed: StateDir) -> None:
    given = {
        "CONFIG_NOVA_DB_PW": "entirely-another",
        "CONFIG_PLACEMENT_DB_PW": "x",
        "CONFIG_KEYSTONE_ADMIN_PW": "one-more",
    }
    now = read(**given)
    first = next(s.id for s in plan(**given).steps if any(isinstance(a, PuppetApply) for a in s.actions))
    run(installed, lambda step: step.id != first, **given)
    found = {one.key: one for one in changes.changed(now, installed)}
    assert {key: one.begun for key, one in found.items()} == {
        "CONFIG_KEYSTONE_ADMIN_PW": True,
        "CONFIG_NOVA_DB_PW": True,
        "CONFIG_PLACEMENT_DB_PW": True,
    }
    assert "an earlier run started to change it" in text.changed(found.values())
    todo = {step.step: step.why for step in apply.difference(plan(**given), installed).todo}
    assert todo[first] == "changed"
    # Another new password on top of the one that is half there.
    again = read(**{**given, "CONFIG_NOVA_DB_PW": "a-third"})
    assert {one.key: one.begun for one in changes.changed(again, installed)} == {
        "CONFIG_KEYSTONE_ADMIN_PW": True,
        "CONFIG_NOVA_DB_PW": False,
        "CONFIG_PLACEMENT_DB_PW": True,
    }
    run(installed, **given)
    assert changes.changed(now, installed) == ()
    assert apply.difference(plan(**given), installed).todo == ()


def test_changing_back_after_an_interrupted_change_is_carried_out(installed: StateDir) -> None:
    """The hosts may have the new password already."""
    given = {"CONFIG_NOVA_DB_PW": "entirely-another"}
    first = next(s.id for s in plan(**given).steps if any(isinstance(a, PuppetApply) for a in s.actions))
    run(installed, lambda step: step.id != first, **given)
    todo = {step.step for step in apply.difference(plan(), installed).todo}
    assert first in todo


# ----------------------------------------------------------------------------------------------------------- commands


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Hosts:
    """Hosts that look like an installed cloud, and that nobody may change."""
    monkeypatch.setattr(inspection, "look", lambda *_, **__: facts())
    monkeypatch.setattr(inspection, "package_problems", lambda *_, **__: [])

    def connect(*_: object) -> None:
        raise AssertionError("something would be changed")

    monkeypatch.setattr(Hosts, "connect", connect)
    monkeypatch.setattr(Hosts, "leads_to", lambda _, name: name)
    return Hosts.__new__(Hosts)


def test_apply_and_plan_refuse_before_anything_changes(
    installed: StateDir, command: Hosts, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in installed.folder.iterdir()}
    now = reading(CONFIG_KEYSTONE_REGION="east")
    for call in (
        lambda: apply.install(now, command, installed, ApplyOptions(), CONSOLE),
        lambda: apply.preview(now, command, installed, CheckOptions(), CONSOLE),
        lambda: inspection.check(now, command, installed, CheckOptions(), CONSOLE),
    ):
        with pytest.raises(StackwrightError) as error:
            call()
        assert error.value.code is ExitCode.PREFLIGHT
        assert "CONFIG_KEYSTONE_REGION was changed from RegionOne to east" in error.value.message
        assert "because endpoints" in error.value.message
        assert "--skip-check fixed-answer" in error.value.hint
    assert {path.name: path.read_bytes() for path in installed.folder.iterdir()} == before
    capsys.readouterr()


class _Began(Exception):
    pass


@pytest.mark.parametrize(
    ("verbosity", "as_json", "terminal", "columns", "shown"),
    [(0, False, True, "500", True), (1, False, True, "500", True), (0, False, False, "500", False),
     (-1, False, True, "500", False), (0, True, True, "500", False), (0, False, True, "40", False)],
)  # fmt: skip
def test_a_run_on_a_terminal_says_how_to_watch_it_in_a_browser(
    installed: StateDir, command: Hosts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, verbosity: int,
    as_json: bool, terminal: bool, columns: str, shown: bool,
) -> None:  # fmt: skip
    def begin(*_: object, **__: object) -> None:
        raise _Began

    monkeypatch.setattr(apply, "apply", begin)
    monkeypatch.setattr(live, "_is_terminal", lambda _: terminal)
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("STACKWRIGHT_STATE", str(installed.folder.parent))
    monkeypatch.delenv("STACKWRIGHT_ANSWERS", raising=False)
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    console = Console(show=said.append, note=said.append, verbosity=verbosity, as_json=as_json)
    waived = ApplyOptions(CheckOptions(frozenset({"kernel-module"})))
    lines = []
    for file in ("", "cloud.answers"):  # with such a file, the commands would mean that one
        if file:
            (tmp_path / file).touch()
        said.clear()
        with pytest.raises(_Began):
            apply.install(reading(), command, installed, waived, console)
        lines += [line for line in said if "report --serve" in line]
    alone = "live in a browser: stackwright report --serve"
    assert lines == ([alone, f"{alone} -a {golden.FOLDER / 'base.txt'}"] if shown else [])


def test_the_check_can_be_waived(installed: StateDir, command: Hosts) -> None:
    waived = CheckOptions(skip=frozenset({"fixed-answer", "kernel-module"}))
    found = apply.preview(reading(CONFIG_KEYSTONE_REGION="east"), command, installed, waived, CONSOLE)
    assert [(one.key, one.refused) for one in found.answers] == [("CONFIG_KEYSTONE_REGION", True)]
    assert "cannot change: endpoints" in text.changed(found.answers)


def test_plan_shows_changed_answers_and_steps(installed: StateDir, command: Hosts) -> None:
    found = apply.preview(
        reading(CONFIG_DEBUG_MODE="y"), command, installed, CheckOptions(frozenset({"kernel-module"})), CONSOLE
    )
    data = text.data(found.run.plan, found.difference, found.answers)
    (one,) = json.loads(json.dumps(data))["answers"]
    assert (one["key"], one["before"], one["after"], one["refused"]) == ("CONFIG_DEBUG_MODE", "n", "y", False)
    assert found.difference.todo


def test_a_cloud_of_another_release_is_refused() -> None:
    """Also where the state directory knows nothing about earlier answers."""
    found = changes.problems((), read(CONFIG_OPENSTACK_RELEASE="antelope"), facts(), CLOUD_ID)
    assert found == []  # Debian 12 has no such release, which is a problem of its own
    newer = {h: replace(f, cloud={"id": CLOUD_ID, "release": "yoga"}) for h, f in facts().items()}
    (problem,) = changes.problems((), read(), newer, CLOUD_ID)
    assert "the cloud has yoga" in problem.seen
    assert problem.hint == "set CONFIG_OPENSTACK_RELEASE=yoga"
    assert changes.problems((), read(), newer, "b" * 32) == []


def test_explain_says_whether_an_answer_can_change(capsys: pytest.CaptureFixture[str]) -> None:
    for key, said in (
        ("CONFIG_SWIFT_HASH", "changes:    it cannot change once swift-storage is installed: it determines"),
        ("CONFIG_CINDER_BACKEND", "changes:    entries can be added, but not removed once cinder-volume is installed"),
        ("CONFIG_NOVA_DB_PW", "changes:    `apply` changes it\n"),
        ("CONFIG_HORIZON_INSTALL", "changes:    `apply` changes it; with n, what is installed stays on its hosts"),
    ):
        assert cli.main(["answers", "explain", key]) == ExitCode.OK
        assert said in capsys.readouterr().out


def test_nightly_jobs_that_are_switched_off_are_removed() -> None:
    """They would go on every night, although the answer says n."""
    names = {
        "CONFIG_KEYSTONE_FERNET_TOKEN_ROTATE_ENABLE": "keystone-manage fernet_rotate",
        "CONFIG_NOVA_DB_PURGE_ENABLE": "nova-manage db archive_deleted_rows",
        "CONFIG_CINDER_DB_PURGE_ENABLE": "cinder-manage db purge",
    }
    off = plan(**dict.fromkeys(names, "n"))
    manifests = "".join(a.manifest for step in off.steps for a in step.actions if isinstance(a, PuppetApply))
    for name in names.values():
        assert f"cron {{ '{name}': ensure => absent" in manifests
