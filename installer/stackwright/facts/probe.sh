#!/bin/sh
# Reads a host and changes nothing; see probe.py.

image_url=@IMAGE_URL@
servers=@SERVERS@
set -- @NAMES@

PATH=$PATH:/usr/sbin:/sbin:/usr/bin:/bin; export PATH
LC_ALL=C; export LC_ALL
# Values stay on their line. Most need no care, and a process each for those that do is what takes time here.
odd=$(printf '\t\r\nx'); odd=${odd%x}
p() {
  case $2 in
    *[$odd]*) printf '%s\t%s\n' "$1" "$(printf '%s' "$2" | tr '\t\r\n' '   ')" ;;
    *) printf '%s\t%s\n' "$1" "$2" ;;
  esac
}
lines() { while IFS= read -r line || [ -n "$line" ]; do p "$1" "$line"; done; }
has() { command -v "$1" >/dev/null 2>&1; }
bounded() { if has timeout; then timeout 2 "$@"; else "$@"; fi; }
names=$(for n in "$@"; do printf '%s\n' "$n"; done)

# Beside the rest, because a way that is closed takes its time to say so.
reach() {
  case $1 in /* | file://*)
    f=${1#file://}
    [ -r "$f" ] || sudo -n test -r "$f"
    return ;;
  esac
  if has curl; then curl -sfIL --max-time 5 -o /dev/null "$1"
  elif has wget; then wget -q --spider --tries=1 --timeout=5 "$1"
  elif has python3; then python3 -c 'import sys, urllib.request as u
u.urlopen(u.Request(sys.argv[1], method="HEAD"), timeout=5)' "$1"
  else return 2; fi
}
if [ -n "${image_url-}" ]; then
  {
    reach "$image_url" >/dev/null 2>&1
    case $? in 0) p image_url reachable ;; *) p image_url unreachable ;; esac
  } &
fi

opens() {
  # shellcheck disable=SC2016 # bash expands it
  if has bash; then timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2"
  else python3 -c 'import socket, sys
socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)' "$1" "$2"; fi
}
for server in ${servers-}; do
  {
    opens "${server%,*}" "${server#*,}"
    case $? in 0) p server "$server open" ;; *) p server "$server closed" ;; esac
  } 2>/dev/null &
done

lines os < /etc/os-release
p arch "$(uname -m)"
kernel=$(uname -r); p kernel "$kernel"
hostname=$(uname -n); p hostname "$hostname"
if has hostname; then fqdn=$(bounded hostname -f 2>/dev/null)
else fqdn=$(bounded getent ahosts "$hostname" 2>/dev/null | awk 'NR == 1 {print $3}'); fi
p fqdn "$fqdn"
[ -r /etc/machine-id ] && p machine-id "$(cat /etc/machine-id)"
p init "$(cat /proc/1/comm 2>/dev/null)"
for f in /etc/ssh/ssh_host_*_key.pub; do [ -r "$f" ] && lines host-key < "$f"; done

p uid "$(id -u)"
p user "$(id -un 2>/dev/null)"
root=
if [ "$(id -u)" = 0 ]; then p sudo yes
elif ! has sudo; then p sudo missing
elif sudo -n true 2>/dev/null; then p sudo yes; root='sudo -n'
else p sudo password; fi

{ printf '%s\n%s\n%s\n' "$hostname" "$fqdn" "$names"; } | sort -u | while IFS= read -r n; do
  [ -n "$n" ] || continue
  found=$(bounded getent ahosts "$n" 2>/dev/null | awk '!s[$1]++ {print $1}' | tr '\n' ' ')
  p resolve "$n $found"
  for a in $found; do
    printf '%s\t%s\n' reverse "$a $(bounded getent hosts "$a" 2>/dev/null | awk '{$1=""; print}' | tr '\n\t' '  ')"
  done
done | awk '!s[$0]++'

awk '/^(MemTotal|MemAvailable|SwapTotal):/ {sub(":", "", $1); print "memory\t" $1 " " $2}' /proc/meminfo
p cpus "$(nproc 2>/dev/null || grep -c ^processor /proc/cpuinfo)"
# What is above counts the whole machine; in a container the topmost group limits it. On a machine that one says
# nothing, or no limit. A node of the lab sees no such group where its machine has old hierarchies.
g=/sys/fs/cgroup
if [ -r $g/memory.max ]; then lines limit-memory < $g/memory.max
elif [ -r $g/memory/memory.limit_in_bytes ]; then lines limit-memory < $g/memory/memory.limit_in_bytes; fi
[ -r $g/memory.swap.max ] && lines limit-swap < $g/memory.swap.max
if [ -r $g/cpu.max ]; then lines limit-cpu < $g/cpu.max
elif [ -r $g/cpu/cpu.cfs_quota_us ]; then
  read -r quota < $g/cpu/cpu.cfs_quota_us; read -r period < $g/cpu/cpu.cfs_period_us; p limit-cpu "$quota $period"
fi
[ -r /etc/stackwright-lab-limits ] && while read -r what limit; do p "limit-$what" "$limit"; done \
  < /etc/stackwright-lab-limits
for d in / /usr /var /var/lib /var/lib/mysql /var/lib/nova /var/lib/glance /var/lib/cinder /var/log /var/cache /srv \
  /tmp; do
  [ -d "$d" ] && df -Pk "$d" 2>/dev/null | awk 'NR == 2 {print "disk\t" $4 " " $6}'
done | awk '!s[$0]++'

if has ip; then
  ip -o link 2>/dev/null | lines link
  ip -o addr 2>/dev/null | lines address
  ip -o -4 route show default 2>/dev/null | lines route
  ip -o -6 route show default 2>/dev/null | lines route
else p missing ip; fi
p ipv6-disabled "$(cat /proc/sys/net/ipv6/conf/all/disable_ipv6 2>/dev/null)"

# Which interfaces are ports of something, and of what: a port cannot be put into another bridge.
for m in /sys/class/net/*/master; do
  [ -e "$m" ] || continue
  n=${m%/master}; m=$(readlink "$m"); m=${m##*/}
  if [ -d "/sys/class/net/$m/bridge" ]; then kind=bridge
  elif [ -d "/sys/class/net/$m/bonding" ]; then kind=bond
  elif [ "$m" = ovs-system ]; then kind=ovs
  else kind=other; fi
  p port "${n##*/} $m $kind"
done

container=
if has systemd-detect-virt; then
  p virtualization "$(systemd-detect-virt 2>/dev/null)"
  systemd-detect-virt -q -c && container=yes
fi
[ -e /run/systemd/container ] || [ -e /.dockerenv ] || [ -e /run/.containerenv ] && container=yes
p container "$container"
[ -e /dev/kvm ] && p kvm-device yes
grep -m1 -oEw 'vmx|svm' /proc/cpuinfo 2>/dev/null | lines kvm-extension

config=
if [ -r /proc/config.gz ] && has zcat; then config=$(zcat /proc/config.gz 2>/dev/null | grep '=[ym]$')
elif [ -r "/boot/config-$kernel" ]; then config=$(grep '=[ym]$' "/boot/config-$kernel"); fi
modules=/lib/modules/$kernel
loaded=$(cut -d' ' -f1 /proc/modules 2>/dev/null | tr '\n' ' ')
# shellcheck disable=SC2043 # a placeholder
for triple in @MODULES@; do
  m=${triple%%=*}; option=${triple#*=}; pattern=${option#*=}; option=${option%=*}
  case " $loaded" in *" $m "*) p module "$m loaded"; continue ;; esac
  if [ -d "/sys/module/$m" ]; then p module "$m loaded"
  elif [ -r "$modules/modules.builtin" ] && grep -q "$pattern" "$modules/modules.builtin"; then p module "$m builtin"
  elif case $config in *"CONFIG_$option=y"*) true ;; *) false ;; esac; then p module "$m builtin"
  # A hardened host may forbid a module: loading it then runs another program, which does nothing.
  elif grep -qsE "^[[:space:]]*install[[:space:]]+${m}[[:space:]]+(/usr)?/bin/(true|false)" /etc/modprobe.d/*.conf; then
    p module-off "$m"
  elif [ -r "$modules/modules.dep" ] && grep -q "${pattern}[^:]*:" "$modules/modules.dep"; then p module "$m loadable"
  fi
done

if [ -r /sys/fs/selinux/enforce ]; then
  if [ "$(cat /sys/fs/selinux/enforce)" = 1 ]; then p selinux enforcing; else p selinux permissive; fi
elif [ -e /etc/selinux/config ]; then p selinux disabled; fi

[ -x /usr/bin/python3 ] && p python "$(/usr/bin/python3 -V 2>&1)"
has locale && p locales "$(locale -a 2>/dev/null | head -n 40 | tr '\n' ' ')"
for v in http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY; do
  eval "value=\${$v-}"; [ -n "$value" ] && p proxy "$v set"
done
# Names and addresses only, unlike the proxies' own addresses, which may have a password in them.
p no-proxy "${no_proxy-${NO_PROXY-}}"

if has ss; then { $root ss -lntupH 2>/dev/null || ss -lntupH 2>/dev/null; } | lines socket
else for f in tcp tcp6 udp udp6; do
  awk -v f="$f" 'NR > 1 && ($4 == "0A" || (f ~ /udp/ && $4 == "07")) {print "proc-socket\t" f " " $2}' \
    "/proc/net/$f" 2>/dev/null
done; fi

if has dpkg-query; then
  dpkg-query -W -f='${db:Status-Status} ${Package} ${Version}\n' @PACKAGES@ 2>/dev/null |
    awk '$1 == "installed" {print "package\t" $2 " " $3}'
fi
if has rpm; then
  rpm -q --qf '%{NAME} %{VERSION}-%{RELEASE}\n' @PACKAGES@ 2>/dev/null | awk 'NF == 2 {print "package\t" $0}'
  rpm -qa 'centos-release-openstack-*' --qf 'package\t%{NAME} %{VERSION}-%{RELEASE}\n' 2>/dev/null
fi

if [ -d /etc/apt ]; then
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | awk '
    $1 == "deb" {sub(/\[[^]]*\] */, ""); $1 = ""; sub(/^ +/, ""); print "repository\t" $0}'
  for f in /etc/apt/sources.list.d/*.sources; do
    [ -r "$f" ] && awk 'function out() {
        if (t ~ /(^| )deb( |$)/ && e !~ /^(no|false)/) print "repository\t" u " " s " " c; t=u=s=c=e="" }
      /^[ \t]*$/ {out()}
      /^#/ {next}
      tolower($1) == "types:" {$1 = ""; t = $0}
      tolower($1) == "uris:" {$1 = ""; sub(/^ /, ""); u = $0}
      tolower($1) == "suites:" {$1 = ""; sub(/^ /, ""); s = $0}
      tolower($1) == "components:" {$1 = ""; sub(/^ /, ""); c = $0}
      tolower($1) == "enabled:" {e = tolower($2)}
      END {out()}' "$f"
  done
fi
for f in /etc/yum.repos.d/*.repo; do
  [ -r "$f" ] && awk 'function out() {if (id != "" && on) print "repository\t" id; id = ""}
    /^\[/ {out(); id = substr($0, 2, index($0, "]") - 2); on = 1}
    /^enabled *= *(0|[Ff]alse|[Nn]o)/ {on = 0}
    END {out()}' "$f"
done

[ -d /run/NetworkManager ] && p network NetworkManager
[ -e /run/systemd/netif/state ] && p network systemd-networkd
[ -d /run/firewalld ] || [ -e /run/firewalld.pid ] && p firewall firewalld
[ -e /run/chrony/chronyd.pid ] || [ -e /run/systemd/timesync/synchronized ] && p time-synchronized yes
# sudo takes SSH_CONNECTION away, and only root may ask sshd; a socket of systemd's is not sshd's to know.
{
  # shellcheck disable=SC2086 # four words
  set -- ${SSH_CONNECTION-}; echo "${4-}"
  has sshd && $root sshd -T 2>/dev/null | awk '$1 == "port" {print $2}'
  for unit in ssh.socket sshd.socket; do
    has systemctl && systemctl is-active -q "$unit" 2>/dev/null && systemctl show -p Listen "$unit" |
      sed -n 's/.*:\([0-9][0-9]*\) (Stream).*/\1/p'
  done
} | sort -un | lines ssh-port
has ovs-vsctl && p ovs-hostname "$($root ovs-vsctl --timeout=1 --if-exists get Open_vSwitch . \
  external_ids:hostname 2>/dev/null | tr -d '"')"
