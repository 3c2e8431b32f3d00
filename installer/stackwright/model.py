"""The data model of Stackwright: frozen dataclasses without behaviour and I/O. Imports only the parts of service
records from the project."""

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
    """The exit status of the command, with its meaning for the documentation."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> ExitCode:
        made = int.__new__(cls, value)
        made._value_ = value
        made.meaning = meaning
        return made

    OK = 0, "success; the cloud was verified, where that was asked for"
    FAILED = 1, "a step failed, or the installed cloud did not pass its verification"
    USAGE = 2, "unknown flag, or flags that contradict each other"
    ANSWERS = 3, "the answer file cannot be used; nothing was changed"
    PREFLIGHT = 4, "a host does not meet the requirements; nothing was changed"
    UNREACHABLE = 5, "a host cannot be reached, login or root access failed; nothing was changed"
    BUSY = 6, "another run works on the same cloud; nothing was changed"
    ENVIRONMENT = 7, "the controlling machine lacks something: a package, a permission, disk space"
    INTERRUPTED = 130, "Ctrl-C; the same command continues"


class StackwrightError(Exception):
    """An error that a user can cause: what was seen, what was expected, and what to do about it.

    `message` is one or more plain lines; `hint` stands on its own line after a blank one. `problems` are those that the
    message is about.
    """

    def __init__(
        self, message: str, hint: str = "", code: ExitCode = ExitCode.FAILED, problems: tuple[Problem, ...] = ()
    ) -> None:
        super().__init__(message)
        self.problems = problems
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
    """The option has an effect only if each of these (key, value) pairs applies: (("CONFIG_CINDER_INSTALL", "y"),).
    Values may be alternatives (lvm|nfs), and so may keys (CONFIG_HORIZON_SSL|CONFIG_AMQP_ENABLE_SSL)."""
    metavar: str = ""
    flag: str = ""
    """Packstack's name of the command-line flag, without the dashes; if empty, it is derived from the key."""
    required: bool = False
    """Must not be empty while `when` holds."""
    ours: bool = False
    """A key that Packstack does not have."""
    not_yet: tuple[str, ...] = ()
    """Values that this version cannot install: choosing one is an error that says so. "*" is any but an empty one."""
    not_yet_why: str = ""
    """Why these values cannot be installed; goes after a colon."""
    not_done: str = ""
    """What happens instead, if this version reads the option but does not implement it yet. A value other than the
    default then causes a warning with this text. Empty: the option is implemented."""
    effect: str = ""
    """Effects other than on components and their Puppet parameters, for `answers explain`. Empty: none."""
    passed_as: tuple[str, ...] = ()
    """The names under which the planner passes its value to the templates, where they do not use the key itself."""


