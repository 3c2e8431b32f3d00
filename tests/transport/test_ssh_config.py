"""~/.ssh/config means the same to us as to OpenSSH, which is asked (`ssh -G`)."""

from __future__ import annotations

import getpass
import shutil
import subprocess
from pathlib import Path

import pytest

from stackwright.model import ExitCode, StackwrightError
from stackwright.ssh import Host, settings

SSH = shutil.which("ssh")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder without anything of whoever runs the tests."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh" / "more").mkdir(parents=True)
    return tmp_path


def ours(host: Host) -> dict[str, object]:
    jump = host.jump
    return {
        "hostname": host.dialled,
        "port": str(host.port),
        "user": host.user,
        "proxyjump": f"{jump.user}@{jump.dialled}:{jump.port}" if jump else "",
        "identityfile": [str(key) for key in host.keys],
        "identitiesonly": "yes" if host.only_keys else "no",
        "hostkeyalias": host.alias,
    }


def openssh(config: Path, name: str, *flags: str) -> dict[str, object]:
    """The same as OpenSSH has it. It takes the user of this machine where nothing else is said, we take root."""
    assert SSH, "openssh-client is not installed"
    words = [SSH, "-G", "-F", str(config), *flags, name]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    found: dict[str, list[str]] = {}
    for line in said.splitlines():
        key, _, value = line.partition(" ")
        found.setdefault(key, []).append(value.strip('"'))
    keys = [str(Path(key).expanduser()) for key in found.get("identityfile", ())]
    usual = {"id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_xmss", "id_dsa"}
    tokens = {"%h": found["hostname"][0], "%r": found["user"][0]}
    for token, value in tokens.items():  # which it shows as they are, and replaces later
        keys = [key.replace(token, value) for key in keys]
    found["proxyjump"] = [found.get("proxyjump", [""])[0].replace("[", "").replace("]", "")]
    return {
        **{key: found.get(key, [""])[0] for key in ("hostname", "port", "user", "proxyjump", "hostkeyalias")},
        "identityfile": [] if {Path(key).name for key in keys} <= usual else keys,
        "identitiesonly": found.get("identitiesonly", ["no"])[0],
    }


FILES = {
    "more/10-web.conf": "User inside # of the file\nHost web\n  HostName 198.18.0.7\n  Port 2201\n",
    "more/20-db.conf": "Host db other\n  HostName 198.18.0.8\n  IdentityFile ~/.ssh/db\n",
    "more/not-this": "Host *\n  User nobody\n",
}

CASES = {
    "a plain one": "Host web\n  HostName 198.18.0.9\n  Port 2022\n  User ann\n  HostKeyAlias the-web\n",
    "equals signs, tabs, capitals": 'HOST=web\n\tHOSTNAME = 198.18.0.9\n\tuser="ann"\n',
    "comments behind values": "Host web # the web host\n  User ann # she\n  HostName 198.18.0.9 #here\n",
    "include by pattern": "Include more/*.conf\nUser after\n",
    "include that does not apply": "Host db\n  Include more/10-web.conf\nHost *\n  User ann\n",
    "include within a block": "Host web db\n  Include more/*.conf\n  Port 2222\nHost *\n  Port 77\n  User ann\n",
    "include within a match": 'Match host "web"\n  Include more/10-web.conf\n  IdentitiesOnly yes\n',
    "include within a final match": "Match final host web\n  Include more/10-web.conf\nHost *\n  User ann\n",
    "include and on with the block": "Host db\n  Include more/10-web.conf\n  User ann\nHost web\n  User eve\n",
    "several files in one line": "Include more/20-db.conf more/10-web.conf\n",
    "nothing to include": "Include nowhere/*\nHost web\n  User ann\n",
    "the first value counts": "Host web\n  User ann\nHost *\n  User eve\n  Port 99\n",
    "negation": "Host !web *\n  User eve\nHost *\n  User ann\n",
    "match host after a name": "Host web\n  HostName 198.18.0.9\nMatch host 198.18.0.9\n  User ann\n",
    "match originalhost": "Host web\n  HostName 198.18.0.9\nMatch originalhost web\n  User ann\n",
    "match exec": 'Match host web exec "test %h = web"\n  User ann\nMatch exec false\n  Port 99\nHost *\n  User eve\n',
    "match not": "Match !host db\n  User ann\n",
    "match all": "Host db\n  User eve\nMatch all\n  User ann\n",
    "match final": "HostName 198.18.0.9\nMatch final host 198.18.0.9\n  User ann\nHost *\n  Port 44\n  User eve\n",
    "a jump host": "Host *\n  User ann\nHost web\n  ProxyJump eve@198.18.0.1:2200\n",
    "no jump host for one": "Host web\n  ProxyJump none\nHost *\n  User ann\n  ProxyJump eve@198.18.0.1:2200\n",
    "letters of any size": "Host WEB D?\n  User ann\nMatch host W*\n  Port 99\n",
    "keys": 'Host web\n  User ann\n  IdentityFile ~/.ssh/%h\n  IdentityFile "/keys of mine/%r"\n  IdentitiesOnly yes\n',
}


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
@pytest.mark.parametrize("name", ["web", "db"])
def test_openssh_says_the_same(home: Path, text: str, name: str) -> None:
    for path, content in FILES.items():
        (home / ".ssh" / path).write_text(content)
    config = home / ".ssh" / "config"
    config.write_text(text)
    # OpenSSH looks for its home in the user database, and for includes beside it; there are none in a test's.
    asked = home / "asked"
    asked.write_text(text.replace("more/", f"{home}/.ssh/more/"))
    theirs = openssh(asked, name)
    if theirs["user"] == getpass.getuser():
        theirs = openssh(asked, name, "-l", "root")
    theirs["identityfile"] = [
        key.replace(str(Path(f"~{getpass.getuser()}").expanduser()) + "/", f"{home}/")
        for key in theirs["identityfile"]  # type: ignore[attr-defined]
    ]
    assert ours(settings(name, config=config)) == theirs


