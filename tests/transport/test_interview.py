"""The interview examines hosts over SSH while they are named, and changes nothing on them."""

from __future__ import annotations

import contextlib
import getpass
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackwright.answers import interview as questions
from stackwright.model import StackwrightError
from stackwright.operations import access
from stackwright.operations.interview import Examiner, Limit, examiner
from stackwright.operations.options import AccessOptions
from stackwright.state.directory import Access, StateDir

from .conftest import KEYGEN, Cable, Sshd, free_port, keygen
from .password_server import PasswordServer

HOST = "127.0.0.1"
CONTROLLER, COMPUTE = "CONFIG_CONTROLLER_HOST", "CONFIG_COMPUTE_HOSTS"
BRIDGE, TUNNEL = "CONFIG_NEUTRON_OVN_BRIDGE_IFACES", "CONFIG_NEUTRON_OVN_TUNNEL_IF"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="the facts of a host need root")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder without the keys and clouds of the user who runs the tests."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.delenv("STACKWRIGHT_STATE", raising=False)
    return folder


def options(sshd: Sshd, port: int | None = None) -> AccessOptions:
    (known,) = sshd.known(port).files
    reach = Access(getpass.getuser(), port or sshd.port, (str(sshd.key),), (str(known),))
    return AccessOptions(reach, over_ssh=True)


@contextlib.contextmanager
def examining(given: AccessOptions, limit: float = 60) -> Iterator[tuple[Examiner, list[str], list[str]]]:
    """An examiner, what it says of hosts, and its status lines."""
    said: list[str] = []
    shown: list[str] = []
    with examiner(given, said.append, shown.append, limit) as made:
        yield made, said, shown


@needs_root
def test_a_host_that_was_reached_is_described(sshd: Sshd, home: Path) -> None:
    with examining(options(sshd)) as (hosts, said, shown):
        assert hosts.check(CONTROLLER, {CONTROLLER: HOST}) == []
        assert hosts.check(COMPUTE, {CONTROLLER: HOST, COMPUTE: HOST}) == [], "it was named already"
        offered = hosts.offer(BRIDGE, {CONTROLLER: HOST, COMPUTE: HOST})
    (text,) = said
    system = Path("/etc/os-release").read_text().partition('PRETTY_NAME="')[2].partition('"')[0]
    assert text.startswith(f"{HOST}: SSH as {getpass.getuser()}, {system}")
    names = [path.name for path in Path("/sys/class/net").iterdir() if path.name != "lo"]
    assert offered
    assert offered[0].startswith(f"Interfaces of {HOST}: ")
    for name in names[:2] if len(names) < 8 else ():
        assert f"\n  {name}" in text
        assert name in offered[0]
    assert shown[-1] == "", "the status line is removed"
    assert [*home.iterdir()] == [], "nothing is saved"
    assert not (sshd.folder / ".ssh").exists()


@needs_root
def test_an_interface_that_no_host_has_is_reported_with_those_that_it_has(sshd: Sshd) -> None:
    given = {CONTROLLER: HOST, COMPUTE: HOST}
    with examining(options(sshd)) as (hosts, _, _):
        assert hosts.check(CONTROLLER, {CONTROLLER: HOST}) == []
        (doubt,) = hosts.check(BRIDGE, {**given, BRIDGE: "br-ex:nosuch7"})
        assert doubt.startswith(f"{HOST}: no interface nosuch7; there are ")
        (doubt,) = hosts.check(TUNNEL, {**given, TUNNEL: "nosuch8"})
        assert "no interface nosuch8" in doubt
        assert hosts.check(BRIDGE, {**given, BRIDGE: ""}) == []


@needs_root
def test_hosts_of_an_earlier_interview_are_examined_before_their_interfaces_are_asked_for(sshd: Sshd) -> None:
    with examining(options(sshd)) as (hosts, said, _):
        (offered,) = hosts.offer(BRIDGE, {CONTROLLER: HOST, COMPUTE: HOST})
    assert offered.startswith(f"Interfaces of {HOST}: ")
    assert len(said) == 1


