"""The interview: asks the questions that matter for the chosen topology and checks each answer at once.

Answers are saved in a draft beside the file (mode 0600), so that an interrupted interview can be resumed.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from stackwright.answers import syntax, writing
from stackwright.answers.reading import from_documents, local_address
from stackwright.answers.secrets import MASK
from stackwright.model import ExitCode, StackwrightError
from stackwright.services import all_services, options

Given = Mapping[str, str]

HELP, BACK, AGAIN = "?", "back", "again"
"""What a person types to get the explanation of a question, to return to the one before, and to check an answer once
more that was not confirmed."""

HOSTS = ("CONFIG_CONTROLLER_HOST", "CONFIG_COMPUTE_HOSTS", "CONFIG_NETWORK_HOSTS")
BRIDGES = ("CONFIG_NEUTRON_OVN_BRIDGE_IFACES", "CONFIG_NEUTRON_OVS_BRIDGE_IFACES")
TUNNELS = ("CONFIG_NEUTRON_OVN_TUNNEL_IF", "CONFIG_NEUTRON_OVS_TUNNEL_IF")
"""The questions about hosts, and about interfaces of the network hosts, and of these and the compute hosts."""


class Hosts(Protocol):
    """Looks at the hosts while they are named."""

    def check(self, key: str, given: Given) -> list[str]:
        """What does not confirm the answer to `key`, which is one of `given`: a host cannot be examined, or an
        interface does not exist."""

    def offer(self, key: str, given: Given) -> list[str]:
        """What there is to choose from, before `key` is asked."""


USUAL_FILE = Path("cloud.answers")
"""The default file name, in the current folder."""


@dataclass(frozen=True)
class Question:
    """One question. `asked` decides from the answers so far (texts by key) whether it is asked."""

    key: str
    text: str
    default: Callable[[Given], str]
    asked: Callable[[Given], bool] = lambda _: True
    shape: Callable[[str, Given], str] = lambda text, _: text
    """Turns the typed text into the text of the answer."""


_RANGE, _POOLS = "CONFIG_PROVISION_DEMO_FLOATRANGE", "CONFIG_PROVISION_DEMO_ALLOCATION_POOLS"


def _hosts_inside(given: Given) -> bool:
    """Whether hosts of the cloud have addresses in the floating IP subnet."""
    return any(problem.name == "hosts-inside" for problem in from_documents((), given, files=False).problems)


def _plain(key: str) -> Callable[[Given], str]:
    return lambda _: options()[key].default


def _on(given: Given, key: str) -> bool:
    return given.get(key, options()[key].default) in ("y", "yes")


def _several(given: Given) -> bool:
    hosts = {given.get("CONFIG_CONTROLLER_HOST", ""), *given.get("CONFIG_COMPUTE_HOSTS", "").split(",")}
    return len({host.strip() for host in hosts if host.strip()}) > 1


def _agent(given: Given) -> str:
    return given.get("CONFIG_NEUTRON_L2_AGENT", "ovn")


def _bridge(text: str, given: Given) -> str:
    return f"{given.get('CONFIG_NEUTRON_L3_EXT_BRIDGE', 'br-ex')}:{text}" if text and ":" not in text else text


def _yes_no(text: str, _: Given) -> str:
    return {"yes": "y", "no": "n"}.get(text.casefold(), text)


def _switch(key: str, text: str) -> Question:
    installable = {service.switch for service in all_services() if not service.missing}
    return Question(key, text, _plain(key), asked=lambda _: key in installable, shape=_yes_no)


def questions() -> tuple[Question, ...]:
    """All questions, in order."""
    found = [
        Question("CONFIG_CONTROLLER_HOST", "Controller (host of all APIs)", lambda _: local_address()),
        Question(
            "CONFIG_COMPUTE_HOSTS",
            "Compute hosts, comma-separated",
            lambda given: given.get("CONFIG_CONTROLLER_HOST", ""),
        ),
        Question(
            "CONFIG_NETWORK_HOSTS",
            "Network hosts (routers, external access), comma-separated",
            lambda given: given.get("CONFIG_CONTROLLER_HOST", ""),
            asked=_several,
        ),
        Question("CONFIG_NEUTRON_L2_AGENT", "Network backend: ovn, openvswitch or linuxbridge", lambda _: "ovn"),
    ]
    for agent, family in (("ovn", "OVN"), ("openvswitch", "OVS")):
        found += [
            Question(
                f"CONFIG_NEUTRON_{family}_BRIDGE_IFACES",
                "External interface of the network hosts (empty: NAT through the host)",
                lambda _: "",
                asked=lambda given, agent=agent: _agent(given) == agent,  # type: ignore[misc]
                shape=_bridge,
            ),
            Question(
                f"CONFIG_NEUTRON_{family}_TUNNEL_IF",
                "Interface for tunnels between hosts (empty: the host's own address)",
                lambda _: "",
                asked=lambda given, agent=agent: _agent(given) == agent and _several(given),  # type: ignore[misc]
            ),
        ]
    found += [
        _switch("CONFIG_CINDER_INSTALL", "Volumes (Cinder)? y or n"),
        Question(
            "CONFIG_CINDER_BACKEND",
            "Volume backend: lvm, nfs or ceph",
            _plain("CONFIG_CINDER_BACKEND"),
            asked=lambda given: _on(given, "CONFIG_CINDER_INSTALL"),
        ),
        Question(
            "CONFIG_CINDER_VOLUMES_SIZE",
            "Size of the volume group's file",
            _plain("CONFIG_CINDER_VOLUMES_SIZE"),
            asked=lambda given: _on(given, "CONFIG_CINDER_INSTALL") and "lvm" in given.get("CONFIG_CINDER_BACKEND", ""),
        ),
        Question(
            "CONFIG_CINDER_NFS_MOUNTS",
            "NFS exports for volumes, as HOST:/PATH",
            lambda _: "",
            asked=lambda given: _on(given, "CONFIG_CINDER_INSTALL") and "nfs" in given.get("CONFIG_CINDER_BACKEND", ""),
        ),
        _switch("CONFIG_SWIFT_INSTALL", "Object storage (Swift)? y or n"),
        _switch("CONFIG_HEAT_INSTALL", "Orchestration (Heat)? y or n"),
        _switch("CONFIG_CEILOMETER_INSTALL", "Metering (Ceilometer)? y or n"),
        _switch("CONFIG_HORIZON_INSTALL", "Dashboard (Horizon)? y or n"),
        Question(
            "CONFIG_HORIZON_SSL",
            "Dashboard over HTTPS? y or n",
            _plain("CONFIG_HORIZON_SSL"),
            asked=lambda given: not options()["CONFIG_HORIZON_SSL"].not_done and _on(given, "CONFIG_HORIZON_INSTALL"),
            shape=_yes_no,
        ),
        Question(
            "CONFIG_PROVISION_DEMO",
            "Demo project with networks and an image? y or n",
            _plain("CONFIG_PROVISION_DEMO"),
            shape=_yes_no,
        ),
        Question(
            _RANGE,
            "External subnet, for floating IP addresses",
            _plain(_RANGE),
            asked=lambda given: _on(given, "CONFIG_PROVISION_DEMO"),
        ),
        Question(
            _POOLS,
            "Hosts of the cloud are in that subnet. Unused addresses of it, as FIRST-LAST",
            lambda _: "",
            asked=lambda given: _on(given, "CONFIG_PROVISION_DEMO") and _hosts_inside(given),
        ),
        Question("CONFIG_KEYSTONE_ADMIN_PW", "Admin password (Enter generates one)", lambda _: ""),
    ]
    return tuple(found)


def complaint(key: str, text: str, given: Given) -> str:
    """Why `text` is not a valid answer to `key` after the answers so far; empty if it is valid."""
    if not text and (options()[key].required or (key == _POOLS and _hosts_inside(given))):
        return "a value is required"
    before = {(problem.name, problem.seen) for problem in from_documents((), given, files=False).errors}
    for problem in from_documents((), {**given, key: text}, files=False).errors:
        own = problem.seen.split(" ", 1)[0] == key  # problems name the key first
        if problem.name == "missing" and not own:
            continue  # a later question asks for it
        if own or (problem.name, problem.seen) not in before:
            guess = f"; {problem.hint.rstrip('?')}" if problem.hint.startswith("did you mean") else ""
            return ("" if own else f"{problem.seen}: ") + problem.wanted + guess
    return ""


_REMARK = re.compile(r" \((empty|Enter)[^)]*\)$|\? y or n$|: [\w ,]+ or \w+$")
"""What a question says of its answers, at its end."""


def review(given: Given) -> list[str]:
    """The answers so far, one a line, with their questions. Secrets are masked."""
    lines = []
    for question in questions():
        if question.key in given:
            text = given[question.key]
            option = options()[question.key]
            shown = (MASK if option.secret else text) if text else "(generated)" if option.generate else "(empty)"
            lines.append(f"  {_REMARK.sub('', question.text)}: {shown}")
    return lines


def draft_path(path: Path) -> Path:
    """The path of the draft with the answers so far."""
    return path.with_name(f".{path.name}.draft")


def interview(
    path: Path,
    ask: Callable[[Question, str], str],
    say: Callable[[str], None],
    *,
    resume: bool = True,
    confirm: Callable[[Given], bool] = lambda _: True,
    hosts: Hosts | None = None,
    flags: str = "",
) -> dict[str, str]:
    """Asks all questions and returns the texts by key. `ask` gets a question and its default; `?` explains the
    question, and `back` returns to the one before. `confirm` gets all answers; if it returns False, the last question
    is asked again. What `hosts` does not confirm is asked again, too; the same answer is then accepted.
    `flags` are part of the command that resumes.

    If `ask` raises EOFError or KeyboardInterrupt, the user quits: StackwrightError says how to resume.
    """
    draft = draft_path(path)
    given: dict[str, str] = {}
    if resume and draft.exists():
        kept = {line.key: line.text for line in syntax.read_file(draft).lines}
        given = {key: text for key, text in kept.items() if key in options()}
        say(f"Resuming with {len(given)} earlier answers.")
        for line in review(given):
            say(line)
    proposed: dict[str, str] = {}  # answers that were taken back
    doubted: dict[str, str] = {}  # answers that the hosts did not confirm
    offered: set[str] = set()
    try:
        while True:
            question = next((q for q in questions() if q.key not in given and q.asked(given)), None)
            if question is None:
                if confirm(given):
                    break
                given.popitem()
                continue
            key = question.key
            if hosts and key not in offered:
                offered.add(key)
                for line in hosts.offer(key, given):
                    say(line)
            text = ask(question, proposed.get(key, "") or question.default(given)).strip()
            if text == HELP:
                say("\n".join(line.removeprefix("# ") for line in writing.explanation(options()[key])))
                continue
            if text == BACK and not given:
                say("This is the first question.")
                continue
            if text == BACK:
                offered.discard(key)
                last, was = given.popitem()
                proposed |= {} if options()[last].secret else {last: was}
            else:
                if text == AGAIN and key in doubted:
                    text = doubted.pop(key)
                text = question.shape(text, given)
                if wrong := complaint(key, text, given):
                    say(f"Invalid: {wrong}.")
                    continue
                if hosts and doubted.get(key) != text and (doubts := hosts.check(key, {**given, key: text})):
                    for line in doubts:
                        say(line)
                    if key in HOSTS:
                        proposed[key] = text
                        say(f"Enter keeps {text}; {AGAIN} repeats the check; or name another host.")
                    else:
                        say("Type it once more to keep it, or name another interface; Enter leaves it empty.")
                    doubted[key] = text
                    continue
                text = writing.current(options()[key], text)
                given[key] = text if options()[key].secret else re.sub(r"\s*,\s*", ",", text)
            writing.save(draft, "[general]\n" + "".join(f"{k}={v}\n" for k, v in given.items()), replace=True)
    except (EOFError, KeyboardInterrupt):
        raise StackwrightError(
            "interview interrupted; nothing was installed",
            f"resume with `stackwright answers interview {_with(path, flags)}`\nstart over: rm {draft}",
            ExitCode.INTERRUPTED,
        ) from None
    return given


def _with(path: Path, flags: str) -> str:
    """The file and the flags as part of a command."""
    return shlex.quote(str(path)) + (f" {flags}" if flags else "")


def write(path: Path, given: Given) -> None:
    """Writes the answer file and deletes the draft. Raises StackwrightError if the file exists."""
    texts = {key: text for key, text in given.items() if text or not options()[key].generate}
    writing.save(path, writing.generate(presets=texts))
    draft_path(path).unlink(missing_ok=True)


Examines = Callable[[Callable[[str], None], Callable[[str], None]], AbstractContextManager[Hosts | None]]
"""Gets a function for what is seen on hosts, and one for a status line, which the next one replaces."""


def on_terminal(path: Path, examines: Examines = lambda *_: nullcontext(), flags: str = "") -> int:
    """The interview on a terminal, with rich. `flags` are those with which the hosts are reached; the commands at the
    end have them, too. Returns an exit code; raises StackwrightError without a terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise StackwrightError(
            "no terminal to ask questions on",
            "write an answer file without questions: stackwright --gen-answer-file FILE",
            ExitCode.USAGE,
        )
    import getpass

    from rich.console import Console

    with contextlib.suppress(ImportError):  # a Python that was built without it
        import readline  # noqa: F401  # gives input() arrow keys and a history

    console = Console()
    if path.exists():
        raise StackwrightError(
            f"{path} exists already; it was not changed",
            f"install it: stackwright --answer-file {path}\nor name another file: stackwright answers interview FILE",
            ExitCode.ANSWERS,
        )
    console.print("[bold]A cloud in a few questions.[/bold] Enter accepts the value in brackets.")
    console.print("? explains the question, back returns to the one before, Ctrl-D quits.\n")

    def ask(question: Question, default: str) -> str:
        if not options()[question.key].secret:
            return input(f"{question.text} [{default}]: " if default else f"{question.text}: ") or default
        while True:
            text = getpass.getpass(f"{question.text}: ")
            if text.strip() in ("", HELP, BACK) or text == getpass.getpass("Repeat it: "):
                return text
            console.print("The two passwords differ.", style="yellow")

    def say(text: str) -> None:
        console.print(text, style="yellow", markup=False, highlight=False)

    def show(line: str) -> None:
        if os.environ.get("TERM", "dumb") != "dumb":
            print(f"\r\x1b[K{line[: console.width - 1]}", end="", flush=True)

    def confirm(given: Given) -> bool:
        print("\nYour answers:", *review(given), sep="\n")
        return input(f"Enter writes {path}; back returns to the last question: ").strip() != BACK

    try:
        with examines(print, show) as hosts:
            given = interview(path, ask, say, confirm=confirm, hosts=hosts, flags=flags)
    except StackwrightError:
        console.print()  # so that the message starts on a new line after ^C
        raise
    write(path, given)
    name = _with(path, flags)
    console.print(f"\nWrote {path}. Next:", markup=False, highlight=False)
    steps = (
        ("check", "validate answers and hosts"),
        ("plan", "show what apply would do"),
        ("apply", "install the cloud"),
    )
    for command, does in steps:
        print(f"  {f'stackwright {command} -a {name}':<36}  # {does}")
    return int(ExitCode.OK)
