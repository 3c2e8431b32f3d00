"""The golden cases: answers and facts as files, and the plan that follows from them as text.

A case is a folder in tests/plans/cases: `answers.txt` is laid over tests/plans/base.txt; `facts.json` has the hosts'
facts by name (tests/plans/facts.json where the case has none). What is expected stands in `expected/`: plan.txt,
secrets.txt, and the manifest and hieradata of each host's last Puppet run, which has all of the host's components.
"""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import outcome
from stackwright import answers, facts, planner
from stackwright.model import Action, Answers, Facts, Plan, Probe, PuppetApply, Run, Upload
from stackwright.services import SERVICES, options

FOLDER = Path(__file__).parent / "plans"
SOURCES = ("/var/lib/stackwright/modules/stackwright/", "/var/lib/stackwright/guest/sources/")
"""Folders whose files are not listed one by one: they are the same everywhere."""

SHOWN = ("/firewall.nft", "/firewalld-stackwright.xml", "/firewalld-stackwright-fwd.xml")
"""Files whose content is shown: it differs from host to host."""


@dataclass(frozen=True)
class Case:
    """One folder of cases/."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def expected(self) -> Path:
        return self.folder / "expected"

    def answers(self) -> Answers:
        files = [FOLDER / "base.txt", self.folder / "answers.txt"]
        return answers.read(files, environ={}, local_host="198.18.0.10", remembered=secrets())

    def facts(self) -> dict[str, Facts]:
        own = self.folder / "facts.json"
        records = json.loads((own if own.exists() else FOLDER / "facts.json").read_text())
        return {host: facts.from_json(json.dumps({"host": host, **record})) for host, record in records.items()}

    @cache  # noqa: B019 -- there are few cases, and they live as long as the tests
    def plan(self) -> Plan:
        return outcome.plan(self.answers(), self.facts())

    def packages(self) -> dict[str, tuple[str, ...]]:
        """By host: what its one package transaction asks for."""
        whole = planner.cloud(self.answers(), self.facts())
        return {name: planner.packages(whole, host) for name, host in whole.hosts.items()}


CASES = {path.name: Case(path) for path in sorted((FOLDER / "cases").iterdir()) if path.is_dir()}


def secrets() -> dict[str, str]:
    """A text in the place of each secret that would be made at random: it says whose it is."""
    return {
        key: f"{key.removeprefix('CONFIG_').lower().replace('_', '-')}.secret".ljust(
            32 if key.endswith("_ENC_KEY") else 0, "x"
        )
        for key, option in options().items()
        if option.generate
    }


def hosts(case: Case) -> tuple[str, ...]:
    return planner.all_hosts(case.answers(), SERVICES)


def last_runs(plan: Plan) -> dict[str, PuppetApply]:
    """By host: the Puppet run that has all of the host's components."""
    return {s.host: a for s in plan.steps for a in s.actions if isinstance(a, PuppetApply)}


def secrets_of(case: Case) -> dict[str, tuple[str, ...]]:
    """By host: the keys of the secrets that are brought there in any way, and what is derived from them."""
    values = case.answers()
    plan = case.plan()
    files = [f for step in plan.steps for a in step.actions if isinstance(a, Upload) for f in a.files]
    keys = {f.content.decode(): Path(f.path) for f in files if f.path.endswith((".key", "/id_ed25519"))}
    known = {key: str(values[key]) for key in values.secrets if values[key]}
    for text in plan.secrets - set(known.values()):
        known[f"({keys[text].name})" if text in keys else "(a client's key of Ceph)"] = text
    brought: dict[str, list[str]] = {host: [] for host in plan.hosts}
    for step in plan.steps:
        for action in step.actions:
            match action:
                case Upload(files):
                    brought[step.host] += [f.content.decode(errors="replace") for f in files]
                case Run(script=script) | Probe(script=script):
                    brought[step.host].append(script)
                case PuppetApply(manifest=manifest, hieradata=hieradata):
                    brought[step.host] += [manifest, hieradata]
    return {h: tuple(sorted(k for k, v in known.items() if any(v in t for t in ts))) for h, ts in brought.items()}


def _indented(text: str) -> str:
    return textwrap.indent(text.rstrip("\n"), "      ") + "\n"


def _action(action: Action, packages: tuple[str, ...]) -> str:
    match action:
        case Upload(files):
            shown = [
                f"    {f.path} {f.mode:04o} {f.owner}{' secret' if f.secret else ''}\n"
                for f in files
                if not f.path.startswith(SOURCES)
            ]
            for file in files:
                if file.path.endswith(SHOWN):
                    shown.append(_indented(file.content.decode()))
            folders = [f"    {folder}...\n" for folder in SOURCES if any(f.path.startswith(folder) for f in files)]
            return "".join(["  upload\n", *shown, *folders])
        case Run(name, timeout=timeout, retries=retries):
            # One on a line: a new package is then one line of difference.
            names = _indented("\n".join(packages)) if name == "packages" else ""
            return f"  run {name} (timeout {timeout:g} s, {retries} retries)\n{names}"
        case PuppetApply(name, modulepath=modulepath, puppet=program, components=components):
            shown_components = _indented(textwrap.fill(" ".join(components), 110, break_on_hyphens=False))
            return f"  puppet {name}: {program}, {modulepath}\n{shown_components}"
        case Probe(capability, script, timeout, interval):
            return f"  probe {capability} (timeout {timeout:g} s, every {interval:g} s)\n{_indented(script)}"


def plan_text(plan: Plan, packages: dict[str, tuple[str, ...]]) -> str:
    """The plan without its digests, and without what our Puppet module consists of."""
    out = []
    for step in plan.steps:
        needs = f"  needs {', '.join(step.needs)}\n" if step.needs else ""
        needs += f"  after {', '.join(step.after)}\n" if step.after else ""
        actions = "".join(_action(a, packages[step.host]) for a in step.actions)
        out.append(f"{step.id}\n  {step.title}\n{needs}{actions}")
    shown = {k: v for k, v in plan.summary.items() if k != "hosts"}  # the steps name the components
    return "\n".join([*out, "summary\n" + _indented(json.dumps(shown, indent=1, sort_keys=True))])


def texts(case: Case) -> dict[str, str]:
    """File name to content: what `expected/` holds."""
    plan = case.plan()
    out = {"plan.txt": plan_text(plan, case.packages())}
    listed = [
        f"{host}\n" + _indented("\n".join(keys)) if keys else f"{host}\n" for host, keys in secrets_of(case).items()
    ]
    out["secrets.txt"] = "".join(listed)
    for host, run in last_runs(plan).items():
        out[f"{host}.pp"] = run.manifest
        out[f"{host}.yaml"] = run.hieradata
    return out
