"""Users of RabbitMQ: passwords reach rabbitmqctl as hashes in a file, and no process's arguments."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from stackwright.platforms import by_id

MODULES = Path(by_id("debian-12").modulepath)
OURS = Path(__file__).parents[2] / "puppet-templates/modules/stackwright/lib"
pytestmark = [
    pytest.mark.skipif(not (MODULES / "rabbitmq").exists(), reason="needs the Puppet modules"),
    pytest.mark.slow,
]

# As rabbitmqctl 3.10 and 4.0.
RABBITMQCTL = """#!/bin/sh
echo "$*" >> @HERE@/called
[ "$1" = -q ] && shift
case "$1 $2" in
  'status '*) echo 'RabbitMQ version: 3.10.8' ;;
  'list_users '*) test -e @HERE@/definitions && printf 'openstack\\t[administrator]\\n'; exit 0 ;;
  'set_user_tags openstack') ;;
  'import_definitions /'*) stat -c %a "$2" >> @HERE@/modes; cp "$2" @HERE@/definitions ;;
  'export_definitions -') cat @HERE@/definitions ;;
  *) exit 64 ;;
esac
"""
APPLY = """
require 'puppet'
require 'json'
modules, ours, here, password = ARGV
Dir[File.join(modules, '*', 'lib')].each { |folder| $LOAD_PATH.unshift(File.realpath(folder)) }
$LOAD_PATH.unshift(ours)
Puppet.initialize_settings(['--confdir', '/nowhere', '--vardir', File.join(here, 'var')])
Puppet::Util::Log.level = :debug
Puppet::Util::Log.newdestination(:console)
type = Puppet::Type.type(:rabbitmq_user)
catalog = Puppet::Resource::Catalog.new
catalog.add_resource(type.new(:title => 'openstack', :admin => true, :password => password))
status = catalog.apply.report.resource_statuses.values.first
puts JSON.generate('changed' => status.changed, 'failed' => status.failed, 'provider' => type.defaultprovider.name)
"""


def apply(folder: Path, password: str) -> tuple[dict[str, object], str]:
    """What became of the resource, and everything that was printed and passed as an argument."""
    program = folder / "rabbitmqctl"
    program.write_text(RABBITMQCTL.replace("@HERE@", str(folder)))
    program.chmod(0o755)
    (folder / "called").write_text("")
    done = subprocess.run(
        ["ruby", "-e", APPLY, str(MODULES), str(OURS), str(folder), password], capture_output=True, text=True,
        check=True, env={"PATH": f"{folder}:/usr/bin:/bin", "LANG": "C.UTF-8"},
    )  # fmt: skip
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found, done.stdout + done.stderr + (folder / "called").read_text()


@pytest.mark.parametrize("passwords", [("first-pw", "n3w-pw"), ("p%40'\"\\ ${x} é", "-starts with a dash")])
def test_a_password_is_set_and_changed_by_its_hash(tmp_path: Path, passwords: tuple[str, str]) -> None:
    for password in passwords:
        found, shown = apply(tmp_path, password)
        assert found == {"changed": True, "failed": False, "provider": "definitions"}
        (user,) = json.loads((tmp_path / "definitions").read_text())["users"]
        raw = base64.b64decode(user["password_hash"])
        assert raw[4:] == hashlib.sha256(raw[:4] + password.encode()).digest()
        assert password not in shown
        assert user["password_hash"] not in shown
        found, shown = apply(tmp_path, password)
        assert found == {"changed": False, "failed": False, "provider": "definitions"}
        assert password not in shown
    assert set((tmp_path / "modes").read_text().split()) == {"600"}
