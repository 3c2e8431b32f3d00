"""Hosts that are under somebody else's control. Each fails alone: no exception of Python's, no file outside of its
folder, bounded memory and time, and nothing that a terminal obeys."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.typed import answers

from stackwright import untrusted
from stackwright.executor import host_state, run_log
from stackwright.executor.detached import Patience, RunTimeout, run_detached
from stackwright.model import ExitCode, StackwrightError
from stackwright.operations import bundle, inspection
from stackwright.ssh import Connection, Host, Trust, connect
from stackwright.ssh.channel import ScriptTimeout, TooMuchOutput

from .conftest import KEYGEN, free_port, keygen
from .hostile_server import Answer, HostileServer

pytestmark = pytest.mark.slow  # servers that never answer

FACTS = (Path(__file__).parents[1] / "data" / "facts" / "debian-12.txt").read_bytes()
ESCAPES = b"\x1b]52;c;cm0gLXJmIH4=\x07\x1b[2J\x9b31m\xe2\x80\xae"
"""Sets the clipboard, clears the screen, and turns the direction of text around."""

Dial = Callable[..., Connection]


@pytest.fixture
def dial(tmp_path: Path) -> Iterator[Dial]:
    """Connects to a new hostile server."""
    if not KEYGEN:
        pytest.skip("openssh-client is not installed")
    key = keygen(tmp_path / "host_key")
    servers: list[HostileServer] = []
    connections: list[Connection] = []

    def make(answer: Answer, errors: Answer = lambda _: (), name: str = "bad") -> Connection:
        servers.append(HostileServer(key, answer, errors))
        host = Host(
            name, address="127.0.0.1", user="root", port=servers[-1].port, password="any", agent=False, become=False,
            connect_timeout=60,
        )  # fmt: skip
        connections.append(connect(host, Trust(files=(), accept_new=True)))
        return connections[-1]

    yield make
    for connection in connections:
        connection.close()
    for server in servers:
        server.close()


def says(output: bytes) -> Answer:
    return lambda _: (output,)


def forever(piece: bytes) -> Answer:
    return lambda _: itertools.repeat(piece)


def test_endless_output_is_refused(dial: Dial) -> None:
    with pytest.raises(TooMuchOutput, match=r"bad: a command printed more than 1048576 bytes"):
        dial(forever(b"x" * 32768)).run("anything", most=2**20)
    with pytest.raises(TooMuchOutput):
        dial(says(b""), forever(b"x" * 32768)).run("anything", most=2**20)


def test_output_that_never_ends_takes_four_times_the_timeout_at_most(dial: Dial) -> None:
    def drips(_: str) -> Iterator[bytes]:
        while True:
            time.sleep(0.02)
            yield b"."

    with pytest.raises(ScriptTimeout):
        dial(drips).run("anything", timeout=0.5)


def test_a_log_without_an_end_ends_its_run(dial: Dial, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line without an end was joined anew for each piece of it: 46 s for 64 MiB."""
    monkeypatch.setattr(untrusted, "MOST_LOG", 4 * 2**20)
    lines: list[str] = []
    answer = lambda script: itertools.repeat(b"x" * 32768) if "OFFSET" in script or "offset" in script else ()  # noqa: E731
    patience = Patience(timeout=3600, gone=1)
    with pytest.raises(RunTimeout, match="bad: the run has written more than"):
        run_detached(
            dial(answer), "n", "d", (), patience, on_line=lines.append, on_note=lambda *_: None
        )  # fmt: skip
    assert sum(map(len, lines)) <= untrusted.MOST_LINE


def test_long_lines_are_cut_and_everything_is_printable(dial: Dial) -> None:
    lines: list[str] = []
    log = b"a" * 100_000 + b"\nb" + ESCAPES + b"\nlast"
    ended = run_detached(
        dial(says(log), says(b"stackwright: started\nstackwright: exit 0\n")), "n", "d", (),
        Patience(timeout=60), on_line=lines.append, on_note=lambda *_: None,
    )  # fmt: skip
    assert ended.exit == 0
    assert [len(line) for line in lines] == [untrusted.MOST_LINE + 6, len(lines[1]), 4]
    assert lines[1].startswith("b\\x1b]52;c;")
    assert all(line.isprintable() for line in lines)


def test_what_a_host_prints_has_no_escapes(dial: Dial) -> None:
    got = dial(says(ESCAPES + b"\tx\r\ny\n"), says(ESCAPES)).run("anything")
    assert got.out.endswith("\tx\ny\n")
    assert got.out.replace("\t", "").replace("\n", "").isprintable()
    assert got.err.isprintable()
    assert run_log(dial(says(ESCAPES)), "step").isprintable()


@pytest.mark.parametrize("verdict", [b"exit \xc2\xb2", b"exit " + b"9" * 5000, b"exit", b"exit -1 x"])
def test_an_exit_status_that_is_none_is_not_one(dial: Dial, verdict: bytes) -> None:
    said = says(b"stackwright: started\nstackwright: " + verdict + b"\nstackwright: died\n")
    ended = run_detached(
        dial(says(b""), said), "n", "d", (), Patience(timeout=5), on_line=lambda _: None, on_note=lambda *_: None
    )
    assert ended.exit is None


@pytest.mark.parametrize(
    "line",
    [
        b"\n\n",
        b"run x 1 2\n",
        b"run x nan inf ended 0\n",
        b"run x 1 2 ended \xc2\xb2\n",
        b"run x " + b"9" * 5000 + b" 1 ended 0\n",
    ],
)
def test_runs_that_cannot_be(dial: Dial, line: bytes) -> None:
    with contextlib.suppress(untrusted.Refused):
        assert all(run.exit is None for run in host_state(dial(says(line))).runs)


