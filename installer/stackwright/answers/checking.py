"""Cross-checks between answers. Pure, except that `files=True` reads the disk."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from stackwright.answers import networks, texts
from stackwright.answers.typed import holds, in_words, matters, problem, where
from stackwright.model import Answers, Problem
from stackwright.services import all_components, all_services, hosts_of, listening, options, roles, ssl
from stackwright.values import is_address, ring_name

_SWITCHES = {
    "CONFIG_COMPUTE_HOSTS": "CONFIG_NOVA_INSTALL",
    "CONFIG_NETWORK_HOSTS": "CONFIG_NEUTRON_INSTALL",
    "CONFIG_MARIADB_HOST": "CONFIG_MARIADB_INSTALL",
    "CONFIG_AMQP_HOST": "CONFIG_AMQP_INSTALL",
}
"""Keys that name hosts of the cloud only while another is y."""

_FILES = (
    "CONFIG_VNC_SSL_CERT",
    "CONFIG_VNC_SSL_KEY",
    "CONFIG_HORIZON_SSL_CERT",
    "CONFIG_HORIZON_SSL_KEY",
    "CONFIG_HORIZON_SSL_CACERT",
)
"""Files on the controlling machine that must exist if an answer names them."""

_AUTHORITY = ("CONFIG_SSL_CACERT_FILE", "CONFIG_SSL_CACERT_KEY_FILE")


def _host_keys() -> Iterator[str]:
    """The keys that name hosts of the cloud."""
    others = ("CONFIG_NTP_SERVERS", "CONFIG_VCENTER_HOST", "EXCLUDE_SERVERS")
    return (
        key
        for key, option in options().items()
        if option.parse.__name__ in ("host", "hosts") and key.rpartition("_")[2] in ("HOST", "HOSTS", "SERVERS")
        if key not in others
    )


def check(answers: Answers, *, files: bool = False, resolves: Mapping[str, str] | None = None) -> list[Problem]:
    """All inconsistencies between answers, errors and warnings.

    With `files`, the files that answers name are checked. `resolves` has the addresses of host names, if facts have
    them, to find a host that is given under two names.
    """
    return [
        *_services(answers),
        *_required(answers),
        *_not_yet(answers),
        *_not_done(answers),
        *_needs(answers),
        *_existing(answers),
        *_hosts(answers, resolves or {}),
        *_storage(answers),
        *_ports(answers),
        *_tls(answers, files=files),
        *networks.check(answers),
        *texts.check(answers),
    ]


def named_hosts(answers: Answers) -> dict[str, tuple[str, ...]]:
    """Every host of the cloud, with the keys that name it. Keys that have no effect are left out."""
    found: dict[str, list[str]] = {}
    for key in _host_keys():
        if not matters(options()[key], answers) or not _used(key, answers):
            continue
        value = answers[key]
        for host in value if isinstance(value, tuple) else (value,):
            if host:
                found.setdefault(host, []).append(key)
    for device in answers["CONFIG_SWIFT_STORAGES"] if answers["CONFIG_SWIFT_INSTALL"] else ():
        if device.host:
            found.setdefault(device.host, []).append("CONFIG_SWIFT_STORAGES")
    return {host: tuple(keys) for host, keys in found.items()}


def _used(key: str, answers: Answers) -> bool:
    switch = _SWITCHES.get(key)
    return switch is None or bool(answers[switch])


# -------------------------------------------------------------------------------------------------------- services


def _services(answers: Answers) -> Iterator[Problem]:
    """Reports services that are switched on and that this version cannot install."""
    for service in all_services():
        option = options().get(service.switch)
        if not service.missing or option is None or not answers[service.switch] or not matters(option, answers):
            continue
        yield problem(
            answers,
            service.switch,
            "not-installable",
            f"this version cannot install {service.name.capitalize()} yet: {service.missing}",
            f"set {service.switch}=n",
        )


def _required(answers: Answers) -> Iterator[Problem]:
    for key, option in options().items():
        if option.required and answers[key] in ("", ()) and matters(option, answers):
            condition = in_words(option)
            wanted = f"it is required with {condition}" if condition else "it is required"
            yield Problem("missing", f"{key} is empty", wanted, _first_sentence(option.help), where=where(answers, key))


def _first_sentence(text: str) -> str:
    first = text.split(". ")[0].rstrip(".")
    return first[:1].lower() + first[1:] if first[1:2].islower() else first


def _not_yet(answers: Answers) -> Iterator[Problem]:
    for key, option in options().items():
        if not option.not_yet or not matters(option, answers):
            continue
        for value in option.not_yet:
            if holds(answers[key], value):
                what = "it" if value in ("*", "y") else value
                why = f": {option.not_yet_why}" if option.not_yet_why else ""
                hints = {"*": f"leave {key} empty", "y": f"set {key}=n"}
                hint = hints.get(value, "choose another value")
                yield problem(answers, key, "not-installable", f"this version cannot install {what} yet{why}", hint)


def _not_done(answers: Answers) -> Iterator[Problem]:
    for key, option in options().items():
        if not option.not_done or not matters(option, answers) or answers[key] == option.parse(option.default):
            continue
        wanted, hint = f"this version ignores it: {option.not_done}", f"set {key}={option.default} to accept that"
        yield problem(answers, key, "not-done", wanted, hint, warning=True)


def _needs(answers: Answers) -> Iterator[Problem]:
    for key, value, needed, why in (need for service in all_services() for need in service.needs):
        if not matters(options()[key], answers) or not holds(answers[key], value):
            continue
        if not answers[needed]:
            off = key.endswith("_INSTALL") and "_PROVISION_" not in key
            other = f", or {key}=n" if off else ""
            given = answers.entries[needed]
            said = f" (line {given.origin.line} says {given.text})" if given.origin.line else ""
            yield problem(
                answers, key, "needs", f"it needs {needed}=y{said}: {why}",
                f"{needed}=y{other}",
            )  # fmt: skip
    if answers["CONFIG_PROVISION_DEMO"] and not answers["CONFIG_NOVA_INSTALL"]:
        for needed in ("CONFIG_NOVA_INSTALL", "CONFIG_GLANCE_INSTALL", "CONFIG_NEUTRON_INSTALL"):
            if not answers[needed]:
                yield problem(
                    answers, "CONFIG_PROVISION_DEMO", "needs", f"without {needed}=y the demo is incomplete",
                    "set CONFIG_PROVISION_DEMO=n to skip the demo", warning=True,
                )  # fmt: skip
    aodh = answers.entries["CONFIG_AODH_INSTALL"]
    if aodh.value and not answers["CONFIG_CEILOMETER_INSTALL"] and aodh.origin.kind != "default":
        yield problem(
            answers, "CONFIG_AODH_INSTALL", "no-effect", "without CONFIG_CEILOMETER_INSTALL=y it has no effect",
            "Packstack ignored it as well", warning=True,
        )  # fmt: skip


def _existing(answers: Answers) -> Iterator[Problem]:
    """Reports a missing password of an existing server: a generated one would not work."""
    for switch, key in (
        ("CONFIG_MARIADB_INSTALL", "CONFIG_MARIADB_PW"),
        ("CONFIG_AMQP_INSTALL", "CONFIG_AMQP_AUTH_PASSWORD"),
    ):
        if not answers[switch] and answers.entries[key].origin.kind == "generated":
            yield Problem(
                "missing", f"{key} is empty",
                f"it is required with {switch}=n, because the existing server has a password",
                _first_sentence(options()[key].help), where=where(answers, key),
            )  # fmt: skip
    key = "CONFIG_MARIADB_USER"
    if answers["CONFIG_MARIADB_INSTALL"] and answers[key] != "root":
        yield problem(
            answers, key, "no-effect", "it has no effect with CONFIG_MARIADB_INSTALL=y: root is the administrator",
            f"set {key}=root to accept that", warning=True,
        )  # fmt: skip


# ----------------------------------------------------------------------------------------------------------- hosts


def _hosts(answers: Answers, resolves: Mapping[str, str]) -> Iterator[Problem]:
    named = named_hosts(answers)
    yield from _loopback(answers, named)
    yield from _twins(answers, named, resolves)
    families = {":" in host for host in named if is_address(host)}
    if len(families) == 2:
        six = next(host for host in named if ":" in host)
        yield problem(
            answers, named[six][0], "mixed-families",
            "must be of the same family (IPv4 or IPv6) as the other hosts' addresses",
            "services on IPv4 hosts may not reach those on IPv6 hosts", warning=True,
        )  # fmt: skip
    cache = answers["CONFIG_PACKAGE_CACHE_HOST"]
    if cache and named.get(cache) == ("CONFIG_PACKAGE_CACHE_HOST",):
        yield problem(
            answers, "CONFIG_PACKAGE_CACHE_HOST", "no-role", "must be a host with another role, written as it is there",
            "CONFIG_CONTROLLER_HOST's is a good one: it needs the most packages",
        )  # fmt: skip
    excluded = answers["EXCLUDE_SERVERS"]
    for host in excluded:
        if host not in named:
            yield problem(
                answers, "EXCLUDE_SERVERS", "no-effect", f"{host} has no role",
                "write the host as in the other keys", warning=True,
            )  # fmt: skip
    if named and set(named) <= set(excluded):
        yield problem(answers, "EXCLUDE_SERVERS", "no-hosts", "it excludes every host", "remove at least one host")
    storage = answers.entries["CONFIG_STORAGE_HOST"]
    if storage.text and not answers["CONFIG_UNSUPPORTED"] and storage.origin.kind != "default":
        asked = options()["CONFIG_STORAGE_HOST"].parse(storage.text)
        if asked != (answers["CONFIG_CONTROLLER_HOST"],):
            yield problem(
                answers, "CONFIG_STORAGE_HOST", "no-effect",
                f"it has no effect with CONFIG_UNSUPPORTED=n: {answers['CONFIG_CONTROLLER_HOST']}, the controller, is"
                " the storage host, as in Packstack",
                f"CONFIG_UNSUPPORTED=y makes {_list(list(asked))} the storage host", warning=True,
            )  # fmt: skip


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "localhost.localdomain", "::1") or host.startswith("127.")


def _loopback(answers: Answers, named: Mapping[str, tuple[str, ...]]) -> Iterator[Problem]:
    others = [host for host in named if not _is_loopback(host)]
    for host in named:
        if _is_loopback(host) and others:
            yield problem(
                answers, named[host][0], "loopback",
                f"must be an address that other hosts ({_list(others)}) can reach: {host} is another machine on each",
                "write the address of that host in the network",
            )  # fmt: skip


def _twins(answers: Answers, named: Mapping[str, tuple[str, ...]], resolves: Mapping[str, str]) -> Iterator[Problem]:
    """Reports a host with two names: it would be configured twice, each time without the other's services."""
    hosts = list(named)
    known: dict[str, str] = {}
    for host in hosts:
        address = resolves.get(host, host if is_address(host) else "")
        if address and known.get(address, host) != host:
            yield problem(
                answers, named[host][0], "same-host",
                f"a host must have one name, but {host} and {known[address]} are the same",
                f"write {known[address]} everywhere, or {host}",
            )  # fmt: skip
        elif address:
            known[address] = host
    short = {host for host in hosts if "." not in host and ":" not in host}
    for host in hosts:
        name, dot, _ = host.partition(".")
        if dot and not is_address(host) and name in short and host not in resolves:
            yield problem(
                answers, named[host][0], "same-host",
                f"a host must have one name, but {name} and {host} are probably the same",
                f"write {host} everywhere", warning=True,
            )  # fmt: skip
    if len(hosts) > 1 and all(_is_loopback(host) for host in hosts):
        yield problem(
            answers, named[hosts[1]][0], "same-host",
            f"a host must have one name, but {_list(hosts)} are all this machine",
            f"write {hosts[0]} everywhere",
        )  # fmt: skip


