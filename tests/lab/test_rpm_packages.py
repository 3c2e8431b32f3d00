"""Real dnf and rpm on a node that looks like CentOS Stream 9: the plan's package steps, and the check before them. Its
repositories have tiny signed packages with RDO's names."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from shell import Shell

import golden
from stackwright import answers, bundle, executor, facts, lock, planner, platforms, preflight
from stackwright.bundle import offline
from stackwright.executor import Outcome
from stackwright.model import Answers, Event, Facts, Plan, Problem, Run, StackwrightError, Step
from stackwright.operations import apply, reproduce
from stackwright.operations import bundle as bundle_ops
from stackwright.planner.steps import locked
from stackwright.planner.steps import repositories as repository_steps
from stackwright.planner.topology import Cloud
from stackwright.planner.topology import Host as PlannedHost
from stackwright.platforms import repositories
from stackwright.ssh import Connection, Host, Trust, connect
from stackwright.state import journal

pytestmark = [pytest.mark.lab, pytest.mark.long]

MIRROR = "http://127.0.0.1:8080/mirror"
KEYS = "/srv/www/keys"
HASH = "0123456789abcdef0123456789abcdef"

KEYSTONE = {
    f"CONFIG_{name}": "n"
    for name in (
        "GLANCE_INSTALL", "NOVA_INSTALL", "NEUTRON_INSTALL", "CINDER_INSTALL", "SWIFT_INSTALL", "HORIZON_INSTALL",
        "PROVISION_DEMO", "CLIENT_INSTALL",
    )
}  # fmt: skip


@dataclasses.dataclass
class Site:
    """The node, and what the tests do with it."""

    shell: Shell
    state: Path
    events: list[Event] = dataclasses.field(default_factory=list)

    @property
    def address(self) -> str:
        return self.shell.node.address

    def connect(self, _name: str = "") -> Connection:
        host = Host("node", address=self.address, keys=(self.shell.node.key,), agent=False)
        return connect(host, Trust(files=(self.shell.node.known_hosts,)))

    def answers(self, **settings: str) -> Answers:
        flags = {"CONFIG_CONTROLLER_HOST": self.address, "CONFIG_OPENSTACK_RELEASE": "zed", **KEYSTONE}
        flags |= {"CONFIG_PACKAGE_MIRROR": MIRROR, "CONFIG_MIRROR_KEYS": KEYS, **settings}
        return answers.read([], flags, {}, local_host=self.address, remembered=golden.secrets())

    def look(self) -> Facts:
        """The facts of the node."""
        with self.connect() as connection:
            return facts.parse(connection.run(facts.probe([]), timeout=60).out, self.address, 0.0)

    def plan(self, **settings: str) -> Plan:
        return planner.plan(planner.cloud(self.answers(**settings), {self.address: self.look()}))

    def check(self, *more: str, **settings: str) -> list[Problem]:
        """What the check before the run finds, with `more` packages."""
        whole = planner.cloud(self.answers(**settings), {self.address: self.look()})
        host = whole.hosts[self.address]
        wanted = (*planner.packages(whole, host), *more)
        script = preflight.package_check_script(host.platform, wanted, repository_steps.of(whole, host))
        with self.connect() as connection:
            result = connection.run(script, timeout=120)
        return preflight.parse_package_check(result.out + result.err, self.address)

    def packages(self, *, add: str = "", **settings: str) -> Outcome:
        """Carries out only the plan's steps about packages."""
        whole = self.plan(**settings)
        steps = [whole.step(f"{self.address}:{name}") for name in ("repositories", "packages")]
        if add:
            steps[1] = _with(steps[1], add)
        self.events.clear()
        with journal.open_journal(self.state) as kept:
            return executor.run(Plan(tuple(steps)), self.connect, kept, self.events.append)

    def locked_problems(self, exact: dict[str, str]) -> list[Problem]:
        """What the check finds before a lock is installed."""
        whole = planner.cloud(self.answers(), {self.address: self.look()})
        host = whole.hosts[self.address]
        words = locked.words(host.platform, exact)
        script = preflight.package_check_script(host.platform, words, repository_steps.of(whole, host), exact=True)
        with self.connect() as connection:
            result = connection.run(script, timeout=120)
        return preflight.parse_package_check(result.out + result.err, self.address)

    def locked(self, exact: dict[str, str]) -> Outcome:
        """Carries out the steps about packages of a plan with a lock."""
        whole = planner.plan(planner.cloud(self.answers(), {self.address: self.look()}), exact={self.address: exact})
        steps = tuple(whole.step(f"{self.address}:{name}") for name in ("repositories", "packages"))
        with journal.open_journal(self.state.with_name("locked")) as kept:
            return executor.run(Plan(steps), self.connect, kept, self.events.append)

    def installed(self) -> dict[str, str]:
        """The version of each installed package by name."""
        out = self.shell("rpm -qa --qf '%{NAME} %{VERSION}\\n'")
        return dict(line.split() for line in out.splitlines())

    def reset(self) -> None:
        """Makes the node like new: without our repositories and packages."""
        self.shell(
            "rm -rf /var/lib/stackwright /etc/yum.repos.d/stackwright* /srv/proxy.log; "
            "dnf -q config-manager --set-disabled crb; dnf -q config-manager --set-enabled baseos; "
            "sed -i /^priority/d /etc/yum.repos.d/epel.repo; sed -i '/^proxy/d' /etc/dnf/dnf.conf; "
            ": > /etc/dnf/plugins/versionlock.list; "
            "rpm -e --noscripts --nodeps $(rpm -qa --qf '%{NAME}\\n' | grep -v 'centos-stream-release\\|gpg-pubkey'); "
            "rpm -e --allmatches gpg-pubkey; dnf -q clean all; true"
        )


