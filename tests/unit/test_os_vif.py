"""What os-vif is told where Open vSwitch works in user space (modules/stackwright/files/os-vif): in a process of its
own, as a service has it, with a stand-in for os-vif's plugin of the same shape."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HOOK = Path(__file__).resolve().parents[2] / "puppet-templates/modules/stackwright/files/os-vif"

# As in os-vif 2.9 (Zed) and 4.1 (Epoxy): the default stands in the method's signature.
PLUGIN = """
SYSTEM = "system"
class OvsPlugin:
    @staticmethod
    def _get_vif_datapath_type(vif, datapath=SYSTEM):
        return vif or datapath
    def plug(self, vif):
        return self._get_vif_datapath_type(vif)
    def plug_vhostuser(self, vif):
        return self._get_vif_datapath_type(vif, datapath="netdev")
"""

ASK = """
from vif_plug_ovs.ovs import SYSTEM, OvsPlugin
import vif_plug_ovs.other
plugin = OvsPlugin()
print(SYSTEM, plugin.plug(None), plugin.plug("told"), plugin.plug_vhostuser(None))
"""


def _asked(folder: Path, *first: Path) -> str:
    package = folder / "vif_plug_ovs"
    package.mkdir()
    for name, text in (("__init__", ""), ("ovs", PLUGIN), ("other", "")):
        (package / f"{name}.py").write_text(text)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*first, folder)))}
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, env=environment, check=False)
    assert not done.stderr
    return done.stdout


def test_the_bridge_is_taken_to_be_in_user_space(tmp_path: Path) -> None:
    assert _asked(tmp_path, HOOK) == "system netdev told netdev\n"


def test_without_the_folder_nothing_is_changed(tmp_path: Path) -> None:
    assert _asked(tmp_path) == "system system told netdev\n"
