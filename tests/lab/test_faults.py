"""Faults during a real Puppet run on a real node: each ends with a finished plan, or with a clear error and no lost
results."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.server
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, cast

import pytest

from stackwright import answers, executor, lab, platforms, preflight
from stackwright.executor import Outcome
from stackwright.model import Event, ExitCode, File, Plan, Probe, PuppetApply, Run, StackwrightError, Step, Upload
from stackwright.operations import inspection
from stackwright.planner.steps.packages import apt_install, apt_lists
from stackwright.ssh import Connection, Host, LocalConnection, Trust, connect
from stackwright.ssh.pool import Hosts
from stackwright.state import directory
from stackwright.state.journal import open_journal

pytestmark = pytest.mark.lab

SECRET = "pw-of-the-faults-test"

# Each second one resource; `count` shows what was really done, and how often.
MANIFEST = """
class demo(String $password) {
  file { '/tmp/demo.secret': content => $password, mode => '0600' }
  Integer[1, 12].each |$n| {
    exec { "step ${n}":
      command => "/bin/sh -c 'sleep 1; echo ${n} >>/tmp/demo.count'",
      unless  => "/bin/grep -qx ${n} /tmp/demo.count",
      require => File['/tmp/demo.secret'],
    }
  }
}
include demo
"""


def _number(text: str) -> int:
    """Which `step` resource of MANIFEST is named; 0 for none."""
    found = re.search(r"Exec\[step (\d+)\]", text)
    return int(found[1]) if found else 0


@dataclass
class Site:
    node: lab.Node
    lab: lab.Lab
    state: Path
    events: list[Event] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def connect(self, name: str = "node", **settings: object) -> Connection:
        host = Host(name, address=self.node.address, keys=(self.node.key,), agent=False, **settings)  # type: ignore[arg-type]
        return connect(host, Trust(files=(self.node.known_hosts,)))

    def run(self, *steps: Step, at: tuple[int, Callable[[], None]] | None = None, **options: object) -> Outcome:
        """Carries out a plan; `at` (n, fault) does something once Puppet is at its n-th `step` resource.
        A host's log is read now and then: where the machine is busy, progress leaps over resources."""
        self.events.clear()
        pending = [at] if at else []
        threads: list[threading.Thread] = []

        def emit(event: Event) -> None:
            self.events.append(event)
            if pending and event.kind == "progress" and _number(event.data["what"]) >= pending[0][0]:
                threads.append(threading.Thread(target=pending.pop()[1]))
                threads[-1].start()

        with open_journal(self.state) as journal:
            done = executor.run(
                Plan(steps, secrets=frozenset({SECRET})),
                self.connect,
                journal,
                emit,
                log=lambda step, line: self.log.append(f"{step}: {line}"),
                **options,  # type: ignore[arg-type]
            )
        assert not pending, "the fault did not come about"
        for thread in threads:
            thread.join()
        return done

    def kinds(self) -> list[str]:
        return [e.kind for e in self.events if e.kind not in ("progress",)]

    def why(self) -> list[str]:
        return [e.data["why"] for e in self.events if e.kind == "retried"]

    def on_node(self, script: str) -> str:
        with self.connect() as connection:
            return connection.run(script, timeout=120).out

    def link(self, up: bool) -> None:
        name = self.lab.links(self.node.index)[0]
        subprocess.run(["ip", "link", "set", name, "up" if up else "down"], check=True)


@pytest.fixture(scope="module")
def node(nodes_lab: lab.Lab) -> Iterator[lab.Node]:
    made = lab.up(["faults"], lab=nodes_lab)[0]
    host = Host("faults", address=made.address, keys=(made.key,))
    with connect(host, Trust(files=(made.known_hosts,))) as connection:
        install = "DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends puppet-agent"
        got = connection.run(f"apt-get -qq update && {install}", timeout=600)
        assert got.ok, got.err
    yield made
    lab.down(["faults"], lab=nodes_lab)


@pytest.fixture
def site(node: lab.Node, nodes_lab: lab.Lab, tmp_path: Path) -> Iterator[Site]:
    made = Site(node, nodes_lab, tmp_path / "state")
    made.on_node("rm -rf /tmp/demo.* /var/lib/stackwright/runs")
    yield made
    with contextlib.suppress(StackwrightError):
        assert made.on_node(f"ls -d /var/lib/stackwright/runs/*/in; grep -rl {SECRET} /var/lib/stackwright") == ""
    journal = made.state / "journal.jsonl"
    assert SECRET not in repr(made.events) + repr(made.log) + (journal.read_text() if journal.exists() else "")


