"""Facts that cost seconds and that nobody reads are not collected."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from stackwright.platforms import by_id

FILE = Path(__file__).parents[2] / "puppet-templates/modules/stackwright/lib/facter/disabled_facts.rb"
NAMES = re.findall(r"'(\w+)'", FILE.read_text())
MODULES = Path(by_id("debian-12").modulepath)

# What the modules do: each would leave a file, could it run.
SLOW = """
['apt_has_updates', 'apt_has_dist_updates', 'rabbitmq_nodename', 'rabbitmq_version'].each do |name|
  Facter.add(name) do
    setcode { File.write(File.join(ENV.fetch('RAN'), name), ''); 'slow' }
  end
end
Facter.add('apt_updates') do
  confine 'apt_has_updates' => true
  setcode { File.write(File.join(ENV.fetch('RAN'), 'apt_updates'), ''); 'slow' }
end
"""

ASK = "require 'facter'\nFacter.search(*ARGV)\n" + "".join(
    f"puts Facter.value('{name}').inspect\n" for name in (*NAMES, "apt_updates")
)


@pytest.mark.skipif(shutil.which("facter") is None, reason="needs Facter")
@pytest.mark.parametrize("first", [True, False])
def test_the_slow_ways_are_not_tried(tmp_path: Path, first: bool) -> None:
    """Whichever is loaded first."""
    ran, slow = tmp_path / "ran", tmp_path / "slow"
    ran.mkdir()
    slow.mkdir()
    (slow / "slow.rb").write_text(SLOW)
    folders = [str(FILE.parent), str(slow)]
    done = subprocess.run(
        ["ruby", "-e", ASK, *(folders if first else folders[::-1])], capture_output=True, text=True, check=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "RAN": str(ran)},
    )  # fmt: skip
    assert done.stdout.split() == ["false"] * 4 + ["nil"]
    assert list(ran.iterdir()) == []


@pytest.mark.skipif(not (MODULES / "nova").exists(), reason="needs the Puppet modules")
def test_nothing_reads_them() -> None:
    # puppetlabs-rabbitmq has a method of the same name as its fact.
    reads = re.compile(rf"""(::|\$|facts\S+|value\(?[ :'"]*|fact\([ :'"]*)\b({"|".join(NAMES)})\b""")
    assert reads.search("${::rabbitmq_nodename}")
    assert reads.search("Facter.value(:apt_has_updates)")
    assert reads.search("$facts['rabbitmq_version']")
    kinds = ("*.pp", "*.rb", "*.erb", "*.epp", "*.yaml")
    files = {f.resolve() for module in MODULES.iterdir() for kind in kinds for f in module.resolve().rglob(kind)}
    own = ("/lib/facter/", "/spec/")
    found = [str(f) for f in files if not any(o in str(f) for o in own) and reads.search(f.read_text(errors="replace"))]
    assert found == []
