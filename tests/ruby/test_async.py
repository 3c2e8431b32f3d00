"""What is started before Puppet needs its end, with the real Puppet: `stackwright_async` and the provider `async` of
exec resources, `stackwright_wait_services` and that of services."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

MODULES = Path(__file__).parents[2] / "puppet-templates/modules"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("puppet"), reason="needs Puppet"),
]


def apply(folder: Path, manifest: str, programs: str = "") -> subprocess.CompletedProcess[str]:
    """Applies a manifest; `programs` is where programs are looked for first."""
    (folder / "site.pp").write_text(manifest.replace("@HERE@", str(folder)))
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"} if programs else None
    words = ["puppet", "apply", "--modulepath", str(MODULES), "--vardir", str(folder / "var")]
    words += ["--confdir", str(folder / "etc"), "--detailed-exitcodes", "--color", "false", str(folder / "site.pp")]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, env=environment)


def migration(name: str, command: str, more: str = "") -> str:
    """As the modules of OpenStack have one: carried out where the configuration was changed."""
    quoted = command.replace("'", "\\'")
    return (
        f"exec {{ 'config {name}': command => '/bin/true', onlyif => '/usr/bin/test ! -e @HERE@/same' }}\n"
        f"stackwright_async {{ 'migrate {name}': subscribe => Exec['config {name}'] }}\n"
        f"exec {{ 'migrate {name}': command => '{quoted}', path => '/usr/bin:/bin', provider => 'async',\n"
        f"  refreshonly => true, subscribe => Exec['config {name}'], {more} }}\n"
        f"Stackwright_async<| |> -> Exec['migrate {name}']\n"
    )


def test_they_work_side_by_side(tmp_path: Path) -> None:
    """Each ends only once the other one has begun."""
    meet = "sh -c 'touch @HERE@/%s; for i in $(seq 300); do test -e @HERE@/%s && exit 0; sleep 0.1; done; exit 1'"
    manifest = migration("a", meet % ("a", "b")) + migration("b", meet % ("b", "a"))
    done = apply(tmp_path, manifest)
    assert done.returncode == 2, done.stdout + done.stderr
    for name in ("a", "b"):
        assert f"Exec[migrate {name}]: Triggered 'refresh' from" in done.stdout


def test_nothing_is_started_that_nobody_asks_for(tmp_path: Path) -> None:
    (tmp_path / "same").touch()
    done = apply(tmp_path, migration("a", "touch @HERE@/done"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "done").exists()


def test_one_that_fails_says_why_and_is_tried_again(tmp_path: Path) -> None:
    again = "sh -c 'echo x >> @HERE@/tried; echo cannot reach it; test $(wc -l < @HERE@/tried) = 3'"
    done = apply(tmp_path, migration("a", again, "tries => 3, try_sleep => 0, logoutput => true"))
    assert done.returncode == 2, done.stdout + done.stderr
    assert (tmp_path / "tried").read_text() == "x\nx\nx\n"
    (tmp_path / "tried").unlink()
    done = apply(tmp_path, migration("a", again, "logoutput => on_failure"))
    assert done.returncode in (4, 6)
    assert "returned 1 instead of one of [0]" in done.stdout + done.stderr
    assert "cannot reach it" in done.stdout + done.stderr
    assert (tmp_path / "tried").read_text() == "x\n"


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    done = apply(tmp_path, migration("a", "no-such-manage db_sync"))
    assert done.returncode in (4, 6)
    assert "no-such-manage" in done.stdout + done.stderr


def test_one_whose_turn_does_not_come_is_not_cut_short(tmp_path: Path) -> None:
    manifest = migration("a", "sh -c 'sleep 2; touch @HERE@/done'", "require => Exec['broken']")
    manifest += "exec { 'broken': command => '/bin/false', require => Stackwright_async['migrate a'] }\n"
    done = apply(tmp_path, manifest)
    assert done.returncode in (4, 6)
    assert (tmp_path / "done").exists()


def test_without_anything_that_starts_it_a_command_is_run_in_its_turn(tmp_path: Path) -> None:
    done = apply(tmp_path, "exec { 'touch done': command => '/usr/bin/touch @HERE@/done', provider => 'async' }")
    assert done.returncode == 2, done.stdout + done.stderr
    assert (tmp_path / "done").exists()


def test_one_for_what_is_not_in_the_catalog_does_nothing(tmp_path: Path) -> None:
    manifest = "exec { 'config': command => '/bin/true' } ~> stackwright_async { 'migrate': }"
    done = apply(tmp_path, manifest)
    assert done.returncode == 2, done.stdout + done.stderr


CHAIN = (
    "exec { 'config': command => '/bin/true' }\n"
    "stackwright_async { 'first': goes_on => true, subscribe => Exec['config'] }\n"
    "-> stackwright_async { 'second': after => 'first', subscribe => Exec['config'] }\n"
    "-> exec { 'slow': command => '/bin/sleep 1.5' }\n"
    "-> exec { 'first': command => '/bin/sh -c \"sleep 0.5; echo first >> @HERE@/done; @END@\"', provider => 'async',\n"
    "  refreshonly => true, subscribe => Exec['config'] }\n"
    "~> exec { 'seen': command => '/bin/cp @HERE@/done @HERE@/seen', refreshonly => true }\n"
    "~> exec { 'second': command => '/bin/sh -c \"echo second >> @HERE@/done\"', provider => 'async',\n"
    "  refreshonly => true }\n"
)
"""`seen` is what was done before the second one's turn came."""


