"""The script that installs packages on Debian, with a real apt and dpkg in a folder of their own: what it keeps
packages' own scripts from doing in the transaction, and what it leaves behind, however it ends. Then the step that
makes the dashboard's static files."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import archive
import golden
import outcome
from stackwright import answers, planner
from stackwright.model import Plan, PuppetApply, Run
from stackwright.planner.steps import packages as package_steps

pytestmark = pytest.mark.slow

MANAGE = "usr/share/openstack-dashboard/manage.py"
DUE = f"var/lib/stackwright/{package_steps.STATIC_DUE}"
HOST, COMPUTE = "198.18.0.10", "198.18.0.31"

# As Debian's: it makes static files if it can execute manage.py.
DASHBOARD = f"""\
[ ! -e "$DPKG_ROOT/kill" ] || {{ rm "$DPKG_ROOT/kill"; kill -9 "$(cat "$DPKG_ROOT/pid")" $PPID; exit 1; }}
[ ! -x "$DPKG_ROOT/{MANAGE}" ] || echo made >> "$DPKG_ROOT/made"
[ ! -e "$DPKG_ROOT/fail" ]
"""
UNITS = """\
systemctl --system daemon-reload
systemctl daemon-reload
systemctl --user daemon-reload
systemctl -q is-enabled daemon-reload
"""


class Root(archive.Root):
    """One whose administrator's tools know where it is."""

    def script(self, script: str) -> str:
        script = script.replace("manage=/usr", f"manage={self.folder}/usr").replace(
            "own=/var", f"own={self.folder}/var"
        )
        return super().script(script).replace("/var/lib/dpkg/info", f"{self.folder}/var/lib/dpkg/info")

    @property
    def overrides(self) -> str:
        return (self.folder / "var/lib/dpkg/statoverride").read_text()

    def told_systemd(self) -> list[str]:
        path = self.folder / "systemctl.log"
        told = path.read_text().splitlines() if path.exists() else []
        return [line for line in told if "puppet" not in line]

    def dashboard(self) -> tuple[bool, str]:
        """Whether its package made static files, and the mode of manage.py."""
        mode = (self.folder / MANAGE).stat().st_mode & 0o777
        return (self.folder / "made").exists(), f"{mode:o}"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> archive.Archive:
    made = archive.make(tmp_path_factory.mktemp("archive"))
    for version in ("1-1", "1-2"):
        made.package("openstack-dashboard", version, script=DASHBOARD, program=MANAGE)
    made.package("openstack-dashboard-apache", "1-1")
    made.package("units", "1-1", script=UNITS)
    made.package("broken", "1-1", script="exit 1", depends="units")
    made.package("modules", "1-1", script="py3compile -p modules", program="/usr/lib/python3/dist-packages/demo.py")
    made.publish()
    return made


@pytest.fixture
def root(tmp_path: Path, packages: archive.Archive) -> Root:
    if os.geteuid():
        pytest.skip("dpkg installs as root only")
    made = Root.make(tmp_path, packages)
    made.program(
        "dpkg-statoverride",
        f'for a; do shift; set -- "$@" "${{a#{tmp_path}}}"; done\nexec /usr/bin/dpkg-statoverride "$@"',
    )
    return made


def install(root: Root, *names: str, exact: bool = False) -> subprocess.CompletedProcess[str]:
    return root.run(f"echo $$ > {root.folder}/pid\n" + package_steps.apt_install(names, exact=exact))