def _list(hosts: list[str]) -> str:
    return ", ".join(hosts[:3]) + (", ..." if len(hosts) > 3 else "")


# ------------------------------------------------------------------------------------------------ storage and TLS


def _storage(answers: Answers) -> Iterator[Problem]:
    if answers["CONFIG_SWIFT_INSTALL"]:
        # A device without a host is on each storage host.
        each = len(answers["CONFIG_STORAGE_HOST"])
        devices = sum(1 if device.host else each for device in answers["CONFIG_SWIFT_STORAGES"]) or each
        replicas, zones = answers["CONFIG_SWIFT_STORAGE_REPLICAS"], answers["CONFIG_SWIFT_STORAGE_ZONES"]
        if replicas > devices:
            yield problem(
                answers, "CONFIG_SWIFT_STORAGE_REPLICAS", "swift-devices",
                f"must be at most {devices}: each copy of an object needs a device of its own",
                "name more devices in CONFIG_SWIFT_STORAGES, or ask for fewer copies",
            )  # fmt: skip
        if zones > devices:
            yield problem(
                answers, "CONFIG_SWIFT_STORAGE_ZONES", "swift-devices",
                f"must be at most {devices}, the number of devices",
                "the zones that remain stay empty", warning=True,
            )  # fmt: skip
        yield from _swift_devices(answers)
    volumes = answers["CONFIG_CINDER_VOLUMES_SIZE"]
    if matters(options()["CONFIG_CINDER_VOLUMES_SIZE"], answers) and volumes < 1024**3:
        yield problem(
            answers,
            "CONFIG_CINDER_VOLUMES_SIZE",
            "small",
            "must be 1G or more",
            "set CONFIG_CINDER_VOLUMES_SIZE=20G: the smallest volume has 1 GiB",
            # Puppet's class takes no less, and LVM needs a part of it.
            warning=volumes >= 64 * 1024**2,
        )
    for key in ("CONFIG_CINDER_VOLUMES_SIZE", "CONFIG_SWIFT_STORAGE_SIZE", "CONFIG_CEPH_OSD_SIZE"):
        if matters(options()[key], answers) and answers[key] > LARGEST:
            yield problem(
                answers, key, "large", "must be 16T or less: it is the size of a file, and ext4 takes no larger one",
                f"set {key}={options()[key].default}",
            )  # fmt: skip
    osd = "CONFIG_CEPH_OSD_SIZE"
    if matters(options()[osd], answers) and answers[osd] < 2 * 1024**3:
        wanted = "must be 2G or more: Ceph's own data take a part of it"
        yield problem(answers, osd, "small", wanted, f"set {osd}={options()[osd].default}")