def demo(*needs: str) -> Step:
    action = PuppetApply("demo", MANIFEST, f"demo::password: {SECRET}\n", "/usr/share/puppet/modules")
    return Step("demo", "node", "Puppet", (action,), needs)


ONCE = "".join(f"{n}\n" for n in range(1, 13))


def test_a_run_without_faults_succeeds_and_a_second_changes_nothing(site: Site) -> None:
    seen: list[str] = []
    every_process = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' ' '"
    done = site.run(demo(), at=(3, lambda: seen.append(site.on_node(every_process))))
    assert done.ok, done
    assert "puppet apply" in seen[0]
    assert SECRET not in seen[0]
    assert done.changed == 13
    assert site.on_node("cat /tmp/demo.count") == ONCE
    assert site.run(demo()).kept == 1
    again = site.run(demo(), again=True)
    assert (again.ok, again.changed) == (True, 0)


def test_a_link_cut_for_a_minute(site: Site) -> None:
    def cut() -> None:
        site.link(up=False)
        time.sleep(60)
        site.link(up=True)

    done = site.run(demo(), at=(2, cut))
    assert done.ok, done
    assert done.changed == 13
    assert site.on_node("cat /tmp/demo.count") == ONCE
    assert site.on_node("cat /var/lib/stackwright/runs/demo.0/rc").strip() == "2"


def test_sshd_restarted(site: Site) -> None:
    def kill_sessions() -> None:
        with contextlib.suppress(StackwrightError):
            site.on_node("systemctl restart ssh; pkill -KILL -f '^sshd: root'")

    done = site.run(demo(), at=(2, kill_sessions))
    assert done.ok, done
    assert site.why()
    assert site.on_node("cat /tmp/demo.count") == ONCE


def test_the_node_is_rebooted(site: Site) -> None:
    def reboot() -> None:
        with contextlib.suppress(StackwrightError):
            site.on_node("cp /tmp/demo.count /var/tmp/; systemctl reboot")

    done = site.run(demo(), at=(4, reboot))
    assert done.ok, done
    assert any("restarted" in why for why in site.why()), site.why()
    assert "12" in site.on_node("cat /tmp/demo.count")


CONTROLLER = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from stackwright import executor
from stackwright.state.journal import open_journal
from stackwright.model import Plan, PuppetApply, Step
from stackwright.ssh import Host, Trust, connect
action = PuppetApply("demo", {manifest!r}, "demo::password: {secret}\\n", "/usr/share/puppet/modules")
steps = (Step("demo", "node", "Puppet", (action,)),)
host = Host("node", address={address!r}, keys=(Path({key!r}),), agent=False)
trust = Trust(files=(Path({known!r}),))
def emit(event):
    print(event.kind, event.data.get("what"), flush=True)
with open_journal(Path({state!r})) as journal:
    executor.run(Plan(steps), lambda name: connect(host, trust), journal, emit)