@dataclass(frozen=True)
class Service:
    """One OpenStack service, or one that it depends on: its options and its components."""

    name: str
    summary: str
    options: tuple[Option, ...]
    components: tuple[Component, ...] = ()
    switch: str = ""
    """The key that enables the service; empty: it is always installed."""
    missing: str = ""
    """Why this version cannot install it yet; enabling it is an error with this text. Empty: it can be installed."""
    roles: tuple[Role, ...] = ()
    """The roles of its components; a component may also have a role of another service."""
    needs: tuple[tuple[str, str, str, str], ...] = ()
    """Dependencies on other services: (key, value, needed switch, reason). The switch must be y."""
    tempest: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Regular expressions for tests of Tempest, by the name of a group."""
    package_sets: tuple[PackageSet, ...] = ()
    puppet: PuppetModule | None = None
    checks: str = ""
    """Module in verify/on_host/ whose `checks` use the service as a user would, and clean up."""
    expendable: bool = False
    """Whether a cloud is useful without it: if memory is short, a hint names its switch."""
    changes: Mapping[str, Change] = field(default_factory=dict)
    """By key: whether the answer can change in an installed cloud. Switches and passwords need no entry: they can."""


@dataclass(frozen=True)
class Origin:
    """Where a value came from."""

    kind: Literal["default", "generated", "file", "environment", "flag"]
    where: str = ""
    """File name, variable or flag."""
    line: int = 0
    """Counted from 1; 0 if there is none."""

    def __str__(self) -> str:
        if self.kind == "file":
            return f"{self.where}:{self.line}"
        return f"{self.kind} {self.where}".strip()


@dataclass(frozen=True)
class Answer:
    """One answer: its typed value, the original text, and its origin."""

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
        """All secrets, for masking, without empty ones. Values, not `text`, which may be a reference to a secret."""
        found = (str(self.entries[k].value) for k in self.secrets if k in self.entries)
        return frozenset(secret for secret in found if secret)


@dataclass(frozen=True)
class Certificate:
    """The certificate of a server and its private key, as PEM."""

    chain: str
    """Its certificate, then the intermediate certificates."""
    key: str = field(repr=False)
    names: tuple[str, ...] = ()
    """The names and addresses in it."""
    given: bool = False
    """Provided by the administrator; the hosts need not trust its authority."""


@dataclass(frozen=True)
class Certificates:
    """The certificates of all servers of a cloud."""

    of: Mapping[tuple[str, str], Certificate] = field(default_factory=dict)
    """By component and host."""
    authority: str = ""
    """The certificate (PEM) of the authority that signed the generated ones; empty if it signed none."""
    file: str = ""
    """The path of the authority's certificate on the controlling machine."""


# ------------------------------------------------------------------------------------------------------ what is there


@dataclass(frozen=True)
class Interface:
    """A network interface of a host."""

    name: str
    mac: str = ""
    mtu: int = 0
    up: bool = False
    addresses: tuple[str, ...] = ()
    """With prefix length: 198.18.0.10/24."""


