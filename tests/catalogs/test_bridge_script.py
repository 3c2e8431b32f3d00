"""The script that makes a bridge, rendered by Puppet and run by a shell, with programs that write down what they are
asked. Real interfaces move on the lab's nodes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from puppet_tools import need

from stackwright.planner import assets

pytestmark = pytest.mark.slow

IP = """\
#!/bin/sh
case "$*" in
  "route show dev eth1")
    echo "default via 198.18.0.1 onlink"
    echo "198.18.0.0/24 proto kernel scope link src 198.18.0.10" ;;
  "-6 route show dev eth1")
    echo "2001:db8::/64 proto kernel metric 256 pref medium"
    echo "default via fe80::1 proto ra metric 1024 expires 1700sec pref medium"
    echo "default via 2001:db8::1 metric 512 pref medium" ;;
  "-o address show dev eth1 scope global")
    echo "2: eth1    inet 198.18.0.10/24 brd 198.18.0.255 scope global eth1"
    echo "2: eth1    inet6 2001:db8::10/64 scope global" ;;
  *) echo "ip $*" >> "$LOG" ;;
esac
"""


def test_an_interface_takes_its_addresses_and_routes_to_the_bridge(tmp_path: Path) -> None:
    """A host is reached by IPv6 as well: it must not be lost with the address that the bridge takes."""
    need("puppet")
    template = assets.puppet_module() / "templates" / "external_bridge.epp"
    values = (
        "{bridge => 'br-ex', datapath_type => 'system', interfaces => ['eth1'], address => undef, masquerade => undef}"
    )
    command = ["puppet", "epp", "render", "--values", values, str(template)]
    script = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    log = tmp_path / "log"
    (tmp_path / "ip").write_text(IP)
    (tmp_path / "ovs-vsctl").write_text('#!/bin/sh\necho "ovs-vsctl $*" >> "$LOG"\n')
    for name in ("ip", "ovs-vsctl"):
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "LOG": str(log)}
    subprocess.run(["sh"], input=script, env=environment, text=True, check=True)
    done = log.read_text().splitlines()
    flushed = done.index("ip address flush dev eth1 scope global")
    assert done[flushed - 2 : flushed] == [
        "ip address replace 198.18.0.10/24 dev br-ex",
        "ip address replace 2001:db8::10/64 dev br-ex",
    ]
    assert done[flushed + 1 :] == [
        "ip route replace default via 198.18.0.1 onlink dev br-ex",
        "ip -6 route replace default via 2001:db8::1 metric 512 pref medium dev br-ex",
    ]