"""


def test_the_control_process_is_killed(site: Site) -> None:
    code = CONTROLLER.format(
        path=sys.path,
        manifest=MANIFEST,
        secret=SECRET,
        address=site.node.address,
        key=str(site.node.key),
        known=str(site.node.known_hosts),
        state=str(site.state),
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    while _number(line := process.stdout.readline()) < 3:
        assert line, "it ended before it was killed"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    done = site.run(demo())
    assert done.ok, done
    assert done.changed == 13, "it was started anew"
    assert "note" in site.kinds()
    assert any("attaching to it" in e.message for e in site.events)
    assert site.on_node("cat /tmp/demo.count") == ONCE


def _starve(mark: str) -> int:
    """Puts the node's Puppet into a control group that has no memory left, until the kernel has killed it; returns how
    often the kernel killed there. `mark` is a file of that node."""
    found = (
        int(path.name)
        for path in Path("/proc").iterdir()
        if path.name.isdigit() and b"puppet\0apply" in _read(path / "cmdline") and (path / "root" / mark).exists()
    )
    pid = str(min(found))  # what it has just forked comes after it
    old = Path("/sys/fs/cgroup/memory")
    group = (old if old.is_dir() else Path("/sys/fs/cgroup")) / f"stackwright-{pid}"
    group.mkdir()
    try:
        limit, counter = (
            ("memory.limit_in_bytes", "memory.oom_control") if old.is_dir() else ("memory.max", "memory.events")
        )
        (group / limit).write_text("1M")
        (group / "cgroup.procs").write_text(pid)
        while (Path("/proc") / pid / "root" / mark).exists():
            time.sleep(0.1)
        counts = dict(line.split() for line in (group / counter).read_text().splitlines())
        return int(counts["oom_kill"])
    finally:
        for _ in range(100):
            with contextlib.suppress(OSError):
                group.rmdir()
                break
            time.sleep(0.1)


def _read(path: Path) -> bytes:
    with contextlib.suppress(OSError):
        return path.read_bytes()
    return b""


def test_puppet_is_killed_by_the_oom_killer(site: Site) -> None:
    mark = f"tmp/demo.{os.urandom(8).hex()}"
    site.on_node(f"touch /{mark}")
    kills: list[int] = []
    done = site.run(demo(), at=(3, lambda: kills.append(_starve(mark))))
    assert kills
    assert kills[0] >= 1
    assert not done.ok
    assert "killed by signal 9" in done.failures[0].cause
    assert site.run(demo()).ok
    assert site.on_node("cat /tmp/demo.count").splitlines()[-1] == "12"


def test_a_second_operator_is_refused(site: Site) -> None:
    seen: list[StackwrightError] = []

    def second() -> None:
        other = Site(site.node, site.lab, site.state.parent / "other")
        try:
            other.run(Step("x", "node", "x", (Run("x", "touch /tmp/demo.other"),)))
        except StackwrightError as error:
            seen.append(error)

    assert site.run(demo(), at=(2, second)).ok
    assert [error.code for error in seen] == [ExitCode.BUSY]
    assert "since 20" in seen[0].message
    assert "other" not in site.on_node("ls /tmp/demo.*")


def test_a_node_that_does_not_come_back(site: Site) -> None:
    try:
        after = Step("after", "node", "after", (Run("x", "true"),), ("demo",))
        done = site.run(demo(), after, at=(2, lambda: site.link(up=False)), gone=20)
    finally:
        site.link(up=True)
    assert (done.failed, done.skipped) == (1, 1)
    assert "has not answered" in done.failures[0].cause
    done = site.run(demo())
    assert done.ok, done
    assert site.on_node("cat /tmp/demo.count") == ONCE


@contextlib.contextmanager
def small_disk(site: Site, size: str) -> Iterator[str]:
    """Our folder on the node is a disk of that size meanwhile; yields what fills it."""
    base = "/var/lib/stackwright"
    site.on_node(f"mkdir -p {base} && cd {base} && mount -t tmpfs -o size={size},mode=700 full .")
    try:
        yield f"cat /dev/zero >{base}/filler"
    finally:
        site.on_node(f"umount -l {base}")


def test_the_disk_of_the_node_is_full(site: Site) -> None:
    content = os.urandom(150_000)
    file = Step("up", "node", "files", (Upload((File("/var/lib/stackwright/new", content),)),))
    with small_disk(site, "128k"):
        done = site.run(file)
        assert done.failed == 1
        assert "free disk space" in done.failures[0].hint
    with small_disk(site, "128k") as fill:
        site.on_node(fill)
        done = site.run(Step("x", "node", "x", (Run("x", "true"),)))
        assert done.failed == 1
        assert "free disk space" in done.failures[0].hint
    assert site.run(Step("up", "node", "files", (Upload((File("/tmp/demo.new", content),)),))).ok


def test_the_disk_of_the_node_fills_up_while_puppet_runs(site: Site) -> None:
    """The run ends, does not succeed unless everything was done, and the next run finishes."""
    with small_disk(site, "30m") as fill:
        done = site.run(demo(), at=(3, lambda: site.on_node(fill)))
        assert done.ok or "free disk space" in done.failures[0].hint, done
        assert not done.ok or site.on_node("cat /tmp/demo.count") == ONCE
    done = site.run(demo(), again=True)
    assert done.ok, done
    assert site.on_node("cat /tmp/demo.count").splitlines()[-1] == "12"


@pytest.mark.parametrize(("fails", "code"), [(1, 0), (9, 100)])
def test_a_package_whose_own_script_fails_gets_a_second_chance(site: Site, fails: int, code: int) -> None:
    """Horizon's script sometimes fails like this. A script that always fails is reported with its output."""
    script = (
        "#!/bin/sh\necho x >>/tmp/demo.tries\n"
        f"[ $(wc -l </tmp/demo.tries) -gt {fails} ] || {{ echo 'Syntax error: no reason'; exit 1; }}\n"
    )
    control = f"Package: demo{fails}\nVersion: 1\nArchitecture: all\nMaintainer: T <t@lab.test>\nDescription: fails\n"
    site.on_node(
        f"set -e; cd $(mktemp -d); mkdir -p p/DEBIAN; printf '{control}' >p/DEBIAN/control\n"
        f"cat >p/DEBIAN/postinst <<'EOF'\n{script}EOF\nchmod 755 p/DEBIAN/postinst\n"
        f"mkdir -p /srv/demo; dpkg-deb -b p /srv/demo/demo{fails}.deb; cd /srv/demo\n"
        f"printf 'Package: demo{fails}\\nVersion: 1\\nArchitecture: all\\nFilename: ./demo{fails}.deb\\n"
        f"Size: %s\\nSHA256: %s\\nDescription: fails\\n' "
        f"$(stat -c %s demo{fails}.deb) $(sha256sum demo{fails}.deb | cut -d' ' -f1) >Packages\n"
        "echo 'deb [trusted=yes] file:/srv/demo ./' >/etc/apt/sources.list.d/demo.list; apt-get -qq update\n"
    )
    try:
        done = site.run(Step("packages", "node", "packages", (Run("packages", apt_install([f"demo{fails}"]), 300),)))
        tried = site.on_node("cat /tmp/demo.tries")
        assert tried == "x\n" * 2
        assert done.ok == (code == 0)
        for failure in done.failures:
            assert f"status {code}" in failure.cause
            assert any("no reason" in line for line in failure.lines), failure
    finally:
        site.on_node(
            f"rm -rf /srv/demo /etc/apt/sources.list.d/demo.list; dpkg -P --force-all demo{fails}; apt-get -qq update"
        )