def test_what_flags_give_counts_in_conditions_and_values(home: Path) -> None:
    config = home / "config"
    config.write_text("Match user ann\n  IdentityFile /keys/%r\nHost *\n  Port 99\n  ProxyCommand nc %h %p\n")
    host = settings("web", user="ann", port=2022, config=config)
    assert (host.keys, host.port, host.proxy) == ((Path("/keys/ann"),), 2022, "nc web 2022")
    assert settings("web", user="eve", config=config).keys == ()


def test_who_is_not_said_to_log_in_as_somebody_is_root(home: Path) -> None:
    config = home / "config"
    config.write_text("Match user root\n  IdentityFile /keys/root\n")
    host = settings("web", config=config)
    assert (host.user, host.keys) == ("root", (Path("/keys/root"),))


def test_conditions_that_cannot_be_known_here_are_not_met(home: Path) -> None:
    """Of newer OpenSSH; paramiko takes all that it does not know for met."""
    config = home / "config"
    config.write_text(
        "Match tagged work\n  Port 99\nMatch localnetwork 203.0.113.0/24\n  Port 98\nHost *\n  User ann\n"
    )
    host = settings("web", config=config)
    assert (host.port, host.user) == (22, "ann")


def test_commands_of_conditions_are_run_only_where_they_matter(home: Path) -> None:
    config = home / "config"
    config.write_text(
        f'Host web\n  HostName 198.18.0.9\nMatch host db exec "echo db >>{home}/asked"\n  User eve\n'
        f'Match !exec "echo %n %h %p >>{home}/asked; cat >/dev/null; false"\n  User ann\n'
    )
    assert settings("web", port=2022, config=config).user == "ann"
    assert set((home / "asked").read_text().splitlines()) == {"web 198.18.0.9 2022"}


def test_a_proxy_command_and_the_jump_of_a_flag(home: Path) -> None:
    config = home / "config"
    config.write_text("Host web\n  ProxyCommand ssh gate -W %h:%p\nHost db\n  ProxyCommand none\n")
    assert settings("web", config=config).proxy == "ssh gate -W web:22"
    assert settings("db", config=config).proxy == ""
    flagged = settings("web", jump="gate", config=config)
    assert flagged.jump
    assert flagged.proxy == ""


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("1m30s", 90), ("2M", 120), ("none", 15), ("0", 15), ("soon", 15)]
)
def test_times(home: Path, text: str, seconds: float) -> None:
    config = home / "config"
    config.write_text(f"ConnectTimeout {text}\n")
    assert settings("web", config=config).connect_timeout == seconds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Host web\n  Port ssh\n", "Port of web is 'ssh'"),
        ("Host web\n  Port 70000\n", "Port of web is '70000'"),
        ("Host web\n  ProxyJump gate:ssh\n", "the port of the jump host gate is 'ssh'"),
        ("Host web\n  ProxyJump [::1]:x\n", "the port of the jump host ::1 is 'x'"),
        ("Host web\n  ProxyJump ann@\n", "is not a jump host"),
        ('Host "web\n  User ann\n', "cannot be read"),
        ("Match host\n  User ann\n", "Match host needs a value"),
        ("Include loop\n", "included too often"),
    ],
)
def test_what_makes_no_sense_is_an_error(home: Path, text: str, said: str) -> None:
    config = home / "config"
    config.write_text(text)
    (home / ".ssh" / "loop").write_text("Include loop\n")
    with pytest.raises(StackwrightError, match=said.replace("[", r"\[")) as caught:
        settings("web", config=config)
    assert caught.value.code in (ExitCode.ENVIRONMENT, ExitCode.FAILED)


def test_jump_hosts_as_they_may_be_written(home: Path) -> None:
    for text, expected in {
        "gate": ("", "gate", 22),
        "ann@gate:2200": ("ann", "gate", 2200),
        "ssh://ann@gate:2200/": ("ann", "gate", 2200),
        "ann@[fd00::1]:2200": ("ann", "fd00::1", 2200),
        "fd00::1": ("", "fd00::1", 22),
    }.items():
        jump = settings("web", jump=text, config=home / "none").jump
        assert jump
        assert (jump.user, jump.dialled, jump.port) == (expected[0] or getpass.getuser(), *expected[1:]), text


def test_files_with_known_keys_may_have_blanks_in_their_names(home: Path) -> None:
    config = home / "config"
    config.write_text('UserKnownHostsFile "/a b/known" ~/other /dev/null\n')
    assert settings("web", config=config).known_hosts == (Path("/a b/known"), home / "other")


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
        with pytest.raises(StackwrightError, match="loop"):
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