def test_one_that_comes_after_another_does_not_wait_for_its_turn(tmp_path: Path) -> None:
    done = apply(tmp_path, CHAIN.replace("@END@", "true"))
    assert done.returncode == 2, done.stdout + done.stderr
    assert (tmp_path / "done").read_text() == (tmp_path / "seen").read_text() == "first\nsecond\n"


@pytest.mark.parametrize("end", ["exit 3", "kill -9 $PPID"])
def test_one_that_comes_after_another_that_failed_is_not_begun(tmp_path: Path, end: str) -> None:
    done = apply(tmp_path, CHAIN.replace("@END@", end.replace("$", "\\$")))
    assert done.returncode in (4, 6), done.stdout + done.stderr
    assert (tmp_path / "done").read_text() == "first\n"
    assert "Exec[second]: Skipping because of failed dependencies" in done.stdout + done.stderr


# Of a unit it is told how to start; a file says whether it runs.
SYSTEMCTL = """\
#!/bin/sh
for unit; do :; done
case $1 in
  is-active) test -e @HERE@/$unit.running ;;
  is-enabled) echo enabled ;;
  show) echo NeedDaemonReload=no ;;
  unmask) ;;
  start|restart) echo "$1 $unit" >> @HERE@/log; sh -eu @HERE@/$unit.start && touch @HERE@/$unit.running ;;
  *) echo "not told of $*" >&2; exit 1 ;;
esac
"""

SERVICES = """
service { ['a', 'b']: ensure => running, enable => true, provider => 'async' }
-> stackwright_wait_services { 'services': }
-> exec { 'after': command => '/bin/sh -c "ls @HERE@ > @HERE@/after"' }
"""


def services(folder: Path, a: str, b: str, manifest: str = SERVICES) -> subprocess.CompletedProcess[str]:
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for name, text in (("systemctl", SYSTEMCTL), ("journalctl", "#!/bin/sh\necho what $6 wrote\n")):
        (programs / name).write_text(text.replace("@HERE@", str(folder)))
        (programs / name).chmod(0o755)
    (folder / "a.start").write_text(a.replace("@HERE@", str(folder)))
    (folder / "b.start").write_text(b.replace("@HERE@", str(folder)))
    return apply(folder, manifest, str(programs))


def test_services_start_side_by_side_and_are_waited_for(tmp_path: Path) -> None:
    meet = "touch @HERE@/{0}.here; for i in $(seq 300); do test ! -e @HERE@/{1}.here || exit 0; sleep 0.1; done; exit 1"
    done = services(tmp_path, meet.format("a", "b"), meet.format("b", "a"))
    assert done.returncode == 2, done.stdout + done.stderr
    assert {"a.running", "b.running"} <= set((tmp_path / "after").read_text().split())
    assert sorted((tmp_path / "log").read_text().splitlines()) == ["start a", "start b"]


def test_a_service_that_does_not_start_fails_with_its_journal(tmp_path: Path) -> None:
    done = services(tmp_path, "exit 1", "sleep 0.5")
    assert done.returncode in (4, 6)
    text = done.stdout + done.stderr
    assert "Systemd start for a failed!" in text
    assert "what a wrote" in text
    assert "Systemd start for b" not in text
    assert (tmp_path / "b.running").exists()
    assert not (tmp_path / "after").exists()


def test_services_that_run_are_left_alone_until_something_changes(tmp_path: Path) -> None:
    for unit in "ab":
        (tmp_path / f"{unit}.running").touch()
    unchanged = SERVICES.partition("-> exec")[0]
    done = services(tmp_path, "", "", unchanged)
    assert (done.returncode, (tmp_path / "log").exists()) == (0, False), done.stdout + done.stderr
    done = services(
        tmp_path, "sleep 0.5; touch @HERE@/late", "", "exec { 'config': command => '/bin/true' } ~>" + SERVICES
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert sorted((tmp_path / "log").read_text().splitlines()) == ["restart a", "restart b"]
    assert "late" in (tmp_path / "after").read_text().split()