def _with(step: Step, package: str) -> Step:
    """The step with one more package to install."""
    actions = [
        dataclasses.replace(a, script=a.script.replace('wanted="', f'wanted="{package} '))  # type: ignore[union-attr]
        for a in step.actions
    ]
    return dataclasses.replace(step, actions=tuple(actions))


@pytest.fixture(scope="module")
def node(make_node: Callable[..., Shell]) -> Shell:
    shell = make_node("centos")
    names = planner.packages(*_anywhere())
    script = Path(__file__).with_name("rpm_node.sh").read_text(encoding="utf-8")
    shell(f"cat > /srv/rpm_node.sh <<'SCRIPT'\n{script}SCRIPT\nsh /srv/rpm_node.sh {' '.join(names)}")
    return shell


def _anywhere() -> tuple[Cloud, PlannedHost]:
    """The cloud of these tests, on a host that need not be there: what packages does it have?"""
    flags = {"CONFIG_CONTROLLER_HOST": "198.18.0.10", "CONFIG_OPENSTACK_RELEASE": "zed", **KEYSTONE}
    given = answers.read([], flags, {}, local_host="198.18.0.10", remembered=golden.secrets())
    host = Facts("198.18.0.10", address="198.18.0.10", os_id="centos", os_version="9", arch="x86_64")
    whole = planner.cloud(given, {"198.18.0.10": host})
    return whole, whole.hosts["198.18.0.10"]


@pytest.fixture
def site(node: Shell, tmp_path: Path) -> Iterator[Site]:
    made = Site(node, tmp_path / "state")
    made.reset()
    yield made
    if settings := made.shell("grep -s -h . /srv/broken && rm /srv/broken", check=False):
        raise AssertionError(settings)


def lines(problems: list[Problem]) -> list[str]:
    return [f"{p.name}: {p.seen}" for p in problems]


def test_the_node_is_centos(site: Site) -> None:
    seen = site.look()
    assert (seen.os_id, seen.os_version, seen.os_name) == ("centos", "9", "CentOS Stream 9")
    assert {r for r in seen.repositories if " " not in r} == {"baseos", "epel"}, "besides Debian's own"


def test_the_check_finds_all_packages_and_changes_nothing(site: Site) -> None:
    before = site.installed()
    assert lines(site.check()) == []
    assert site.installed() == before
    assert site.shell("ls /etc/yum.repos.d").split() == ["centos.repo", "epel.repo"]


