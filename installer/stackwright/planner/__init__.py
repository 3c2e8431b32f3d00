"""(Answers, Facts) -> Plan. Pure: the same answers and facts give the same plan, to the byte."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any

from stackwright import guest, platforms, services
from stackwright.model import (
    Action,
    Answers,
    Certificates,
    Facts,
    File,
    Plan,
    Probe,
    PuppetApply,
    Run,
    Step,
    Upload,
)
from stackwright.planner import firewall_policy, order, render, topology
from stackwright.planner.choices import presets
from stackwright.planner.host_classes import HostClasses
from stackwright.planner.order import Placed
from stackwright.planner.placement import all_hosts, existing, left_alone, place, place_beside
from stackwright.planner.steps import certificates as certificate_steps
from stackwright.planner.steps import (
    credentials,
    dashboard,
    firewall_rules,
    hostnames,
    locked,
    migration,
    package_cache,
    puppet_module,
    repositories,
)
from stackwright.planner.steps import host as host_steps
from stackwright.planner.steps import packages as package_steps
from stackwright.planner.topology import NO_CERTIFICATES, Cloud, Host
from stackwright.services import provision

__all__ = [
    "NO_CERTIFICATES",
    "STATE_DIR",
    "Cloud",
    "all_hosts",
    "builds_image",
    "cloud",
    "cloud_key",
    "existing",
    "left_alone",
    "packages",
    "place",
    "plan",
    "presets",
    "secrets",
]

STATE_DIR = "/var/lib/stackwright"
"""Stackwright's folder on each host."""

_IMAGE_DIR = f"{STATE_DIR}/images"
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def cloud(answers: Answers, facts: Mapping[str, Facts], certificates: Certificates = NO_CERTIFICATES) -> Cloud:
    """The cloud that the answers describe on the hosts that the facts describe. Raises StackwrightError."""
    placed = place(answers)
    found = {host: platforms.find(facts[host].os_id, facts[host].os_version, facts[host].arch) for host in placed}
    first = found[next(iter(found))]
    asked, trunk = str(answers["CONFIG_OPENSTACK_RELEASE"]), bool(answers["CONFIG_RDO_TRUNK"])
    release = platforms.release_of(first, asked, trunk)
    return topology.build(answers, facts, placed, found, release, certificates, place_beside(answers))


_FEW = 100
"""Hosts whose names and addresses fit into an environment variable: together less than 16 kB."""


def plan(whole: Cloud, exact: Mapping[str, locked.Exact] | None = None, *, offline: bool = False) -> Plan:
    """The plan for all hosts.

    `whole` must have every certificate that `steps.certificates.wanted` lists. `exact` has the package versions of a
    lock, by host. With `offline`, packages come from a bundle that was copied to the hosts. Raises StackwrightError if
    the cloud cannot be planned.
    """
    there = (capability for component, _ in whole.beside.values() for capability in component.provides)
    waits = order.needs(whole.placement, (*_given(whole.answers), *there))
    runs: dict[str, dict[int, list[Placed]]] = {name: {} for name in whole.hosts}
    run_of: dict[Placed, str] = {}
    for placed, number in order.runs(waits).items():
        runs[placed.host].setdefault(number, []).append(placed)
        run_of[placed] = f"{placed.host}:puppet-{number}"
    kinds, module, opened = HostClasses(), _module(whole), firewall_policy.openings(whole)
    steps: list[Step] = []
    for name, host in whole.hosts.items():
        prepared = _prepare(whole, host, kinds, module, (exact or {}).get(name), offline=offline)
        steps += map(locked.from_bundle, prepared) if offline else package_cache.through(whole, prepared)
        steps.append(_firewall(whole, host, opened))
        before = [s.id for s in prepared if not s.id.endswith((":lists", ":repositories", ":names"))]
        so_far: list[Placed] = []
        for number, group in sorted(runs[name].items()):
            so_far = order.sequence(waits, (*so_far, *group))
            own_id = f"{name}:puppet-{number}"
            everything, new = [p.name for p in so_far], [p.name for p in so_far if p in group]
            needed = {run_of[w] for p in group for w in waits[p]} - {own_id} | set(before)
            make = partial(_puppet_run, whole, name=f"puppet-{number}", everything=everything, new=new)
            actions = kinds.actions(host, (number, *everything, "new", *new), make)
            # The firewalls of the hosts that they connect to must be open by then. `after` and not `needs`, so that a
            # changed firewall rule does not run Puppet again.
            doors = sorted({f"{w.host}:firewall" for p in group for w in waits[p] if w.host != name})
            steps.append(Step(own_id, name, _title(new), actions, tuple(sorted(needed)), after=tuple(doors)))
            before = [own_id]
        # After the Puppet steps in the list: of steps that are ready at the same time on a host, the first one starts.
        steps += dashboard.steps(host)
        steps += _people(whole, host)
    steps += migration.steps(whole)
    by_id = {s.id: s for s in steps}
    return Plan(
        steps=tuple(by_id[i] for i in order.in_order({s.id: (*s.needs, *s.after) for s in steps})),
        hosts=tuple(whole.hosts),
        secrets=secrets(whole.answers) | {own.key for own in whole.certificates.of.values()},
        summary=_summary(whole, opened, offline=offline),
        direct=reached_directly(whole),
    )


