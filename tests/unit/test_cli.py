"""The command line: exit codes, and messages that say what to do. Nothing here reaches a host."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from stackwright import __version__, answers, cli, lab
from stackwright.answers.reading import flag_name
from stackwright.cli.arguments import COMMANDS, parser
from stackwright.cli.flags import Parser
from stackwright.cli.options import ConfirmHostKey, settings
from stackwright.model import ExitCode, StackwrightError
from stackwright.operations import quickstart
from stackwright.services import SERVICES, options


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("STACKWRIGHT_STATE", str(tmp_path / "state"))


def run(*words: str) -> int:
    try:
        return cli.main(words)
    except SystemExit as left:  # --version and --help leave through argparse
        return int(left.code or 0)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == ExitCode.OK
    assert capsys.readouterr().out == f"stackwright {__version__}\n"


@pytest.mark.parametrize("word", ["--version", "--help"])
def test_starting_loads_nothing_that_takes_long(word: str) -> None:
    code = (
        "import sys\n"
        "from stackwright.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "finally:\n    print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, word], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "stackwright.cli.arguments" in loaded
    assert not loaded & {"netaddr", "rich", "jinja2", "yaml", "paramiko", "cryptography", "asyncio", "ssl"}
    ours = {name for name in loaded if name.startswith("stackwright.")}
    assert ours <= {
        f"stackwright.{name}" for name in ("cli", "cli.arguments", "cli.flags", "cli.streams", "model", "records")
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no terminal to ask questions on"),
        (("--debug",), "no command was given"),
        (("--allinon",), "unknown arguments: --allinon"),
        (("--frobnicate",), "unknown arguments: --frobnicate"),
        (("--gen-answer-file", "x", "--os-swift-install=n", "--frobnicate"), "unknown arguments: --frobnicate\n"),
        (("--keystone-admin-paswd=Tr0ub4dor", "--allinone"), "unknown arguments: --keystone-admin-paswd\n"),
        (("--keystone-admin-paswd", "Tr0ub4dor", "--allinone"), "unknown arguments: --keystone-admin-paswd\n"),
        (("check", "--keystone-admin-paswd", "Tr0ub4dor"), "unknown arguments: --keystone-admin-paswd\n"),
        (("plan", "-a", "x", "--frobnicate"), "unknown arguments: --frobnicate"),
        (("--gen-answer-file", "x", "--allinone", "--install-hosts", "198.18.0.1"), "contradict each other"),
        (("--gen-answer-file", "x", "--allinone", "--lab"), "--lab creates a node, but --gen-answer-file only"),
        (("--gen-answer-file", "x", "--os-swift-install"), "--os-swift-install needs a value"),
        (("apply", "-a", "x", "--parallel", "0"), "--parallel: '0' is not a whole number, 1 or more"),
        (("apply", "-a", "x", "--timeout=-5"), "--timeout: '-5' is not a whole number, 1 or more"),
        (("check", "-a", "x", "--port", "65536"), "--port: '65536' is not a whole number from 1 to 65535"),
        (("logs", "-a", "x", "h", "--lines", "all"), "--lines: 'all' is not a whole number, 1 or more"),
        (("answers", "diff", "a", "b", "--os-swift-install=n"), "answers diff takes no answers as flags"),
        (("lab", "list", "--os-swift-install=n"), "lab takes no answers as flags"),
        (("apply",), "apply needs an answer file"),
        (("--gen-answer-file", "x", "--set", "CONFIG_NOVA_INSTAL=y"), "unknown key"),
        (("--gen-answer-file", "x", "--set", "CONFIG_NOVA_INSTALL"), "must be KEY=VALUE"),
        (("--allinone", "--lab", "n1", "--install-hosts", "198.18.0.1"), "--lab creates its own host"),
        (("--allinone", "--install-hosts", "198.18.0.1"), "--allinone and --install-hosts contradict each other"),
        (("--allinone", "-a", "x", "-a", "y"), "uses one answer file, but several were named"),
        (("--install-hosts", ""), "must name at least one host"),
        (("--install-hosts", " , ,"), "must name at least one host"),
        (("--allinone", "--timeout", "-5"), "'-5' is not a whole number, 1 or more"),
        (("--allinone", "--timeout", "nan"), "'nan' is not a whole number, 1 or more"),
        (("--allinone", "--parallel", "0"), "'0' is not a whole number, 1 or more"),
        (("--allinone", "--port", "65536"), "'65536' is not a whole number from 1 to 65535"),
        (("--allinone", "--release", "trixie"), "the host is already installed"),
        (("check", "-a", "x", "--release", "nosuch"), "unknown release 'nosuch'"),
        (("check", "-a", "x", "--ssh-key", "/nosuch"), "--ssh-key /nosuch: no such file"),
        (("--install-hosts", "198.18.77.1", "--ssh-key", "/nosuch"), "--ssh-key /nosuch: no such file"),
        (("--install-hosts", "h1,root@h2"), "root@h2 names a user"),
        (("--lab",), "--lab needs --allinone"),
        (("check", "-a", "x", "--skip-check", "nosuch"), "no such check: nosuch"),
        (("version",), 'unknown command "version"'),
        (("answers", "nosuch"), 'unknown command "nosuch"'),
        (
            ("--allinone", "--lab", "n1", "--release", "caracal"),
            "lab nodes have Debian, which does not contain that release",
        ),
    ],
)
def test_wrong_words_are_explained(words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == ExitCode.USAGE
    error = capsys.readouterr().err
    assert said in error
    assert "\n\nhint: " in error
    assert "Tr0ub4dor" not in error


def test_a_misspelt_key_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--gen-answer-file", "x", "--set", "CONFIG_NOVA_INSTAL=y") == ExitCode.USAGE
    assert "did you mean CONFIG_NOVA_INSTALL?" in capsys.readouterr().err


def test_generating_and_not_overwriting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cloud.answers"
    assert run("--gen-answer-file", str(path), "--install-hosts", "198.18.0.10,198.18.0.11") == ExitCode.OK
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    read = answers.read([path])
    assert read["CONFIG_CONTROLLER_HOST"] == "198.18.0.10"
    assert read["CONFIG_COMPUTE_HOSTS"] == ("198.18.0.11",)
    before = path.read_bytes()
    assert run("--gen-answer-file", str(path)) == ExitCode.ANSWERS
    assert path.read_bytes() == before
    assert "exists already" in capsys.readouterr().err


def test_packstacks_flags_are_answers(tmp_path: Path) -> None:
    path = tmp_path / "cloud.answers"
    words = ("--gen-answer-file", str(path), "--os-swift-install=n", "--os-controller-host", "198.18.0.10")
    assert run(*words) == ExitCode.OK
    read = answers.read([path])
    assert read["CONFIG_SWIFT_INSTALL"] is False
    assert read["CONFIG_CONTROLLER_HOST"] == "198.18.0.10"


def test_release_and_trunk_have_short_flags(tmp_path: Path) -> None:
    path = tmp_path / "cloud.answers"
    assert run("--gen-answer-file", str(path), "--release", "caracal", "--trunk") == ExitCode.OK
    read = answers.read([path])
    assert (read["CONFIG_OPENSTACK_RELEASE"], read["CONFIG_RDO_TRUNK"]) == ("caracal", "current")


@pytest.mark.parametrize(
    ("asked", "node", "answer"),
    [("", "bookworm", ""), ("trixie", "trixie", ""), ("zed", "bookworm", "zed"), ("2025.1", "trixie", "2025.1")],
)
def test_the_debian_of_a_node_follows_from_the_release(
    asked: str, node: str, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def up(names: list[str], *, release: str, **_: object) -> None:
        seen.extend((*names, release))
        raise StackwrightError("enough", "")

    monkeypatch.setattr(lab, "up", up)
    assert run("--allinone", "--lab", "n1", *(["--release", asked] if asked else [])) == ExitCode.FAILED
    assert seen == ["n1", node]
    words = ["--allinone", "--lab", "n1"]
    arguments = parser(words).parse_args(words, argparse.Namespace(presets={}))
    release = quickstart.debian_and_release(asked, on_node=True)[1]
    assert settings(arguments, release).get("CONFIG_OPENSTACK_RELEASE", "") == answer


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("--allinnone",), "--allinone"),
        (("--allinone", "--dryrun"), "--dry-run"),
        (("--answerfile=x",), "--answer-file"),
        (("--gen-answer-file", "x", "--os-swift-instal=n"), "--os-swift-install"),
        (("--gen-answer-file", "x", "--os-swift-install=n", "--minimul"), "--minimal"),
        (("plan", "-a", "x", "--outt", "y"), "--out"),
        (("answers", "check", "--strickt", "x"), "--strict"),
        (("aply", "-a", "x"), "apply"),
        (("answers", "chek", "x"), "check"),
        (("--allinone", "--release", "bookwurm"), "bookworm"),
        (("--allinone", "--release=epoxi"), "epoxy"),
    ],
)
def test_a_misspelt_word_is_guessed(
    words: tuple[str, ...], meant: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(*words) == ExitCode.USAGE
    assert f"hint: did you mean {meant}?" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_help_fits_on_a_small_screen_and_begins_with_what_a_newcomer_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 23
    assert max(map(len, lines)) < 80
    first = "\n".join(lines[:10])
    for flag in (
        "--allinone",
        "--lab",
        "--gen-answer-file",
        "--validate-answer-file",
        "--answer-file",
        "--install-hosts",
    ):
        assert f"stackwright {flag} " in first or f" {flag} " in first
    assert not any("--os-" in line for line in lines[:-1])
    assert "--help-all" in first
    assert all(any(re.search(rf"^.{{9}}(.*, )?{name}(,| )", line) for line in lines[8:]) for name in COMMANDS)


def test_help_all_has_every_flag_once_and_by_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help-all") == ExitCode.OK
    text = capsys.readouterr().out
    at_the_beginning = [word.strip(",") for line in text.splitlines() for word in line.split()[:3] if line[:3] == "  -"]
    for flag in (*parser(()).flags(), *(f"--{flag_name(option)}" for option in options().values())):
        assert at_the_beginning.count(flag) == 1, flag
    for service in SERVICES:
        if service.options:
            assert f"\n{service.summary}:\n" in text


@pytest.mark.parametrize(
    "words",
    [["answers"], ["answers", "check"], ["plan"], ["apply"], ["bundle"], ["test"], ["lab"], ["lab", "up"]],
    ids=" ".join,
)
def test_help_all_works_after_any_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What the command still lacks, such as a file, does not matter."""
    assert run(*words, "--help-all") == ExitCode.OK
    text = capsys.readouterr().out
    assert text.startswith(f"usage: stackwright {' '.join(words)}")
    assert ("--os-swift-install" in text) == (words[0] != "lab"), "its commands take no answers"
    if words == ["answers"]:
        assert "--together" in text, "a flag of `answers check`"


