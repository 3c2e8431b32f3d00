"""The content of a bundle: answers, facts, lock and plan, without secrets and data of a single machine or person.

Its plan is created from these answers and facts with placeholders for secrets. With the same Stackwright, everybody
gets the same plan from the bundle, to the byte, and can compare it with the plan for other hosts.
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stackwright import __version__, facts, lock, planner, values
from stackwright import answers as answer_files
from stackwright.answers import syntax
from stackwright.bundle import names
from stackwright.bundle.archive import Index
from stackwright.model import Answer, Answers, Certificate, Certificates, ExitCode, Facts, Plan, StackwrightError
from stackwright.output import text as text_output
from stackwright.planner import assets
from stackwright.planner.steps import certificates
from stackwright.services import options

ANSWERS, PACKAGES = "answers.txt", "packages"


@dataclass(frozen=True)
class Setup:
    """A reproducible cloud: everything that determines its plan, except secrets."""

    answers: Mapping[str, str]
    """Texts by key, without secrets."""
    facts: Mapping[str, Facts]
    """By host, in the order of the plan."""
    lock: lock.Lock

    def plan(self, seen: Mapping[str, Facts] | None = None) -> Plan:
        """The plan with placeholders for secrets; with `seen`, for other hosts of the same names."""
        return impersonal_plan(self.read(), seen or self.facts, self.exact)

    def read(self) -> Answers:
        """The answers, with newly generated secrets. Raises AnswersError if some are missing."""
        return answer_files.read((), self.answers, environ={})

    @property
    def exact(self) -> dict[str, dict[str, str]]:
        """Package versions by host."""
        return {name: host.installable for name, host in self.lock.hosts.items()}

    def renamed(self, rename: names.Rename) -> Setup:
        """The same setup for hosts with other names and addresses."""
        held = replace(
            self.lock,
            answers=rename(dict(self.lock.answers)),
            hosts={rename(name): host for name, host in self.lock.hosts.items()},
        )
        known = {name: str(rename(name)) for name in self.facts}
        return Setup(rename(dict(self.answers)), rename_facts(self.facts, rename, known), held)


def rename_facts(seen: Mapping[str, Facts], rename: names.Rename, hosts: Mapping[str, str]) -> dict[str, Facts]:
    """Facts with all names and addresses replaced; `hosts` maps old to new names of hosts in the answers."""
    out = {}
    for name, fact in seen.items():
        record = rename(json.loads(facts.to_json(fact)))
        out[hosts[name]] = facts.from_json(json.dumps(record | {"host": hosts[name]}))
    return out


def impersonal_plan(given: Answers, seen: Mapping[str, Facts], exact: Mapping[str, Mapping[str, str]]) -> Plan:
    """The plan with placeholders for secrets and certificates, and without data of a single machine."""
    given, known = answer_files.impersonal(given), names.impersonal(seen)
    whole = planner.cloud(given, known)
    of = {
        (w.component, w.host): Certificate(f"CERTIFICATE-OF-{w.component}", f"KEY-OF-{w.component}", w.names)
        for w in certificates.wanted(whole)
    }
    stand_ins = Certificates(of, "CERTIFICATE-OF-AUTHORITY" if certificates.signed(whole) else "")
    return planner.plan(replace(whole, certificates=stand_ins), exact)


def digest(plan: Plan) -> str:
    """The digest of a plan; plans with the same steps, files and scripts have the same."""
    return hashlib.sha256("".join(plan.digests().values()).encode()).hexdigest()


def plan_files(plan: Plan) -> dict[str, bytes]:
    """A plan as files: its text, and everything that would be uploaded, except what is always the same (our Puppet
    module, the sources of the guest image)."""
    out = {"plan/plan.txt": text_output.text(plan).encode() + b"\n"}
    for name, content in text_output.files(plan):
        if "/stackwright/modules/" not in name and "/stackwright/guest/" not in name:
            out[f"plan/{name}"] = content
    return out


def shared_answers(given: Answers) -> dict[str, str]:
    """The answers in a bundle: the hosts, and those that differ from the defaults, without secrets."""
    entries = {
        key: Answer(None, "", entry.origin)
        if key in given.secrets
        else replace(entry, text=answer_files.without_credentials(entry.text))
        for key, entry in given.entries.items()
    }
    text = answer_files.write(Answers(entries, given.secrets), minimal=True)
    return {line.key: line.text for line in syntax.parse(text, ANSWERS).lines if line.key in _shareable()}


def pinned(setup: Setup) -> dict[str, str]:
    """Explicit answers for settings that were derived from the hosts, if all hosts agree: other hosts may have other
    processors, but must get the same settings. A tag of trunk becomes tag and hash."""
    given = setup.read()
    whole = planner.cloud(answer_files.impersonal(given), names.impersonal(setup.facts))
    hosts = list(whole.hosts.values())
    found = {
        "CONFIG_NOVA_LIBVIRT_VIRT_TYPE": {h.choices.virt_type for h in hosts},
        "CONFIG_NEUTRON_DATAPATH": {h.choices.datapath_type for h in hosts},
        "CONFIG_SERVICE_WORKERS": {str(h.choices.workers) for h in hosts},
    }
    if given["CONFIG_PROVISION_DEMO"] and whole.has("keystone"):
        built = planner.builds_image(whole, whole.having("keystone")[0])
        found["CONFIG_PROVISION_IMAGE_SOURCE"] = {"build" if built else "url"}
        name = f"{given['CONFIG_PROVISION_IMAGE_NAME']}.{given['CONFIG_PROVISION_IMAGE_FORMAT']}"
        sums = {host.images[name] for host in setup.lock.hosts.values() if name in host.images}
        found["CONFIG_PROVISION_IMAGE_CHECKSUM"] = sums if not built else set()
    trunk = setup.lock.trunk
    return ({"CONFIG_RDO_TRUNK": trunk} if trunk and given["CONFIG_RDO_TRUNK"] else {}) | {
        key: next(iter(values))
        for key, values in found.items()
        if len(values) == 1 and key in given.entries and given.entries[key].origin.kind == "default"
    }


# --------------------------------------------------------------------------------------------------- write and read


def files(setup: Setup, rename: names.Rename = lambda value: value) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The description of a setup for the index, and its files. `rename` replaces names."""
    setup = setup.renamed(rename)
    plan = setup.plan()
    known = names.impersonal(setup.facts)
    about = {
        "release": setup.lock.release,
        "templates": assets.digest(),
        "plan": digest(plan),
        "hosts": list(setup.facts),
        "platforms": {name: host.platform for name, host in setup.lock.hosts.items()},
        "memory": {name: fact.memory for name, fact in setup.facts.items()},
        "cpus": {name: fact.cpus for name, fact in setup.facts.items()},
    }
    out = {
        ANSWERS: _answers_text(setup.answers).encode(),
        lock.NAME: lock.write(setup.lock).encode(),
        **{f"facts/{name}.json": facts.to_json(fact).encode() for name, fact in known.items()},
        **plan_files(plan),
    }
    return about, out