def test_a_host_that_refuses_connections_is_reported_and_can_be_kept(sshd: Sshd, tmp_path: Path) -> None:
    typed = iter([HOST, "", "", "back", "", "^D"])
    seen: list[str] = []
    asked: list[tuple[str, str]] = []

    def ask(question: questions.Question, default: str) -> str:
        text = next(typed)
        asked.append((question.key, default))
        if text == "^D":
            raise EOFError
        return text or default

    sshd.stop()
    with examining(options(sshd)) as (hosts, _, _), pytest.raises(StackwrightError, match="interrupted"):
        questions.interview(tmp_path / "c", ask, seen.append, hosts=hosts)
    assert f"port {sshd.port} refuses connections" in seen[0]
    assert "\n  hint: check that sshd runs on the host" in seen[0]
    assert seen[1] == f"Enter keeps {HOST}; again repeats the check; or name another host."
    assert len(seen) == 2, "a host that was kept is not reported twice"
    assert asked[1:3] == [(CONTROLLER, HOST), (COMPUTE, HOST)]


@needs_root
def test_again_connects_once_more(sshd: Sshd, tmp_path: Path) -> None:
    typed = iter([HOST, "again", "^D"])
    seen: list[str] = []

    def ask(question: questions.Question, _: str) -> str:
        text = next(typed)
        if text == "again":
            sshd.process = sshd.start()
        if text == "^D":
            assert question.key == COMPUTE
            raise EOFError
        return text

    sshd.stop()
    with examining(options(sshd)) as (hosts, said, _), pytest.raises(StackwrightError, match="interrupted"):
        questions.interview(tmp_path / "c", ask, seen.append, hosts=hosts)
    assert len(seen) == 2
    assert said[0].startswith(f"{HOST}: SSH as ")


def test_a_host_that_does_not_answer_is_given_up_after_the_limit(sshd: Sshd, cable: Cable) -> None:
    cable.hold()
    with examining(options(sshd, cable.port), limit=1.5) as (hosts, said, shown):
        (doubt,) = hosts.check(CONTROLLER, {CONTROLLER: HOST})
    assert doubt == (f"{HOST}: no answer within 2 s\n  hint: check that `ssh {HOST}` logs in without delay")
    assert said == []
    assert shown[0].startswith(f"checking {HOST}: SSH and interfaces, 0 of at most 2 s")


def test_one_failure_does_not_hide_the_other_hosts(home: Path) -> None:
    (home / ".ssh").mkdir()
    (home / ".ssh" / "config").write_text(f"Host *.example\n  HostName {HOST}\n  Port {free_port()}\n")
    reach = AccessOptions(Access(getpass.getuser()), over_ssh=True)
    with examining(reach) as (hosts, _, shown):
        doubts = hosts.check(COMPUTE, {COMPUTE: "one.example,two.example"})
    assert [doubt.partition(":")[0] for doubt in doubts] == ["one.example", "two.example"]
    assert any("checking 2 hosts: " in line for line in shown) or shown == [""]


@needs_root
def test_an_accepted_host_key_is_forgotten(sshd: Sshd, home: Path) -> None:
    asked: list[str] = []

    def confirm(host: str, _kind: str, _fingerprint: str) -> bool:
        asked.append(host)
        return True

    reach = Access(getpass.getuser(), sshd.port, (str(sshd.key),))
    for _ in range(2):
        with examining(AccessOptions(reach, over_ssh=True, confirm=confirm)) as (hosts, _, _):
            assert hosts.check(CONTROLLER, {CONTROLLER: HOST}) == []
    assert asked == [HOST, HOST]
    assert [*home.iterdir()] == []


def test_no_time_passes_while_a_person_is_asked() -> None:
    over, shown = threading.Event(), list[str]()
    limit = Limit(0.5, shown.append)
    asked = threading.Event()

    def question() -> str:
        asked.set()
        over.wait(1.5)  # longer than the limit
        return "yes"

    around = limit.around(question)
    assert around
    thread = threading.Thread(target=lambda: (around(), over.set()))
    thread.start()
    asked.wait(60)
    limit.wait(over, "checking")
    assert over.is_set(), "it waited for the answer"
    assert not any(shown), "no status line overwrites the question"
    thread.join()


def test_no_key_is_installed_for_a_preview(tmp_path: Path) -> None:
    if not KEYGEN:
        pytest.skip("openssh-client is not installed")
    (tmp_path / "remote home").mkdir()
    server = PasswordServer(tmp_path / "remote home", "pw-once", keygen(tmp_path / "host_key"))
    reach = AccessOptions(
        Access(getpass.getuser(), server.port), accept_new_host_keys=True, over_ssh=True, password=lambda: "pw-once"
    )
    try:
        with access.connect(reach, StateDir(tmp_path / "state"), preview=True) as hosts:
            assert hosts.connect(HOST).run_as_user("echo in").out == "in\n"
        assert server.logins == ["password"]
        assert not (server.home / ".ssh").exists()
        assert not (tmp_path / "state" / "id_ed25519").exists()
    finally:
        server.close()