def test_flags_before_the_command_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """argparse by itself lets the defaults of the command replace them."""
    path, other = tmp_path / "cloud.answers", tmp_path / "other.answers"
    answers.save(path, answers.generate(allinone_host="127.0.0.9"))
    other.write_text("CONFIG_SWIFT_INSTALL=perhaps\n")
    assert run("-a", str(path), "--port", "1", "check") == ExitCode.UNREACHABLE
    capsys.readouterr()
    assert run("-a", str(path), "check", "-a", str(other)) == ExitCode.ANSWERS
    assert "other.answers:1" in capsys.readouterr().err
    arguments = parser(()).parse_args(["--debug", "-a", "x", "plan", "-a", "y"])
    assert arguments.debug
    assert [str(file) for file in arguments.answer_file] == ["x", "y"]


def test_validating_answer_files_as_with_packstack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.answers", tmp_path / "bad.answers"
    answers.save(good, answers.generate(allinone_host="198.18.0.10"))
    bad.write_text("CONFIG_NOVA_INSTALL=perhaps\nCONFIG_SWIFT_INSTAL=n\n")
    before = bad.read_bytes()
    assert run("--validate-answer-file", str(good)) == ExitCode.OK
    assert f"{good}: can be used: 0 errors, 0 warnings" in capsys.readouterr().out
    assert run(f"--validate-answer-file={good}", "--os-nova-install=perhaps") == ExitCode.ANSWERS
    capsys.readouterr()
    assert run("--validate-answer-file", str(good), str(bad), str(tmp_path / "none")) == ExitCode.ANSWERS
    said = capsys.readouterr().out
    assert f"{good}: can be used" in said
    assert f"{bad}:1: error: CONFIG_NOVA_INSTALL" in said
    assert "did you mean CONFIG_SWIFT_INSTALL?" in said
    assert f"{tmp_path / 'none'}: cannot be used" in said
    assert bad.read_bytes() == before