def reached_directly(whole: Cloud) -> tuple[str, ...]:
    """Names and addresses that programs on the hosts must reach without a proxy: those of the APIs, and of all hosts
    unless there are too many for an environment variable."""
    serving = [name for name, parts in whole.placement.items() if any(part.api for part in parts)]
    hosts = whole.hosts if len(whole.hosts) <= _FEW else serving
    found = [name for host in hosts for name in (whole.hosts[host].address, host, whole.hosts[host].fqdn)]
    # An API may be on a host that EXCLUDE_SERVERS names.
    apis = [whole.address(c.name) for _, c, _ in services.apis() if whole.has(c.name)]
    return tuple(dict.fromkeys((*found, *apis)))


def secrets(answers: Answers) -> frozenset[str]:
    """Every text that must be masked: the answers' secrets, and keys that are derived from them."""
    derived = {render.ceph_key(str(answers["CONFIG_CEPH_SECRET"]))} if answers["CONFIG_CEPH_SECRET"] else set()
    if len(answers["CONFIG_COMPUTE_HOSTS"]) > 1 and answers["CONFIG_NOVA_MIGRATION_SECRET"]:
        derived.add(migration.key_pair(str(answers["CONFIG_NOVA_MIGRATION_SECRET"])).private)
    return answers.secret_texts() | derived


def _given(answers: Answers) -> tuple[str, ...]:
    """Capabilities that existing servers provide, without a component of this cloud."""
    return () if answers["CONFIG_AMQP_INSTALL"] else ("messaging",)


def _module(whole: Cloud) -> tuple[Action, ...]:
    """Uploads the cloud's ID and Stackwright's Puppet module; the same on every host."""
    key = cloud_key(whole.answers)
    record = {"id": whole.id or key, "release": whole.release.name}
    if record["id"] != key:
        record["key"] = key
    text = json.dumps(record, sort_keys=True) + "\n"
    file = File(f"{STATE_DIR}/cloud.json", text.encode(), mode=0o600)
    return puppet_module.actions(str(whole.answers["CONFIG_PUPPET_PROVIDERS"]), file)