def test_a_service_that_starts_and_dies(site: Site) -> None:
    unit = "[Service]\nExecStart=/bin/sh -c 'echo database is not there; exit 3'\n"
    manifest = "service { 'demo-api': ensure => running }"
    steps = (
        Step("unit", "node", "unit", (Upload((File("/etc/systemd/system/demo-api.service", unit.encode()),)),)),
        Step(
            "api", "node", "api",
            (
                Run("reload", "systemctl daemon-reload"),
                PuppetApply("api", manifest, "", "/usr/share/puppet/modules"),
                Probe("api", "systemctl is-active --quiet demo-api || { echo 'unit demo-api is dead'; exit 1; }", 3),
            ),
            ("unit",),
        ),
    )  # fmt: skip
    done = site.run(*steps)
    failure = done.failures[0]
    assert failure.step == "api"
    assert any("database is not there" in line for line in (*failure.log, *failure.lines)), failure


def test_sudo_with_and_without_a_password(site: Site) -> None:
    site.on_node(
        "useradd -m -s /bin/bash free; useradd -m -s /bin/bash asked; useradd -m -s /bin/bash none\n"
        "echo 'free ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/free; echo 'asked ALL=(ALL) ALL' >/etc/sudoers.d/asked\n"
        "echo 'asked:pw-asked' | chpasswd; echo 'none:pw-none' | chpasswd\n"
        "for user in free asked none; do install -d -m 700 -o $user /home/$user/.ssh\n"
        "install -m 600 -o $user /root/.ssh/authorized_keys /home/$user/.ssh/; done\n"
    )
    for settings in ({"user": "free"}, {"user": "asked", "sudo_password": "pw-asked"}):
        with site.connect("node", **settings) as connection:
            got = connection.run("id -u; cat; cat /proc/[0-9]*/cmdline | tr '\\0' ' '", data=b"input\n")
            assert got.out.startswith("0\ninput\n")
            assert "pw-asked" not in got.out
            assert connection.put([File("/root/by-sudo", os.urandom(10), 0o600)]) == ("/root/by-sudo",)
    for settings, message in (
        ({"user": "asked", "sudo_password": "wrong"}, "rejects the password"),
        ({"user": "asked"}, "needs the password"),
        ({"user": "none", "sudo_password": "pw-none"}, "is not allowed to use sudo"),
    ):
        with pytest.raises(StackwrightError, match=message) as caught:
            site.connect("node", **settings)
        assert caught.value.code == ExitCode.UNREACHABLE