# A client's file may name monitors only.
[ -r /etc/ceph/ceph.conf ] && awk -F= '
  {gsub(/[ \t]/, "")}
  $1 == "fsid" {fsid = $2}
  $1 ~ /^mon_?(host|initialmembers)$/ {monitors = 1}
  END {if (fsid || monitors) print (fsid ? fsid : "unknown")}' /etc/ceph/ceph.conf | lines ceph-fsid
has vgs && $root vgs --noheadings --nosuffix --units b -o vg_name,vg_free 2>/dev/null | lines volume-group

# Accounts and groups whose names services need; no number of a person's account is a service's.
# shellcheck disable=SC2043 # a placeholder
for n in @ACCOUNTS@; do
  bounded getent passwd "$n" 2>/dev/null | awk -F: '{print "account\t" $1 " " $3 " " $6}'
  bounded getent group "$n" 2>/dev/null | awk -F: '{print "group\t" $1 " " $3}'
done

# What services that were used before have left, also where they are stopped. Names only.
for d in /var/lib/mysql/*/; do
  d=${d%/}; d=${d##*/}
  case $d in mysql | performance_schema | sys | test | lost+found | '#'* | '*') ;; *) p database "$d" ;; esac
done
if [ -r /var/lib/mysql/mysql/global_priv.MAD ] && tr -c '[:print:]' '\n' < /var/lib/mysql/mysql/global_priv.MAD |
  grep '^localhostroot{' | grep -v '"unix_socket"' | grep -q '"authentication_string":"[^"]' ; then
  p database-password yes
