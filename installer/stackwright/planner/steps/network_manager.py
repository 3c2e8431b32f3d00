"""Bridges to physical networks as NetworkManager's own connections, on systems whose network it manages.

An interface that becomes a port of a bridge hands its address and routes over to it. A mistake there cuts the host off;
so NetworkManager is told to put everything back by itself unless somebody who reaches the host from outside says
within two minutes that all is well.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from stackwright.model import Action, Run
from stackwright.planner.steps.packages import RECORD
from stackwright.planner.topology import Host
from stackwright.planner.tunnels import Bridge

ROLLBACK = 120
"""Seconds until a change that nobody confirms is undone."""


def actions(host: Host, agent: str) -> tuple[Action, ...]:
    """First the change, then its confirmation, which is sent through a new connection; none without such a bridge.

    Bridges are Open vSwitch's, or the kernel's own where `agent` is linuxbridge.
    """
    bridges = [b for b in host.bridges if b.interfaces]
    if not bridges:
        return ()
    kind = "linux" if agent == "linuxbridge" else host.choices.datapath_type
    return (Run("bridges", change(kind, bridges), ROLLBACK + 60), Run("bridges-kept", kept(), 60))


def change(kind: str, bridges: Iterable[Bridge], seconds: int = ROLLBACK) -> str:
    """The script that makes the bridges. `kind` is linux, or Open vSwitch's datapath: system or netdev."""
    calls = [" ".join(shlex.quote(w) for w in ("bridge", b.name, kind, *b.interfaces)) + "\n" for b in bridges]
    ready = "" if kind == "linux" else "systemctl is-active --quiet openvswitch || systemctl start openvswitch\n"
    return "set -eu\n" + RECORD + _CHANGE.replace("@SECONDS@", str(seconds)) + ready + "".join(calls) + _UP


def kept(seconds: int = ROLLBACK) -> str:
    """The script that says that all is well."""
    return "set -eu\n" + RECORD + _KEPT.replace("@SECONDS@", str(seconds))


# Profiles are named after what they make. A port of Open vSwitch's has the name of its interface, with -port.
_CHANGE = r"""
NM=org.freedesktop.NetworkManager
mkdir -p /run/stackwright
: > /run/stackwright/replaced
up=
checkpoint() {
  [ -e /run/stackwright/checkpoint ] && return
  # It knows Open vSwitch by a plug-in that may have been installed a moment ago. A restart takes no interface down.
  systemctl restart NetworkManager
  nm-online -q -s -t 30 || true
  # 6: profiles that are new by then go away, and so do their devices.
  made=$(busctl call $NM /org/freedesktop/NetworkManager $NM CheckpointCreate aouu 0 @SECONDS@ 6)
  echo "${made#o }" | tr -d '"' > /run/stackwright/checkpoint
}
remove() { ! nmcli -t -f NAME connection show | grep -qx "$1" || nmcli connection delete "$1"; }
add() { nmcli connection add con-name "$@"; }
get() { nmcli -g "$1" connection show "$2" | sed 's/\:/:/g'; }
# An Open vSwitch bridge and its interface have one name.
is_up() { nmcli -g GENERAL.CONNECTION device show "$1" 2>/dev/null | grep -qx "stackwright-$1"; }

# Settings of the profile $1 that belong to addresses and routes, for the profile $2. One value on each line, because
# addresses and routes have blanks between them.
hand_over() {
  settings=
  for family in ipv4 ipv6; do
    for setting in addresses gateway dns dns-search routes route-metric never-default method; do
      value=$(get "$family.$setting" "$1")
      case $value in ''|--|-1) continue ;; esac
      settings="$settings$family.$setting
$value
"
    done
  done
  ( IFS='
'; set -f; nmcli connection modify "$2" $settings )
}

bridge() {
  name=$1 kind=$2
  shift 2
  ready=yes
  for one in "$name" "$@"; do is_up "$one" || ready=; done
  [ -z "$ready" ] || return 0
  checkpoint
  remove "stackwright-$name-bridge"
  for one in "$name" "$@"; do remove "stackwright-$one"; remove "stackwright-$one-port"; done
  none="ipv4.method disabled ipv6.method disabled"
  if [ "$kind" = linux ]; then
    add "stackwright-$name" type bridge ifname "$name" bridge.stp no $none
  else
    add "stackwright-$name-bridge" type ovs-bridge ifname "$name" ovs-bridge.datapath-type "$kind"
    add "stackwright-$name-port" type ovs-port ifname "$name-port" master "$name" slave-type ovs-bridge
    add "stackwright-$name" type ovs-interface ifname "$name" master "$name-port" slave-type ovs-port $none
  fi
  # The first interface with a profile of its own hands its settings over.
  from=
  for port in "$@"; do
    old=$(nmcli -g GENERAL.CON-UUID device show "$port" 2>/dev/null || true)
    case $old in ''|--) continue ;; esac
    # With its MAC address the bridge also gets the same address by DHCP.
    mac=$(cat "/sys/class/net/$port/address")
    [ -n "$from" ] || nmcli connection modify "stackwright-$name" 802-3-ethernet.cloned-mac-address "$mac"
    [ -n "$from" ] || hand_over "$old" "stackwright-$name"
    from=$old
    nmcli connection modify "$old" connection.autoconnect no
    echo "$old" >> /run/stackwright/replaced
  done
  for port in "$@"; do
    if [ "$kind" = linux ]; then
      add "stackwright-$port" type ethernet ifname "$port" master "$name" slave-type bridge
    else
      add "stackwright-$port-port" type ovs-port ifname "$port-port" master "$name" slave-type ovs-bridge
      add "stackwright-$port" type ethernet ifname "$port" master "$port-port" slave-type ovs-port
    fi
    up="$up stackwright-$port"
  done
  up="$up stackwright-$name"
}
"""

_UP = r"""
[ -n "$up" ] || exit 0
for connection in $up; do nmcli --wait 30 connection up "$connection"; done
echo "stackwright: changed"
"""

_KEPT = r"""
[ -e /run/stackwright/checkpoint ] || exit 0
path=$(cat /run/stackwright/checkpoint)
rm -f /run/stackwright/checkpoint
NM=org.freedesktop.NetworkManager
if ! busctl call $NM /org/freedesktop/NetworkManager $NM CheckpointDestroy o "$path"; then
  echo "nobody reached this host within @SECONDS@ s after its bridges were made, and so its network was put back" >&2
  exit 1
fi
while read -r uuid; do
  record "NetworkManager: connection $uuid starts by itself no longer; a bridge has its settings"
done < /run/stackwright/replaced
nmcli -g NAME connection show | grep '^stackwright-' | while read -r name; do
  record "NetworkManager: connection made: $name"
done
echo "stackwright: changed"
"""
