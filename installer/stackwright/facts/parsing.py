"""Parses the output of the probe into Facts; converts Facts to JSON and back."""

from __future__ import annotations

import ipaddress
import itertools
import json
import re
import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from stackwright import untrusted
from stackwright.facts import grammar
from stackwright.model import ExitCode, Facts, Interface, StackwrightError
from stackwright.untrusted import Refused

_HOST_KEY = re.compile(r"(ssh|ecdsa|sk-ssh|sk-ecdsa)-")
_NO_CARRIER = re.compile(r"\d+:\s+([^:\s@]+)(?:@\S*)?:\s+<[^>]*\bNO-CARRIER\b")
_PROCESS = re.compile(r'users:\(\("([^"]+)"')


def parse(output: str, host: str, clock: float) -> Facts:
    """Facts of `host` from the probe's output.

    `clock` is the controlling machine's time at which the answer arrived, in seconds since the epoch. Lines that are
    not the probe's (a login banner) are ignored. Raises StackwrightError when the answer is incomplete, or when a field
    does not fit its grammar; the error names it.
    """
    seen = grammar.lines(output, host)
    if "end" not in seen:
        raise StackwrightError(
            f"{host}: the probe was cut off after {len(output)} characters of output",
            "log in to the host and check that shell commands run to their end",
            ExitCode.UNREACHABLE,
        )

    def one(key: str, default: str = "") -> str:
        return seen[key][0] if seen[key] else default

    system = _os_release(seen["os"])
    resolves = _pairs(seen["resolve"])
    interfaces = _interfaces(seen["link"], seen["address"])
    gateway, default_interface = _route(seen["route"])
    container = one("container") == "yes"
    memory = _limited(_memory(seen["memory"], host), seen)
    sudo = one("sudo")
    found = Facts(
        host=host,
        seen_at=clock,
        hostname=one("hostname"),
        fqdn=one("fqdn"),
        address=_address(host, resolves, interfaces, default_interface),
        resolves=resolves,
        os_id=system.get("ID", ""),
        os_like=tuple(system.get("ID_LIKE", "").split()),
        os_version=system.get("VERSION_ID", ""),
        os_name=system.get("PRETTY_NAME", ""),
        arch=one("arch"),
        kernel=one("kernel"),
        virtualization=one("virtualization") or ("container-other" if container else "none"),
        container=container,
        cpus=max(1, min([_number(one("cpus")), *_processors(seen["limit-cpu"])])),
        memory=memory.get("MemTotal", 0),
        swap=memory.get("SwapTotal", 0),
        disk_free=_disks(seen["disk"]),
        interfaces=interfaces,
        default_interface=default_interface,
        gateway=gateway,
        # /proc/cpuinfo has no such flag on ARM.
        kvm=bool(seen["kvm-device"]) and (bool(seen["kvm-extension"]) or one("arch") == "aarch64"),
        kernel_modules=_modules(seen["module"], container),
        selinux=one("selinux"),
        clock_offset=round(_clock(one("clock"), host) - clock, 3) if seen["clock"] else 0.0,
        uid=_number(one("uid")),
        sudo=sudo == "yes",
        python=one("python").removeprefix("Python").strip(),
        listening=_listening(seen["socket"], seen["proc-socket"]),
        installed=_installed(seen["package"]),
        repositories=tuple(dict.fromkeys(seen["repository"])),
        cloud=_cloud(seen["cloud"]),
        machine_id=one("machine-id"),
        host_keys=_host_keys(seen["host-key"]),
        extra=_extra(seen, sudo, memory),
    )
    return grammar.check(found)


def to_json(facts: Facts) -> str:
    """Facts as JSON text with sorted keys and a final newline."""
    record = asdict(facts)
    record["kernel_modules"] = sorted(facts.kernel_modules)
    return json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def from_json(text: str) -> Facts:
    """Facts from the output of `to_json`. Unknown keys are ignored. Raises StackwrightError."""
    try:
        record: dict[str, Any] = untrusted.from_json(text)
        known = {k: v for k, v in record.items() if k in Facts.__dataclass_fields__}
        known["interfaces"] = tuple(
            Interface(**{**i, "addresses": tuple(i.get("addresses", ()))}) for i in record.get("interfaces", ())
        )
        known["kernel_modules"] = frozenset(record.get("kernel_modules", ()))
        known["listening"] = tuple((p, int(n), w) for p, n, w in record.get("listening", ()))
        known["resolves"] = {k: tuple(v) for k, v in record.get("resolves", {}).items()}
        for key in ("os_like", "repositories", "host_keys"):
            known[key] = tuple(record.get(key, ()))
        found = Facts(**known)
        for key, value in vars(found).items():
            kind = type(getattr(Facts(""), key))
            if not isinstance(value, (int, float) if kind is float else kind):
                raise ValueError(f"{key} is a {type(value).__name__}")
        return grammar.check(found)
    except (ValueError, TypeError, AttributeError) as error:
        raise StackwrightError(
            f"invalid recorded facts: {error}", "record the facts again", ExitCode.ENVIRONMENT
        ) from error