def _prepare(
    whole: Cloud,
    host: Host,
    kinds: HostClasses,
    module: tuple[Action, ...],
    exact: locked.Exact | None,
    *,
    offline: bool,
) -> list[Step]:
    """A host's steps before its first Puppet run: packages, Stackwright's Puppet module, the demo image, ..."""
    steps = [Step(f"{host.name}:module", host.name, "Copy Stackwright's Puppet module", module)]
    if not offline and (cache := package_cache.step(whole, host)):
        steps.append(cache)
    steps.append(repositories.step(whole, host))
    after = (steps[-1].id,)
    named = hostnames.step(whole, host)
    if named:
        steps.append(named)
    title = f"Install {len(packages(whole, host))} packages with dependencies"
    if exact:
        title = f"Install {len(exact)} packages, as locked"
        install = locked.actions(host.platform, exact, 3600, repositories.options(whole, host.platform))
    else:
        install = kinds.actions(host, "packages", partial(_install, whole))
    installed = f"{host.name}:packages"
    # `after` and not `needs`: a new host changes /etc/hosts on the others, which must not repeat their later steps.
    steps.append(Step(installed, host.name, title, install, after, after=(named.id,) if named else ()))
    if "database-client" in host.components:
        login = File("/root/.my.cnf", credentials.my_cnf(whole.answers).encode(), mode=0o600, secret=True)
        steps.append(Step(f"{host.name}:database", host.name, "Database client credentials", (Upload((login,)),)))
    steps += host_steps.steps(whole, host, (installed,))
    if "demo" in host.components and whole.answers["CONFIG_GLANCE_INSTALL"]:
        steps.append(
            Step(
                f"{host.name}:image",
                host.name,
                f"Demo image ({whole.answers['CONFIG_PROVISION_IMAGE_NAME']})",
                _image(whole, host),
                after,
            )
        )
    if certificates := certificate_steps.step(whole, host, whole.certificates):
        steps.append(certificates)
    return steps


def _install(whole: Cloud, host: Host) -> tuple[Action, ...]:
    wanted = packages(whole, host)
    if host.platform.package_manager == "apt":
        script = package_steps.apt_install(wanted)
    else:
        lock = bool(whole.answers["CONFIG_VERSION_LOCK"])
        script = package_steps.dnf_install(wanted, repositories.options(whole, host.platform), lock=lock)
    return (Run("packages", script, 3600, retries=3),)


def _firewall(whole: Cloud, host: Host, opened: Mapping[str, tuple[firewall_policy.Opening, ...]]) -> Step:
    """The firewall is a step and not part of the catalog: a new host changes the rules of the other hosts, but must not
    change their catalogs."""
    here, after = f"{host.name}:firewall", (f"{host.name}:packages",)
    if host.name not in opened:
        return Step(here, host.name, "Firewall: remove Stackwright's rules", firewall_rules.removal(), after)
    passed_on = tuple(b.network for b in host.bridges if b.network)
    found = opened[host.name]
    guard = firewall_policy.guard(whole, host, opened)
    actions = firewall_rules.actions(host.platform.firewall, found, passed_on, guard)
    return Step(here, host.name, f"Firewall: open {len(found)} port{'s' * (len(found) != 1)}", actions, after)


def packages(whole: Cloud, host: Host) -> tuple[str, ...]:
    """Every package that a host installs, in one transaction; sorted."""
    traits = {"virt_type": host.choices.virt_type, "arch": host.facts.arch or "x86_64"}
    chosen = [
        found.name
        for found in services.package_sets()
        if (not found.of or {*found.of} & {*host.components})
        and all(traits[name] == value for name, value in found.traits)
        and found.when(whole.answers)
    ]
    return services.packages_for(host.platform, (*host.components, *chosen), whole.release)


def image_file(whole: Cloud, host: Host) -> tuple[str, str]:
    """Path on the host and disk format of the demo image."""
    name = str(whole.answers["CONFIG_PROVISION_IMAGE_NAME"])
    if not _FILE_NAME.fullmatch(name):  # the name is free text in Glance; `../x` must not lead to another folder
        name = f"image-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    if builds_image(whole, host):
        return f"{_IMAGE_DIR}/{name}-built.raw", "raw"
    disk_format = str(whole.answers["CONFIG_PROVISION_IMAGE_FORMAT"])
    return f"{_IMAGE_DIR}/{name}.{disk_format}", disk_format