def test_a_puppet_resource_that_fails(site: Site) -> None:
    """Its output is shown as the cause; dependent resources are skipped, all others applied. After a repair the next
    run continues there."""
    manifest = """
    exec { 'schema': command => "/bin/sh -c 'echo table users is not there >&2; test -e /tmp/demo.mended'" }
    exec { 'after': command => '/bin/touch /tmp/demo.after', require => Exec['schema'], creates => '/tmp/demo.after' }
    exec { 'apart': command => '/bin/touch /tmp/demo.apart', creates => '/tmp/demo.apart' }
    """
    step = Step("db", "node", "Puppet", (PuppetApply("db", manifest, "", "/usr/share/puppet/modules"),))
    later = Step("later", "node", "later", (Run("later", "touch /tmp/demo.later"),), ("db",))
    done = site.run(step, later)
    assert (done.failed, done.skipped) == (1, 1)
    failure = done.failures[0]
    assert "Exec[schema]" in failure.cause
    assert any("table users is not there" in line for line in failure.lines), failure
    assert site.on_node("ls /tmp/demo.*").split() == ["/tmp/demo.apart"]
    site.on_node("touch /tmp/demo.mended")
    assert site.run(step, later).ok
    assert site.on_node("ls /tmp/demo.after /tmp/demo.later").split() == ["/tmp/demo.after", "/tmp/demo.later"]


HOG = """
import fcntl, time
names = "lib/apt/lists/lock", "cache/apt/archives/lock", "lib/dpkg/lock-frontend"
held = [open(f"/var/{name}", "w") for name in names]
for lock in held:
    fcntl.lockf(lock, fcntl.LOCK_EX)
open("/tmp/demo.locked", "w")
time.sleep(60)
"""


def test_another_package_manager_holds_its_locks_for_a_minute(site: Site) -> None:
    """Like Debian's daily update, which starts soon after boot."""
    site.on_node(f"cat >/tmp/demo.hog <<'END'\n{HOG}END\nsystemd-run -q --unit=hog python3 /tmp/demo.hog")
    locked = "until test -e /tmp/demo.locked; do sleep 0.2; done; echo locked"
    assert site.on_node(f"timeout 60 sh -c '{locked}'") == "locked\n"
    lists = Step("lists", "node", "lists", (Run("lists", apt_lists(), 300, retries=3),))
    packages = Step(
        "packages", "node", "packages", (Run("packages", apt_install(["hello"]), 300, retries=3),), ("lists",)
    )
    try:
        done = site.run(lists, packages)
        assert done.ok, done.failures
        assert any("another package manager" in e.data.get("what", "") for e in site.events)
        assert "Hello" in site.on_node("hello")
    finally:
        site.on_node("systemctl stop hog; dpkg -P hello; rm -f /tmp/demo.hog /tmp/demo.locked")


def test_python_modules_are_compiled_beside_dpkg(site: Site, tmp_path: Path) -> None:
    """A py3compile of the test replaces the host's; dpkg starts it once for each package and waits for none."""
    control = "Package: demo-modules\nVersion: 1\nArchitecture: all\nMaintainer: T <t@lab.test>\nDescription: modules\n"
    (tmp_path / "p" / "DEBIAN").mkdir(parents=True)
    (tmp_path / "p" / "DEBIAN" / "control").write_text(control)
    script = tmp_path / "p" / "DEBIAN" / "postinst"
    script.write_text(
        "#!/bin/sh\nset -e\npy3compile -p demo-modules\npy3compile -p demo-modules /usr/share/demo\n"
        "command -v py3compile >/tmp/demo.called\n"
    )
    script.chmod(0o755)
    for folder, name, text in (
        ("usr/lib/python3/dist-packages", "demomodule.py", "x = 1\n"),
        ("usr/share/demo", "private.py", "x = 2\n"),
        ("usr/share/demo", "other.py", "print 'of another Python'\n"),
    ):
        (tmp_path / "p" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "p" / folder / name).write_text(text)
    built = tmp_path / "demo-modules.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tmp_path / "p", built], check=True, capture_output=True)
    upload = Step("put", "node", "put", (Upload((File("/tmp/demo.deb", built.read_bytes()),)),))
    install = Run("packages", apt_install(["/tmp/demo.deb"]), 300, retries=3)
    try:
        done = site.run(upload, Step("packages", "node", "packages", (install,), ("put",)))
        assert done.ok, done.failures
        assert site.on_node("cat /tmp/demo.called").strip() != "/usr/bin/py3compile"
        site.on_node("for i in $(seq 100); do ls -d /var/lib/stackwright/bytecode.* || break; sleep 0.1; done")
        compiled = site.on_node(
            "find /usr/share/demo /usr/lib/python3/dist-packages -name '*.pyc' -newer /tmp/demo.deb"
        )
        assert {Path(line).name.partition(".")[0] for line in compiled.split()} == {"demomodule", "private"}
        assert site.on_node("ls -d /var/lib/stackwright/standins; true") == ""
        log = site.on_node("cat /var/lib/stackwright/changes.log").splitlines()
        assert "file made: /tmp/demo.deb" in log
        assert [line for line in log if "demo-modules" in line] == ["package installed: demo-modules 1"]
    finally:
        site.on_node("dpkg -P demo-modules; rm -f /tmp/demo.*; rm -rf /usr/share/demo")


