"""A host's openings as files for its firewall, and the scripts that load or remove them.

nftables: one table of our own, replaced in one transaction, so that there is no moment without rules and no other table
is changed. firewalld: policies of our own, in addition to the administrator's zones. Forwarded packets, which are those
of instances, are accepted, except packets to other hosts of the cloud that would get this host's address.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache
from xml.sax.saxutils import quoteattr

from stackwright import shell
from stackwright.model import Action, File, Run, Upload
from stackwright.planner.firewall_policy import Guard, Opening

FOLDER = "/etc/stackwright"
_RULES = f"{FOLDER}/firewall.nft"
_UNIT = "stackwright-firewall.service"
_UNIT_FILE = f"/etc/systemd/system/{_UNIT}"
_POLICIES = ("stackwright", "stackwright-fwd")

_UNIT_TEXT = f"""\
# Written by Stackwright; changes are lost.
[Unit]
Description=Ports of this host's OpenStack services
DefaultDependencies=no
RequiresMountsFor={FOLDER}
Wants=network-pre.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target
# Debian's own unit begins with `flush ruleset`: our table is put back after it.
After=nftables.service
PartOf=nftables.service
ReloadPropagatedFrom=nftables.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f {_RULES}
ExecReload=/usr/sbin/nft -f {_RULES}
ExecStop=-/usr/sbin/nft delete table inet stackwright

[Install]
WantedBy=sysinit.target
"""


@lru_cache(maxsize=256)
def actions(
    kind: str, openings: tuple[Opening, ...], passed_on: tuple[str, ...], guard: Guard | None = None
) -> tuple[Action, ...]:
    """Sets up a host's firewall. `kind` is nftables or firewalld, `passed_on` the external networks whose packets this
    host forwards between interfaces; `guard` says which of these are dropped."""
    if kind == "nftables":
        rules = nftables(openings, guard)
        load = shell.fill("planner/steps/firewall_nftables.sh", RULES=_RULES, UNIT=_UNIT)
        files = (File(_RULES, rules.encode()), File(_UNIT_FILE, _UNIT_TEXT.encode()))
        return Upload(files), Run("firewall", load, 120)
    texts = dict(zip(_POLICIES, (firewalld(openings), firewalld_forward(passed_on, guard)), strict=True))
    policies = tuple(File(f"{FOLDER}/firewalld-{name}.xml", text.encode()) for name, text in texts.items())
    load = shell.fill("planner/steps/firewall_firewalld.sh", POLICIES=_POLICIES, FOLDER=FOLDER)
    return Upload(policies), Run("firewall", load, 300)


def removal() -> tuple[Action, ...]:
    """Removes the rules of an earlier run, and nothing else."""
    script = shell.fill(
        "planner/steps/firewall_remove.sh",
        POLICIES=_POLICIES,
        FOLDER=FOLDER,
        UNIT=_UNIT,
        UNIT_FILE=_UNIT_FILE,
        RULES=_RULES,
    )
    return (Run("no-firewall", script, 120),)


def nftables(openings: Sequence[Opening], guard: Guard | None = None) -> str:
    """A file for `nft -f`."""
    forward = _nft_forward(guard) if guard else ""
    rules = "".join(f"\t\t{line}\n" for opening in openings for line in _nft_rules(opening))
    return f"""\
#!/usr/sbin/nft -f
# Written by Stackwright; changes are lost. CONFIG_FIREWALL_PORTS opens more ports, CONFIG_FIREWALL=n removes it.
table inet stackwright
delete table inet stackwright
table inet stackwright {{
	comment "{_mark(openings, forward)}"
	chain input {{
		type filter hook input priority filter; policy accept;
		iifname "lo" accept
		ct state established,related accept
		meta l4proto {{ icmp, ipv6-icmp, igmp }} accept
		udp sport 67 udp dport 68 accept comment "DHCP"
		ip6 saddr fe80::/10 udp dport 546 accept comment "DHCPv6"
		iifname "virbr*" meta l4proto {{ tcp, udp }} th dport {{ 53, 67 }} accept comment "networks of libvirt's own"
{rules}\t\tct state invalid drop
		meta pkttype {{ broadcast, multicast }} drop
		reject with icmpx admin-prohibited
	}}
{forward}}}
"""


def _nft_forward(guard: Guard) -> str:
    """The chain for packets that instances send through this host's external bridges, for both IP versions."""
    names = ", ".join(f'"{name}"' for name in guard.bridges)
    bridges = f"{{ {names} }}"
    ports: dict[str, list[str]] = {}
    for opening in guard.public:
        ports.setdefault(opening.protocol, []).append(opening.ports)
    lines = ["ct state established,related accept", f"iifname != {bridges} accept", f"oifname {bridges} accept"]
    for version, word in ((4, "ip"), (6, "ip6")):
        if some := _family(guard.hosts, version):
            to = f"{word} daddr {{ {', '.join(some)} }}"
            lines += [f"{to} {protocol} dport {{ {', '.join(of)} }} accept" for protocol, of in sorted(ports.items())]
            lines.append(f'{to} drop comment "instances must not reach hosts under this host\'s address"')
    rules = "".join(f"\t\t{line}\n" for line in lines)
    return f"\tchain forward {{\n\t\ttype filter hook forward priority filter; policy accept;\n{rules}\t}}\n"