def _installed(lines: Sequence[str]) -> dict[str, str]:
    return {words[0]: words[1] for words in (line.split() for line in sorted(lines)) if len(words) >= 2}


def _host_keys(lines: Sequence[str]) -> tuple[str, ...]:
    """Type and key in each line of *.pub files, without comments. DSA is left out, because current OpenSSH rejects
    it."""
    keys = (line.split() for line in lines)
    return tuple(sorted({f"{k[0]} {k[1]}" for k in keys if len(k) > 1 and _HOST_KEY.match(k[0]) and k[0] != "ssh-dss"}))


def _number(text: str) -> int:
    """0 where the text is no number."""
    try:
        return untrusted.number(text)
    except ValueError:
        return 0


def _memory(lines: Sequence[str], host: str) -> dict[str, int]:
    """Bytes by what /proc/meminfo calls them."""
    found = {}
    for line in lines:
        if not (match := re.fullmatch(r"([A-Za-z]+) (\d{1,15})(?: .*)?", line, re.ASCII)):
            raise Refused(host, "memory", line, "a name and kB")
        found[match[1]] = int(match[2]) * 1024
    return found


def _clock(text: str, host: str) -> float:
    """Seconds since the epoch; busybox's `date` knows no fractions."""
    if not (match := re.fullmatch(r"(\d{1,11}(?:\.\d{1,9})?)(?:\.%?N)?|", text, re.ASCII)):
        raise Refused(host, "clock", text, "seconds since the epoch")
    return float(match[1] or 0)


def _limited(memory: Mapping[str, int], seen: Mapping[str, list[str]]) -> dict[str, int]:
    """/proc/meminfo with no more in it than the control groups allow: they say "max", or more than any machine has,
    where they allow everything."""
    least = [_number(text) for text in seen.get("limit-memory", ()) if _is_number(text)]
    swap = [_number(text) for text in seen.get("limit-swap", ()) if _is_number(text)]
    limits = {"MemTotal": least, "MemAvailable": least, "SwapTotal": swap}
    return {key: min([value, *limits.get(key, ())]) for key, value in memory.items()}


