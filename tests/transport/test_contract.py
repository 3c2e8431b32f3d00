"""What every connection does: over SSH with a real sshd, with a server in this process, and on this machine. And what
it does when a server misbehaves."""

from __future__ import annotations

import grp
import os
import pwd
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackwright.model import ExitCode, File, StackwrightError
from stackwright.ssh import Connection, Host, LinkDropped, LocalConnection, ScriptTimeout, Trust, connect

from .conftest import Sshd, keygen
from .password_server import Fault, PasswordServer

ME = f"{pwd.getpwuid(os.getuid()).pw_name}:{grp.getgrgid(os.getgid()).gr_name}"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PasswordServer]:
    """An SSH server in this process."""
    home = tmp_path / "home of the host"
    home.mkdir()
    made = PasswordServer(home, "pw-inside", keygen(tmp_path / "inside_key"))
    yield made
    made.close()


def reach(server: PasswordServer, base: str) -> Connection:
    host = Host("node", address="127.0.0.1", user="root", port=server.port, password="pw-inside", become=False,
                agent=False, connect_timeout=60)  # fmt: skip
    return connect(host, Trust(files=(), accept_new=True), base=base)


@pytest.fixture(params=["ssh", "inside", "local"])
def connection(request: pytest.FixtureRequest, base: str) -> Iterator[Connection]:
    """One of each kind: what holds for one has to hold for the others."""
    if request.param == "local":
        made = LocalConnection("node", become=False, base=base)
    elif request.param == "inside":
        made = reach(request.getfixturevalue("server"), base)
    else:
        sshd: Sshd = request.getfixturevalue("sshd")
        made = connect(sshd.host(), sshd.known(), base=base)
    with made:
        yield made


def file(path: Path | str, content: bytes, mode: int = 0o644) -> File:
    return File(str(path), content, mode, owner=ME)