def test_a_running_package_manager_is_not_taken_for_an_interrupted_one(site: Site) -> None:
    """The state of the node is like after an earlier run that was interrupted while unpacking."""
    control = "Package: demo-half\\nVersion: 1\\nArchitecture: all\\nMaintainer: T <t@lab.test>\\nDescription: half\\n"
    site.on_node(
        f"set -e; cd $(mktemp -d); mkdir -p p/DEBIAN; printf '{control}' >p/DEBIAN/control\n"
        "dpkg-deb -b p half.deb; dpkg --unpack half.deb"
    )

    def told() -> list[str]:
        with site.connect() as connection:
            script = preflight.package_check_script(platforms.by_id("debian-12"), ["hello"])
            got = connection.run(script, timeout=300)
        return [problem.seen for problem in preflight.parse_package_check(got.out + got.err)]

    try:
        assert told() == ["dpkg was interrupted"]
        site.on_node(f"cat >/tmp/demo.hog <<'END'\n{HOG}END\nsystemd-run -q --unit=hog python3 /tmp/demo.hog")
        site.on_node("timeout 60 sh -c 'until test -e /tmp/demo.locked; do sleep 0.2; done'")
        assert told() == []
    finally:
        site.on_node("systemctl stop hog; dpkg -P demo-half; rm -f /tmp/demo.hog /tmp/demo.locked")


class _Mirror(http.server.SimpleHTTPRequestHandler):
    """Answers 503 to the first requests for anything, and again to the first ones for the package itself."""

    unwilling: ClassVar[dict[bool, int]] = {}

    def do_GET(self) -> None:
        package = self.path.endswith(".deb")
        if self.unwilling[package]:
            self.unwilling[package] -= 1
            self.send_error(503)
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


