"""Packstack's way as plans of ours: the same settings by the upstream providers, packages by Puppet, several passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from stackwright import planner
from stackwright.model import File, Plan, PuppetApply, Run, Step, Upload
from stackwright.planner import render
from stackwright.planner.steps import puppet_module
from stackwright.planner.steps.packages import apt_install

NETWORK = frozenset({"external-bridge", "ovn-controller", "ovn-metadata"})
COMPUTE = frozenset({"nova-compute"})
POST = frozenset({"demo", "clients"})
PROVIDERS = "CONFIG_PUPPET_PROVIDERS"
AROUND = ("cron", "ethtool", "nftables")
"""Packages that the modules expect: CentOS has them from the start, and a bare Debian has not."""
TIMEOUT = 7200.0
"""Time-out of a pass in seconds."""

# Installing RPMs starts no services; with this file, neither does installing Debian packages.
_POLICY = File("/usr/sbin/policy-rc.d", b"#!/bin/sh\nexit 101\n", 0o755)


def split(components: Sequence[str]) -> dict[str, list[str]]:
    """A host's components by pass, in the order of the passes."""
    passes: dict[str, list[str]] = {"controller": [], "network": [], "compute": [], "post": []}
    for one in components:
        name = "network" if one in NETWORK else "compute" if one in COMPUTE else "post" if one in POST else "controller"
        passes[name].append(one)
    return passes


def plans(whole: Any, ours: Plan) -> dict[str, Plan]:
    """A plan for the tools, and one for each pass: the next one starts when all hosts have finished one. `ours` is
    Stackwright's plan for the same answers and facts; steps that both ways need are taken from it."""
    entries = whole.answers.entries
    upstream = {PROVIDERS: replace(entries[PROVIDERS], value="upstream")}
    whole = replace(whole, answers=replace(whole.answers, entries={**entries, **upstream}))
    last = {s.host: a for s in ours.steps for a in s.actions if isinstance(a, PuppetApply)}
    by_id = {s.id: s for s in ours.steps}
    steps = {"tools": [step for name in ours.hosts for step in _tools(whole, name, by_id)]}
    for name, run in last.items():
        for title, components in split(run.components).items():
            found = steps.setdefault(title, [])
            if components:
                found.append(_pass(whole, name, title, components, run))
    return {
        title: Plan(tuple(found), hosts=tuple(dict.fromkeys(s.host for s in found)), secrets=ours.secrets)
        for title, found in steps.items()
        if found
    }


def _tools(whole: Any, name: str, by_id: Mapping[str, Step]) -> list[Step]:
    """Puppet, its modules, the `openstack` command that the upstream providers call, and the image."""
    platform = whole.hosts[name].platform
    module = by_id[f"{name}:module"]
    names = (*platform.puppet_packages, *platform.module_packages, "python3-openstackclient", *AROUND)
    actions = (Run("tools", apt_install(names), 1800), Upload((_POLICY,)))
    tools = Step(f"{name}:tools", name, "Puppet and its modules", actions, (module.id, f"{name}:lists"))
    image = by_id.get(f"{name}:image")
    record = next(f for a in module.actions if isinstance(a, Upload) for f in a.files if f.path.endswith("/cloud.json"))
    return [
        replace(module, actions=puppet_module.actions("upstream", record)),
        replace(by_id[f"{name}:lists"], needs=(), after=()),
        tools,
        *([replace(image, needs=(tools.id,), after=())] if image else []),
    ]


def _pass(whole: Any, name: str, title: str, components: list[str], run: PuppetApply) -> Step:
    host = replace(whole.hosts[name], components=tuple(components))
    context = whole.context(host)
    if "demo" in components:
        path, disk_format = planner.image_file(whole, host)
        context |= {"image": {"path": path, "format": disk_format}}
    rendered = render.catalog(components, context)
    action = PuppetApply(
        title, rendered.manifest, rendered.hieradata, run.modulepath, puppet=run.puppet, timeout=TIMEOUT
    )
    return Step(f"{name}:{title}", name, title, (action,))