class TestRun:
    def test_output_and_status_come_back(self, connection: Connection) -> None:
        got = connection.run("echo out; echo err >&2; exit 3")
        assert (got.exit, got.out, got.err) == (3, "out\n", "err\n")

    def test_a_script_may_read_its_own_input(self, connection: Connection) -> None:
        data = os.urandom(3_000_000)
        got = connection.run("cat | sha256sum; echo 'still here'", data=data)
        assert got.out.splitlines()[1:] == ["still here"]
        assert len(got.out.split()[0]) == 64

    def test_a_command_that_reads_input_does_not_eat_the_script(self, connection: Connection) -> None:
        assert connection.run("cat\necho after").out == "after\n"

    def test_input_that_nobody_reads_does_no_harm(self, connection: Connection) -> None:
        assert connection.run("echo early; exit 0", data=b"x" * 500_000).out == "early\n"

    def test_much_output_on_both_channels(self, connection: Connection) -> None:
        got = connection.run("seq 200000; seq 20000 >&2")
        assert len(got.out.splitlines()) == 200000
        assert len(got.err.splitlines()) == 20000

    def test_a_syntax_error_is_a_failure(self, connection: Connection) -> None:
        assert not connection.run("if true; then echo").ok

    def test_quotes_blanks_and_heredocs_survive(self, connection: Connection) -> None:
        script = "cat <<'EOF'\na 'b' \"c\" $d `e` \\f\nEOF\nprintf '%s\\n' \"x'y\""
        assert connection.run(script).out == "a 'b' \"c\" $d `e` \\f\nx'y\n"

    def test_a_signal_is_no_success(self, connection: Connection) -> None:
        assert connection.run("kill -9 $$").exit > 128

    def test_a_script_that_does_not_end_is_given_up(self, connection: Connection) -> None:
        with pytest.raises(ScriptTimeout, match="did not finish within"):
            connection.run("sleep 60", timeout=0.5)
        assert connection.run("echo fine").out == "fine\n"

    def test_threads_share_a_connection(self, connection: Connection) -> None:
        got: list[str] = []
        threads = [
            threading.Thread(target=lambda n=n: got.append(connection.run(f"sleep 0.2; echo {n}").out.strip()))
            for n in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(got) == ["0", "1", "2", "3", "4", "5"]

    def test_neither_script_nor_input_is_in_the_process_list(self, connection: Connection) -> None:
        secret = "pw-7f3a-not-in-ps"
        seen: list[bytes] = []

        def look() -> None:
            for _ in range(30):
                for entry in Path("/proc").iterdir():
                    if entry.name.isdigit():
                        try:
                            seen.append((entry / "cmdline").read_bytes() + (entry / "environ").read_bytes())
                        except OSError:
                            continue
                time.sleep(0.02)

        watcher = threading.Thread(target=look)
        watcher.start()
        connection.run(f"password={secret}; cat >/dev/null; sleep 0.5", data=secret.encode())
        watcher.join()
        assert seen
        assert not [line for line in seen if secret.encode() in line]


class TestPut:
    def test_content_mode_and_folders(self, connection: Connection, tmp_path: Path) -> None:
        path = tmp_path / "a b" / "c'd" / "file"
        content = bytes(range(256)) * 100
        assert connection.put([file(path, content, 0o640)]) == (str(path),)
        assert path.read_bytes() == content
        assert path.stat().st_mode & 0o7777 == 0o640

    def test_only_what_differs_is_put(self, connection: Connection, tmp_path: Path) -> None:
        one, two, three = (tmp_path / n for n in ("one", "two", "three"))
        assert len(connection.put([file(one, b"1"), file(two, b"2", 0o600)])) == 2
        inode = one.stat().st_ino
        assert connection.put([file(one, b"1"), file(two, b"2!", 0o600), file(three, b"")]) == (str(two), str(three))
        assert one.stat().st_ino == inode
        assert connection.put([file(one, b"1"), file(two, b"2!", 0o600), file(three, b"")]) == ()

    def test_a_wrong_mode_counts_as_different(self, connection: Connection, tmp_path: Path) -> None:
        path = tmp_path / "secret"
        connection.put([file(path, b"x", 0o644)])
        assert connection.put([file(path, b"x", 0o600)]) == (str(path),)
        assert path.stat().st_mode & 0o777 == 0o600

    def test_a_link_is_replaced_and_its_target_left_alone(self, connection: Connection, tmp_path: Path) -> None:
        target, link = tmp_path / "target", tmp_path / "link"
        target.write_bytes(b"mine")
        link.symlink_to(target)
        connection.put([file(link, b"new")])
        assert target.read_bytes() == b"mine"
        assert not link.is_symlink()

    def test_nothing_is_left_behind(self, connection: Connection, tmp_path: Path) -> None:
        connection.put([file(tmp_path / "out" / "f", b"x" * 100_000)])
        assert [p.name for p in (tmp_path / "out").iterdir()] == ["f"]
        assert [p.name for p in Path(connection.base).iterdir()] == ["changes.log"]

    def test_what_is_changed_is_written_down_and_kept_as_it_was(self, connection: Connection, tmp_path: Path) -> None:
        base, new, old = Path(connection.base), tmp_path / "new", tmp_path / "a b" / "old"
        old.parent.mkdir()
        old.write_bytes(b"the person's")
        old.chmod(0o640)
        for content in (b"first", b"second"):
            connection.put([file(new, content), file(old, content), file(base / "ours", content)])
        assert (base / "changes.log").read_text() == f"file made: {new}\nfile changed: {old}\n"
        kept = base / f"saved{old}"
        assert (kept.read_bytes(), kept.stat().st_mode & 0o777) == (b"the person's", 0o640)
        assert (base / "saved").stat().st_mode & 0o777 == 0o700
        assert not (base / f"saved{new}").exists()

    def test_nothing_is_left_behind_after_a_failure(self, connection: Connection, tmp_path: Path) -> None:
        (tmp_path / "blocked").mkdir()
        with pytest.raises(StackwrightError, match="is a folder"):
            connection.put([file(tmp_path / "blocked", b"x")])
        with pytest.raises(StackwrightError, match="does not exist on the host"):
            connection.put([File(str(tmp_path / "out" / "g"), b"x", owner="nobody-of-that-name:root")])
        assert list(Path(connection.base).iterdir()) == []
        assert list((tmp_path / "out").iterdir()) == []

    def test_the_temporary_folder_is_private(self, connection: Connection, tmp_path: Path) -> None:
        connection.put([file(tmp_path / "f", b"x")])
        assert Path(connection.base).stat().st_mode & 0o777 == 0o700

    def test_many_files_in_two_round_trips(self, connection: Connection, tmp_path: Path) -> None:
        opened = 0
        original = connection.open

        def counting(script: str) -> object:
            nonlocal opened
            opened += 1
            return original(script)

        connection.open = counting  # type: ignore[assignment, method-assign]
        files = [file(tmp_path / "many" / str(n), str(n).encode()) for n in range(100)]
        assert len(connection.put(files)) == 100
        assert opened == 2
        assert connection.put(files) == ()
        assert opened == 3

    def test_a_relative_path_is_refused(self, connection: Connection) -> None:
        with pytest.raises(StackwrightError, match="absolute"):
            connection.put([file("etc/passwd", b"x")])

    def test_what_was_cut_off_is_not_put(self, connection: Connection, tmp_path: Path) -> None:
        path = tmp_path / "there" / "whole"
        path.parent.mkdir()
        path.write_bytes(b"before")
        import stackwright.ssh.connection as module

        meant = file(path, os.urandom(50_000))
        packed, script = module._pack((meant,)), module._write_script((meant,), connection.base)
        assert not connection.run(script, data=packed[: len(packed) // 2]).ok
        assert path.read_bytes() == b"before"
        spoilt = module.pack([(module._beside((meant,))[0], b"what arrived", 0o644)])
        assert not connection.run(script, data=spoilt).ok
        assert path.read_bytes() == b"before"
        assert [p.name for p in path.parent.iterdir()] == ["whole"]
        assert list(Path(connection.base).iterdir()) == []


class TestMisbehaviour:
    """Servers that do what no server should. Whatever they do: no success that is none, and no waiting for ever."""

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("fault", "said"),
        [
            ("silent", "not like an SSH server"),
            ("hangs up", "refused|connection lost"),
            ("no sessions", "connection lost"),
            ("no commands", "connection lost"),
        ],
    )
    def test_one_that_cannot_be_used_is_an_error(
        self, server: PasswordServer, base: str, fault: Fault, said: str
    ) -> None:
        server.fault = fault
        host = Host("node", address="127.0.0.1", user="root", port=server.port, password="pw-inside", become=False,
                    agent=False, connect_timeout=3)  # fmt: skip
        with pytest.raises(StackwrightError, match=said) as caught:
            connect(host, Trust(files=(), accept_new=True), base=base)
        assert caught.value.code == ExitCode.UNREACHABLE

    def test_a_command_without_a_status_is_no_success(self, server: PasswordServer, base: str) -> None:
        with reach(server, base) as connection:
            server.fault = "no status"
            got = connection.run("echo done")
            assert (got.ok, got.out) == (False, "done\n")

    @pytest.mark.parametrize("fault", ["early status", "drips"])
    def test_odd_ways_of_sending_lose_nothing(self, server: PasswordServer, base: str, fault: Fault) -> None:
        with reach(server, base) as connection:
            server.fault = fault
            got = connection.run("seq 300; exit 4")
            assert (got.exit, got.out.split()) == (4, [str(n) for n in range(1, 301)])

    def test_a_link_that_ends_within_the_output_is_lost_and_made_anew(
        self, server: PasswordServer, base: str, tmp_path: Path
    ) -> None:
        with reach(server, base) as connection:
            server.fault = "cut"
            with pytest.raises(LinkDropped):
                connection.run(f"echo once >>'{tmp_path}/count'; seq 300")
            server.fault = ""
            assert connection.run(f"cat '{tmp_path}/count'").out == "once\n"
            assert len(server.logins) == 2

    def test_one_that_stalls_is_given_up_and_the_link_serves_on(self, server: PasswordServer, base: str) -> None:
        with reach(server, base) as connection:
            server.fault = "stalls"
            with pytest.raises(ScriptTimeout):
                connection.run("echo lost", timeout=0.5)
            server.fault = ""
            assert connection.run("echo fine").out == "fine\n"

    def test_nothing_is_put_in_place_by_a_link_that_ends(
        self, server: PasswordServer, base: str, tmp_path: Path
    ) -> None:
        with reach(server, base) as connection:
            server.fault = "cut"
            with pytest.raises(StackwrightError):
                connection.put([file(tmp_path / "new", b"x")])
            server.fault = ""
            assert connection.put([file(tmp_path / "new", b"x")]) == (str(tmp_path / "new"),)
