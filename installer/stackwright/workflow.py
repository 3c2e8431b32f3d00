"""The way of a run: hosts -> facts -> problems -> plan -> applied -> proved. The command line calls this and prints."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stackwright import (
    __version__,
    applied,
    executor,
    facts,
    journal,
    pinning,
    places,
    planner,
    platforms,
    preflight,
    report,
    sidebyside,
    ssh,
    ui,
)
from stackwright import answers as answer_files
from stackwright.model import (
    Answers,
    Certificates,
    Event,
    ExitCode,
    Facts,
    Plan,
    Problem,
    Severity,
    StackwrightError,
    Step,
)
from stackwright.planner import credentials, tls
from stackwright.services import SERVICES, options


def own_addresses() -> frozenset[str]:
    """The addresses and names by which this machine itself may be called in an answer file."""
    names = {"localhost", "127.0.0.1", "::1", socket.gethostname(), socket.getfqdn()}
    shown = subprocess.run(["ip", "-o", "addr"], capture_output=True, text=True, check=False).stdout
    names |= {line.split()[3].partition("/")[0] for line in shown.splitlines() if len(line.split()) > 3}
    return frozenset(names)


@dataclass
class Hosts:
    """Connections to the hosts of a cloud, made when they are first wanted; this machine needs no SSH."""

    access: places.Access
    place: places.Place
    accept_new: bool = False
    confirm: Callable[[str, str, str], bool] | None = None
    password: str = field(default="", repr=False)
    sudo_password: str = field(default="", repr=False)
    over_ssh: bool = False
    """Use SSH for this machine too."""
    passphrase: Callable[[Path], str] | None = None
    """Asks a person for the passphrase of a key; each is asked for once."""
    public_key: Path | None = None
    """One of the person's that is let in as well, where a password was needed."""
    _open: dict[str, ssh.Connection] = field(default_factory=dict)
    _jumps: ssh.Jumps | None = None
    _asking: threading.Lock = field(default_factory=threading.Lock)
    _remembered: bool = False
    _phrases: dict[Path, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        sidebyside.allow_many_files()
        self._jumps = ssh.Jumps()
        files = tuple(Path(p) for p in self.access.known_hosts)
        usual = ssh.Trust().files
        self._trust = ssh.Trust(
            pins=self.place.make() / "known_hosts",
            files=(*files, *usual),
            accept_new=self.accept_new,
            confirm=self.confirm,
        )
        self._own = frozenset() if self.over_ssh else own_addresses()
        self._key = self.place.folder / "id_ed25519"
        if self.password:
            ssh.own_key(self._key, f"stackwright@{socket.gethostname()}")

    def _settings(self, name: str) -> ssh.Host:
        return ssh.settings(
            name,
            user=self.access.user,
            port=self.access.port,
            keys=tuple(Path(k) for k in self.access.keys),
            password=self.password,
            sudo_password=self.sudo_password,
            jump=self.access.jump,
            passphrase=self._phrase if self.passphrase else None,
        )

    def _phrase(self, key: Path) -> str:
        with self._asking:
            if key not in self._phrases and self.passphrase:
                self._phrases[key] = self.passphrase(key)
            return self._phrases[key]

    def leads_to(self, name: str) -> str:
        """What is dialled for a host: its address, with what tells apart hosts behind one address."""
        settings = self._settings(name)
        if settings.jump or settings.proxy:
            return f"{settings.dialled}:{settings.port} by {settings.jump.name if settings.jump else settings.proxy}"
        try:
            address = socket.getaddrinfo(settings.dialled, None, type=socket.SOCK_STREAM)[0][4][0]
        except OSError:
            address = settings.dialled
        return f"{address}:{settings.port}"

    def connect(self, name: str) -> ssh.Connection:
        """The connection to a host, kept. Raises StackwrightError(UNREACHABLE)."""
        if name not in self._open:
            if name in self._own:
                self._open[name] = ssh.LocalConnection(name)
            else:
                host = replace(self._settings(name), own_key=self._key)
                self._open[name] = ssh.connect(host, self._trust, jumps=self._jumps)
                self._remember()
                self._let_keys_in(self._open[name])
        return self._open[name]

    def _remember(self) -> None:
        """Keeps how the hosts are reached, once one was: a flag that was wrong is not to come back by itself."""
        with self._asking:
            if not self._remembered and self.access != places.Access():
                self.place.write("access.json", self.access.to_json())
            self._remembered = True

    def _let_keys_in(self, connection: ssh.Connection) -> None:
        """The password is asked for once: from then on the host lets in our own key, and the person's."""
        if not connection.by_password:
            return
        ssh.install_key(connection, self._key)
        if self.public_key:
            ssh.install_key(connection, self.public_key)

    def close(self) -> None:
        for connection in list(self._open.values()):
            connection.close()
        self._open.clear()
        if self._jumps:
            self._jumps.close()

    def __enter__(self) -> Hosts:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def refuse_twins(hosts: Hosts, answers: Answers, parallel: int = 32) -> None:
    """Raises AnswersError where two names of the answers lead to one host, which would be configured twice.

    Names are looked up here, as ssh would; what only the hosts themselves know is seen by preflight.
    """
    names = answer_files.named_hosts(answers)
    found = sidebyside.each(names, hosts.leads_to, parallel)
    twins = [p for p in answer_files.check(answers, resolves=found) if p.name == "same-host"]
    if any(problem.severity is Severity.ERROR for problem in twins):
        raise answer_files.AnswersError(tuple(twins))


def look(hosts: Hosts, names: Iterable[str], answers: Mapping[str, object], parallel: int = 32) -> dict[str, Facts]:
    """The facts of all hosts, side by side. Raises StackwrightError with every host that could not be reached."""
    wanted = tuple(names)
    image_url = str(answers.get("CONFIG_PROVISION_IMAGE_URL") or "")
    servers = [(server.host, server.port) for server in planner.existing(answers)]
    demo_on = str(answers.get("CONFIG_KEYSTONE_HOST") or answers.get("CONFIG_CONTROLLER_HOST") or "")
    # The firewalls go on letting in the hosts that are left alone, by their addresses; one host is enough to ask.
    beside = planner.left_alone(answers) if answers.get("CONFIG_FIREWALL") else ()

    def one(name: str) -> Facts | StackwrightError:
        try:
            wants_image = name == demo_on and bool(answers.get("CONFIG_PROVISION_DEMO"))
            others = beside if name == wanted[0] else ()
            return _probe(hosts.connect(name), name, image_url if wants_image else "", others, servers)
        except StackwrightError as error:
            return error

    results = sidebyside.each(wanted, one, parallel)
    lost = {name: found for name, found in results.items() if isinstance(found, StackwrightError)}
    if lost:
        # A hint that is the same for two hundred hosts, but for their names, is given once.
        hints = {error.hint.replace(name, ""): error.hint for name, error in reversed(lost.items()) if error.hint}
        told = "\n".join([*hints.values()][::-1][:4])
        raise StackwrightError("\n".join(error.message for error in lost.values()), told, ExitCode.UNREACHABLE)
    return pinning.pinned(hosts, answers, {name: found for name, found in results.items() if isinstance(found, Facts)})


def _probe(
    connection: ssh.Connection,
    name: str,
    image_url: str = "",
    others: tuple[str, ...] = (),
    servers: Iterable[tuple[str, int]] = (),
) -> Facts:
    # Only its own name: all names on all hosts would be a million questions to the name server for a thousand hosts.
    result = connection.run(facts.probe((name, *others), image_url, servers), timeout=60)
    # The host tells its clock last, so the time of arrival is the one to compare it with.
    return facts.parse(result.out, name, time.time())


def problems(answers: Answers, seen: Mapping[str, Facts], skip: frozenset[str] = frozenset()) -> list[Problem]:
    """What is in the way on the hosts, all at once; `skip` are names of checks that are waived."""
    placed = planner.place(answers, SERVICES)
    return preflight.check(answers, seen, placed, cloud_id=planner.cloud_id(answers), skip=skip)


def package_problems(
    hosts: Hosts, answers: Answers, seen: Mapping[str, Facts], skip: frozenset[str] = frozenset(), parallel: int = 32
) -> list[Problem]:
    """Whether every host can get all of its packages, in one transaction, without changing anything there."""
    whole = planner.cloud(answers, seen)

    def one(name: str) -> list[Problem]:
        host = whole.hosts[name]
        if planner.registration.action(answers, host.platform):
            return []  # before it is registered, a host has nothing to look into
        script = preflight.package_check_script(
            host.platform, planner.packages(whole, host), planner.sources.of(whole, host)
        )
        result = hosts.connect(name).run(script, timeout=300)
        return [p for p in preflight.parse_package_check(result.out + result.err, name) if p.name not in skip]

    return [p for found in sidebyside.each(whole.hosts, one, parallel).values() for p in found]


def certify(answers: Answers, seen: Mapping[str, Facts], place: places.Place) -> Certificates:
    """What the cloud's servers are to show: made where nobody brought it, and kept with the cloud, so that the next run
    has the same."""
    wanted = tls.wanted(planner.cloud(answers, seen))
    if not wanted:
        return Certificates()
    # It takes a tenth of a second to load, and most clouds do without.
    from stackwright import certificates

    return certificates.gather(answers, wanted, place)


def refuse(found: Iterable[Problem]) -> list[Problem]:
    """Splits problems: raises StackwrightError(PREFLIGHT) with every error, returns the rest."""
    found = list(found)
    errors = [p for p in found if p.severity is Severity.ERROR]
    if errors:
        names = sorted({p.name for p in errors})
        raise StackwrightError(
            preflight.told(errors),
            f"nothing was changed; after mending, run the same again. `--skip-check {names[0]}` goes on all the same",
            ExitCode.PREFLIGHT,
        )
    return found


def about(
    answers: Answers,
    seen: Mapping[str, Facts],
    plan: Plan,
    warnings: Iterable[Problem] = (),
    clock: report.Clock | None = None,
) -> dict[str, Any]:
    """What a run's record begins with: what is known before the first step, without secrets."""
    whole = planner.cloud(answers, seen)
    service = {c.name: s.name for s in SERVICES for c in s.components}
    clock = clock or report.Clock()
    hosts = {}
    for name, host in whole.hosts.items():
        services: dict[str, list[str]] = {}
        for component in whole.placement[name]:
            services.setdefault(service[component.name], []).append(component.name)
        fact = host.facts
        bridges = [
            f"{b.name}: " + (b.network or f"interface {', '.join(b.interfaces)}")
            for b in host.bridges
            if b.network or b.interfaces
        ]
        hosts[name] = {
            "fqdn": host.fqdn,
            "address": host.address,
            "services": services,
            "bridges": bridges,
            "about": [
                fact.os_name,
                *([f"instances: {host.choices.virt_type}"] if "nova-compute" in services.get("nova", ()) else []),
            ],
            "os": fact.os_name,
            "arch": fact.arch,
            "kernel": fact.kernel,
            "cpus": fact.cpus,
            "memory": fact.memory,
            "virtualization": fact.virtualization,
            "selinux": fact.selinux,
            "more": [
                f"Python {fact.python}" if fact.python else "no Python",
                *([f"package sources: {', '.join(fact.repositories)}"] if fact.repositories else []),
            ],
        }
    steps = [{"id": s.id, "host": s.host, "title": s.title, "needs": [*s.needs, *s.after]} for s in plan.steps]
    digest = hashlib.sha256("".join(plan.digests().values()).encode()).hexdigest()
    made: dict[str, Any] = executor.redactor(plan.secrets)(
        {
            "version": __version__,
            "control": f"Python {platform.python_version()}, {platform.system()} {platform.release()}",
            "began": clock.began,
            "before": clock.spans,
            "digest": digest[:16],
            "steps": steps,
            "hosts": hosts,
            "summary": dict(plan.summary),
            "warnings": [_brief(p) for p in warnings],
            "answers": answer_files.public(answers),
        }
    )
    return made


def _brief(problem: Problem) -> str:
    """A problem in one line, for the report: of a host, or of an answer."""
    about_answer = f"; {problem.wanted}" if problem.where else ""
    return f"{problem.host or problem.where}: {problem.seen}{about_answer}" + (
        f" ({problem.hint})" if problem.hint else ""
    )


@dataclass
class Applied:
    """What came of carrying out a plan."""

    outcome: executor.Outcome
    plan: Plan
    log: Path
    report: Path | None
    """The page about it; None where it could not be written."""


def apply(
    plan: Plan,
    hosts: Hosts,
    place: places.Place,
    emit: Callable[[Event], None],
    *,
    about: Mapping[str, Any],
    again: bool = False,
    parallel: int = 500,
    timeout: float | None = None,
) -> Applied:
    """Carries out a plan with its journal; everything that the hosts say goes into the run's log. What happens is
    recorded beside it, after `about`; the report is made of that, however the run ends."""
    logs = place.make() / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    stamp, number = time.strftime("%Y%m%d-%H%M%S"), 1
    path = logs / f"{stamp}.log"
    while path.exists():  # two runs within one second
        number += 1
        path = logs / f"{stamp}-{number}.log"
    with _log(path) as log, journal.open_journal(place.folder) as kept:
        applied.keep(place, plan, kept, _painter(plan, place))
        take = report.begin(path, about)
        try:
            outcome = executor.run(
                plan,
                hosts.connect,
                kept,
                ui.both(emit, take),
                parallel=parallel,
                per_host=2,
                again=again,
                timeout=timeout,
                log=log,
            )
        except StackwrightError as error:
            if error.code == ExitCode.BUSY:
                report.discard(path)  # nothing was changed
            else:
                take(Event("note", time.time(), message=error.message))
                report.refresh(place)
            raise
    return Applied(outcome, plan, path, report.refresh(place))


@contextlib.contextmanager
def _log(path: Path) -> Iterator[Callable[[str, str], None]]:
    """A run's log (0600). A full disk ends the log and nothing else: the hosts' work does not depend on it."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(step: str, line: str) -> None:
        with contextlib.suppress(OSError):
            os.write(handle, f"{time.strftime('%H:%M:%S')} {step}: {line}\n".encode())

    try:
        yield write
    finally:
        os.close(handle)


def difference(plan: Plan, place: places.Place) -> applied.Difference:
    """What carrying out the plan would do, against what was applied last. It asks no host and changes nothing."""
    with journal.open_journal(place.folder, exclusive=False) as kept:
        return applied.difference(plan, kept, applied.load(place), _painter(plan, place))


def _painter(plan: Plan, place: places.Place) -> Callable[[Step], applied.Picture]:
    """Makes pictures of the plan's steps, which hold none of its secrets."""
    first = {c.name: (c.provides or (c.name,))[0] for s in SERVICES for c in s.components}
    seal = applied.sealer(place, executor.replacer(plan.secrets))

    def component_of(capability: str, components: Iterable[str]) -> str:
        return next((name for name in components if first.get(name) == capability), capability)

    return lambda step: applied.picture(step, seal, component_of)


def write_credentials(answers: Answers, seen: Mapping[str, Facts], place: places.Place) -> list[Path]:
    """keystonerc files and clouds.yaml on this machine too, in the cloud's private folder."""
    whole = planner.cloud(answers, seen)
    if not whole.has("keystone"):
        return []
    return [place.write(name, text) for name, text in credentials.files(answers, whole.url("keystone")).items()]


def presets(hosts: Hosts, name: str) -> tuple[Facts, dict[str, str]]:
    """What a new all-in-one answer file for this host gets, because of what the host is."""
    found = _probe(hosts.connect(name), name, options()["CONFIG_PROVISION_IMAGE_URL"].default)
    platforms.find(found.os_id, found.os_version, found.arch)
    return found, planner.presets(found)


def _remembered(where: places.Place) -> dict[str, str]:
    """The secrets that were made for a cloud. Others in their place would lock its services out of each other, so a
    file that cannot be read is an error."""
    try:
        found = json.loads(where.read("secrets.json") or "{}")
        if all(isinstance(value, str) for value in found.values()):
            return dict(found)
    except (ValueError, AttributeError):
        pass
    raise StackwrightError(
        f"{where.folder / 'secrets.json'} is damaged: it has the passwords that were made for this cloud",
        "Bring it back from a copy. For a cloud that is not needed any more, remove its folder.",
        ExitCode.ENVIRONMENT,
    )


def read_answers(paths: Iterable[Path], flags: Mapping[str, str], state: Path | None = None) -> answer_files.Reading:
    """The answers of files, environment and flags, with what there is to say about them. Secrets that nobody gave are
    kept with the cloud, so that the next run has the same. Raises AnswersError."""
    # where the cloud's secrets are is known when its controller is; commands that give secrets are run once only
    first = answer_files.load(paths, flags, os.environ, run=False, files=False).answers
    where = places.place(str(first["CONFIG_CONTROLLER_HOST"]), state)
    remembered = _remembered(where)
    reading = answer_files.load(paths, flags, os.environ, remembered=remembered)
    if reading.errors:
        raise answer_files.AnswersError(reading.problems)
    made = answer_files.made(reading.answers)
    if made != remembered and made:
        where.write("secrets.json", json.dumps({**remembered, **made}, indent=1, sort_keys=True) + "\n")
    return reading