def _ports(answers: Answers) -> Iterator[Problem]:
    """Reports a port in the answers that another component of the same host listens on."""
    places = {role.name: role for role in roles()}
    wanted = [component for component in all_components() if component.when(answers)]
    for one in wanted:
        for key in (port.key for port in one.ports if port.key and answers.entries[port.key].origin.kind != "default"):
            here = set(hosts_of(places[one.role], answers))
            for other in wanted:
                # Of a range, such as that of consoles, another port is taken.
                taken = [p for p in listening(other, answers) if p.number == answers[key] and not p.end]
                if other is not one and taken and here & set(hosts_of(places[other.role], answers)):
                    yield problem(
                        answers, key, "taken", f"must be another port: {other.name} of the same host listens on it",
                        f"{key}={options()[key].default}",
                    )  # fmt: skip


LARGEST = 16 * 1024**4
"""Bytes of a file of ext4, whose blocks have 4 KiB."""

_SMALLEST = {"xfs": 300, "ext4": 64}
"""MiB of a file system of Swift's: mkfs.xfs refuses less than 300, and Puppet's class less than 64."""


def _swift_devices(answers: Answers) -> Iterator[Problem]:
    """Problems with Swift's devices on one host, and with the size of the file in their place."""
    key, size = "CONFIG_SWIFT_STORAGES", "CONFIG_SWIFT_STORAGE_SIZE"
    storage, used = answers["CONFIG_STORAGE_HOST"], dict[tuple[str, str], str]()
    for device in answers[key]:
        for host in [device.host] if device.host else storage:
            other = used.setdefault((host, ring_name(device.device)), device.device)
            if other != device.device:
                yield problem(
                    answers, key, "overlap",
                    f"must have devices whose names differ after the last /, but {other} and {device.device} of {host}"
                    f" are both called {ring_name(device.device)}",
                    "name one of them by another path, such as one of /dev/disk/by-id",
                )  # fmt: skip
    kind = answers["CONFIG_SWIFT_STORAGE_FSTYPE"]
    file = not answers[key] or any(not device.device for device in answers[key])
    if file and answers[size] < _SMALLEST[kind] * 1024**2:
        yield problem(
            answers, size, "small", f"must be {_SMALLEST[kind]}M or more: a file system of {kind} takes that much",
            f"{size}=2G",
        )  # fmt: skip


