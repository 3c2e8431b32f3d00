"""NetworkManager's own bridges, on a real node with a real NetworkManager: the interface's address moves to the bridge,
stays there when somebody says that all is well, and comes back by itself when nobody does.

Debian's NetworkManager lacks the plug-in for Open vSwitch, so the bridges here are the kernel's; the profiles for Open
vSwitch are only checked, by nmcli itself.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from shell import Shell

from stackwright.planner.steps import network_manager
from stackwright.planner.tunnels import Bridge

pytestmark = pytest.mark.lab

# In a container NetworkManager leaves all interfaces alone unless it is told otherwise, and udev has seen none of them.
SETUP = """
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq -y --no-install-recommends install network-manager >/dev/null
cat > /etc/NetworkManager/conf.d/lab.conf <<'CONF'
[device-lab]
match-device=interface-name:eth1
managed=1
[keyfile]
unmanaged-devices=interface-name:eth0
CONF
udevadm trigger --action=add --subsystem-match=net
udevadm settle
systemctl restart NetworkManager
nm-online -q -s -t 30 || true
nmcli connection add type ethernet con-name mine ifname eth1 ipv4.method manual ipv4.addresses @ADDRESS@ \
  ipv4.routes '198.19.200.0/24 @GATEWAY@' ipv4.dns 198.18.0.53 ipv6.method disabled
"""

BRIDGES = (Bridge("br-ex", ("eth1",)),)


@pytest.fixture(scope="module")
def node(make_node: Callable[..., Shell]) -> Shell:
    shell = make_node("manager")
    address, gateway = _address(shell), shell.node.external_gateway
    shell(SETUP.replace("@ADDRESS@", address).replace("@GATEWAY@", gateway))
    return shell


def _address(shell: Shell) -> str:
    return shell.node.external_network.replace(".0/24", ".77/24")


@pytest.fixture
def fresh(node: Shell) -> Shell:
    """As before all of it: eth1 has its profile and its address."""
    node(
        "for c in $(nmcli -t -f NAME connection show | grep ^stackwright); do nmcli connection delete $c; done; "
        "nmcli connection modify mine connection.autoconnect yes; nmcli --wait 20 connection up mine; "
        "rm -rf /run/stackwright /var/lib/stackwright/changes.log"
    )
    return node


def where(shell: Shell) -> str:
    """The interface that has the address and the route; nothing while they are on their way from one to another."""
    said = shell("ip -o -4 address; echo routes; ip route show 198.19.200.0/24")
    addresses, _, routes = said.partition("routes\n")
    found = re.search(r"^\d+: (\S+) .*inet " + re.escape(_address(shell)), addresses, re.M)
    route = re.search(r"dev (\S+)", routes)
    return found[1] if found and route and found[1] == route[1] else ""


def test_the_address_moves_to_the_bridge_permanently(fresh: Shell) -> None:
    assert where(fresh) == "eth1"
    mac = fresh("cat /sys/class/net/eth1/address")
    assert fresh(network_manager.change("linux", BRIDGES)).endswith("stackwright: changed\n")
    assert where(fresh) == "br-ex"
    assert fresh("cat /sys/class/net/br-ex/address") == mac
    assert "master br-ex" in fresh("ip link show eth1")
    assert fresh(network_manager.kept()).endswith("stackwright: changed\n")
    assert "starts by itself no longer" in fresh("cat /var/lib/stackwright/changes.log")
    assert fresh("nmcli -g ipv4.dns connection show stackwright-br-ex") == "198.18.0.53\n"

    assert "stackwright: changed" not in fresh(network_manager.change("linux", BRIDGES)), "a second run"
    assert "stackwright: changed" not in fresh(network_manager.kept())

    fresh("systemctl restart NetworkManager; nm-online -q -s -t 30 || true")
    _eventually(lambda: where(fresh) == "br-ex")


def test_an_unconfirmed_change_is_undone(fresh: Shell) -> None:
    # Long enough that the change itself ends in time on a busy machine.
    fresh(network_manager.change("linux", BRIDGES, seconds=20))
    _eventually(lambda: where(fresh) == "eth1")
    assert "stackwright-" not in fresh("nmcli -t -f NAME connection show")
    assert fresh("nmcli -g connection.autoconnect connection show mine") == "yes\n"
    said = fresh(network_manager.kept(seconds=20), check=False)
    assert "nobody reached this host within 20 s" in said
    assert "changed" not in said
    assert fresh(network_manager.change("linux", BRIDGES)).endswith("stackwright: changed\n"), "once more"
    fresh(network_manager.kept())
    assert where(fresh) == "br-ex"


def test_nmcli_accepts_the_profiles_for_open_vswitch(fresh: Shell) -> None:
    """Each is made without a device, by nmcli alone."""
    script = network_manager.change("netdev", BRIDGES)
    for function, body in {
        "add": 'nmcli --offline connection add con-name "$@"; echo "-- $4"',
        "hand_over": ":",
        "remove": ":",
        "checkpoint": ":",
    }.items():
        script = re.sub(rf"^{function}\(\) {{.*?}}$", f"{function}() {{ {body}; }}", script, flags=re.M | re.S)
    script = script.replace("nmcli connection modify", ":").replace("nmcli --wait 30 connection up", ":")
    script = script.replace("systemctl is-active --quiet openvswitch || systemctl start openvswitch", "")
    made = fresh(script)
    kinds = re.findall(r"^uuid=.*\ntype=(\S+)$", made, re.M)
    assert kinds == ["ovs-bridge", "ovs-port", "ovs-interface", "ovs-port", "ethernet"]
    assert "datapath-type=netdev\n" in made
    assert made.count("master=br-ex\n") == 2
    assert "master=br-ex-port\n" in made
    assert "master=eth1-port\n" in made


def _eventually(holds: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.5)