fi
for d in /var/lib/rabbitmq/mnesia/*@*/; do
  d=${d%/}
  [ -f "$d/cluster_nodes.config" ] && p broker "${d##*/} $(tr -d ' \n' < "$d/cluster_nodes.config")"
done

# Files of Apache that are neither the distribution's nor Puppet's. A changed file of the distribution counts as one.
owner() { { dpkg-query -S "$1" || rpm -qf --qf '%{NAME}\n' "$1"; } 2>/dev/null | sed 's/:.*//' | head -n 1; }
changed() {
  if has dpkg-query; then
    was=$(dpkg-query -W -f='${Conffiles}\n' "$2" 2>/dev/null | awk -v f="$1" '$1 == f {print $2}')
    [ -n "$was" ] && [ "$was" != "$(md5sum < "$1" | cut -d' ' -f1)" ]
  else rpm -V --nodeps "$2" 2>/dev/null | awk -v f="$1" '$NF == f && $1 ~ /^..5/ {n = 1} END {exit !n}'
  fi
}
for f in /etc/apache2/sites-available/* /etc/apache2/sites-enabled/* /etc/apache2/conf-enabled/* /etc/apache2/conf.d/* \
  /etc/apache2/apache2.conf /etc/apache2/ports.conf /etc/httpd/conf.d/*.conf /etc/httpd/conf/httpd.conf; do
  case ${f##*/} in openstack-dashboard*) ;; *) [ -f "$f" ] && readlink -f "$f" ;; esac
done | sort -u | while IFS= read -r f; do
  grep -q 'puppetlabs-apache\|Managed by Puppet' "$f" && continue
  of=$(owner "$f")
  case $of in
    apache2* | libapache2-* | javascript-common | openstack-dashboard* | httpd* | mod_*)
      changed "$f" "$of" || continue ;;
  esac
  p web-file "$f"
done

f=/var/lib/stackwright/cloud.json
cloud=$(cat "$f" 2>/dev/null || $root cat "$f" 2>/dev/null) && [ -n "$cloud" ] && p cloud "$cloud"
wait
p clock "$(date +%s.%N)"
p end 1
