"""Private interfaces of Puppet and of the upstream modules: what our module relies on is still as it was.

ARCHITECTURE.md lists them all in "Private interfaces we rely on", each with the test that fails when it changes; these
are the ones that no test of a behaviour covers.
"""

from __future__ import annotations

import json
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
import trixie
from puppet_tools import Catalog, compile_case, need, need_modules

from golden import CASES
from stackwright.planner import assets
from stackwright.platforms import by_id

ROOT = Path(__file__).parents[2]
MODULEPATH = by_id("debian-12").modulepath
MODULE = assets.puppet_module()

PUPPET = """
require 'puppet'
require 'json'
exec = Puppet::Type.type(:exec).provider(:posix)
systemd = Puppet::Type.type(:service).provider(:systemd)
output = Puppet::Util::Execution::ProcessOutput.new('text', 3)
puts JSON.generate(
  'run' => exec.instance_method(:run).parameters,
  'systemd' => [:start, :restart].select { |name| systemd.method_defined?(name) },
  'output' => [output.to_s, output.exitstatus]
)
"""


def test_puppets_own_providers_have_the_methods_that_ours_replace() -> None:
    need("ruby", "puppet")
    done = subprocess.run(["ruby", "-e", PUPPET], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found == {
        "run": [["req", "command"], ["opt", "check"]],
        "systemd": ["start", "restart"],
        "output": ["text", 3],
    }


def modules(name: str) -> Path:
    if name == "debian-13":
        return Path(trixie.modulepath())
    need_modules(MODULEPATH)
    return Path(MODULEPATH)


@pytest.mark.parametrize("name", ["debian-12", pytest.param("debian-13", marks=pytest.mark.slow)])
def test_the_disabled_facts_are_facts_of_the_modules(name: str) -> None:
    """One that has another name now would be collected again, which takes seconds in every run."""
    files = [f for module in ("apt", "rabbitmq", "mysql") for f in (modules(name) / module / "lib/facter").glob("*.rb")]
    defined = {found for f in files for found in re.findall(r"Facter\.add\(?\s*['\":](\w+)", f.read_text())}
    disabled = set(re.findall(r"'(\w+)'", (MODULE / "lib/facter/disabled_facts.rb").read_text()))
    assert disabled
    assert disabled - defined == set()
    assert "mysqld_version" in defined, "our fact of this name is for hosts that have the client only"


@cache
def allinone() -> Catalog:
    need("ruby", "puppet")
    need_modules(MODULEPATH)
    (catalog,) = compile_case(CASES["allinone"], "debian-12", MODULEPATH)
    return catalog


@pytest.mark.slow
@pytest.mark.xdist_group("allinone")
def test_the_services_that_start_in_parallel_carry_the_tags_that_select_them() -> None:
    asynchronous = {
        r for r, p in allinone().resources.items() if r.startswith("Service[") and p.get("provider") == "async"
    }
    for name in ("nova-conductor", "nova-scheduler", "glance-api", "cinder-volume", "neutron-api", "swift-proxy"):
        found = [r for r, p in allinone().resources.items() if r.startswith("Service[") and p.get("name") == name]
        assert found, name
        assert set(found) <= asynchronous, name


@pytest.mark.slow
@pytest.mark.xdist_group("allinone")
def test_the_login_of_the_providers_is_where_they_look_for_it() -> None:
    path = "/etc/openstack/puppet/admin-clouds.yaml"
    assert path in (MODULE / "lib/puppet_x/stackwright/credentials.rb").read_text()
    assert "Exec[keystone bootstrap]" in allinone().resources
    login = allinone().resources[f"Openstacklib::Clouds[{path}]"]
    assert (login["username"], login["system_scope"]) == ("admin", "all")
    template = (Path(MODULEPATH) / "openstacklib/templates/clouds.yaml.erb").read_text()
    assert set(re.findall(r"^  (\w+):", template, re.MULTILINE)) == {"project", "system"}


def test_every_interface_of_the_list_has_a_test_that_exists() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    section = text.partition("### Private interfaces we rely on")[2].partition("\n## ")[0]
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", section)
    rows = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| interface")]
    assert len(rows) >= 12
    assert [row for row in rows if "`tests/" not in row] == []
    missing = [f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / file).read_text()]
    assert missing == []
