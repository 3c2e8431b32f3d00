#!/bin/sh
# Makes bridges as NetworkManager's own connections. The change is undone by itself unless bridges_confirm.sh runs in
# time. Profiles are named after what they make; a port of an Open vSwitch bridge has the name of its interface, with
# -port.

set -eu
. ./record.sh

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
  # shellcheck disable=SC2086 # lines, and file names are not expanded
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
    # shellcheck disable=SC2086 # a list of words
    add "stackwright-$name" type bridge ifname "$name" bridge.stp no $none
  else
    add "stackwright-$name-bridge" type ovs-bridge ifname "$name" ovs-bridge.datapath-type "$kind"
    add "stackwright-$name-port" type ovs-port ifname "$name-port" master "$name" slave-type ovs-bridge
    # shellcheck disable=SC2086 # a list of words
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
@OPENVSWITCH@
@BRIDGES@

[ -n "$up" ] || exit 0
for connection in $up; do nmcli --wait 30 connection up "$connection"; done
echo "stackwright: changed"
