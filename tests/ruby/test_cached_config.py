"""Settings of services' files: ours does what the stock provider does, and parses the file once."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from stackwright.platforms import by_id

MODULES = Path(by_id("debian-12").modulepath)
OURS = Path(__file__).parents[2] / "puppet-templates/modules/stackwright/lib"
PATH = {"PATH": "/usr/bin:/bin"}
TYPES = sorted(path.parent.name for path in OURS.glob("puppet/provider/*/cached.rb"))

pytestmark = [
    pytest.mark.skipif(not (MODULES / "nova").exists(), reason="needs the Puppet modules"),
    pytest.mark.slow,
]

FILE = """\
[DEFAULT]
#
# From nova
#

# A comment with a default
#debug = false
debug = False
workers = 3

# Two of them
pci_alias = one
pci_alias = two

[database]
#connection = <None>
connection = mysql://old
max_retries = -1
[empty]
"""

# A catalog of one type, applied to a file; a setting that counts how often the file is parsed, and what else
# changes the file meanwhile.
APPLY = """
require 'puppet'
require 'json'
modules, ours, type, file, wanted = ARGV
Dir[File.join(modules, '*', 'lib')].each { |folder| $LOAD_PATH.unshift(File.realpath(folder)) }
$LOAD_PATH.unshift(ours) unless ours.empty?
Puppet.initialize_settings(['--confdir', '/nowhere', '--vardir', File.join(File.dirname(file), 'var')])
Puppet::Util::Log.level = :err
Puppet::Util::Log.newdestination(:console)
kind = Puppet::Type.type(type.to_sym)
kind.provider(:openstackconfig).define_singleton_method(:file_path) { file }
parsed = 0
Puppet::Util::OpenStackConfig.prepend(Module.new { define_method(:initialize) { |*a| parsed += 1; super(*a) } })
catalog = Puppet::Resource::Catalog.new
before = nil
JSON.parse(wanted).each do |name, parameters|
  made = if name == 'change the file'
           Puppet::Type.type(:exec).new(:title => name, :command => parameters, :path => '/usr/bin:/bin')
         else
           kind.new(parameters.transform_keys(&:to_sym).merge(:title => name))
         end
  made[:require] = before.ref if before
  catalog.add_resource(made)
  before = made
end
report = catalog.apply.report
failed = report.resource_statuses.values.select(&:failed).map(&:resource)
changed = report.resource_statuses.values.select(&:changed).map(&:resource)
puts JSON.generate('failed' => failed, 'changed' => changed, 'parsed' => parsed)
"""

CHOSEN = """
require 'puppet'
modules, ours, *types = ARGV
Dir[File.join(modules, '*', 'lib')].each { |folder| $LOAD_PATH.unshift(File.realpath(folder)) }
$LOAD_PATH.unshift(ours)
Puppet.initialize_settings(['--confdir', '/nowhere'])
types.each { |name| puts Puppet::Type.type(name.to_sym).defaultprovider.name }
"""

WANTED: dict[str, object] = {
    "DEFAULT/debug": {"value": True},
    "DEFAULT/workers": {"value": "3"},
    "DEFAULT/new": {"value": "it is = new"},
    "DEFAULT/pci_alias": {"value": ["two", "three"]},
    "DEFAULT/gone": {"value": "<SERVICE DEFAULT>"},
    "database/connection": {"value": "mysql+pymysql://new", "secret": True},
    "database/max_retries": {"value": "<SERVICE DEFAULT>"},
    "brand_new/one": {"value": ["a", "b"]},
    "empty/two": {"value": "x"},
    "empty/three": {"ensure": "absent"},
}


def apply(ours: str, name: str, file: Path, wanted: dict[str, object]) -> dict[str, object]:
    command = ["ruby", "-e", APPLY, str(MODULES), str(OURS) if ours == "ours" else "", name, str(file)]
    done = subprocess.run([*command, json.dumps(wanted)], capture_output=True, text=True, check=True, env=PATH)
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    assert found["failed"] == [], done.stdout
    return found


def written(tmp_path: Path, text: str = FILE) -> Path:
    file = tmp_path / "service.conf"
    file.write_text(text)
    return file


def test_it_is_the_one_that_puppet_takes() -> None:
    assert {"nova_config", "neutron_config", "keystone_config", "glance_api_config", "cinder_config"} < set(TYPES)
    command = ["ruby", "-e", CHOSEN, str(MODULES), str(OURS), *TYPES]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=PATH)
    assert done.stdout.split() == ["cached"] * len(TYPES)


def test_the_file_becomes_what_the_stock_provider_makes_of_it(tmp_path: Path) -> None:
    file = written(tmp_path)
    stock = apply("stock", "nova_config", file, WANTED)
    expected = file.read_bytes()
    written(tmp_path)
    ours = apply("ours", "nova_config", file, WANTED)
    assert file.read_bytes() == expected
    assert ours["changed"] == stock["changed"]
    assert apply("ours", "nova_config", file, WANTED)["changed"] == []
    assert file.read_bytes() == expected


def test_the_file_is_parsed_once(tmp_path: Path) -> None:
    many: dict[str, object] = {f"DEFAULT/absent_{n}": {"value": "<SERVICE DEFAULT>"} for n in range(50)}
    many |= {"DEFAULT/workers": {"value": "3"}}
    found = apply("ours", "nova_config", written(tmp_path), many)
    assert (found["parsed"], found["changed"]) == (1, [])


def test_a_file_that_another_program_changed_is_read_again(tmp_path: Path) -> None:
    """By a package or a command of the same run; and a change is made to what is there then."""
    file = written(tmp_path)
    wanted: dict[str, object] = {
        "DEFAULT/workers": {"value": "3"},
        "change the file": f"sed -i 's/workers = 3/workers = 4/; s/one/ONE/' {file}",
        "DEFAULT/pci_alias": {"value": ["ONE", "two"]},
        "database/max_retries": {"value": "5"},
    }
    found = apply("ours", "nova_config", file, wanted)
    assert found["changed"] == ["Exec[change the file]", "Nova_config[database/max_retries]"]
    assert "workers = 4\n" in file.read_text()
    assert "max_retries=5\n" in file.read_text()


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    file = tmp_path / "service.conf"
    apply("ours", "nova_config", file, {"a/b": {"value": "c"}, "a/d": {"value": "e"}})
    ours = file.read_bytes()
    file.unlink()
    apply("stock", "nova_config", file, {"a/b": {"value": "c"}, "a/d": {"value": "e"}})
    assert ours == file.read_bytes()