@dataclass(frozen=True)
class Facts:
    """The facts of one host, from one read-only probe. Sizes are in bytes, times in seconds since the epoch."""

    host: str
    """Its name or address in the answers."""
    seen_at: float = 0.0
    hostname: str = ""
    fqdn: str = ""
    """`hostname -f`; empty when that fails."""
    address: str = ""
    """The address at which other hosts reach it: `host` if that is an address, otherwise the address it resolves to."""
    resolves: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The addresses to which the host resolves names (hostname, fqdn, host)."""
    os_id: str = ""
    os_like: tuple[str, ...] = ()
    os_version: str = ""
    os_name: str = ""
    arch: str = ""
    kernel: str = ""
    virtualization: str = "none"
    """The output of systemd-detect-virt: none, kvm, systemd-nspawn, ..."""
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
    """/dev/kvm exists, and the processor supports virtualization."""
    kernel_modules: frozenset[str] = frozenset()
    """Available (loaded, built in or loadable) modules that affect decisions: openvswitch, geneve, dm_mod, nfs,
    xfs..."""
    selinux: str = ""
    """enforcing, permissive, disabled, or empty without SELinux."""
    clock_offset: float = 0.0
    """The host's clock minus the controlling machine's, in seconds."""
    uid: int = 0
    sudo: bool = True
    """Whether root is available, by login or through sudo."""
    python: str = ""
    """Version of /usr/bin/python3, empty when there is none."""
    listening: tuple[tuple[str, int, str], ...] = ()
    """(protocol, port, process name) of listening sockets."""
    installed: Mapping[str, str] = field(default_factory=dict)
    """Versions of packages that affect decisions (puppet, epel-release, OpenStack), by name."""
    repositories: tuple[str, ...] = ()
    """Enabled package repositories, as the package manager names them."""
    cloud: Mapping[str, str] = field(default_factory=dict)
    """The content of /var/lib/stackwright/cloud.json if a cloud is installed: id, operator, time."""
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
    """A problem that was found before anything was changed."""

    name: str
    """The name of the check, for --skip-check; short and stable: memory, fqdn, port-in-use."""
    seen: str
    """What is the matter, as a clause."""
    wanted: str
    """Why that matters, or what is needed instead, as another clause; empty if it is obvious."""
    hint: str = ""
    host: str = ""
    severity: Severity = Severity.ERROR
    where: str = ""
    """file:line or key, if it is about an answer."""

    @property
    def message(self) -> str:
        """The problem in one sentence. A second clause that begins with a verb has the first as its subject."""
        if not self.wanted:
            return self.seen
        return f"{self.seen} {self.wanted}" if self.wanted.startswith(VERBS) else f"{self.seen}; {self.wanted}"


VERBS = ("must ", "holds ")
"""What the second clause of a problem begins with, where the first one is its subject."""


# ---------------------------------------------------------------------------------------------------------- the plan


@dataclass(frozen=True)
class File:
    """A file to be written to a host, atomically."""

    path: str
    content: bytes = field(repr=False)
    mode: int = 0o644
    owner: str = "root:root"
    secret: bool = False
    """Its content does not appear in logs and dry runs."""


@dataclass(frozen=True)
class Upload:
    """Writes files to the host, unless they exist with the same content, mode and owner."""

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
    """The script contains secrets: it is uploaded with mode 0600, and not printed in a dry run."""
    retries: int = 0
    """Maximum number of retries after a temporary failure (exit 75, EX_TEMPFAIL)."""


@dataclass(frozen=True)
class PuppetApply:
    """One catalog, applied by `puppet apply`, detached from the session. The hieradata is removed when it ends."""

    name: str
    manifest: str = field(repr=False)
    hieradata: str = field(repr=False)
    """YAML for the automatic lookup of class parameters; secret."""
    modulepath: str
    puppet: str = "puppet"
    """The program: some distributions have it in /opt/puppetlabs/bin/puppet."""
    components: tuple[str, ...] = ()
    timeout: float = 3600.0
    owners: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """The component of each parameter, for output to people."""


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
    """The smallest unit that is started, recorded, failed or skipped: consecutive actions on one host."""

    id: str
    host: str
    title: str
    actions: tuple[Action, ...]
    needs: tuple[str, ...] = ()
    """Ids of the steps that must have succeeded."""
    always: bool = False
    """Run it even if the journal has it as done, because it changes nothing."""
    after: tuple[str, ...] = ()
    """Like `needs`, but a change of these steps does not repeat this one."""


def _canonical(value: Any) -> Any:
    """An action as a JSON value, stable to the byte."""
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
    """The steps to carry out, each after those that it needs. The executor's only input."""

    steps: tuple[Step, ...]
    hosts: tuple[str, ...] = ()
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    """Texts that must never be shown."""
    summary: Mapping[str, Any] = field(default_factory=dict)
    """For output to people: endpoints, dashboard, components of each host."""
    direct: tuple[str, ...] = ()
    """Names and addresses that programs on the hosts reach without a proxy: those of the cloud itself."""

    def step(self, step_id: str) -> Step:
        """The step with that id. Raises KeyError if there is none."""
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
        actions = {id(a): a for step in self.steps for a in step.actions}  # hosts share identical actions
        pictures = {key: json.dumps(_canonical(action), sort_keys=True) for key, action in actions.items()}
        for step in self.steps:
            shown = ", ".join(pictures[id(action)] for action in step.actions)
            needs = "".join(out[n] for n in sorted(step.needs))
            content = f"[{json.dumps(step.id)}, {json.dumps(step.host)}, [{shown}]]{needs}"
            out[step.id] = hashlib.sha256(content.encode()).hexdigest()
        return out


# ------------------------------------------------------------------------------------------------------------ events


EventKind = Literal["started", "progress", "ok", "kept", "failed", "skipped", "retried", "note", "finished"]


@dataclass(frozen=True)
class Event:
    """An event of a run; the only source of the screen, the log and the report.

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
