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
    # Other hosts go on using the hardware address that they know: the bridge has it before it has the port.
    kept = next(number for number, line in enumerate(done) if "set bridge br-ex other-config:hwaddr=" in line)
    assert kept < done.index("ovs-vsctl --may-exist add-port br-ex eth1")
    flushed = done.index("ip address flush dev eth1 scope global")
    assert done[flushed - 2 : flushed] == [
        "ip address replace 198.18.0.10/24 dev br-ex",
        "ip address replace 2001:db8::10/64 dev br-ex",
    ]
    assert done[flushed + 1 :] == [
        "ip route replace default via 198.18.0.1 onlink dev br-ex",
        "ip -6 route replace default via 2001:db8::1 metric 512 pref medium dev br-ex",
    ]


BRIDGES = {
    "external_bridge": "datapath_type => 'system', ",
    "linux_bridge": "",
}
RANGES = {"ip": ("198.18.7.1/24", "198.18.7.0/24"), "ip6": ("2001:db8:4::1/64", "2001:db8:4::/64")}


@pytest.mark.parametrize("family", RANGES)
@pytest.mark.parametrize("template", BRIDGES)
def test_the_kernel_takes_the_address_and_the_rules_of_either_family(
    template: str, family: str, tmp_path: Path
) -> None:
    """Twice, because the unit starts it at each boot; in a network namespace of its own, with the real ip and nft."""
    need("puppet", "nft", "ip", "unshare")
    address, masquerade = RANGES[family]
    values = (
        f"{{bridge => 'br-ex', {BRIDGES[template]}interfaces => [], address => '{address}', "
        f"masquerade => '{masquerade}'}}"
    )
    path = assets.puppet_module() / "templates" / f"{template}.epp"
    command = ["puppet", "epp", "render", "--values", values, str(path)]
    script = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (tmp_path / "make").write_text(script)
    # Open vSwitch needs its daemons: a bridge of another kind takes the place of its own.
    (tmp_path / "ovs-vsctl").write_text(
        "#!/bin/sh\nip link show br-ex >/dev/null 2>&1 || ip link add br-ex type bridge\n"
    )
    (tmp_path / "ovs-vsctl").chmod(0o755)
    do = f"sh {tmp_path}/make && sh {tmp_path}/make && ip -o address show dev br-ex && nft list ruleset"
    environment = {**os.environ, "PATH": f"{tmp_path}:/usr/sbin:/sbin:{os.environ['PATH']}"}
    done = subprocess.run(
        ["unshare", "-rn", "sh", "-ec", do], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f" {address} " in done.stdout
    assert f"table {family} stackwright_br_ex" in done.stdout
    assert f"{family} saddr {masquerade}" in done.stdout
    assert done.stdout.count("masquerade") == 1
    # An instance does not reach the metadata of the cloud that this host may be an instance of.
    assert done.stdout.count("ip daddr 169.254.0.0/16 drop") == (1 if family == "ip" else 0)
