"""Host keys, logging in, hosts that do not answer, and links that drop: against a real sshd."""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stackwright.model import ExitCode, StackwrightError
from stackwright.ssh import Channel, Host, Jumps, LinkDropped, Trust, connect, fingerprint

from .conftest import HAS_IPV6, KEYGEN, Cable, Sshd, free_port, keygen


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An agent without keys, as the environment names it; and a home without keys."""
    monkeypatch.setenv("HOME", str(tmp_path))
    sock = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(sock)], stdout=subprocess.DEVNULL)
    while not sock.exists():
        assert process.poll() is None
        time.sleep(0.02)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(sock))
    yield sock
    process.terminate()
    process.wait()


class TestHostKeys:
    def test_an_unknown_key_is_refused_with_its_fingerprint(self, sshd: Sshd) -> None:
        with pytest.raises(StackwrightError, match="host key is unknown") as caught:
            connect(sshd.host(), Trust(files=()))
        assert caught.value.code == ExitCode.UNREACHABLE
        assert _fingerprint(sshd.host_key) in caught.value.message
        assert "--accept-new-host-keys" in caught.value.hint

    def test_an_unknown_key_is_shown_and_pinned(self, sshd: Sshd, tmp_path: Path, base: str) -> None:
        asked: list[tuple[str, str, str]] = []

        def confirm(host: str, kind: str, shown: str) -> bool:
            asked.append((host, kind, shown))
            return True

        trust = Trust(pins=tmp_path / "state" / "known_hosts", files=(), confirm=confirm)
        for _ in range(2):
            with connect(sshd.host(), trust, base=base) as connection:
                assert connection.run("echo in").out == "in\n"
        assert asked == [("node", "ED25519", _fingerprint(sshd.host_key))]
        assert trust.pins
        assert trust.pins.read_text() == sshd.known_hosts_line
        assert trust.pins.stat().st_mode & 0o777 == 0o600

    def test_who_says_no_is_not_connected(self, sshd: Sshd, tmp_path: Path) -> None:
        pins = tmp_path / "known_hosts"
        with pytest.raises(StackwrightError, match="unknown"):
            connect(sshd.host(), Trust(pins=pins, files=(), confirm=lambda *_: False))
        assert not pins.exists()

    def test_a_new_key_is_accepted_without_asking(self, sshd: Sshd, tmp_path: Path) -> None:
        trust = Trust(pins=tmp_path / "known_hosts", files=(), accept_new=True)
        connect(sshd.host(), trust).close()
        assert "ssh-ed25519" in (tmp_path / "known_hosts").read_text()

    def test_a_changed_key_is_refused_and_the_command_in_the_hint_helps(self, sshd: Sshd, tmp_path: Path) -> None:
        known = tmp_path / "known hosts"
        other = keygen(tmp_path / "other").with_suffix(".pub").read_text().split()
        known.write_text(f"[127.0.0.1]:{sshd.port} {other[0]} {other[1]}\n")
        trust = Trust(files=(known,), accept_new=True)
        with pytest.raises(StackwrightError, match="host key has changed") as caught:
            connect(sshd.host(), trust)
        assert caught.value.code == ExitCode.UNREACHABLE
        command = caught.value.hint.split("`")[1]
        assert command.startswith("ssh-keygen -R")
        subprocess.run(command, shell=True, check=True, capture_output=True)  # noqa: S602
        connect(sshd.host(), trust).close()

    def test_hashed_names_and_odd_lines_are_understood(self, sshd: Sshd, tmp_path: Path) -> None:
        known = tmp_path / "known_hosts"
        known.write_text(
            "# a comment\n\n@cert-authority *.example ssh-ed25519 AAAA\nbroken line\nhost ssh-ed25519 !!!\n"
            + sshd.known_hosts_line
        )
        assert KEYGEN
        # hashing refuses the broken lines, so it gets the good one alone
        only = tmp_path / "only"
        only.write_text(sshd.known_hosts_line)
        subprocess.run([KEYGEN, "-q", "-H", "-f", str(only)], check=True, capture_output=True)
        known.write_text(known.read_text().replace(sshd.known_hosts_line, only.read_text()))
        assert "|1|" in known.read_text()
        connect(sshd.host(), Trust(files=(known,))).close()

    def test_each_of_several_keys_of_one_kind_counts(self, sshd: Sshd, tmp_path: Path) -> None:
        """As while a host's key is being changed, or where one name stands for several machines."""
        known, other = tmp_path / "known", _public(keygen(tmp_path / "other"))
        known.write_text(f"[127.0.0.1]:{sshd.port} {other}\n{sshd.known_hosts_line}")
        connect(sshd.host(), Trust(files=(known,))).close()

    @pytest.mark.parametrize(
        ("names", "met"),
        [
            ("[127.0.0.*]:*", True),
            ("*", True),
            ("other,[127.0.0.?]:PORT", True),
            ("*,!127.0.0.1,![127.0.0.1]:PORT", False),
            ("127.0.0.1", True),  # OpenSSH takes the key of the usual port at others as well
            ("127.0.0.2", False),
            ("[127.0.0.1]:1", False),
        ],
    )
    def test_patterns_of_names(self, sshd: Sshd, tmp_path: Path, names: str, met: bool) -> None:
        known = tmp_path / "known"
        known.write_text(f"{names.replace('PORT', str(sshd.port))} {_public(sshd.host_key)}\n")
        if met:
            connect(sshd.host(), Trust(files=(known,))).close()
        else:
            with pytest.raises(StackwrightError, match="host key is unknown"):
                connect(sshd.host(), Trust(files=(known,)))

    def test_names_have_letters_of_any_size(self, sshd: Sshd, tmp_path: Path) -> None:
        known = tmp_path / "known"
        known.write_text(f"the-node,x {_public(sshd.host_key)}\n")
        connect(dataclasses.replace(sshd.host(), alias="The-Node"), Trust(files=(known,))).close()

    @pytest.mark.parametrize("accept_new", [True, False])
    @pytest.mark.parametrize("also", ["", "known"])
    def test_a_revoked_key_is_refused_even_if_another_file_trusts_it(
        self, sshd: Sshd, tmp_path: Path, accept_new: bool, also: str
    ) -> None:
        known, pins = tmp_path / "known", tmp_path / "pins"
        known.write_text(f"@revoked * {_public(sshd.host_key)}\n{sshd.known_hosts_line * bool(also)}")
        trust = Trust(pins=pins, files=(known,), accept_new=accept_new, confirm=lambda *_: True)
        with pytest.raises(StackwrightError, match="host presents a revoked key") as caught:
            connect(sshd.host(), trust)
        assert caught.value.code == ExitCode.UNREACHABLE
        assert not pins.exists()

    def test_another_key_that_was_revoked_says_nothing(self, sshd: Sshd, tmp_path: Path) -> None:
        known = tmp_path / "known"
        known.write_text(f"@revoked * {_public(keygen(tmp_path / 'other'))}\n{sshd.known_hosts_line}")
        connect(sshd.host(), Trust(files=(known,))).close()

    def test_a_certificate_authority_vouches_for_no_plain_key(self, sshd: Sshd, tmp_path: Path) -> None:
        known = tmp_path / "known"
        known.write_text(f"@cert-authority * {_public(keygen(tmp_path / 'authority'))}\n")
        with pytest.raises(StackwrightError, match=r"unknown.*host certificates are not supported"):
            connect(sshd.host(), Trust(files=(known,)))
        connect(sshd.host(), Trust(pins=tmp_path / "pins", files=(known,), accept_new=True)).close()

    def test_a_file_that_the_configuration_names_counts(self, sshd: Sshd) -> None:
        known = sshd.known().files
        connect(dataclasses.replace(sshd.host(), known_hosts=known), Trust(files=())).close()

    def test_the_fingerprint_is_that_of_ssh_keygen(self, tmp_path: Path) -> None:
        import paramiko

        key = keygen(tmp_path / "k")
        assert fingerprint(paramiko.PKey.from_path(key)) == _fingerprint(key)