def test_missing_packages_are_reported_before_any_change(site: Site) -> None:
    before = site.installed()
    found = lines(site.check("no-such-package", "nor-this-one"))
    assert found == [
        f"package: no repository of the host has the package {name}" for name in ("no-such-package", "nor-this-one")
    ]
    (unmet,) = lines(site.check("needs-nothing-there"))
    assert "nothing provides nobody-has-this" in unmet
    dead = lines(site.check(CONFIG_REPO="http://127.0.0.1:9/dead"))
    assert any(line.startswith("repository: http://127.0.0.1:9/dead") for line in dead), dead
    assert site.installed() == before


def test_a_dry_run_changes_nothing(site: Site, tmp_path: Path) -> None:
    """The whole command like from a shell. Files that rpm, dnf and systemd change for themselves are ignored."""
    settings = {"CONFIG_OPENSTACK_RELEASE": "zed", "CONFIG_PACKAGE_MIRROR": MIRROR, "CONFIG_MIRROR_KEYS": KEYS}
    path = tmp_path / "cloud.answers"
    answers.save(path, answers.generate(install_hosts=[site.address], presets={**KEYSTONE, **settings}))
    words = ["--answer-file", str(path), "--dry-run", "--ssh-key", str(site.shell.node.key)]
    words += ["--known-hosts", str(site.shell.node.known_hosts), "--user", "root"]
    site.shell("touch /srv/before; sleep 1")
    done = subprocess.run(
        [sys.executable, "-m", "stackwright", *words],
        capture_output=True, text=True, check=False,
        env={**os.environ, "HOME": str(tmp_path), "STACKWRIGHT_STATE": str(tmp_path / "state")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing was changed (--dry-run)" in done.stdout
    assert "successful" not in done.stdout
    own = ("/proc", "/sys", "/run", "/dev", "/tmp", "/var/log", "/var/cache", "/var/lib/dnf", "/var/lib/systemd")
    without = " ".join(f"! -path '{folder}/*'" for folder in (*own, "/root/.cache"))
    changed = site.shell(f"find / -xdev -newer /srv/before ! -type d ! -name '*.sqlite-shm' {without}")
    assert changed == ""


def test_one_transaction_from_the_release(site: Site) -> None:
    assert site.packages().ok
    found = site.installed()
    wanted = set(planner.packages(*_anywhere()))
    assert wanted <= set(found)
    assert "python3-keystone-tests" in found, "it is in CodeReady Builder, which was off"
    assert found["leatherman"] == "1.0", "EPEL's is newer, and breaks facter"
    assert "epel-thing" not in found
    assert "priority = 100" in site.shell("dnf -q config-manager --dump epel | grep ^priority")
    log = site.shell("cat /var/lib/stackwright/changes.log")
    assert "file made: /etc/yum.repos.d/stackwright.repo\n" in log
    assert "package installed: openstack-keystone.noarch 1.0-1\n" in log
    assert log.count("package installed: ") >= len(wanted)
    assert "repository crb enabled\n" in log
    assert "repository epel: priority=100\n" in log
    assert "openstack-keystone-1.0-1.noarch\n" in site.shell("cat /var/lib/stackwright/packages.txt")
    progress = [e.data for e in site.events if e.kind == "progress"]
    assert progress
    assert progress[-1]["done"] <= progress[-1]["total"]

    site.state = site.state.with_name("another")  # a journal that knows nothing
    assert site.packages().ok
    assert not [e for e in site.events if e.kind == "ok" and e.data.get("changed")], "the second run changes nothing"
    assert site.shell("cat /var/lib/stackwright/changes.log") == log

    site.shell("dnf -q -y update")
    assert site.installed()["leatherman"] == "1.0", "later, neither"


@pytest.mark.parametrize(("folder", "package"), [("wrong", "wrongly-signed"), ("unsigned", "unsigned")])
def test_packages_with_another_signature_are_refused(site: Site, folder: str, package: str) -> None:
    settings = {"CONFIG_REPO": f"http://127.0.0.1:8080/{folder}", "CONFIG_REPO_KEYS": "file:///srv/sig.key"}
    outcome = site.packages(add=package, **settings)
    assert not outcome.ok
    said = " ".join(str(e.data) for e in site.events if e.kind == "failed").lower()
    assert "gpg" in said or "sign" in said
    assert not [e for e in site.events if e.kind == "retried"], "trying again does not mend it"
    assert "openstack-keystone" not in site.installed(), "one transaction: nothing of it was installed"


def test_packages_come_from_an_additional_repository(site: Site) -> None:
    settings = {"CONFIG_REPO": "http://127.0.0.1:8080/wrong", "CONFIG_REPO_KEYS": "file:///srv/stranger.key"}
    assert site.packages(add="wrongly-signed", **settings).ok
    assert "wrongly-signed" in site.installed()


def test_versions_are_locked(site: Site) -> None:
    assert site.packages(CONFIG_VERSION_LOCK="y").ok
    site.shell("sed 's/^build () *{/&/' /srv/rpm_node.sh | sed -n '/^build() {/,/^}/p' > /srv/build.sh")
    newer = "/srv/www/newer"
    site.shell(
        f"set -eu; . /srv/build.sh; build {newer} 2.0 sig openstack-keystone dnf-base-thing; createrepo_c -q {newer}"
    )
    update = "dnf -q -y --repofrompath=newer,http://127.0.0.1:8080/newer --nogpgcheck update"
    site.shell(f"dnf -q -y install dnf-base-thing; {update}")
    found = site.installed()
    assert found["dnf-base-thing"] == "2.0", "what is not ours is updated"
    assert found["openstack-keystone"] == "1.0"


def test_a_lock_is_installed_exactly_or_refused(site: Site) -> None:
    """First the repository also has newer versions; then the locked versions are missing."""
    assert site.packages().ok
    with site.connect() as connection:
        said = connection.run(lock.script("dnf", "/nowhere", "/nowhere"), timeout=120)
    wanted = lock.parse(said.out, site.address, "centos-stream-9", "dnf").host
    assert wanted.packages["openstack-keystone.noarch"].version == "1.0-1"
    assert wanted.packages["openstack-keystone.noarch"].origin.startswith("stackwright-openstack-zed")
    assert wanted.repositories["stackwright-openstack-zed"].checksum
    release = "/srv/www/mirror/SIGs/9-stream/cloud/x86_64/openstack-zed"
    site.reset()
    site.shell(
        f"set -eu; cp -r {release} /srv/kept; "
        "sed -n '/^build() {/,/^}/p' /srv/rpm_node.sh > /srv/build.sh; . /srv/build.sh; "
        f"build {release} 2.0 sig openstack-keystone; createrepo_c -q {release}"
    )
    try:
        assert lines(site.locked_problems(wanted.installable)) == []
        assert site.locked(wanted.installable).ok
        found = site.installed()
        assert {name: found.get(name.rpartition(".")[0]) for name in wanted.installable} == {
            name: version.rpartition("-")[0] for name, version in wanted.installable.items()
        }
        site.shell("dnf -q -y update")
        assert site.installed()["openstack-keystone"] == "1.0", "it is held"
        site.shell(f"rm {release}/openstack-keystone-1.0*; createrepo_c -q {release}")
        site.reset()
        before = site.installed()
        (problem,) = site.locked_problems(wanted.installable)
        assert problem.seen == "openstack-keystone 1.0-1 is gone: no repository of the host has it"
        assert problem.hint == "the nearest version is openstack-keystone 2.0-1"
        assert site.installed() == before
    finally:
        site.shell(f"rm -rf {release}; mv /srv/kept {release}")


def test_a_bundle_carries_packages_and_their_signatures(site: Site, tmp_path: Path) -> None:
    """They are downloaded from the repositories, and installed on a host that cannot reach these."""
    assert site.packages().ok
    with site.connect() as connection:
        said = connection.run(lock.script("dnf", "/nowhere", "/nowhere"), timeout=120)
    exact = lock.parse(said.out, site.address, "centos-stream-9", "dnf").host.installable
    words = locked.words(platforms.by_id("centos-stream-9"), exact)
    hosts = cast(apply.Hosts, site)
    content = bundle_ops.gather_packages(hosts, site.address, words, "centos-stream-9", tmp_path, lambda _: None)
    names = [name.rpartition("/")[2] for name in content]
    assert "openstack-keystone-1.0-1.noarch.rpm" in names
    assert not [name for name in content if "unsigned" in name]
    assert not [name for name in content if "keys/" in name or "repos.d/" in name]
    with pytest.raises(StackwrightError, match=r"no repository has these any more: tool-0\.9-1\.noarch"):
        bundle_ops.gather_packages(
            hosts, site.address, ("tool-0.9-1.noarch",), "centos-stream-9", tmp_path, lambda _: None
        )

    site.reset()
    folder = tmp_path / "bundle" / bundle.PACKAGES
    folder.mkdir(parents=True)
    (tmp_path / "centos-stream-9").rename(folder / "centos-stream-9")
    whole_cloud = planner.cloud(site.answers(), {site.address: site.look()})
    checks = reproduce.checks_of(whole_cloud, whole_cloud.hosts[site.address])
    unpacked, system = tmp_path / "bundle", "centos-stream-9"
    bundle_ops.bring_packages(hosts, site.address, unpacked, system, lambda _: None, checks=checks)
    whole = planner.plan(whole_cloud, exact={site.address: exact}, offline=True)
    install = Plan((dataclasses.replace(whole.step(f"{site.address}:packages"), needs=()),))

    def installed(state: str) -> Outcome:
        with journal.open_journal(tmp_path / state) as kept:
            return executor.run(install, site.connect, kept, site.events.append)

    site.shell("sed -i 's/:8080/:9/' /etc/yum.repos.d/*.repo; rm -rf /root/.cache /var/cache/dnf")
    try:
        keys = f"{locked.OFFLINE}/keys/trusted.asc"
        site.shell(f"cp {keys} /srv/trusted; cp /srv/stranger.key {keys}")
        assert not installed("stranger").ok
        assert "openstack-keystone" not in site.installed(), "somebody signed it whom the host does not trust"
        site.shell(f"mv /srv/trusted {keys}")
        assert installed("ours").ok
        wanted = {name: version.rpartition("-")[0] for name, version in exact.items()}

        def found() -> dict[str, str | None]:
            known = site.installed()
            return {name: known.get(name.rpartition(".")[0]) for name in exact}

        assert found() == wanted
        # The same from a host that serves them: this one, at a port that is free here.
        repository = f"{locked.OFFLINE}/repos.d/offline.repo"
        led = offline.led("repos.d/offline.repo", site.shell(f"cat {repository}").encode(), "127.0.0.1").decode()
        site.shell(f"cat > {repository} <<'E'\n{led.replace(':3128', ':3129')}E\n")
        site.shell("rpm -e --noscripts --nodeps openstack-keystone; rm -rf /root/.cache /var/cache/dnf")
        assert not installed("alone").ok
        with site.connect() as connection:
            served = connection.run(offline.serve(3129), timeout=60)
        assert served.ok, served.err
        assert installed("served").ok
        assert found() == wanted
    finally:
        site.shell(offline.END_SERVING)
        site.shell("sed -i 's/:9/:8080/' /etc/yum.repos.d/*.repo")


def test_through_a_proxy(site: Site) -> None:
    """Only the proxy knows the mirror's name, so both dnf and the check before must use the proxy."""
    settings = {"CONFIG_PACKAGE_MIRROR": "http://mirror.example/mirror", "CONFIG_MIRROR_KEYS": "/srv/www/keys"}
    without = lines(site.check(**settings))
    assert any(line.startswith("repository: http") and "mirror.example" in line for line in without), without
    settings["CONFIG_PACKAGE_PROXY"] = "http://127.0.0.1:3128"
    assert lines(site.check(**settings)) == []
    assert site.packages(**settings).ok
    assert "openstack-keystone" in site.installed()
    assert "//mirror.example/mirror/SIGs/9-stream/cloud/x86_64/openstack-zed/" in site.shell("cat /srv/proxy.log")


def test_through_the_sites_package_cache(site: Site) -> None:
    """dnf asks the cache while it answers, and the mirror itself while it does not. (A proxy stands in for Squid, which
    runs in test_package_cache_node.py.)"""
    plan = site.plan(CONFIG_PACKAGE_CACHE_HOST=site.address)
    repositories, packages = (plan.step(f"{site.address}:{name}") for name in ("repositories", "packages"))
    assert f"{site.address}:cache" in repositories.needs

    def installed(port: str, state: str) -> None:
        def elsewhere(script: str) -> str:
            script = script.replace(f"/dev/tcp/{site.address}/3128", f"/dev/tcp/127.0.0.1/{port}")
            return script.replace(f"http://{site.address}:3128", f"http://127.0.0.1:{port}")

        steps = [dataclasses.replace(repositories, needs=()), packages]
        steps = [
            dataclasses.replace(
                s,
                actions=tuple(
                    dataclasses.replace(a, script=elsewhere(a.script)) if isinstance(a, Run) else a for a in s.actions
                ),
            )
            for s in steps
        ]
        with journal.open_journal(site.state.with_name(state)) as kept:
            outcome = executor.run(Plan(tuple(steps)), site.connect, kept, site.events.append)
        assert outcome.ok, outcome.failures
        assert "openstack-keystone" in site.installed()

    installed("3128", "cached")
    log = site.shell("cat /srv/proxy.log")
    assert f"{MIRROR}/SIGs/9-stream/cloud/x86_64/openstack-zed/openstack-keystone-1.0-1.noarch.rpm\n" in log
    proxy = site.shell("dnf -q config-manager --dump | grep '^proxy ='").strip()
    assert proxy == "proxy =", "an administrator's dnf is left as it was"
    site.reset()
    installed("9", "away")
    site.shell("test ! -e /srv/proxy.log")


def test_offline(site: Site) -> None:
    """Only one folder is used: the host's own repositories cannot be reached."""
    site.shell(
        "mkdir -p /srv/offline; cp /srv/www/mirror/SIGs/9-stream/*/*/*/*.rpm /srv/www/base/*/*.rpm /srv/offline/; "
        "rm /srv/offline/leatherman-99*; createrepo_c -q /srv/offline; "
        "sed -i 's/:8080/:9/' /etc/yum.repos.d/*.repo; rm -rf /root/.cache /var/cache/dnf"
    )
    try:
        settings = {
            "CONFIG_OFFLINE_REPO": "/srv/offline",
            "CONFIG_REPO_KEYS": "file:///srv/sig.key,file:///srv/other.key",
        }
        assert lines(site.check(**settings)) == []
        assert site.packages(**settings).ok
        assert "openstack-keystone" in site.installed()
    finally:
        site.shell("sed -i 's/:9/:8080/' /etc/yum.repos.d/*.repo")


def test_trunk_by_hash(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repositories, "TRUNK", "http://127.0.0.1:8080/trunk")
    release = "/srv/www/mirror/SIGs/9-stream/cloud/x86_64/openstack-zed"
    at = f"/srv/www/trunk/centos9-zed/consistent/01/23/{HASH}"
    site.shell(
        f"mkdir -p {at} && ln -sfn {release} /srv/www/trunk/packages && "
        "printf '[delorean]\\nname=trunk\\nbaseurl=http://127.0.0.1:8080/trunk/packages\\ngpgcheck=0\\n' "
        f"> {at}/delorean.repo && "
        "printf '[delorean-deps]\\nname=deps\\nbaseurl=http://127.0.0.1:8080/base/baseos\\ngpgcheck=0\\n' "
        "> /srv/www/trunk/centos9-zed/delorean-deps.repo"
    )
    assert lines(site.check(CONFIG_RDO_TRUNK=f"consistent/{HASH}")) == []
    assert site.packages(CONFIG_RDO_TRUNK=f"consistent/{HASH}").ok
    origin = site.shell("dnf -q repoquery --installed --qf '%{from_repo}' openstack-keystone").strip()
    assert origin == "delorean"
    wrong = lines(site.check(CONFIG_RDO_TRUNK="consistent/" + "f" * 32))
    assert any("delorean.repo" in line for line in wrong), wrong
    # Back to the release: trunk's files go.
    site.state = site.state.with_name("another")
    assert site.packages().ok
    assert "stackwright-trunk.repo" not in site.shell("ls /etc/yum.repos.d")