def _tls(answers: Answers, *, files: bool) -> Iterator[Problem]:
    pairs = (("CONFIG_VNC_SSL_CERT", "CONFIG_VNC_SSL_KEY"), ("CONFIG_HORIZON_SSL_CERT", "CONFIG_HORIZON_SSL_KEY"))
    for certificate, key in pairs:
        if not matters(options()[certificate], answers):
            continue
        for given, other in ((certificate, key), (key, certificate)):
            if answers[given] and not answers[other]:
                yield problem(answers, given, "needs", f"it needs {other} as well", f"name both, or neither: {other}=")
    uses_tls = ssl.dashboard(answers) or ssl.messages(answers)
    key = "CONFIG_SSL_CERT_SUBJECT_C"
    if uses_tls and answers["CONFIG_SSL_CACERT_SELFSIGN"] and not re.fullmatch(r"[A-Za-z]{2}|--", answers[key]):
        yield problem(
            answers,
            key,
            "bad-value",
            "must be the two letters of a country, such as DE, IN or US",
            f"{key}=-- for none",
        )
    if not files:
        return
    for key in _FILES:
        if answers[key] and matters(options()[key], answers) and not _is_file(answers[key]):
            yield problem(answers, key, "no-file", "there is no such file on this machine", "correct the path")
    if _signs(answers) and not answers["CONFIG_SSL_CACERT_SELFSIGN"]:
        for key in _AUTHORITY:
            if answers[key] and not _is_file(answers[key]):
                hint = "bring the authority's file, or CONFIG_SSL_CACERT_SELFSIGN=y makes one"
                yield problem(answers, key, "no-file", "there is no such file on this machine", hint)
        yield from _brought(answers, _AUTHORITY)
    for certificate, key in pairs:
        if matters(options()[certificate], answers):
            chain = ("CONFIG_HORIZON_SSL_CACERT",) if certificate == "CONFIG_HORIZON_SSL_CERT" else ()
            yield from _brought(answers, (certificate, key, *chain))


def _is_file(path: str) -> bool:
    """Whether there is such a file; `~` is a home folder. A path that no file can have is none."""
    try:
        return Path(path).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):
        return False


def _brought(answers: Answers, keys: tuple[str, ...]) -> Iterator[Problem]:
    """Problems with a certificate and key of the administrator, if the files exist."""
    files = tuple(str(answers[key]) for key in keys)
    if not all(file and _is_file(file) for file in files[:2]):
        return
    # Loading it takes a tenth of a second, and few answer files need it.
    from stackwright import certificates

    for complaint in certificates.check(files, authority=keys == _AUTHORITY):
        key = keys[files.index(complaint.file)]
        yield problem(answers, key, "certificate", complaint.text, complaint.hint, warning=complaint.warning)


def _signs(answers: Answers) -> bool:
    """Whether the authority of the keys CONFIG_SSL_* must sign a certificate that the answers do not give."""
    own = all(
        answers[key] for key in ("CONFIG_HORIZON_SSL_CERT", "CONFIG_VNC_SSL_CERT") if matters(options()[key], answers)
    )
    broker = ssl.messages(answers) and answers["CONFIG_AMQP_INSTALL"]
    return broker or (ssl.dashboard(answers) and not own)