def _answers_text(texts: Mapping[str, str]) -> str:
    lines = [f"{key}={text}\n" for key, text in texts.items()]
    return "# Answers of a bundle, without secrets.\n[general]\n" + "".join(lines)


def load(folder: Path, index: Index) -> Setup:
    """The setup in an unpacked bundle. Raises StackwrightError."""
    try:
        document = syntax.parse((folder / ANSWERS).read_text(encoding="utf-8"), ANSWERS)
        named = {str(name): f"facts/{name}.json" for name in index.about["hosts"]}
        seen = {
            name: facts.from_json((folder / file).read_text(encoding="utf-8"))
            for name, file in named.items()
            if file in index.files
        }
        texts = {line.key: line.text for line in document.lines if line.key}
        strange = [
            key
            for key, text in texts.items()
            if key not in _shareable() or text.startswith("!") or not text.isprintable()
        ]
        if strange or not seen or set(seen) != set(named):
            raise ValueError(
                f"it contains unexpected keys: {', '.join(strange)}" if strange else "some hosts have no facts"
            )
        setup = Setup(texts, seen, lock.load(folder / lock.NAME))
        _refuse_others(setup)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        missing = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise StackwrightError(
            f"cannot use the bundle: {missing}", "ask its author for a new one", ExitCode.USAGE
        ) from None
    return setup


