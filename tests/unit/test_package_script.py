"""The script that installs packages on Debian, with a real apt and dpkg in a folder of their own: what it keeps
packages' own scripts from doing in the transaction, and what it leaves behind, however it ends."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

import archive
from stackwright.planner import scripts

MANAGE = "usr/share/openstack-dashboard/manage.py"

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
    return root.run(f"echo $$ > {root.folder}/pid\n" + scripts.apt_install(names, exact=exact))


def install_and_be_killed(root: Root) -> None:
    """In the script of the dashboard's package."""
    (root.folder / "kill").touch()
    # No pipes: the compiler beside dpkg goes on until somebody has taken notice that the script has ended.
    script = root.script(f"echo $$ > {root.folder}/pid\n" + scripts.apt_install(["openstack-dashboard"]))
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


def test_byte_code_is_for_everybody(root: Root) -> None:
    """A run's umask is 077. Services are not root."""
    root.program("python3", f"umask > {root.folder}/umask")
    assert root.run(f"umask 077\n{scripts.apt_install(['modules'])}").returncode == 0
    assert (root.folder / "umask").read_text() == "0022\n"


def test_nobody_waits_until_it_is_on_the_disk(root: Root) -> None:
    root.program("eatmydata", 'exec "$@"')
    root.program("sync", f"while [ ! -e {root.folder}/go ]; do sleep 0.05; done; touch {root.folder}/synced")
    script = root.script(scripts.apt_install(["units"]))
    try:
        subprocess.run(["dash", "-c", script], capture_output=True, env=root.environment, check=True, timeout=60)
        assert not (root.folder / "synced").exists()
    finally:
        (root.folder / "go").touch()
    end = time.monotonic() + 10
    while not (root.folder / "synced").exists():
        assert time.monotonic() < end, "it was not written at all"
        time.sleep(0.05)