@pytest.mark.parametrize("through", ["--gen-answer-file", "answers generate"])
def test_generating_with_everything_that_can_be_preset(through: str, tmp_path: Path) -> None:
    def generated(*words: str) -> str:
        path = tmp_path / "new.answers"
        path.unlink(missing_ok=True)
        assert run(*through.split(), str(path), *words) == ExitCode.OK
        return path.read_text()

    one = generated("--allinone", "--os-controller-host=198.18.0.10", "--set", "CONFIG_MYSQL_HOST=198.18.0.13")
    assert "\nCONFIG_CONTROLLER_HOST=198.18.0.10\n" in one
    assert "\nCONFIG_MARIADB_HOST=198.18.0.13\n" in one
    small = generated("--minimal", "--install-hosts", "198.18.0.10,198.18.0.31", "--os-neutron-l2-agent", "openvswitch")
    lines = [line for line in small.splitlines() if line and line[0] not in "#["]
    assert "CONFIG_COMPUTE_HOSTS=198.18.0.31" in lines
    assert "CONFIG_NEUTRON_L2_AGENT=openvswitch" in lines
    assert "CONFIG_SWIFT_INSTALL=y" not in lines
    assert len(lines) < 40 < len(one.splitlines())


def test_one_host_under_two_names_is_found_before_anything_is_dialled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text(
        "Host control store\n  HostName 127.0.0.9\n  Port 1\nHost far\n  HostName 127.0.0.9\n  Port 2\n"
    )
    path = tmp_path / "cloud.answers"
    path.write_text("CONFIG_CONTROLLER_HOST=control\n\nCONFIG_COMPUTE_HOSTS=far,store\n")
    assert run("check", "-a", str(path)) == ExitCode.ANSWERS
    error = capsys.readouterr().err
    assert (
        f"{path}:3: error: CONFIG_COMPUTE_HOSTS = far,store; a host must have one name, but store and control are"
        in error
    )
    assert "far is" not in error
    path.write_text("CONFIG_CONTROLLER_HOST=control\n\nCONFIG_COMPUTE_HOSTS=far\n")
    assert run("check", "-a", str(path)) == ExitCode.UNREACHABLE