def test_a_mirror_that_answers_503_a_few_times(site: Site, tmp_path: Path) -> None:
    """More often than apt retries."""
    # A version of its own: the lab keeps packages for its next nodes, and apt takes what it has by name and size.
    version = f"{time.time_ns()}"
    control = (
        f"Package: demo503\nVersion: {version}\nArchitecture: all\nMaintainer: T <t@lab.test>\nDescription: slow\n"
    )
    (tmp_path / "p" / "DEBIAN").mkdir(parents=True)
    (tmp_path / "p" / "DEBIAN" / "control").write_text(control)
    folder = tmp_path / "mirror"
    folder.mkdir()
    subprocess.run(["dpkg-deb", "-b", tmp_path / "p", folder / "demo503.deb"], check=True, capture_output=True)
    package = (folder / "demo503.deb").read_bytes()
    digest = hashlib.sha256(package).hexdigest()
    listed = f"{control}Filename: ./demo503.deb\nSize: {len(package)}\nSHA256: {digest}\n\n"
    (folder / "Packages").write_text(listed)
    sums = f" {hashlib.sha256(listed.encode()).hexdigest()} {len(listed)} Packages\n"
    (folder / "Release").write_text(f"Date: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n{sums}")
    _Mirror.unwilling = {False: 7, True: 6}
    handler = functools.partial(_Mirror, directory=str(folder))
    with http.server.ThreadingHTTPServer((site.lab.gateway, 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        source = f"deb [trusted=yes] http://{site.lab.gateway}:{server.server_address[1]} ./"
        site.on_node(f"echo '{source}' >/etc/apt/sources.list.d/demo.list")
        lists = Step("lists", "node", "lists", (Run("lists", apt_lists(), 300, retries=3),))
        install = Run("packages", apt_install(["demo503"]), 300, retries=3)
        try:
            done = site.run(lists, Step("packages", "node", "packages", (install,), ("lists",)))
            assert done.ok, done.failures
            assert _Mirror.unwilling == {False: 0, True: 0}, "the mirror was willing all the time"
            assert "ok installed" in site.on_node("dpkg -s demo503")
        finally:
            site.on_node("rm -f /etc/apt/sources.list.d/demo.list; dpkg -P demo503; apt-get -qq update")
            site.on_node("rm -f /var/cache/apt/archives/demo503*")
            server.shutdown()


@dataclass
class Two:
    """This machine and the node, as the hosts of one cloud."""

    site: Site

    def connect(self, name: str) -> Connection:
        return self.site.connect(name) if name.startswith("node") else LocalConnection(name, become=False)


def _problems(site: Site, tmp_path: Path) -> dict[str, list[str]]:
    """What preflight finds on the two, by the names of its checks."""
    file = tmp_path / "two.answers"
    file.write_text("CONFIG_CONTROLLER_HOST=node.lab.test\nCONFIG_COMPUTE_HOSTS=here.lab.test\n")
    read = answers.read([file], environ={})
    seen = inspection.look(cast(Hosts, Two(site)), ["node.lab.test", "here.lab.test"], read)
    found: dict[str, list[str]] = {}
    for problem in inspection.problems(read, seen):
        found.setdefault(problem.name, []).append(f"{problem.severity}: {problem.seen}")
    return found


def test_a_clock_that_is_one_hour_off(site: Site, tmp_path: Path) -> None:
    """The preflight finds it before anything is changed. A plan that is applied in spite of it succeeds."""
    assert "clock" not in _problems(site, tmp_path)
    site.on_node(
        "cd /usr/bin; cp -a date date.real; "
        'printf \'#!/bin/sh\nexec /usr/bin/date.real -d "+1 hour" "$@"\n\' > date.new; '
        "chmod 755 date.new; mv date.new date"
    )
    try:
        told = _problems(site, tmp_path)["clock"]
        assert any(line.startswith("error: the clock of node.lab.test is 36") for line in told), told
        done = site.run(demo())
        assert done.ok, done
        assert site.on_node("cat /tmp/demo.count") == ONCE
    finally:
        site.on_node("mv /usr/bin/date.real /usr/bin/date")


def test_two_hosts_with_one_name(site: Site, tmp_path: Path) -> None:
    before = site.on_node("hostname").strip()
    assert "distinct" not in _problems(site, tmp_path)
    site.on_node(f"hostname {socket.gethostname()}")
    try:
        told = _problems(site, tmp_path)["distinct"]
        same = "error: here.lab.test, node.lab.test have the same host name"
        assert any(line.startswith(same) for line in told), told
    finally:
        site.on_node(f"hostname {before}")


def test_a_password_is_needed_once(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a real sshd, for a user whose sudo requires the password too."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    site.on_node(
        "useradd -m -s /bin/bash fresh; echo 'fresh:pw-fresh' | chpasswd\n"
        "echo 'fresh ALL=(ALL) ALL' >/etc/sudoers.d/fresh\n"
        "echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/00-demo.conf; systemctl restart ssh"
    )
    access = directory.Access(user="fresh", known_hosts=(str(site.node.known_hosts),))
    address = site.node.address

    def hosts(**passwords: str) -> Hosts:
        return Hosts(access, directory.StateDir(tmp_path / "state"), **passwords)  # type: ignore[arg-type]

    with pytest.raises(StackwrightError, match="refused"), hosts() as without:
        without.connect(address)
    with hosts(password="pw-fresh") as first:
        assert first.connect(address).by_password
        assert first.connect(address).run("id -u").out == "0\n"
    site.on_node("rm /etc/ssh/sshd_config.d/00-demo.conf; systemctl restart ssh")
    with hosts(sudo_password="pw-fresh") as later:
        assert later.connect(address).run("id -u").out == "0\n"
        assert not later.connect(address).by_password
