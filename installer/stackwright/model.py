"""The nouns of Stackwright: values without behaviour of their own, and without I/O. It imports nothing of ours but what
service records are made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import Any, Literal

from stackwright.records import Change, PackageSet, PuppetModule
from stackwright.records import Component as Component
from stackwright.records import Port as Port
from stackwright.records import Role as Role


class ExitCode(IntEnum):
    """What the command's exit status means; a test compares the table in docs/commands.md with this."""

    OK = 0
    FAILED = 1
    """A step failed, or the finished cloud did not pass its verification."""
    USAGE = 2
    """Unknown flag, or flags that contradict each other."""
    ANSWERS = 3
    """The answer file cannot be used; nothing was changed."""
    PREFLIGHT = 4
    """A host is not fit for what it is asked to do; nothing was changed."""
    UNREACHABLE = 5
    """A host could not be reached or logged in to; nothing was changed."""
    BUSY = 6
    """Somebody else is working on the same cloud; nothing was changed."""
    ENVIRONMENT = 7
    """The controlling machine lacks something (a package, a permission, disk space)."""
    INTERRUPTED = 130


class StackwrightError(Exception):
    """An error that a person can cause: what was seen and wanted, and what to do about it.

    `message` is one or more plain lines; `hint` stands on its own line after a blank one.
    """

    def __init__(self, message: str, hint: str = "", code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


# ---------------------------------------------------------------------------------------------------- what is wanted


@dataclass(frozen=True)
class Option:
    """One key of the answer file.

    `parse` turns the text of the file into a typed value and raises ValueError with a sentence that says what is
    allowed. `default` is the text that stands for "not given". `was` are the names that older answer files use.
    """

    key: str
    help: str
    default: str
    parse: Callable[[str], Any]
    choices: tuple[str, ...] = ()
    secret: bool = False
    generate: bool = False
    """Fill with random text where a new file is written or the value is left empty (secrets)."""
    was: tuple[str, ...] = ()
    when: tuple[tuple[str, str], ...] = ()
    """The option matters only while each of these (key, value) pairs holds: (("CONFIG_CINDER_INSTALL", "y"),).
    Values may be alternatives (lvm|nfs), and so may keys (CONFIG_HORIZON_SSL|CONFIG_AMQP_ENABLE_SSL)."""
    metavar: str = ""
    flag: str = ""
    """Packstack's name of the command-line flag, without the dashes; empty: made from the key."""
    required: bool = False
    """Must not be empty while `when` holds."""
    ours: bool = False
    """A key that Packstack does not know."""
    not_yet: tuple[str, ...] = ()
    """Values that this version cannot install: choosing one is an error that says so. "*" is any but an empty one."""
    not_yet_why: str = ""
    """Why these values cannot be installed; goes after a colon."""
    not_done: str = ""
    """What happens instead, where this version reads the option and does nothing with it yet: a warning says so when a
    value other than the default is given, and the cloud is installed without. Empty: the option does its work."""
    effect: str = ""
    """What it decides besides components and their Puppet parameters, for `answers explain`. Empty: nothing else."""
    passed_as: tuple[str, ...] = ()
    """The names under which the planner passes its value to the templates, where they do not use the key itself."""


@dataclass(frozen=True)
class Service:
    """One OpenStack service, or something it stands on: its options and its components."""

    name: str
    summary: str
    options: tuple[Option, ...]
    components: tuple[Component, ...] = ()
    switch: str = ""
    """The key that switches the service on; empty: it is always wanted."""
    missing: str = ""
    """Why this version cannot install it yet: switching it on is an error that says so. Empty: it can be installed."""
    roles: tuple[Role, ...] = ()
    """Those of its components; a component may also have a role of another service."""
    needs: tuple[tuple[str, str, str, str], ...] = ()
    """What its answers need of others': (key, value, needed switch, why). The switch must be y."""
    tempest: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Regular expressions for tests of Tempest, by the name of a group."""
    package_sets: tuple[PackageSet, ...] = ()
    puppet: PuppetModule | None = None
    checks: str = ""
    """Module in verify/on_host/ whose `checks` does with the service what a person would, and cleans up."""
    expendable: bool = False
    """Whether a cloud is of use without it: where memory is short, a hint names its switch."""
    changes: Mapping[str, Change] = field(default_factory=dict)
    """By key: whether the answer can change in an installed cloud. Switches and passwords need no entry: they can."""


@dataclass(frozen=True)
class Origin:
    """Where a value came from."""

    kind: Literal["default", "generated", "file", "environment", "flag"]
    where: str = ""
    """File name, variable or flag."""
    line: int = 0
    """1-based; 0 where there is none."""

    def __str__(self) -> str:
        if self.kind == "file":
            return f"{self.where}:{self.line}"
        return f"{self.kind} {self.where}".strip()


@dataclass(frozen=True)
class Answer:
    """One answer: its typed value, the text it was read from, and where that stood."""

    value: Any
    text: str
    origin: Origin


@dataclass(frozen=True)
class Answers(Mapping[str, Any]):
    """All answers by key. As a mapping it yields typed values: `answers["CONFIG_NOVA_INSTALL"] is True`."""

    entries: Mapping[str, Answer]
    secrets: frozenset[str] = frozenset()
    """The keys whose values are never shown."""

    def __getitem__(self, key: str) -> Any:
        return self.entries[key].value

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def with_value(self, key: str, value: Any) -> Answers:
        """The same answers, with another value for one key. Raises KeyError for an unknown key."""
        return replace(self, entries={**self.entries, key: replace(self.entries[key], value=value)})

    def secret_texts(self) -> frozenset[str]:
        """Every secret, for redaction, without empty ones. Not `text`: that may say where a secret is to be had."""
        found = (str(self.entries[k].value) for k in self.secrets if k in self.entries)
        return frozenset(secret for secret in found if secret)


@dataclass(frozen=True)
class Certificate:
    """What a server shows, and its private key; both are PEM."""

    chain: str
    """Its certificate, then those between it and its authority."""
    key: str = field(repr=False)
    names: tuple[str, ...] = ()
    """Names and addresses that it is for."""
    given: bool = False
    """A person brought it; nobody on the hosts need trust its authority."""


@dataclass(frozen=True)
class Certificates:
    """All that the servers of a cloud show."""

    of: Mapping[tuple[str, str], Certificate] = field(default_factory=dict)
    """By component and host."""
    authority: str = ""
    """The certificate of the authority that signed what nobody brought, as PEM; empty where it signed nothing."""
    file: str = ""
    """Where the authority's certificate is on the controlling machine."""


# ------------------------------------------------------------------------------------------------------ what is there


@dataclass(frozen=True)
class Interface:
    """A network interface as the host shows it."""

    name: str
    mac: str = ""
    mtu: int = 0
    up: bool = False
    addresses: tuple[str, ...] = ()
    """With prefix length: 198.18.0.10/24."""


@dataclass(frozen=True)
class Facts:
    """What one host is, as seen by one read-only probe. Sizes are in bytes, times in seconds since the epoch."""

    host: str
    """The name or address that the answers use for it."""
    seen_at: float = 0.0
    hostname: str = ""
    fqdn: str = ""
    """`hostname -f`; empty when that fails."""
    address: str = ""
    """The address other hosts reach it at: `host` itself where it is one, else what it resolves to."""
    resolves: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names (hostname, fqdn, host) to what the host itself resolves them to."""
    os_id: str = ""
    os_like: tuple[str, ...] = ()
    os_version: str = ""
    os_name: str = ""
    arch: str = ""
    kernel: str = ""
    virtualization: str = "none"
    """As systemd-detect-virt says: none, kvm, systemd-nspawn, ..."""
    container: bool = False
    cpus: int = 1
    memory: int = 0
    swap: int = 0
    disk_free: Mapping[str, int] = field(default_factory=dict)
    """By mount point of interest: /, /var, /var/lib."""
    interfaces: tuple[Interface, ...] = ()
    default_interface: str = ""
    gateway: str = ""
    kvm: bool = False
    """/dev/kvm is there and the processor has the extension."""
    kernel_modules: frozenset[str] = frozenset()
    """Those that decide something (openvswitch, geneve, dm_mod, nfs, xfs...) and are loaded, built in or loadable."""
    selinux: str = ""
    """enforcing, permissive, disabled, or empty where there is none."""
    clock_offset: float = 0.0
    """The host's clock minus the controlling machine's, in seconds."""
    uid: int = 0
    sudo: bool = True
    """Whether root can be had: by being it, or through sudo."""
    python: str = ""
    """Version of /usr/bin/python3, empty when there is none."""
    listening: tuple[tuple[str, int, str], ...] = ()
    """(protocol, port, process name) of listening sockets."""
    installed: Mapping[str, str] = field(default_factory=dict)
    """Versions of the packages that matter to a decision (puppet, epel-release, openstack ones), by name."""
    repositories: tuple[str, ...] = ()
    """Enabled package repositories, as the package manager names them."""
    cloud: Mapping[str, str] = field(default_factory=dict)
    """What /var/lib/stackwright/cloud.json says when a cloud is installed: id, operator, when."""
    machine_id: str = ""
    host_keys: tuple[str, ...] = ()
    """The public keys of its SSH server, as known_hosts has them: ssh-ed25519 AAAA..."""
    extra: Mapping[str, str] = field(default_factory=dict)

    def interface(self, name: str) -> Interface | None:
        """The interface of that name, or None."""
        return next((i for i in self.interfaces if i.name == name), None)


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Problem:
    """Something that is in the way, found before anything was changed."""

    name: str
    """Stable and short, to be waived by: memory, fqdn, port-in-use."""
    seen: str
    wanted: str
    hint: str = ""
    host: str = ""
    severity: Severity = Severity.ERROR
    where: str = ""
    """file:line or key, where it is about an answer."""


# ------------------------------------------------------------------------------------------------------ what is to do


@dataclass(frozen=True)
class File:
    """A file to be put on a host, replaced atomically."""

    path: str
    content: bytes = field(repr=False)
    mode: int = 0o644
    owner: str = "root:root"
    secret: bool = False
    """Its content appears in no log or dry run."""


@dataclass(frozen=True)
class Upload:
    """Puts files on the host; those that are there with the same content, mode and owner are left alone."""

    files: tuple[File, ...]


@dataclass(frozen=True)
class Run:
    """A POSIX shell script, run as root and detached from the session. Exit 0 is success.

    The last line `stackwright: changed` on its output says that it changed something, `stackwright: progress N M TEXT`
    lines are shown while it runs. `needs_free` packages manager locks are waited for by the script itself.
    """

    name: str
    script: str = field(repr=False)
    timeout: float = 1800.0
    secret: bool = False
    """The script holds secrets: it is uploaded 0600, and not printed in a dry run."""
    retries: int = 0
    """How often a failure that is worth another try (exit 75, EX_TEMPFAIL) is tried again."""


@dataclass(frozen=True)
class PuppetApply:
    """One catalog, applied by `puppet apply`, detached from the session. The hieradata leaves the host when it ends."""

    name: str
    manifest: str = field(repr=False)
    hieradata: str = field(repr=False)
    """YAML for the automatic lookup of class parameters; secret."""
    modulepath: str
    puppet: str = "puppet"
    """The program: /opt/puppetlabs/bin/puppet where the distribution puts it aside."""
    components: tuple[str, ...] = ()
    timeout: float = 3600.0
    owners: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """Which component each parameter is of; for people."""


@dataclass(frozen=True)
class Probe:
    """A shell script that is repeated until it exits with 0; then `capability` counts as provided."""

    capability: str
    script: str
    timeout: float = 120.0
    interval: float = 1.0


Action = Upload | Run | PuppetApply | Probe


@dataclass(frozen=True)
class Step:
    """The smallest unit that is started, journaled, failed or kept: actions on one host, one after the other."""

    id: str
    host: str
    title: str
    actions: tuple[Action, ...]
    needs: tuple[str, ...] = ()
    """Ids of the steps that must have succeeded."""
    always: bool = False
    """Run even when the journal knows it, because it only looks."""
    after: tuple[str, ...] = ()
    """As `needs`, for steps whose content does not matter to this one: when they change, this one is kept."""


def _canonical(value: Any) -> Any:
    """A JSON-able picture of an action, stable to the byte."""
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, tuple | list):
        return [_canonical(v) for v in value]
    if hasattr(value, "__dataclass_fields__"):
        kept = (name for name, known in value.__dataclass_fields__.items() if known.compare)
        fields = {name: _canonical(getattr(value, name)) for name in kept}
        return {"type": type(value).__name__, **fields}
    return value


@dataclass(frozen=True)
class Plan:
    """What will be done, in an order in which each step follows what it needs. The executor's only input."""

    steps: tuple[Step, ...]
    hosts: tuple[str, ...] = ()
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    """Texts that must never be shown."""
    summary: Mapping[str, Any] = field(default_factory=dict)
    """For people: endpoints, dashboard, who has which component."""
    direct: tuple[str, ...] = ()
    """Names and addresses that programs on the hosts reach without a proxy: those of the cloud itself."""

    def step(self, step_id: str) -> Step:
        """The step of that id; KeyError if there is none."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise KeyError(step_id)

    def digests(self) -> dict[str, str]:
        """SHA-256 per step id, over the step's own content and the digests of what it needs."""
        return dict(self._digests)

    @cached_property
    def _digests(self) -> dict[str, str]:
        out: dict[str, str] = {}
        actions = {id(a): a for step in self.steps for a in step.actions}  # hosts share what is the same for them
        pictures = {key: json.dumps(_canonical(action), sort_keys=True) for key, action in actions.items()}
        for step in self.steps:
            shown = ", ".join(pictures[id(action)] for action in step.actions)
            needs = "".join(out[n] for n in sorted(step.needs))
            content = f"[{json.dumps(step.id)}, {json.dumps(step.host)}, [{shown}]]{needs}"
            out[step.id] = hashlib.sha256(content.encode()).hexdigest()
        return out


# ----------------------------------------------------------------------------------------------------- what happened


EventKind = Literal["started", "progress", "ok", "kept", "failed", "skipped", "retried", "note", "finished"]


@dataclass(frozen=True)
class Event:
    """Something that happened while a plan was carried out; the screen, the log and the report know nothing else.

    `data` by kind: progress: done, total, what; ok: changed, seconds, profile, puppet, resources; failed: those, and
    cause, lines, service, log, hint; skipped: because (a step id); retried: why, wait; finished: ok, failed, skipped,
    kept, seconds. A profile has `phases` and `items`, each [name, kind, at, seconds] with `at` in seconds after the
    step's start, and `kinds`: seconds by kind of work.
    """

    kind: EventKind
    at: float
    """Seconds since the epoch."""
    step: str = ""
    host: str = ""
    message: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