def test_answers_that_cannot_be_used_are_all_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.answers"
    path.write_text("[general]\nCONFIG_NOVA_INSTALL=perhaps\nCONFIG_PROVISION_DEMO_FLOATRANGE=172.24.4.0/99\n")
    path.chmod(0o600)
    assert run("check", "-a", str(path)) == ExitCode.ANSWERS
    error = capsys.readouterr().err
    assert "bad.answers:2" in error
    assert "bad.answers:3" in error
    assert not (tmp_path / "state").exists()


def test_an_answer_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "-a", str(tmp_path / "none")) == ExitCode.ANSWERS
    assert "Traceback" not in capsys.readouterr().err


def test_a_host_that_does_not_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Port 1 of loopback refuses: named at once, and nothing is written but the cloud's own folder."""
    path = tmp_path / "cloud.answers"
    answers.save(path, answers.generate(allinone_host="127.0.0.9"))
    assert run("check", "-a", str(path), "--port", "1") == ExitCode.UNREACHABLE
    error = capsys.readouterr().err
    assert "127.0.0.9" in error
    assert "hint: " in error


def test_a_name_that_does_not_resolve(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With every other host that cannot be reached, before anything is changed."""
    path = tmp_path / "cloud.answers"
    hosts = ["no-such-host.invalid", "nor-this-one.invalid"]
    answers.save(path, answers.generate(install_hosts=hosts))
    assert run("apply", "-a", str(path)) == ExitCode.UNREACHABLE
    error = capsys.readouterr().err
    assert all(f"{host}: the name {host} does not resolve" in error for host in hosts)
    assert "/etc/hosts" in error
    assert "Traceback" not in error


def test_what_cannot_be_written_is_an_error_of_the_environment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "new"
    old = tmp_path / "old"
    old.write_text("CONFIG_CONTROLLER_HOST=198.18.0.10\n")
    for words in (
        ("--gen-answer-file", str(path)),
        ("answers", "generate", str(path)),
        ("answers", "migrate", str(old), "-o", str(path)),
        ("answers", "reference", "-o", str(path)),
    ):
        assert run(*words) == ExitCode.ENVIRONMENT
        assert f"{path} cannot be written: " in capsys.readouterr().err


def test_no_secret_in_what_the_commands_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each secret has a text of its own; those with a form to keep are also given one that does not."""
    secret = {key: f"Sec-{number}-ret" for number, key in enumerate(k for k, o in options().items() if o.secret)}
    one, two, three = tmp_path / "one", tmp_path / "two", tmp_path / "three"
    services = "".join(f"{service.switch}=y\n" for service in SERVICES if service.switch)
    one.write_text(services + "".join(f"{key}={text}\n" for key, text in secret.items()))
    two.write_text("".join(f"{key}={text}-more\n{key}={text}\n  {text}\n{text}\n" for key, text in secret.items()))
    texts: list[str] = []
    for words in (
        ("--validate-answer-file", str(one), str(two)),
        ("answers", "check", "--json", "--together", str(one), str(two)),
        ("answers", "diff", str(one), str(two)),
        ("answers", "diff", "--json", str(one), str(two)),
        ("answers", "migrate", str(two), "-o", str(three)),
        ("check", "-a", str(two)),
        *(("answers", "explain", key, "-a", str(one)) for key in secret),
        *(("answers", "explain", "--json", key, "-a", str(one)) for key in list(secret)[:5]),
        *(("answers", "explain", key, "--set", f"{key}={text}") for key, text in list(secret.items())[:5]),
        ("--gen-answer-file", str(three), *(f"--set={key}={text}" for key, text in secret.items())),
    ):
        run(*words)
        said = capsys.readouterr()
        texts += [said.out, said.err]
    assert "CONFIG_KEYSTONE_ADMIN_PW" in "".join(texts)
    assert not [line for text in texts for line in text.splitlines() if "Sec-" in line]


def test_what_is_said_of_answers_is_said_when_they_are_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, trace, script = tmp_path / "cloud.answers", tmp_path / "trace", tmp_path / "secret"
    script.write_text(f"#!/bin/sh\necho run >>{trace}\necho s3cret\n")
    script.chmod(0o700)
    path.write_text(
        "CONFIG_CONTROLLER_HOST=127.0.0.9\nCONFIG_PROVISION_TEMPEST=y\n"
        f"CONFIG_KEYSTONE_ADMIN_PW=!cmd: {script}\nCONFIG_MARIADB_PW=s3cret\n"
    )
    path.chmod(0o644)
    for command in ("check", "plan", "apply"):
        trace.write_text("")
        assert run(command, "-a", str(path), "--port", "1") == ExitCode.UNREACHABLE
        error = capsys.readouterr().err
        assert f"{path}:2: warning: CONFIG_PROVISION_TEMPEST = y; this version ignores it" in error
        assert f"chmod 600 {path}" in error
        assert "s3cret" not in error
        # Commands that give secrets may ask somebody for something: once, and only where something is applied.
        assert trace.read_text() == ("run\n" if command == "apply" else "")


def test_a_defect_of_ours_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(_: object) -> int:
        raise RuntimeError("oh")

    monkeypatch.setattr(cli, "_dispatch", broken)
    assert run("--allinone") == ExitCode.FAILED
    error = capsys.readouterr().err
    assert "internal error in stackwright: RuntimeError: oh" in error
    assert "--debug" in error
    assert "Traceback" not in error


def test_generating_tells_what_flags_ask_for_and_will_not_have(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new"
    assert run("--gen-answer-file", str(path), "--allinone", "--use-epel=y", "--os-swift-storage-size=20") == 0
    said = capsys.readouterr().err
    assert "flag --use-epel: warning: CONFIG_USE_EPEL = 'y'" in said
    assert "flag --os-swift-storage-size: warning" in said
    assert "\nCONFIG_SWIFT_STORAGE_SIZE=20G\n" in path.read_text()


@pytest.mark.parametrize("word", ["CONFIG_SWIFT_INSTALL", "swift_install", "os-swift-install"])
def test_explaining_takes_keys_and_flags(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("answers", "explain", word) == 0
    assert capsys.readouterr().out.startswith("CONFIG_SWIFT_INSTALL (")


@pytest.mark.parametrize("key", ["CONFIG_NAGIOS_INSTALL", "CONFIG_NEUTRON_L2_PLUGIN", "CONFIG_MYSQL_HOST"])
def test_what_is_explained_of_old_keys_as_json_is_json(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("answers", "explain", key, "--json") == 0
    assert json.loads(capsys.readouterr().out)["key"]


def test_packstacks_short_flags_are_understood() -> None:
    words = ["-d", "-y", "-t", "300", "--answer-file", "x"]
    arguments = parser(words).parse_args(words)
    assert (arguments.debug, arguments.dry_run, arguments.timeout) == (True, True, 300)
    assert arguments.answer_file == [Path("x")]


def test_a_host_that_an_earlier_answer_file_leaves_out_is_no_silence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--install-hosts A` one day and `--install-hosts A,B` the next: B would never be looked at."""
    path = tmp_path / "stackwright-127.0.0.2.answers"
    assert run("--gen-answer-file", str(path), "--install-hosts", "127.0.0.2") == ExitCode.OK
    capsys.readouterr()
    for asked, code in (("127.0.0.2,198.18.0.4", ExitCode.USAGE), ("127.0.0.2", ExitCode.UNREACHABLE)):
        assert run("--install-hosts", asked, "--over-ssh", "--port", "1") == code
        error = capsys.readouterr().err
        assert ("requested: 127.0.0.2, 198.18.0.4" in error) == (code == ExitCode.USAGE)
        assert ("refuses connections" in error) == (code == ExitCode.UNREACHABLE)


def test_a_file_without_any_answer_is_no_cloud_of_defaults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cut-off.answers"
    path.write_text("[general]\n\n# CONFIG_CONTROLLER_HOST=198.18.0.1\n")
    assert run("plan", "-a", str(path)) == ExitCode.ANSWERS
    assert f"{path}: error: the file has no answers" in capsys.readouterr().err
    assert run("--validate-answer-file", str(path)) == ExitCode.ANSWERS
    over = tmp_path / "full.answers"
    over.write_text(
        "CONFIG_CONTROLLER_HOST=127.0.0.2\nCONFIG_COMPUTE_HOSTS=127.0.0.2\nCONFIG_NETWORK_HOSTS=127.0.0.2\n"
    )
    capsys.readouterr()
    assert run("plan", "-a", str(path), "-a", str(over), "--over-ssh", "--port", "1") == ExitCode.UNREACHABLE


def test_what_is_known_of_a_cloud_without_anything_is_json_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new.answers"
    path.write_text("CONFIG_CONTROLLER_HOST=127.0.0.2\n")
    assert run("status", "-a", str(path), "--json") == ExitCode.OK
    found = json.loads(capsys.readouterr().out)
    assert (found["hosts"], found["verification"]) == ([], None)


def test_a_file_s_name_alone_is_no_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cloud.answers"
    path.touch()
    assert run(str(path)) == ExitCode.USAGE
    assert f"stackwright --answer-file '{path}'" in capsys.readouterr().err


def test_standard_output_is_the_machine_s_where_it_asks_for_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "stackwright-127.0.0.2.answers"
    assert run("--gen-answer-file", str(path), "--install-hosts", "127.0.0.2") == ExitCode.OK
    capsys.readouterr()
    assert run("--install-hosts", "127.0.0.2", "--over-ssh", "--port", "1", "--json") == ExitCode.UNREACHABLE
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert (found["type"], found["exit"]) == ("error", ExitCode.UNREACHABLE)
    assert "of an earlier run" in said.err


def test_all_host_keys_are_taken_by_one_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is still shown."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as typed, os.fdopen(writing, "w") as person:
        monkeypatch.setattr(sys, "stdin", typed)
        confirm = ConfirmHostKey()
        for said, taken in (("no", False), ("yes", True), ("all", True)):
            person.write(f"{said}\n")
            person.flush()
            assert confirm("h1", "ED25519", "SHA256:x") is taken
        capsys.readouterr()
        assert confirm("h2", "ED25519", "SHA256:y")
    shown = capsys.readouterr().err
    assert "The host key of h2 is unknown:\n  ED25519 SHA256:y\n" in shown
    assert "?" not in shown


def test_debug_concerns_the_installer_only() -> None:
    arguments = parser(()).parse_args(["--debug", "-a", "x", "plan"])
    arguments.presets = {}
    assert settings(arguments) == {}


def test_dry_run_has_no_short_flag_in_commands() -> None:
    """`apply -y` reads as "yes, apply"."""
    assert parser(()).parse_args(["apply", "--dry-run"]).dry_run
    assert run("apply", "-y", "-a", "x") == ExitCode.USAGE


@pytest.mark.parametrize(
    ("words", "terminal", "typed", "removed"),
    [
        (["n1"], False, "", True),
        (["--all"], False, "", True),
        ([], False, "yes\n", False),
        ([], True, "yes\n", True),
        ([], True, "no\n", False),
        ([], True, "", False),
        (["n1", "--all"], True, "yes\n", False),
    ],
)
def test_removing_all_nodes_needs_a_confirmation(
    words: list[str], terminal: bool, typed: str, removed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []

    class Typed(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    def down(names: Sequence[str], say: object) -> list[str]:
        assert say
        calls.append(names)
        return ["n1"]

    monkeypatch.setattr(lab.records, "list_nodes", lambda: [SimpleNamespace(name="n1")])
    monkeypatch.setattr(lab.nodes, "down", down)
    monkeypatch.setattr("sys.stdin", Typed(typed))
    code = run("lab", "down", *words)
    assert (calls != []) == removed
    assert code == (ExitCode.OK if removed else ExitCode.USAGE)


@pytest.mark.parametrize(("words", "key"), [("swift proxy", "CONFIG_SWIFT_PROXY_HOSTS"), ("Floating IP", "FLOATRANGE")])
def test_answers_are_found_by_words(words: str, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("answers", "explain", words) == ExitCode.OK
    assert key in capsys.readouterr().out
    assert run("answers", "explain", words, "--json") == ExitCode.OK
    assert any(key in name for name in json.loads(capsys.readouterr().out)["found"])


@pytest.mark.parametrize(
    ("words", "hint"), [("CONFIG_NOVA_INSTAL", "CONFIG_NOVA_INSTALL"), ("xyzzy", "lists the keys")]
)
def test_what_no_answer_is_about_is_an_error(words: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("answers", "explain", words) == ExitCode.USAGE
    assert hint in capsys.readouterr().err


def _parsers() -> dict[str, Parser]:
    """Every command and subcommand."""
    found: dict[str, Parser] = {}
    waiting = dict(parser(("answers", "bundle", "lab", "launch", "test")).commands())
    while waiting:
        name, one = waiting.popitem()
        found[name] = one
        waiting |= {f"{name} {further}": sub for further, sub in one.commands().items()}
    return found


def test_help_of_each_command_says_what_to_do_and_fits_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    found = _parsers()
    assert {"openrc", "bundle trust", "lab forget", "lock diff", "answers migrate"} <= set(found)
    descriptions = {name: str(one.description or "") for name, one in found.items()}
    for name, text in descriptions.items():
        assert text[:1].isupper(), name
        assert not text.endswith("."), name
        assert not text.split()[0].rstrip(",").endswith("s"), f"{name}: not an imperative: {text}"
        assert max(map(len, found[name].format_help().splitlines())) <= 80, name
    assert len(set(descriptions.values())) == len(descriptions)