def install_and_be_killed(root: Root) -> None:
    """In the script of the dashboard's package."""
    (root.folder / "kill").touch()
    # No pipes: the compiler beside dpkg goes on until somebody has taken notice that the script has ended.
    script = root.script(f"echo $$ > {root.folder}/pid\n" + package_steps.apt_install(["openstack-dashboard"]))
    done = subprocess.run(
        ["dash", "-c", script], env=root.environment, check=False, timeout=60,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == -9


def test_systemd_reads_its_units_once_and_not_for_each_package(root: Root) -> None:
    assert install(root, "units").returncode == 0
    during = ["--user daemon-reload", "-q is-enabled daemon-reload"]
    assert root.told_systemd() == [*during, "daemon-reload", "reload dbus", "try-restart polkit"]
    assert not (root.folder / "var/lib/stackwright/standins").exists()


def test_systemd_reads_its_units_where_the_transaction_failed(root: Root) -> None:
    done = install(root, "broken")
    assert done.returncode == 100, done.stdout + done.stderr
    assert root.told_systemd()[-1] == "daemon-reload"
    assert root.versions() == {"units": "1-1"}
    root.program("systemctl", "exit 1")
    assert install(root, "broken").returncode == 100, "the first failure is the one that is told"


def test_systemd_reads_its_units_after_a_run_that_was_killed(root: Root) -> None:
    install_and_be_killed(root)
    assert "daemon-reload" not in root.told_systemd()
    assert root.run("dpkg --configure -a").returncode == 0
    done = install(root, "openstack-dashboard")
    assert "all packages are there" in done.stdout
    assert root.told_systemd() == ["daemon-reload"]
    install(root, "openstack-dashboard")
    assert root.told_systemd() == ["daemon-reload"]


def test_byte_code_is_readable_and_compiled_in_the_background(root: Root) -> None:
    """A run's umask is 077. Services are not root."""
    (root.folder / "wait").touch()
    root.program("python3", f"while [ -e {root.folder}/wait ]; do sleep 0.05; done; umask > {root.folder}/umask")
    try:
        assert root.run(f"umask 077\n{package_steps.apt_install(['modules'])}").returncode == 0
        assert not (root.folder / "umask").exists()
    finally:
        (root.folder / "wait").unlink()
    state = root.folder / "var/lib/stackwright"
    until(lambda: not list(state.glob("bytecode.*")), "it was not compiled to the end")
    assert (root.folder / "umask").read_text() == "0022\n"


def until(what: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + 10
    while not what():
        assert time.monotonic() < end, otherwise
        time.sleep(0.05)


def test_installation_does_not_wait_for_disk_writes(root: Root) -> None:
    root.program("eatmydata", 'exec "$@"')
    root.program("sync", f"while [ ! -e {root.folder}/go ]; do sleep 0.05; done; touch {root.folder}/synced")
    script = root.script(package_steps.apt_install(["units"]))
    try:
        subprocess.run(["dash", "-c", script], capture_output=True, env=root.environment, check=True, timeout=60)
        assert not (root.folder / "synced").exists()
    finally:
        (root.folder / "go").touch()
    until((root.folder / "synced").exists, "it was not written at all")


@pytest.mark.parametrize(("name", "exact"), [("openstack-dashboard", False), ("openstack-dashboard=1-1", True)])
def test_the_dashboards_static_files_are_left_for_later(root: Root, name: str, exact: bool) -> None:
    done = install(root, "units=1-1" if exact else "units", name, exact=exact)
    assert done.returncode == 0, done.stderr
    assert root.dashboard() == (False, "755")
    assert root.overrides == ""
    assert (root.folder / DUE).exists()
    assert not (root.folder / "var/lib/stackwright/dashboard-held").exists()


def test_another_version_leaves_them_for_later_too(root: Root) -> None:
    """Also where the file is there already."""
    assert install(root, "openstack-dashboard=1-1", exact=True).returncode == 0
    (root.folder / DUE).unlink()
    assert install(root, "openstack-dashboard=1-2", exact=True).returncode == 0
    assert root.versions() == {"openstack-dashboard": "1-2"}
    assert root.dashboard() == (False, "755")
    assert (root.folder / DUE).exists()


def test_without_the_dashboard_nothing_is_special(root: Root) -> None:
    root.program("dpkg-statoverride", f"touch {root.folder}/called")
    assert install(root, "openstack-dashboard-apache").returncode == 0
    assert not (root.folder / "called").exists()
    assert not (root.folder / DUE).exists()


def test_an_administrators_own_override_stays(root: Root) -> None:
    own = "root root 750 /usr/share/openstack-dashboard/manage.py\n"
    (root.folder / "var/lib/dpkg/statoverride").write_text(own)
    assert install(root, "openstack-dashboard").returncode == 0
    assert root.overrides == own
    assert root.dashboard() == (True, "750"), "Debian's way"
    assert not (root.folder / DUE).exists()


def test_a_transaction_that_fails_leaves_no_override(root: Root) -> None:
    (root.folder / "fail").touch()
    assert install(root, "openstack-dashboard").returncode == 100
    assert root.dashboard() == (False, "755")
    assert root.overrides == ""
    assert (root.folder / DUE).exists()


def test_the_next_run_cleans_up_after_a_killed_one(root: Root) -> None:
    install_and_be_killed(root)
    assert root.dashboard() == (False, "644")
    assert root.overrides == "root root 644 /usr/share/openstack-dashboard/manage.py\n"
    done = install(root, "openstack-dashboard")
    assert done.returncode == 0, done.stdout + done.stderr
    assert root.dashboard() == (False, "755")
    assert "all packages are there" in install(root, "openstack-dashboard").stdout
    assert root.overrides == ""
    assert (root.folder / DUE).exists()


@pytest.mark.parametrize("own", ["", "#!/bin/sh\nexit 104\n"])
def test_starts_are_allowed_again_after_a_run_that_was_killed(root: Root, own: str) -> None:
    """An administrator's policy is the one that was there before the killed run, and no other."""
    policy = root.folder / "usr/sbin/policy-rc.d"
    policy.parent.mkdir(parents=True, exist_ok=True)
    if own:
        policy.write_text(own)
    install_and_be_killed(root)
    assert "stackwright" in policy.read_text()
    assert root.run(package_steps.apt_install(["openstack-dashboard"])).returncode == 0
    assert (policy.read_text() if policy.exists() else "") == own
    assert not policy.with_name("policy-rc.d.stackwright").exists()


def test_an_override_that_was_changed_after_a_killed_run_is_nobodys_but_the_administrators(root: Root) -> None:
    install_and_be_killed(root)
    own = "root www-data 640 /usr/share/openstack-dashboard/manage.py\n"
    (root.folder / "var/lib/dpkg/statoverride").write_text(own)
    done = install(root, "openstack-dashboard")
    assert done.returncode == 0, done.stdout + done.stderr
    assert root.overrides == own


def planned(os_id: str = "debian", **settings: str) -> Plan:
    flags = {"CONFIG_CONTROLLER_HOST": HOST, "CONFIG_COMPUTE_HOSTS": COMPUTE, **settings}
    wanted = answers.read([], flags, {}, local_host=HOST, remembered=golden.secrets())
    return planner.plan(planner.cloud(wanted, outcome.facts(wanted, os_id, "9" if os_id == "centos" else "12")))


def test_the_dashboards_step_is_on_its_host_and_no_step_needs_it() -> None:
    plan = planned()
    ids = [s.id for s in plan.steps]
    step = plan.step(f"{HOST}:dashboard")
    assert step.needs == (f"{HOST}:packages",)
    assert not [s.id for s in plan.steps if step.id in (*s.needs, *s.after)]
    runs = [s.id for s in plan.steps if s.host == HOST and any(isinstance(a, PuppetApply) for a in s.actions)]
    assert ids.index(step.id) > ids.index(runs[0]), "Puppet gets the room on the host first"
    assert f"{COMPUTE}:dashboard" not in ids
    for other in (planned("centos"), planned(CONFIG_HORIZON_INSTALL="n")):
        assert f"{HOST}:dashboard" not in [s.id for s in other.steps]


@pytest.fixture
def dashboard(tmp_path: Path) -> Root:
    """A host with the package, and a manage.py that fails as often as the file `failures` has lines."""
    made = Root(tmp_path, tmp_path / "apt.conf")
    for name in ("bin", "var/lib/stackwright", "var/lib/openstack-dashboard/secret-key"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "failures").touch()
    (tmp_path / DUE).touch()
    (tmp_path / "var/lib/openstack-dashboard/secret-key/.secret_key_store").touch()
    made.program("sleep", "")
    made.program("chown", f'echo "$@" >> {tmp_path}/chown.log')
    made.program(
        "python3",
        f"cd {tmp_path}\n"
        '[ "$1" = "$PWD/usr/share/openstack-dashboard/manage.py" ] || exit 9\n'
        'echo "$2 $3 $4" >> manage.log\n'
        'if [ "$2" = collectstatic ]; then echo "9 static files copied"; exit 0; fi\n'
        'if [ -s failures ]; then sed -i 1d failures; echo "CommandError: Syntax error" >&2; exit 1; fi\n'
        "mkdir -p var/lib/openstack-dashboard/static/dashboard\n"
        "touch var/lib/openstack-dashboard/static/dashboard/manifest.json\n",
    )
    return made


def make(dashboard: Root) -> subprocess.CompletedProcess[str]:
    (action,) = planned().step(f"{HOST}:dashboard").actions
    assert isinstance(action, Run)
    return dashboard.run(f"umask 077\nexec 2>&1\n{action.script}")


def test_static_files_are_generated_if_due_or_missing(dashboard: Root) -> None:
    done = make(dashboard)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "stackwright: changed"
    called = (dashboard.folder / "manage.log").read_text().splitlines()
    assert called == ["collectstatic --noinput --clear", "compress --force "]
    own = dashboard.folder / "var/lib/openstack-dashboard"
    assert (dashboard.folder / "chown.log").read_text() == f"-R www-data {own}/secret-key {own}/static\n"
    assert not (own / "secret-key/.secret_key_store").exists()
    assert not (dashboard.folder / DUE).exists()
    assert (own / "static/dashboard").stat().st_mode & 0o777 == 0o755, "Apache is not root"
    again = make(dashboard)
    assert (again.returncode, "stackwright: changed" in again.stdout) == (0, False)
    assert len((dashboard.folder / "manage.log").read_text().splitlines()) == 2
    (own / "static/dashboard/manifest.json").unlink()
    assert "stackwright: changed" in make(dashboard).stdout


@pytest.mark.parametrize(("failures", "code"), [(2, 0), (3, 1)])
def test_a_compressor_that_fails_by_chance_is_tried_again(dashboard: Root, failures: int, code: int) -> None:
    (dashboard.folder / "failures").write_text("once\n" * failures)
    done = make(dashboard)
    assert done.returncode == code, done.stdout
    assert ("stackwright: changed" in done.stdout) == (code == 0)
    assert (dashboard.folder / DUE).exists() == (code != 0)
    if code:
        assert done.stdout.splitlines()[-2:] == ["CommandError: Syntax error", "manage.py failed 3 times"]
