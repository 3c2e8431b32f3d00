"""Commands that are started before Puppet comes to them, with the real Puppet: `stackwright_ahead` and the provider
`ahead` of exec resources."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

MODULES = Path(__file__).parents[2] / "puppet-templates/modules"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("puppet"), reason="needs Puppet"),
]


def apply(folder: Path, manifest: str) -> subprocess.CompletedProcess[str]:
    (folder / "site.pp").write_text(manifest.replace("@HERE@", str(folder)))
    words = ["puppet", "apply", "--modulepath", str(MODULES), "--vardir", str(folder / "var")]
    words += ["--confdir", str(folder / "etc"), "--detailed-exitcodes", "--color", "false", str(folder / "site.pp")]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)


def migration(name: str, command: str, more: str = "") -> str:
    """As the modules of OpenStack have one: carried out where the configuration was changed."""
    quoted = command.replace("'", "\\'")
    return (
        f"exec {{ 'config {name}': command => '/bin/true', onlyif => '/usr/bin/test ! -e @HERE@/same' }}\n"
        f"stackwright_ahead {{ 'migrate {name}': subscribe => Exec['config {name}'] }}\n"
        f"exec {{ 'migrate {name}': command => '{quoted}', path => '/usr/bin:/bin', provider => 'ahead',\n"
        f"  refreshonly => true, subscribe => Exec['config {name}'], {more} }}\n"
        f"Stackwright_ahead<| |> -> Exec['migrate {name}']\n"
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
    manifest += "exec { 'broken': command => '/bin/false', require => Stackwright_ahead['migrate a'] }\n"
    done = apply(tmp_path, manifest)
    assert done.returncode in (4, 6)
    assert (tmp_path / "done").exists()


def test_without_anything_that_starts_it_a_command_is_run_in_its_turn(tmp_path: Path) -> None:
    done = apply(tmp_path, "exec { 'touch done': command => '/usr/bin/touch @HERE@/done', provider => 'ahead' }")
    assert done.returncode == 2, done.stdout + done.stderr
    assert (tmp_path / "done").exists()


def test_one_for_what_is_not_in_the_catalog_does_nothing(tmp_path: Path) -> None:
    manifest = "exec { 'config': command => '/bin/true' } ~> stackwright_ahead { 'migrate': }"
    done = apply(tmp_path, manifest)
    assert done.returncode == 2, done.stdout + done.stderr
