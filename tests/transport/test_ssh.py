"""Host keys, logging in, hosts that do not answer, and links that drop: against a real sshd."""

from __future__ import annotations

import dataclasses
import getpass
import os
import subprocess
import time
from pathlib import Path

import pytest

from stackwright.model import ExitCode, StackwrightError
from stackwright.ssh import Channel, Host, LinkDropped, Trust, connect, fingerprint, settings

from .conftest import HAS_IPV6, KEYGEN, Cable, Sshd, free_port, keygen


class TestHostKeys:
    def test_an_unknown_key_is_refused_with_its_fingerprint(self, sshd: Sshd) -> None:
        with pytest.raises(StackwrightError, match="host key is not known") as caught:
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
        with pytest.raises(StackwrightError, match="not known"):
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
        with pytest.raises(StackwrightError, match="is refused") as caught:
            connect(host, sshd.known())
        assert str(wrong) in caught.value.message
        assert "ssh-copy-id" in caught.value.hint
        assert caught.value.code == ExitCode.UNREACHABLE

    def test_a_key_with_a_passphrase_says_so(self, sshd: Sshd, tmp_path: Path) -> None:
        locked = keygen(tmp_path / "locked", passphrase="abcdef")
        with pytest.raises(StackwrightError, match="has a passphrase: load it with `ssh-add`"):
            connect(dataclasses.replace(sshd.host(), keys=(locked,)), sshd.known())

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
        with pytest.raises(StackwrightError, match=rf"port {port} cannot be reached from the jump host"):
            connect(host, sshd.known())

    def test_a_key_of_the_agent_s(self, sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        host = dataclasses.replace(sshd.host(), keys=(), agent=True)
        sock = tmp_path / "agent"
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(sock)], stdout=subprocess.DEVNULL)
        try:
            while not sock.exists():
                assert agent.poll() is None
                time.sleep(0.02)
            monkeypatch.setenv("SSH_AUTH_SOCK", str(sock))
            with pytest.raises(StackwrightError, match="nothing, there is no key here"):
                connect(host, sshd.known())
            subprocess.run(["ssh-add", "-q", str(sshd.key)], check=True)
            connect(host, sshd.known()).close()
        finally:
            agent.terminate()
            agent.wait()

    @pytest.mark.skipif(not HAS_IPV6, reason="this machine has no IPv6")
    def test_an_address_of_ipv6(self, sshd: Sshd, tmp_path: Path) -> None:
        known = tmp_path / "known"
        known.write_text(sshd.known_hosts_line.replace("127.0.0.1", "::1"))
        host = dataclasses.replace(sshd.host(), address="::1")
        with connect(host, Trust(files=(known,))) as connection:
            assert connection.run("echo $SSH_CONNECTION").out.split()[2] == "::1"


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
        with pytest.raises(StackwrightError, match="not as an SSH server should"):
            connect(sshd.host(cable.port), sshd.known(cable.port))

    def test_a_host_that_takes_the_connection_and_is_silent(self, sshd: Sshd, cable: Cable) -> None:
        cable.hold()
        host = dataclasses.replace(sshd.host(cable.port), connect_timeout=0.5)
        with pytest.raises(StackwrightError, match=r"not as an SSH server should|cannot be reached"):
            connect(host, sshd.known(cable.port))


class TestDroppedLinks:
    def test_a_link_that_dropped_is_made_anew(self, sshd: Sshd, cable: Cable) -> None:
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


class TestSettings:
    def test_the_configuration_is_read_and_flags_win(self, tmp_path: Path) -> None:
        config = tmp_path / "config"
        config.write_text(
            "Host db\n  HostName 198.18.0.5\n  Port 2222\n  User admin\n  IdentityFile ~/.ssh/db\n"
            "  ProxyJump gate@198.18.0.1:2200\n  HostKeyAlias the-db\n  UserKnownHostsFile /x/known /dev/null\n"
        )
        host = settings("db", config=config)
        assert (host.dialled, host.port, host.user, host.known_as) == ("198.18.0.5", 2222, "admin", "the-db")
        assert host.keys == (Path.home() / ".ssh" / "db",)
        assert host.known_hosts == (Path("/x/known"),)
        assert host.jump
        assert (host.jump.name, host.jump.user, host.jump.port) == ("198.18.0.1", "gate", 2200)
        flagged = settings("db", user="root", port=22, config=config)
        assert (flagged.user, flagged.port) == ("root", 22)

    def test_two_jumps_and_ipv6(self, tmp_path: Path) -> None:
        host = settings("target", jump="a@first,[fd00::1]:2200", config=tmp_path / "none")
        assert host.jump
        assert (host.jump.name, host.jump.port) == ("fd00::1", 2200)
        assert host.jump.user == getpass.getuser()
        assert host.jump.jump
        assert host.jump.jump.name == "first"

    def test_a_circle_of_jumps_is_an_error(self, tmp_path: Path) -> None:
        config = tmp_path / "config"
        config.write_text("Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n")
        with pytest.raises(StackwrightError, match="circle"):
            settings("a", config=config)

    def test_defaults(self, tmp_path: Path) -> None:
        host = settings("198.18.0.9", config=tmp_path / "none")
        assert (host.user, host.port, host.known_as, host.jump) == ("root", 22, "198.18.0.9", None)

    def test_a_port_is_part_of_the_known_name(self) -> None:
        assert Host("n", address="198.18.0.9", port=2222).known_as == "[198.18.0.9]:2222"

    def test_passwords_are_never_printed(self) -> None:
        text = repr(Host("n", password="geheim-1", sudo_password="geheim-2"))
        assert "geheim" not in text

    def test_an_unreadable_configuration_is_an_error(self, tmp_path: Path) -> None:
        config = tmp_path / "config"
        config.write_bytes(b"Host \xff\xfe\n")
        with pytest.raises(StackwrightError, match="cannot be read"):
            settings("n", config=config)


def _drain(channel: Channel) -> None:
    while channel.receive(1.0) is not None:
        pass


def _fingerprint(key: Path) -> str:
    assert KEYGEN
    out = subprocess.run([KEYGEN, "-lf", str(key)], check=True, capture_output=True, text=True).stdout
    return out.split()[1]


def test_nothing_of_ours_stays_on_the_host(sshd: Sshd, base: str) -> None:
    with connect(sshd.host(), sshd.known(), base=base) as connection:
        connection.run("true")
    assert not os.path.exists(base)  # noqa: PTH110
