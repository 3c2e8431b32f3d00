"""Nova's cells are read from its database, and told as `nova-manage` tells them; the rest is left to it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from stackwright.platforms import by_id

MODULES = Path(by_id("debian-12").modulepath)
OURS = Path(__file__).parents[2] / "puppet-templates/modules/stackwright/lib"
pytestmark = [
    pytest.mark.skipif(not (MODULES / "nova").exists(), reason="needs the Puppet modules"),
    pytest.mark.slow,
]

CELL0 = "00000000-0000-0000-0000-000000000000"
CELL1 = "5e1cf1f2-ab28-4c4b-b2a8-0f1b7b1f5d0b"
DATABASE = "mysql+pymysql://nova:p%40ss%22w@198.18.0.10/nova?charset=utf8mb3"
RABBIT = "rabbit://u:p@198.18.0.10:5672/"
CONF = f"""\
[DEFAULT]
transport_url={RABBIT}
[api_database]
connection=mysql+pymysql://nova_api:p%40s%5Cs%22w@[2001:db8::1]:3307/nova_api?charset=utf8mb3
[database]
connection={DATABASE}
"""

# Both refuse what they were not told, and note how they were called.
MYSQL = """#!/bin/sh
echo mysql >> @HERE@/called
cat > @HERE@/statements
case "$*" in *'--execute'*|*'-e '*) exit 8 ;; esac
grep -qE '(FROM|UPDATE) cell_mappings' @HERE@/statements || exit 9
for word; do
  case $word in --defaults-file=*) cat "${word#*=}" > @HERE@/login; stat -c %a "${word#*=}" > @HERE@/mode ;; esac
done
cat @HERE@/cells
exit @EXIT@
"""
NOVA_MANAGE = f"""#!/bin/sh
echo "nova-manage $*" >> @HERE@/called
[ "$*" = "cell_v2 list_cells --verbose" ] || exit 9
cat <<'END'
+-------+------+---------------+---------------------+----------+
|  Name | UUID | Transport URL | Database Connection | Disabled |
+-------+------+---------------+---------------------+----------+
| cell0 | {CELL0} | none:/// | {DATABASE.replace("/nova?", "/nova_cell0?")} | False |
| default | {CELL1} | {RABBIT} | {DATABASE} | False |
+-------+------+---------------+---------------------+----------+
END
"""

ASK = """
require 'puppet'
require 'json'
modules, ours, here, which = ARGV
Dir[File.join(modules, '*', 'lib')].each { |folder| $LOAD_PATH.unshift(File.realpath(folder)) }
$LOAD_PATH.unshift(ours)
Puppet.initialize_settings(['--confdir', '/nowhere', '--vardir', File.join(here, 'var')])
type = Puppet::Type.type(:nova_cell_v2)
provider = which == 'default' ? type.defaultprovider : type.provider(which.to_sym)
provider.define_singleton_method(:conf_filename) { File.join(here, 'nova.conf') }
provider.define_singleton_method(:nova_user) { nil }
found = provider.instances.map do |i|
  { 'name' => i.name, 'uuid' => i.uuid, 'url' => i.transport_url, 'database' => i.database_connection }
end
puts JSON.generate('provider' => provider.name, 'cells' => found)
"""

CELLS = f"""\
cell0\t{CELL0}\tnone:///\t{DATABASE.replace("/nova?", "/nova_cell0?")}\tFalse
default\t{CELL1}\t{RABBIT}\t{DATABASE}\tFalse
"""
EXPECTED = [
    {"name": "cell0", "uuid": CELL0, "url": "default", "database": "default"},
    {"name": "default", "uuid": CELL1, "url": "default", "database": "default"},
]


def ask(
    tmp_path: Path, which: str, cells: str = CELLS, *, status: int = 0, conf: str = CONF
) -> tuple[object, list[str]]:
    """The cells that a provider finds, and what it called for that."""
    (tmp_path / "nova.conf").write_text(conf)
    (tmp_path / "cells").write_text(cells)
    (tmp_path / "called").unlink(missing_ok=True)
    for name, text in (("mysql", MYSQL), ("nova-manage", NOVA_MANAGE)):
        program = tmp_path / name
        program.write_text(text.replace("@HERE@", str(tmp_path)).replace("@EXIT@", str(status)))
        program.chmod(0o755)
    done = subprocess.run(
        ["ruby", "-e", ASK, str(MODULES), str(OURS), str(tmp_path), which], capture_output=True, text=True, check=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )  # fmt: skip
    told = json.loads(done.stdout.splitlines()[-1])
    if which == "default":
        assert told["provider"] == "database"
    return told["cells"], (tmp_path / "called").read_text().splitlines()


def test_the_database_tells_what_nova_manage_tells(tmp_path: Path) -> None:
    assert ask(tmp_path, "nova_manage") == (EXPECTED, ["nova-manage cell_v2 list_cells --verbose"])
    assert ask(tmp_path, "default") == (EXPECTED, ["mysql"])
    assert (tmp_path / "mode").read_text() == "600\n"
    assert set((tmp_path / "login").read_text().splitlines()) == {
        "[mysql]", 'user="nova_api"', 'password="p@s\\\\s\\"w"', 'host="2001:db8::1"', 'port="3307"',
        'database="nova_api"', 'protocol="tcp"', 'connect_timeout="10"',
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "status"),
    [("", 1), (CELLS.replace(RABBIT, "{scheme}://{username}@{hostname}/"), 0), ("cell0\tcut off", 0)],
    ids=["no answer", "a template", "cut off"],
)
def test_what_cannot_be_read_is_left_to_nova_manage(tmp_path: Path, cells: str, status: int) -> None:
    found, called = ask(tmp_path, "default", cells, status=status)
    assert found == EXPECTED
    assert called == ["mysql", "nova-manage cell_v2 list_cells --verbose"]


@pytest.mark.parametrize("url", ["postgresql://a:b@h/d", "mysql+pymysql://a:b@h/d?ssl_ca=/x", "sqlite:////var/x.db"])
def test_another_way_into_the_database_is_left_to_nova_manage(tmp_path: Path, url: str) -> None:
    conf = CONF.replace("mysql+pymysql://nova_api:p%40s%5Cs%22w@[2001:db8::1]:3307/nova_api?charset=utf8mb3", url)
    assert ask(tmp_path, "default", conf=conf) == (EXPECTED, ["nova-manage cell_v2 list_cells --verbose"])


AHEAD = """
cell = type.new('name' => 'default', 'ensure' => 'present')
PuppetX::Stackwright::Async.start(cell.ref) do
  sleep 0.5
  File.rename(File.join(here, 'cells.new'), File.join(here, 'cells'))
  ['', 0]