def _refuse_others(setup: Setup) -> None:
    """Raises ValueError if answers, facts and lock name different hosts: a bundle may come from anybody, and its
    answers must not lead to hosts that the user did not name."""
    for part, hosts in (
        ("answers", planner.all_hosts(setup.read())),
        ("lock", setup.lock.hosts),
    ):
        if other := sorted({*hosts} ^ {*setup.facts}):
            raise ValueError(f"its {part} and its facts name different hosts: {', '.join(map(repr, other))}")


_PERSONAL = (
    "CONFIG_RH_",
    "CONFIG_SATELLITE_",
    "CONFIG_SSL_",
    "CONFIG_SSH_KEY",
    "CONFIG_ENABLE_RDO_TESTING",
    "CONFIG_REPO_UNSIGNED",
)
"""How answers begin that are the person's own, whatever their type: accounts, keys, and packages without signatures."""

_PLACES = (values.path, values.url, values.urls, values.key_url, values.key_urls, values.web_url, values.ldap_url)
"""Parsers of places: files of the controlling machine, and servers that hosts get software, keys or users from."""

_HARMLESS = frozenset({"CONFIG_PROVISION_IMAGE_URL"})
"""A place all the same: what comes from there runs in instances only, and has a checksum in a bundle."""


@functools.cache
def _shareable() -> frozenset[str]:
    """Answers that a bundle may bring. Others are left to the person: a secret could name a command to be run here, a
    repository brings programs that root runs, a path names a file of this machine."""
    return frozenset(
        key
        for key, option in options().items()
        if not option.secret and not key.startswith(_PERSONAL) and (key in _HARMLESS or option.parse not in _PLACES)
    )


def left_out(given: Answers) -> tuple[str, ...]:
    """Answers that differ from the defaults, are no secrets, and are not in a bundle all the same."""
    return tuple(key for key in answer_files.public(given) if key not in _shareable())


def same_plan(setup: Setup, index: Index) -> str:
    """Checks whether this Stackwright creates the same plan as the bundle contains, to the byte: returns an empty text,
    or the reason why not. Raises StackwrightError if no plan can be created from the bundle."""
    try:
        made = digest(setup.plan())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StackwrightError(
            f"cannot use the bundle: its hosts cannot be planned ({type(error).__name__}: {error})",
            "ask its author for a new one",
            ExitCode.USAGE,
        ) from error
    if made == index.about.get("plan"):
        return ""
    if index.version != __version__ or index.about.get("templates") != assets.digest():
        return f"it was created by Stackwright {index.version} with other templates than this {__version__} has"
    return "although the version and the templates are the same"


def compare(theirs: Mapping[str, bytes], mine: Mapping[str, bytes], most: int = 12) -> list[str]:
    """The differences between two plans as lines of text: files in only one of them, and lines that differ."""
    out = []
    for name in sorted({*theirs, *mine}):
        if theirs.get(name) == mine.get(name):
            continue
        title = name.removeprefix("plan/")
        if name not in mine or name not in theirs:
            out.append(f"{title}: {'only in the bundle' if name not in mine else 'only here'}")
            continue
        out.append(f"{title}:")
        before, after = (text[name].decode(errors="replace").splitlines() for text in (theirs, mine))
        changed = [line for line in difflib.unified_diff(before, after, lineterm="", n=0) if line[:1] in "+-"][2:]
        out += [f"  {lock.printable(line[:200])}" for line in changed[:most]]
        if len(changed) > most:
            out.append(f"  and {len(changed) - most} more lines")
    return out


def matched(theirs: Iterable[str], mine: Iterable[str]) -> dict[str, str]:
    """Maps each host of a bundle to one of mine: A=B names both; plain names are used in their order. Raises
    StackwrightError."""
    theirs, given = tuple(theirs), tuple(mine)
    out = dict(pair.split("=", 1) for pair in given if "=" in pair)
    plain = [name for name in given if "=" not in name]
    strange = [name for name in out if name not in theirs]
    left = [name for name in theirs if name not in out]
    if strange or len(plain) != len(left) or len({*out.values(), *plain}) != len(theirs):
        raise StackwrightError(
            f"the bundle has {len(theirs)} hosts ({', '.join(theirs)}), but {len(given)} were given: "
            f"{', '.join(given)}",
            "give the same number of hosts, each once, in that order or as THEIRS=MINE",
            ExitCode.USAGE,
        )
    return out | dict(zip(left, plain, strict=True))