class TestLogin:
    def test_a_wrong_key_is_refused_and_named(self, sshd: Sshd, tmp_path: Path) -> None:
        wrong = keygen(tmp_path / "wrong")
        host = dataclasses.replace(sshd.host(), keys=(wrong,))
        with pytest.raises(StackwrightError, match="refused") as caught:
            connect(host, sshd.known())
        assert str(wrong) in caught.value.message
        assert "ssh-copy-id" in caught.value.hint
        assert caught.value.code == ExitCode.UNREACHABLE

    def test_a_key_with_a_passphrase_says_so(self, sshd: Sshd, tmp_path: Path) -> None:
        locked = keygen(tmp_path / "locked", passphrase="abcdef")
        with pytest.raises(StackwrightError) as caught:
            connect(dataclasses.replace(sshd.host(), keys=(locked,)), sshd.known())
        assert f"{locked} (it has a passphrase)" in caught.value.message
        assert f"`ssh-add {locked}`" in caught.value.hint

    @pytest.mark.parametrize("form", ["RFC4716", "PEM", "PKCS8"])
    @pytest.mark.parametrize("kind", [pytest.param("rsa", marks=pytest.mark.slow), "ecdsa", "ed25519"])
    @pytest.mark.parametrize("phrase", ["", "correct horse"])
    def test_a_key_of_each_kind_and_form(self, sshd: Sshd, tmp_path: Path, kind: str, form: str, phrase: str) -> None:
        """A passphrase is asked for where there is one, and only then."""
        key, asked = tmp_path / "key", []
        assert KEYGEN
        words = [KEYGEN, "-q", "-t", kind, "-m", form, "-N", phrase, "-f", str(key)]
        subprocess.run(words, check=True, capture_output=True)
        (sshd.folder / "authorized_keys").write_text(key.with_suffix(".pub").read_text())

        def ask(path: Path) -> str:
            asked.append(path)
            return phrase

        connect(dataclasses.replace(sshd.host(), keys=(key,), passphrase=ask), sshd.known()).close()
        assert asked == [key] * bool(phrase)

    def test_a_wrong_passphrase_is_reported_and_the_next_key_tried(self, sshd: Sshd, tmp_path: Path) -> None:
        locked = keygen(tmp_path / "locked", passphrase="abcdef")
        host = dataclasses.replace(sshd.host(), keys=(locked,), passphrase=lambda _: "wrong-one")
        with pytest.raises(StackwrightError, match="wrong passphrase") as caught:
            connect(host, sshd.known())
        assert "wrong-one" not in caught.value.message + caught.value.hint
        connect(dataclasses.replace(host, keys=(locked, sshd.key)), sshd.known()).close()

    def test_no_passphrase_is_asked_for_if_another_key_works(self, sshd: Sshd, tmp_path: Path) -> None:
        locked = keygen(tmp_path / "locked", passphrase="abcdef")

        def ask(path: Path) -> str:
            raise AssertionError(path)

        host = dataclasses.replace(sshd.host(), keys=(locked, sshd.key), passphrase=ask)
        connect(host, sshd.known()).close()

    def test_a_certificate_beside_the_key(self, sshd: Sshd, tmp_path: Path) -> None:
        authority, key = keygen(tmp_path / "authority"), keygen(tmp_path / "key")
        assert KEYGEN
        who = getpass.getuser()
        subprocess.run([KEYGEN, "-q", "-s", str(authority), "-I", "t", "-n", who, f"{key}.pub"], check=True)
        (sshd.folder / "authorized_keys").write_text(f"cert-authority {_public(authority)}\n")
        connect(dataclasses.replace(sshd.host(), keys=(key,)), sshd.known()).close()

    def test_a_missing_key_file_says_so(self, sshd: Sshd, tmp_path: Path) -> None:
        with pytest.raises(StackwrightError, match="no such file"):
            connect(dataclasses.replace(sshd.host(), keys=(tmp_path / "nowhere",)), sshd.known())

    def test_the_second_key_is_tried(self, sshd: Sshd, tmp_path: Path) -> None:
        host = dataclasses.replace(sshd.host(), keys=(keygen(tmp_path / "wrong"), sshd.key))
        connect(host, sshd.known()).close()

    def test_an_rsa_key_works(self, sshd: Sshd, tmp_path: Path) -> None:
        key = keygen(tmp_path / "rsa", "rsa")
        (sshd.folder / "authorized_keys").write_text(key.with_suffix(".pub").read_text())
        connect(dataclasses.replace(sshd.host(), keys=(key,)), sshd.known()).close()

    def test_a_jump_host(self, sshd: Sshd) -> None:
        host = dataclasses.replace(sshd.host(), jump=sshd.host())
        with connect(host, sshd.known()) as connection:
            assert connection.run("echo through").out == "through\n"

    def test_a_jump_host_that_reaches_nothing(self, sshd: Sshd) -> None:
        port = free_port()
        host = dataclasses.replace(sshd.host(), jump=sshd.host(), port=port)
        with pytest.raises(StackwrightError, match=rf"cannot reach .* port {port} from the jump host"):
            connect(host, sshd.known())

    def test_a_key_of_the_agent_s(self, sshd: Sshd, agent: Path) -> None:
        assert agent.exists()
        host = dataclasses.replace(sshd.host(), keys=(), agent=True)
        with pytest.raises(StackwrightError, match="nothing, no key found"):
            connect(host, sshd.known())
        subprocess.run(["ssh-add", "-q", str(sshd.key)], check=True)
        connect(host, sshd.known()).close()

    @pytest.mark.usefixtures("agent")
    def test_the_agent_s_key_that_is_named_comes_first(self, sshd: Sshd, tmp_path: Path) -> None:
        """A host hangs up after six; the key itself is locked, as one that an agent has often is."""
        wanted = keygen(tmp_path / "wanted", passphrase="")
        (sshd.folder / "authorized_keys").write_text(wanted.with_suffix(".pub").read_text())
        others = [keygen(tmp_path / f"other-{n}") for n in range(8)]
        subprocess.run(["ssh-add", "-q", *map(str, others), str(wanted)], check=True)
        assert KEYGEN
        subprocess.run([KEYGEN, "-q", "-p", "-P", "", "-N", "abcdef", "-f", str(wanted)], check=True)
        host = dataclasses.replace(sshd.host(), keys=(wanted,), agent=True)
        connect(host, sshd.known()).close()
        with pytest.raises(StackwrightError, match="closed the connection"):
            connect(dataclasses.replace(host, keys=(others[0],)), sshd.known())
        with pytest.raises(StackwrightError) as caught:
            connect(dataclasses.replace(host, keys=(others[0],), only_keys=True), sshd.known())
        assert caught.value.message.count("the agent's") == 1

    def test_an_agent_elsewhere(self, sshd: Sshd, agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        subprocess.run(["ssh-add", "-q", str(sshd.key)], check=True)
        monkeypatch.delenv("SSH_AUTH_SOCK")
        host = dataclasses.replace(sshd.host(), keys=(), agent=True)
        with pytest.raises(StackwrightError, match="refused"):
            connect(host, sshd.known())
        connect(dataclasses.replace(host, agent_socket=str(agent)), sshd.known()).close()

    @pytest.mark.usefixtures("agent")
    def test_the_agent_is_let_go_of(self, sshd: Sshd) -> None:
        """With a hundred hosts it would be a hundred open sockets."""
        subprocess.run(["ssh-add", "-q", str(sshd.key)], check=True)
        with connect(dataclasses.replace(sshd.host(), keys=(), agent=True), sshd.known()):
            lines = Path("/proc/net/unix").read_text().splitlines()
            inodes = {line.split()[6] for line in lines[1:]}
            mine = {os.readlink(fd) for fd in Path("/proc/self/fd").iterdir() if fd.exists() or fd.is_symlink()}  # noqa: PTH115
            assert not [fd for fd in mine if fd.startswith("socket:") and fd[8:-1] in inodes]

    @pytest.mark.skipif(not HAS_IPV6, reason="this machine has no IPv6")
    def test_an_address_of_ipv6(self, sshd: Sshd, tmp_path: Path) -> None:
        known = tmp_path / "known"
        known.write_text(sshd.known_hosts_line.replace("127.0.0.1", "::1"))
        host = dataclasses.replace(sshd.host(), address="::1")
        with connect(host, Trust(files=(known,))) as connection:
            assert connection.run("echo $SSH_CONNECTION").out.split()[2] == "::1"


class TestWays:
    def test_hosts_behind_one_jump_host_share_a_link_to_it(self, sshd: Sshd, cable: Cable) -> None:
        """An sshd lets ten log in at the same time, and then refuses by chance."""
        _, host, trust = _behind(sshd, cable)
        jumps = Jumps()
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda _: connect(host, trust, jumps=jumps), range(8)))
        assert cable.connections == 1
        made[0].close()
        assert [c.run("echo through").out for c in made[1:]] == ["through\n"] * 7
        cable.cut()
        cable.mend()
        assert [c.run("echo again").out for c in made[1:]] == ["again\n"] * 7
        assert cable.connections == 2
        for connection in made:
            connection.close()
        jumps.close()

    def test_a_jump_host_whose_link_was_cut_unnoticed(
        self, sshd: Sshd, cable: Cable, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gate, host, trust = _behind(sshd, cable)
        jumps = Jumps()
        link = jumps.link(gate, trust)
        cable.cut()
        while link.alive():
            time.sleep(0.01)
        cable.mend()
        looks = [True]
        monkeypatch.setattr(link, "alive", lambda: bool(looks) and looks.pop())
        with connect(host, trust, jumps=jumps) as connection:
            assert connection.run("echo through").out == "through\n"
        assert cable.connections == 2
        jumps.close()

    def test_a_jump_host_whose_link_cannot_be_sent_to_before_its_thread_has_seen_that(
        self, sshd: Sshd, cable: Cable, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gate, host, trust = _behind(sshd, cable)
        jumps = Jumps()
        link = jumps.link(gate, trust)

        def nothing_can_be_sent(*_: object, **__: object) -> None:
            raise EOFError

        monkeypatch.setattr(link._transport, "open_channel", nothing_can_be_sent)
        assert link.alive()
        with connect(host, trust, jumps=jumps) as connection:
            assert connection.run("echo through").out == "through\n"
        assert cable.connections == 2
        assert not link.alive()
        jumps.close()

    def test_a_proxy_command(self, sshd: Sshd, tmp_path: Path) -> None:
        """The program ends with the connection, and not with Ctrl-C."""
        script = tmp_path / "proxy.py"
        script.write_text(
            "import os, socket, sys, threading\n"
            "far = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
            "def feed():\n"
            "    while data := os.read(0, 65536): far.sendall(data)\n"
            "    os._exit(0)\n"
            "threading.Thread(target=feed).start()\n"
            "while data := far.recv(65536): os.write(1, data)\n"
        )
        proxy = f"{sys.executable} '{script}' 127.0.0.1 {sshd.port}"
        # the address is one that nobody could dial
        host = dataclasses.replace(sshd.host(), address="192.0.2.1", alias=f"[127.0.0.1]:{sshd.port}", proxy=proxy)
        with connect(host, sshd.known()) as connection:
            assert connection.run("head -c 1000000 /dev/zero | wc -c").out.strip() == "1000000"
            found = _processes(str(script))
            assert len(found) == 1
            assert os.getsid(found[0]) != os.getsid(0)
        assert _processes(str(script)) == []

    def test_a_proxy_command_that_leads_nowhere_says_what_it_said(self, sshd: Sshd) -> None:
        host = dataclasses.replace(sshd.host(), proxy="echo 'no such gate' >&2; exit 1")
        with pytest.raises(StackwrightError, match="ProxyCommand does not reach an SSH server: no such gate") as caught:
            connect(host, sshd.known())
        assert caught.value.code == ExitCode.UNREACHABLE


def _behind(sshd: Sshd, cable: Cable) -> tuple[Host, Host, Trust]:
    """A jump host that the cable leads to, a host behind it, and the keys of both."""
    gate = sshd.host(cable.port)
    trust = Trust(files=(*sshd.known().files, *sshd.known(cable.port).files))
    return gate, dataclasses.replace(sshd.host(), jump=gate), trust


def _processes(word: str) -> list[int]:
    """Those with the word among their arguments."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with contextlib.suppress(OSError):
                if word.encode() in (path / "cmdline").read_bytes():
                    found.append(int(path.name))
    return found


class TestNobodyThere:
    def test_a_port_that_refuses(self, sshd: Sshd) -> None:
        port = free_port()
        with pytest.raises(StackwrightError, match="refuses connections") as caught:
            connect(sshd.host(port), sshd.known())
        assert caught.value.code == ExitCode.UNREACHABLE
        assert "sshd" in caught.value.hint

    def test_a_name_that_does_not_resolve(self, sshd: Sshd) -> None:
        host = dataclasses.replace(sshd.host(), address="no-such-host.invalid")
        with pytest.raises(StackwrightError, match="does not resolve"):
            connect(host, sshd.known())

    def test_something_that_is_no_sshd(self, sshd: Sshd, cable: Cable) -> None:
        cable.cut()
        with pytest.raises(StackwrightError, match="not like an SSH server"):
            connect(sshd.host(cable.port), sshd.known(cable.port))

    def test_a_host_that_takes_the_connection_and_is_silent(self, sshd: Sshd, cable: Cable) -> None:
        cable.hold()
        host = dataclasses.replace(sshd.host(cable.port), connect_timeout=0.5)
        with pytest.raises(StackwrightError, match=r"not like an SSH server|cannot be reached"):
            connect(host, sshd.known(cable.port))


class TestDroppedLinks:
    def test_a_lost_connection_is_reestablished(self, sshd: Sshd, cable: Cable) -> None:
        with connect(sshd.host(cable.port), sshd.known(cable.port)) as connection:
            cable.cut()
            cable.mend()
            assert connection.run("echo again").out == "again\n"
            assert cable.connections == 2

    def test_one_link_serves_many_scripts(self, sshd: Sshd, cable: Cable) -> None:
        with connect(sshd.host(cable.port), sshd.known(cable.port)) as connection:
            for n in range(10):
                assert connection.run(f"echo {n}").out == f"{n}\n"
            assert cable.connections == 1

    def test_a_script_in_flight_is_not_sent_twice(self, sshd: Sshd, cable: Cable, tmp_path: Path) -> None:
        mark = tmp_path / "mark"
        with connect(sshd.host(cable.port), sshd.known(cable.port)) as connection:
            channel = connection.open(f"echo once >>'{mark}'; sleep 30")
            for _ in range(200):
                if mark.exists():
                    break
                time.sleep(0.02)
            cable.cut()
            with pytest.raises(LinkDropped):
                _drain(channel)
            channel.close()
            cable.mend()
            assert connection.run(f"cat '{mark}'").out == "once\n"

    def test_sshd_restarted(self, sshd: Sshd) -> None:
        with connect(sshd.host(), sshd.known()) as connection:
            sshd.restart()
            assert connection.run("echo back").out == "back\n"

    def test_a_key_that_changes_meanwhile_is_refused(self, sshd: Sshd) -> None:
        with connect(sshd.host(), sshd.known()) as connection:
            sshd.host_key.unlink()
            keygen(sshd.host_key)
            sshd.restart()
            with pytest.raises(StackwrightError, match="host key has changed"):
                connection.run("echo caught")

    def test_a_closed_connection_stays_closed(self, sshd: Sshd) -> None:
        connection = connect(sshd.host(), sshd.known())
        connection.close()
        with pytest.raises(LinkDropped):
            connection.run("true")


def _drain(channel: Channel) -> None:
    while channel.receive(1.0) is not None:
        pass


def _public(key: Path) -> str:
    return " ".join(key.with_suffix(".pub").read_text().split()[:2])


def _fingerprint(key: Path) -> str:
    assert KEYGEN
    out = subprocess.run([KEYGEN, "-lf", str(key)], check=True, capture_output=True, text=True).stdout
    return out.split()[1]


def test_nothing_of_ours_stays_on_the_host(sshd: Sshd, base: str) -> None:
    with connect(sshd.host(), sshd.known(), base=base) as connection:
        connection.run("true")
    assert not os.path.exists(base)  # noqa: PTH110