def _mark(openings: Sequence[Opening], forward: str = "") -> str:
    """A hash of the rules in the table's comment: shows whether the loaded table has these rules."""
    rules = [line for opening in openings for line in _nft_rules(opening)]
    rules += [forward] if forward else []
    return hashlib.sha256("\n".join(rules).encode()).hexdigest()[:32]


def _nft_rules(opening: Opening) -> Iterable[str]:
    port = f"{opening.protocol} dport {opening.ports}" if opening.first else f"meta l4proto {opening.protocol}"
    end = f'{port} accept comment "{opening.what}"'
    if not opening.sources:
        yield end
    for family, word in ((4, "ip"), (6, "ip6")):
        if some := _family(opening.sources, family):
            yield f"{word} saddr {{ {', '.join(some)} }} {end}"


@lru_cache(maxsize=256)
def _family(sources: tuple[str, ...], version: int) -> list[str]:
    """The sources of one IP version, sorted, without those that are inside another one: nft rejects overlaps."""
    networks = {n for n in map(ipaddress.ip_network, sources) if n.version == version}
    wide = [n for n in networks if n.prefixlen < n.max_prefixlen]
    # Adjacent addresses are not merged into networks, so that people find them in the rules.
    found = [n for n in networks if not any(n != w and n.subnet_of(w) for w in wide)]  # type: ignore[arg-type]
    found.sort(key=lambda n: (int(n.network_address), n.prefixlen))
    return [str(n.network_address) if n.prefixlen == n.max_prefixlen else str(n) for n in found]


def _policy(target: str, to: str, summary: str, lines: Iterable[str]) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<policy target="{target}" priority="-100">\n'
        "  <short>Stackwright</short>\n"
        f"  <description>{summary}; written by Stackwright, changes are lost</description>\n"
        f'  <ingress-zone name="ANY"/>\n  <egress-zone name="{to}"/>\n'
        + "".join(f"  {line}\n" for line in lines)
        + "</policy>\n"
    )


def firewalld(openings: Sequence[Opening]) -> str:
    """The policy for packets to the host itself; the zones decide about other packets."""
    lines = []
    for opening in openings:
        port = f'<port port="{opening.ports}" protocol="{opening.protocol}"/>'
        if not opening.first:
            port = f"<protocol value={quoteattr(opening.protocol)}/>"
        if not opening.sources:
            lines.append(port)
        for family in (4, 6):
            lines += [
                f'<rule family="ipv{family}"><source address="{source}"/>{port}<accept/></rule>'
                for source in _family(opening.sources, family)
            ]
    return _policy("CONTINUE", "HOST", "Ports of this host's OpenStack services", dict.fromkeys(lines))


def _firewalld_guard(guard: Guard) -> Iterable[str]:
    """The guard's rules, with priorities before all others; those that accept come first. firewalld accepts replies
    before any policy."""
    for family in (4, 6):
        pairs = [(n, h) for n in _family(guard.networks, family) for h in _family(guard.hosts, family)]
        for number, end in enumerate(("accept", "drop")):
            ports = [f'<port port="{o.ports}" protocol="{o.protocol}"/>' for o in guard.public] if not number else [""]
            for network, host in pairs:
                way = f'<source address="{network}"/><destination address="{host}"/>'
                for port in ports:
                    yield f'<rule family="ipv{family}" priority="{number - 20}">{way}{port}<{end}/></rule>'


def firewalld_forward(networks: Sequence[str], guard: Guard | None = None) -> str:
    """The policy for packets that the host forwards; an XML comment if it forwards none."""
    if not networks:
        return "<!-- this host has no external network of its own -->\n"
    lines = [*_firewalld_guard(guard)] if guard else []
    lines += [
        f'<rule family="ipv{family}"><{end} address="{network}"/><accept/></rule>'
        for family in (4, 6)
        for network in _family(tuple(networks), family)
        for end in ("source", "destination")
    ]
    return _policy("CONTINUE", "ANY", "Instances' external networks on this host", lines)