def _processors(quotas: Sequence[str]) -> list[int]:
    """From "150000 100000", time in each period: two processors, one of them not to the full. "max" and -1 are none."""
    found = [words for words in (line.split() for line in quotas) if len(words) == 2 and all(map(_is_number, words))]
    return [-(-int(quota) // int(period)) for quota, period in found if int(quota) and int(period)]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 20


def _os_release(lines: Sequence[str]) -> dict[str, str]:
    out: dict[str, str] = {}
    for line in lines:
        key, equals, value = line.partition("=")
        if equals and not key.startswith("#"):
            try:
                out[key] = " ".join(shlex.split(value))
            except ValueError:
                out[key] = value.strip("\"'")
    return out


def _pairs(lines: Sequence[str]) -> dict[str, tuple[str, ...]]:
    return {words[0]: tuple(words[1:]) for words in (line.split() for line in lines) if words}


def _interfaces(links: Sequence[str], addresses: Sequence[str]) -> tuple[Interface, ...]:
    """From `ip -o link` and `ip -o addr`: "2: eth0@if7: <BROADCAST,UP,LOWER_UP> mtu 1500 ...\\ link/ether aa:..."."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for line in addresses:
        words = line.split()
        if len(words) >= 4 and words[2] in ("inet", "inet6"):
            by_name[words[1].partition("@")[0]].append(words[3])
    found = []
    for line in links:
        match = re.match(r"\d+:\s+([^:\s@]+)(?:@\S*)?:\s+<([^>]*)>\s+mtu\s+(\d+)", line, re.ASCII)
        if not match:
            continue
        name, flags, mtu = match.groups()
        mac = re.search(r"link/ether\s+([0-9a-f:]{17})", line)
        found.append(
            Interface(
                name=name,
                mac=mac.group(1) if mac else "",
                mtu=_number(mtu),
                up="UP" in flags.split(","),
                addresses=tuple(by_name.get(name, ())),
            )
        )
    return tuple(found)


def _route(lines: Sequence[str]) -> tuple[str, str]:
    """Gateway and interface of the default route with the lowest metric, IPv4 before IPv6."""
    best: tuple[int, int, str, str] | None = None
    for line in lines:
        words = line.split()
        pairs = dict(itertools.pairwise(words))
        gateway, device = pairs.get("via", ""), pairs.get("dev", "")
        if device:
            entry = (int(":" in gateway), _number(pairs.get("metric", "0")), gateway, device)
            best = min(best, entry) if best else entry
    return (best[2], best[3]) if best else ("", "")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _address(
    host: str, resolves: Mapping[str, tuple[str, ...]], interfaces: Sequence[Interface], default_interface: str
) -> str:
    """The address at which other hosts reach it; not a loopback address, if there is another one."""
    if _is_address(host) and not ipaddress.ip_address(host).is_loopback:
        return host
    candidates = list(resolves.get(host, ()))
    for interface in sorted(interfaces, key=lambda i: i.name != default_interface):
        candidates += [a.partition("/")[0] for a in interface.addresses]
    parsed = [ipaddress.ip_address(a.partition("%")[0]) for a in candidates if _is_address(a.partition("%")[0])]
    usable = [a for a in parsed if not a.is_loopback and not a.is_link_local]
    return str(usable[0]) if usable else (host if _is_address(host) else "")


def _disks(lines: Sequence[str]) -> dict[str, int]:
    out: dict[str, int] = {}
    for line in lines:
        free, _, mount = line.partition(" ")
        if _is_number(free) and mount:
            out.setdefault(mount, int(free) * 1024)
    return out


def _modules(lines: Sequence[str], container: bool) -> frozenset[str]:
    """Available modules. A container cannot load modules, even if they are in its /lib/modules."""
    found = set()
    for line in lines:
        name, _, how = line.partition(" ")
        if how in ("loaded", "builtin") or (how == "loadable" and not container):
            found.add(name)
    return frozenset(found)


def _listening(sockets: Sequence[str], proc: Sequence[str]) -> tuple[tuple[str, int, str], ...]:
    found: set[tuple[str, int, str]] = set()
    for line in sockets:
        words = line.split()
        if len(words) < 5:
            continue
        port = words[4].rpartition(":")[2]
        user = _PROCESS.search(line)
        if _is_number(port) and not _loopback_only_datagram(words):
            found.add((words[0], int(port), user.group(1) if user else ""))
    for line in proc:
        protocol, _, address = line.partition(" ")
        if not re.fullmatch(r"[0-9A-Fa-f]{1,32}:[0-9A-Fa-f]{4}", address):
            continue
        found.add((protocol.removesuffix("6"), int(address.rpartition(":")[2], 16), ""))
    return tuple(sorted(found))


def _loopback_only_datagram(words: Sequence[str]) -> bool:
    """UDP sockets on loopback (DNS stubs, time daemons) do not conflict with anything."""
    return words[0] == "udp" and words[4].startswith(("127.", "[::1]"))


def _cloud(lines: Sequence[str]) -> dict[str, str]:
    """The content of /var/lib/stackwright/cloud.json. An unreadable file still shows that a cloud was installed."""
    if not lines:
        return {}
    try:
        record = untrusted.from_json(lines[0])
    except ValueError:
        record = None
    if not isinstance(record, dict):
        return {"id": "", "unreadable": "/var/lib/stackwright/cloud.json is not JSON"}
    return {str(k): str(v)[:4096] for k, v in record.items()}


def _extra(seen: Mapping[str, list[str]], sudo: str, memory: Mapping[str, int]) -> dict[str, str]:
    out = {"sudo": sudo}
    for key in (
        "init",
        "user",
        "locales",
        "network",
        "firewall",
        "time-synchronized",
        "ssh-port",
        "ovs-hostname",
        "missing",
        "image_url",
        "ceph-fsid",
        "database-password",
    ):
        if any(seen.get(key, ())):
            out[key] = " ".join(v for v in seen[key] if v)
    if seen.get("ipv6-disabled", [""])[:1] == ["1"]:
        out["ipv6-disabled"] = "yes"
    if "MemAvailable" in memory:
        out["memory-available"] = str(memory["MemAvailable"])
    if seen.get("proxy"):
        out["no-proxy"] = next(iter(seen.get("no-proxy", ())), "")
        out["proxy"] = " ".join(v.split()[0] for v in seen["proxy"] if v)
    for line in seen.get("reverse", ()):
        address, _, names = line.partition(" ")
        out[f"reverse {address}"] = " ".join(names.split())
    for line in seen.get("server", ()):
        server, _, state = line.partition(" ")
        out[f"server {server}"] = state
    down = [found[1] for line in seen.get("link", ()) if (found := _NO_CARRIER.match(line))]
    lists = {"no-carrier": down, "databases": seen.get("database"), "web-files": seen.get("web-file")}
    lists["modules-off"] = seen.get("module-off")
    out.update({key: " ".join(values) for key, values in lists.items() if values})
    # port INTERFACE: MASTER KIND. account NAME: NUMBER HOME. group NAME: NUMBER. broker NODE: its cluster's nodes.
    for key in ("port", "account", "group", "broker"):
        for line in seen.get(key, ()):
            name, _, rest = line.partition(" ")
            out[f"{key} {name}"] = rest
    for line in seen.get("volume-group", ()):
        words = line.split()
        if len(words) == 2:
            out[f"volume-group {words[0]}"] = words[1]
    return out
