"""What our report processor hands over, from the real Puppet."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from puppet_tools import need

from stackwright.executor import puppet
from stackwright.model import PuppetApply

MANIFEST = """\
file { "${facts['scratch']}/folder":
  ensure => directory,
}
file { "${facts['scratch']}/seed":
  content => 'x',
}
~> exec { 'demo-manage db_sync':
  command     => '/bin/sleep 0.4',
  refreshonly => true,
}
-> exec { 'no such thing':
  command => '/bin/false',
}
-> notify { 'never': }
"""


@pytest.mark.slow
def test_a_refreshed_resource_has_its_own_time(tmp_path: Path) -> None:
    """Migrations run as refreshes, whose time Puppet's own report does not have."""
    need("puppet")
    folder = tmp_path / "run"
    for name, content, _ in puppet.inputs(PuppetApply("demo", MANIFEST, "{}", str(tmp_path / "modules"))):
        path = folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    environment = {
        **os.environ,
        "STACKWRIGHT_RUN": str(folder),
        "STACKWRIGHT_BASE": str(tmp_path / "base"),
        "FACTER_scratch": str(tmp_path),
    }
    done = subprocess.run(
        ["sh", str(folder / "in" / "script")], capture_output=True, text=True, env=environment, umask=0o077, check=False
    )
    assert done.returncode == 6, done.stdout + done.stderr
    report = puppet.read_report((folder / "report.json").read_text())
    took = {name: seconds for name, _, seconds in report.timeline}
    assert took["Exec[demo-manage db_sync]"] >= 0.4
    assert puppet.time_by_kind(report)["database migrations"] >= 0.4
    assert report.by_type["Exec"] >= 0.4
    assert report.began > report.retrieval > 0
    assert report.applied >= 0.4
    assert [f.resource for f in report.failed] == ["Exec[no such thing]"]
    assert all(0 <= at <= report.applied for _, at, _ in report.timeline)
    changes = (tmp_path / "base" / "changes.log").read_text().splitlines()
    assert changes == [
        *(f"puppet made: File[{tmp_path}/{n}]" for n in ("folder", "seed")),
        "puppet ran: Exec[demo-manage db_sync]",
    ]
    # Whatever the umask of the run itself: services must be able to read what modules make without saying its mode.
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o755