end
provider.prefetch('default' => cell)
puts JSON.generate('there' => cell.provider.exists?, 'left' => PuppetX::Stackwright::Async.pending)
"""


def test_a_cell_whose_creation_was_started_ahead_is_waited_for(tmp_path: Path) -> None:
    ask(tmp_path, "default")
    (tmp_path / "cells.new").write_text(CELLS)
    (tmp_path / "cells").write_text(CELLS.splitlines(keepends=True)[0])
    script = ASK.partition("found = ")[0] + AHEAD
    done = subprocess.run(
        ["ruby", "-e", script, str(MODULES), str(OURS), str(tmp_path), "default"], capture_output=True, text=True,
        check=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )  # fmt: skip
    assert json.loads(done.stdout.splitlines()[-1]) == {"there": True, "left": []}


URLS = """
require 'puppet'
require 'json'
modules, ours, here = ARGV
$LOAD_PATH.unshift(ours)
Puppet.initialize_settings(['--confdir', '/nowhere', '--vardir', File.join(here, 'var')])
Puppet::Util::Log.newdestination(:console)
urls = Puppet::Type.type(:stackwright_nova_cell_urls).new(:title => 'nova', :conf => File.join(here, 'nova.conf'))
catalog = Puppet::Resource::Catalog.new
catalog.add_resource(urls)
status = catalog.apply.report.resource_statuses.values.first
puts JSON.generate('changed' => status.changed, 'failed' => status.failed)
"""
OLD_DATABASE = DATABASE.replace("p%40ss%22w", "0ld-db")
OLD_RABBIT = RABBIT.replace("u:p", "u:0ld-mq")
OLD_CELLS = CELLS.replace(DATABASE.replace("/nova?", "/nova_cell0?"), OLD_DATABASE.replace("/nova?", "/nova_cell0?"))
OLD_CELLS = OLD_CELLS.replace(DATABASE, OLD_DATABASE).replace(RABBIT, OLD_RABBIT)


def urls(tmp_path: Path, cells: str, *, status: int = 0) -> tuple[dict[str, bool], str, str]:
    """What the type that updates the cells' URLs says, prints, and asks the database."""
    (tmp_path / "nova.conf").write_text(CONF)
    (tmp_path / "cells").write_text(cells)
    (tmp_path / "statements").unlink(missing_ok=True)
    program = tmp_path / "mysql"
    program.write_text(MYSQL.replace("@HERE@", str(tmp_path)).replace("@EXIT@", str(status)))
    program.chmod(0o755)
    done = subprocess.run(
        ["ruby", "-e", URLS, str(MODULES), str(OURS), str(tmp_path)], capture_output=True, text=True, check=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )  # fmt: skip
    statements = (tmp_path / "statements").read_text()
    return json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr, statements


def values(statements: str) -> list[str]:
    return [bytes.fromhex(found).decode() for found in re.findall(r"X'([0-9a-f]+)'", statements)]


def test_old_passwords_in_the_urls_of_cells_are_replaced(tmp_path: Path) -> None:
    found, printed, statements = urls(tmp_path, OLD_CELLS)
    assert found == {"changed": True, "failed": False}
    cell0 = DATABASE.replace("/nova?", "/nova_cell0?")
    assert values(statements) == ["none:///", cell0, CELL0, RABBIT, DATABASE, CELL1]
    assert "updated the URLs of 2 cells" in printed
    for secret in ("0ld", "p%40ss", "u:p"):
        assert secret not in printed
        assert secret not in statements


def test_current_urls_and_cells_of_other_databases_stay(tmp_path: Path) -> None:
    assert urls(tmp_path, CELLS)[0] == {"changed": False, "failed": False}
    other = f"second\t{CELL1}\trabbit://x:y@198.18.0.99:5672/\tmysql+pymysql://nova:x@198.18.0.99/nova_second\tFalse\n"
    assert urls(tmp_path, CELLS.splitlines(keepends=True)[0] + other)[0] == {"changed": False, "failed": False}


def test_a_template_follows_nova_conf_by_itself(tmp_path: Path) -> None:
    cell0 = "mysql+pymysql://{username}:{password}@198.18.0.10/nova_cell0?charset=utf8mb3"
    templated = OLD_CELLS.replace(OLD_DATABASE.replace("/nova?", "/nova_cell0?"), cell0)
    assert templated != OLD_CELLS
    found, _, statements = urls(tmp_path, templated)
    assert found == {"changed": True, "failed": False}
    assert values(statements) == [RABBIT, DATABASE, CELL1]


def test_before_the_first_migration_there_are_no_urls_to_update(tmp_path: Path) -> None:
    assert urls(tmp_path, "", status=1)[0] == {"changed": False, "failed": False}