@pytest.mark.parametrize(
    "listed",
    [
        b"file\t28 /etc/cron.d/x", b"file\t28 ../../x", b"file\t28 mirror/../../x", b"file\t28 mirror/./x",
        b"file\t28 mirror/1/a b", b"file\t28 mirror/1/$(id)", b"file\t28 elsewhere/x", b"file\t28 mirror", b"file\t28 ",
        b"file\t-1 mirror/x", b"file\t\xc2\xb2 mirror/x", b"file\t99999999999999999999999 mirror/x",
        b"file\t1 mirror/x\nfile\t1 mirror/x/y", b"file\t1 mirror/" + b"a/" * 400 + b"b",
        b"\n".join(b"file\t1 mirror/%d" % n for n in range(20_001)),
    ],
    ids=lambda listed: listed.decode()[:40],
)  # fmt: skip
def test_names_and_sizes_of_packages_are_judged(dial: Dial, listed: bytes, tmp_path: Path) -> None:
    assert_nothing_is_written(dial(says(listed + b"\nend\t1\n")), tmp_path)


def test_a_size_that_is_a_lie_is_refused(dial: Dial, tmp_path: Path) -> None:
    def answer(script: str) -> tuple[bytes]:
        return (b"AAAA" * 1000,) if "base64" in script and "WORK" not in script and "tail" in script else (LISTED,)

    LISTED = b"file\t28 mirror/x\nend\t1\n"
    with pytest.raises(StackwrightError, match=r"bad: unacceptable mirror/x: .*3000 bytes"):
        bundle.gather_packages(only(dial(answer)), "bad", ("x=1",), "debian-12", tmp_path / "in", lambda _: None)


def only(connection: Connection) -> Any:
    class Hosts:
        def connect(self, _: str) -> Connection:
            return connection

    return Hosts()


def assert_nothing_is_written(connection: Connection, tmp_path: Path) -> None:
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(StackwrightError, match="bad: unacceptable "):
        bundle.gather_packages(only(connection), "bad", ("x=1",), "debian-12", tmp_path / "in", lambda _: None)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (b'fqdn\tc2.x,* exec "touch /tmp/x" host *', "fqdn"),
        (b"fqdn\t*", "fqdn"),
        (b"hostname\ta\\nb", "hostname"),
        (b"host-key\tssh-ed25519 AAAA,B", "host keys"),
        (b"ssh-port\t22 0", "ssh-port"),
        (b"ssh-port\t99999", "ssh-port"),
        (b"memory\tMemTotal", "memory"),
        (b"memory\tMemTotal \xc2\xb2", "memory"),
        (b"clock\tnan", "clock"),
        (b"route\tdefault via 198.18.0.1;id dev eth0", "gateway"),
        (b"link\t2: eth0$(id): <UP> mtu 1500\nroute\tdefault via 198.18.0.1 dev eth0$(id)", "interface"),
        (b"package\tx;id 1", "installed"),
        (b"x\t1\n" * 60_000, "x"),
        (b"x\t" + b"1" * 5_000_000, "output of the probe"),
    ],
    ids=lambda value: value.decode()[:30] if isinstance(value, bytes) else value,
)
def test_facts_that_do_not_fit_refuse_that_host_alone(dial: Dial, said: bytes, field: str) -> None:
    key = said.partition(b"\t")[0] + b"\t"
    kept = b"\n".join(line for line in FACTS.split(b"\n") if not line.startswith(key))
    good, bad = dial(says(FACTS), name="good.example.org"), dial(says(said + b"\n" + kept), name="bad.example.org")

    class Hosts:
        def connect(self, name: str) -> Connection:
            return good if name.startswith("good") else bad

    given = answers({"CONFIG_CONTROLLER_HOST": "good.example.org", "CONFIG_PROVISION_DEMO": False})
    with pytest.raises(StackwrightError) as caught:
        inspection.look(cast(Any, Hosts()), ("good.example.org", "bad.example.org"), given)
    assert caught.value.message.startswith("bad.example.org: unacceptable ")
    assert field in caught.value.message
    assert caught.value.code is ExitCode.PREFLIGHT
    assert "good" not in caught.value.message
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 500


@pytest.mark.parametrize(
    "said",
    [b'cloud\t{"id": ' + b"[" * 16_000, b'cloud\t{"a": "\\u001b[2J"}', b"cpus\t\xc2\xb2", b"cpus\t" + b"9" * 6000],
)
def test_facts_that_say_nothing_are_harmless(dial: Dial, said: bytes) -> None:
    found = inspection._probe(dial(says(said + b"\n" + FACTS)), "bad.example.org")
    assert found.cpus >= 1
    assert all(value.isprintable() for value in found.cloud.values())


@pytest.mark.parametrize(
    "banner", [b"x" * 65536, b"x" * 200 + b"\r\n", ESCAPES + b"\r\n"], ids=["endless", "long", "escapes"]
)
def test_something_that_is_no_ssh_server_is_left_in_time(banner: bytes) -> None:
    port, ended = free_port(), threading.Event()
    listener = socket.create_server(("127.0.0.1", port))

    def serve() -> None:
        sock, _ = listener.accept()
        with sock:
            try:
                while not ended.is_set():
                    sock.sendall(banner)
            except OSError:
                pass

    threading.Thread(target=serve, daemon=True).start()
    try:
        host = Host("bad", address="127.0.0.1", user="root", port=port, agent=False, connect_timeout=5)
        with pytest.raises(StackwrightError, match=r"bad: .*not like an SSH server") as caught:
            connect(host, Trust(files=(), accept_new=True))
        assert untrusted.printable(caught.value.message).isprintable()
    finally:
        ended.set()
        listener.close()