def builds_image(whole: Cloud, host: Host) -> bool:
    """Whether the demo image is built on the host instead of downloaded."""
    source = str(whole.answers["CONFIG_PROVISION_IMAGE_SOURCE"] or "auto")
    return source == "build" or (source == "auto" and host.facts.extra.get("image_url") == "unreachable")


def _image(whole: Cloud, host: Host) -> tuple[Action, ...]:
    path, _ = image_file(whole, host)
    if builds_image(whole, host):
        return guest.actions(path)
    url = str(whole.answers["CONFIG_PROVISION_IMAGE_URL"])
    checksum = str(whole.answers["CONFIG_PROVISION_IMAGE_CHECKSUM"]) or provision.KNOWN_IMAGES.get(url, "")
    return (Run("image", package_steps.fetch_image(url, checksum, path), 1200, retries=3),)


def _puppet_run(whole: Cloud, host: Host, name: str, everything: list[str], new: list[str]) -> tuple[Action, ...]:
    """One Puppet run: the host's components so far, then the probes of those that are new."""
    context = whole.context(host)
    if "demo" in everything:
        path, disk_format = image_file(whole, host)
        context |= {"image": {"path": path, "format": disk_format}}
    rendered = render.catalog(everything, context)
    upstream = whole.answers["CONFIG_PUPPET_PROVIDERS"] == "upstream"
    actions: list[Action] = [
        PuppetApply(
            name=name,
            manifest=rendered.manifest,
            hieradata=rendered.hieradata,
            modulepath=f"{puppet_module.MODULE_DIR}:{host.platform.modulepath}",
            puppet=host.platform.puppet,
            components=tuple(everything),
            timeout=puppet_module.UPSTREAM_TIMEOUT if upstream else PuppetApply.timeout,
            owners=rendered.owners,
        )
    ]
    for component in map(whole.component, new):
        if component.probe:
            capability = (component.provides or (component.name,))[0]
            actions.append(Probe(capability, render.text(component.probe, context)))
    return tuple(actions)


def _title(new: list[str]) -> str:
    return f"Configure {', '.join(new) if len(new) < 5 else f'{len(new)} components'} (Puppet)"


def _people(whole: Cloud, host: Host) -> list[Step]:
    """The credential files, on the host of the clients; without clients, on Keystone's host."""
    at = "clients" if whole.has("clients") else "keystone"
    if at not in host.components or not whole.has("keystone"):
        return []
    texts = credentials.files(whole.answers, whole.url("keystone"))
    files = [File(f"/root/{n}", t.encode(), mode=0o600, secret=True) for n, t in texts.items() if n != "clouds.yaml"]
    files.append(File("/root/.config/openstack/clouds.yaml", texts["clouds.yaml"].encode(), mode=0o600, secret=True))
    needs = (f"{host.name}:puppet-0",)
    return [Step(f"{host.name}:credentials", host.name, "Credential files", (Upload(tuple(files)),), needs)]


def cloud_key(answers: Answers) -> str:
    """Identifies the answers that a host was installed with: a hash of the password of Keystone's database. Version
    0.1.0 used it as the cloud's ID."""
    return _key_from(str(answers["CONFIG_KEYSTONE_DB_PW"]))


@cache
def _key_from(secret: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", secret.encode(), b"stackwright cloud id", 50_000, 16).hex()


def _summary(whole: Cloud, opened: Mapping[str, Sequence[firewall_policy.Opening]], *, offline: bool) -> dict[str, Any]:
    out: dict[str, Any] = {
        "release": whole.release.name,
        "hosts": {h: [c.name for c in components] for h, components in whole.placement.items()},
        "endpoints": {c.name: whole.url(c.name) for _, c, _ in services.apis() if whole.has(c.name)},
        "ports": {h: [opening.told(h) for opening in found] for h, found in opened.items()},
    }
    if unsigned := repositories.unsigned(whole, bundle=offline):
        out["unsigned"] = list(unsigned)
    if whole.has("horizon"):
        out["dashboard"] = whole.dashboard_url
    return out
