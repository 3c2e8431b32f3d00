"""The ways in: secrets that live elsewhere, flags, shell completion, the interview."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stackwright import answers
from stackwright.answers import compare, flags, interview, secrets
from stackwright.model import Answers, ExitCode, StackwrightError
from stackwright.services import options

# ----------------------------------------------------------------------------------------------------------- secrets


def load(path: Path, **more: object) -> answers.Reading:
    return answers.load([path], local_host="198.18.0.10", **more)  # type: ignore[arg-type]


def test_secrets_from_a_second_file(tmp_path: Path) -> None:
    cloud, private = tmp_path / "cloud.txt", tmp_path / "secrets.txt"
    cloud.write_text("CONFIG_CONTROLLER_HOST=198.18.0.10\n")
    private.write_text("CONFIG_KEYSTONE_ADMIN_PW=s3cret\n")
    cloud.chmod(0o644)
    private.chmod(0o600)
    reading = answers.load([cloud, private])
    assert not reading.problems
    assert reading.answers["CONFIG_KEYSTONE_ADMIN_PW"] == "s3cret"


def test_secrets_from_a_command_a_file_and_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pw").write_text("from-file\nsecond line\n")
    monkeypatch.setenv("NOVA_PW", "from-variable")
    path = tmp_path / "a.txt"
    path.write_text(
        f'CONFIG_KEYSTONE_ADMIN_PW=!cmd: {sys.executable} -c \'print("from" + "-command")\'\n'
        "CONFIG_MARIADB_PW=!file: pw\n"
        "CONFIG_NOVA_KS_PW=!env: NOVA_PW\n"
    )
    got = load(path).answers
    keys = ("CONFIG_KEYSTONE_ADMIN_PW", "CONFIG_MARIADB_PW", "CONFIG_NOVA_KS_PW")
    assert [got[key] for key in keys] == ["from-command", "from-file", "from-variable"]
    assert {"from-command", "from-file", "from-variable"} <= got.secret_texts()
    # writing keeps the places, and does not spill what was there
    text = answers.write(got)
    assert "from-command" not in text
    assert "CONFIG_MARIADB_PW=!file: pw\n" in text


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("!cmd: no-such-program-at-all", "there is no command"),
        ("!cmd: false", "failed with exit code 1"),
        ("!cmd: true", "gave nothing"),
        ("!cmd: 'open quote", "cannot be read"),
        ("!cmd:", "says nothing"),
        ("!file: missing", "cannot be read"),
        ("!env: NOBODY_SETS_THIS_ONE", "is not set"),
    ],
)
def test_secrets_that_cannot_be_fetched_are_errors(tmp_path: Path, place: str, words: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"CONFIG_KEYSTONE_ADMIN_PW={place}\n")
    found = load(path).errors
    assert [problem.name for problem in found] == ["secret-elsewhere"]
    assert words in found[0].wanted


def test_checking_runs_no_command(tmp_path: Path) -> None:
    path, trace = tmp_path / "a.txt", tmp_path / "trace"
    path.write_text(f"CONFIG_KEYSTONE_ADMIN_PW=!cmd: touch {trace}\n")
    assert not load(path, run=False).errors
    assert not trace.exists()


@pytest.mark.parametrize("place", ["!cmd: no-such-program-at-all", "!cmd: 'open quote"])
def test_checking_finds_commands_that_cannot_run(tmp_path: Path, place: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"CONFIG_KEYSTONE_ADMIN_PW={place}\n")
    assert [problem.name for problem in load(path, run=False).errors] == ["secret-elsewhere"]


def test_commands_for_secrets_are_compared_as_text(tmp_path: Path) -> None:
    """They are not run for it, and two that differ are not the same nothing."""

    def reading(command: str) -> Answers:
        path = tmp_path / "a.txt"
        path.write_text(f"CONFIG_KEYSTONE_ADMIN_PW=!cmd: {command}\n")
        return load(path, run=False).answers

    assert not compare.differences(reading("true"), reading("true"))
    (one,) = compare.differences(reading("true"), reading("false"))
    assert (one.key, one.left, one.right) == ("CONFIG_KEYSTONE_ADMIN_PW", "********", "********")


def test_an_unknown_kind_of_secret_reference_causes_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("CONFIG_KEYSTONE_ADMIN_PW=!vault: cloud/admin\nCONFIG_NOVA_KS_PW=!Ab:7\n")
    path.chmod(0o600)
    (problem,) = load(path).problems
    assert "!cmd: COMMAND" in problem.wanted


def test_a_file_with_a_secret_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    path, private = tmp_path / "a.txt", tmp_path / "pw"
    path.write_text("CONFIG_KEYSTONE_ADMIN_PW=!file: pw\nCONFIG_MARIADB_PW=!env: HOME\n")
    private.write_text("s3cret\n")
    private.chmod(0o640)
    found = load(path).problems
    assert [(problem.name, problem.where) for problem in found] == [("readable-by-others", f"{path}:1")]
    assert found[0].hint == f"chmod 600 {private}"
    private.chmod(0o600)
    assert not load(path).problems
    path.write_text("CONFIG_MARIADB_PW=s3cret\nCONFIG_KEYSTONE_ADMIN_PW=s3cret\n")
    path.chmod(0o604)
    found = load(path).problems
    assert [(problem.name, problem.where) for problem in found] == [("readable-by-others", str(path))]


def test_no_secret_in_any_message(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(
        "CONFIG_KEYSTONE_ADMIN_PW=Tr0ub4dor\nCONFIG_KEYSTONE_ADMIN_PW=C0rrect-horse\nTr0ub4dor again\n"
        "CONFIG_HEAT_INSTALL=y\nCONFIG_HEAT_AUTH_ENC_KEY=sh0rt\n"
    )
    said = "\n".join(answers.describe(problem) for problem in load(path).problems)
    assert "repeated-key" in said
    for secret in ("Tr0ub4dor", "C0rrect", "sh0rt"):
        assert secret not in said


@pytest.mark.parametrize("text", ["********", "xxxxxxxx", "<password>", "[redacted]", "....", "HIDDEN"])
def test_masked_secrets_are_recognized(text: str) -> None:
    assert secrets.is_blotted(text)
    assert not secrets.is_blotted("x-men")


# ------------------------------------------------------------------------------------------------------------- flags


def test_flags_are_taken_out_and_the_rest_keeps_its_order() -> None:
    words = [
        "apply",
        "--os-swift-install=n",
        "-a",
        "x",
        "--os-neutron-l2-agent",
        "ovn",
        "--debug",
        "--",
        "--os-swift-install=y",
    ]
    assert flags.take(words) == (
        {"CONFIG_SWIFT_INSTALL": "n", "CONFIG_NEUTRON_L2_AGENT": "ovn"},
        ["apply", "-a", "x", "--debug", "--", "--os-swift-install=y"],
    )
    assert flags.take(["--mariadb-pw=a=b"])[0] == {"CONFIG_MARIADB_PW": "a=b"}


def test_a_flag_without_a_value_or_a_misspelt_flag_is_an_error() -> None:
    with pytest.raises(StackwrightError, match="needs a value") as caught:
        flags.take(["--os-swift-install", "--debug"])
    assert caught.value.code is ExitCode.USAGE
    assert flags.nearest("--os-neutron-l2agent") == "--os-neutron-l2-agent"


def test_the_long_help_has_every_flag() -> None:
    text = flags.help_all()
    for key in options():
        assert f"--{flags.flag_name(options()[key])} " in text


# --------------------------------------------------------------------------------------------------------- interview


def person(typed: dict[str, list[str]]) -> Callable[[interview.Question, str], str]:
    """Somebody who types these texts, key by key, and else takes the default."""

    def ask(question: interview.Question, default: str) -> str:
        waiting = typed.get(question.key)
        if not waiting:
            return default
        text = waiting.pop(0)
        if text == "^D":
            raise EOFError
        return text

    return ask


def test_the_interview_asks_only_questions_that_matter(tmp_path: Path) -> None:
    asked: list[str] = []
    path = tmp_path / "cloud.txt"

    def ask(question: interview.Question, default: str) -> str:
        asked.append(question.key)
        return "198.18.0.10" if question.key == "CONFIG_CONTROLLER_HOST" else default

    given = interview.interview(path, ask, lambda _: None)
    interview.write(path, given)
    assert "CONFIG_NETWORK_HOSTS" not in asked  # there is one host
    assert "CONFIG_NEUTRON_OVN_TUNNEL_IF" not in asked
    assert "CONFIG_NEUTRON_OVS_BRIDGE_IFACES" not in asked
    assert len(asked) < 20
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not load(path).problems
    assert [entry.name for entry in tmp_path.iterdir()] == ["cloud.txt"]


def test_interview_answers_are_checked_immediately(tmp_path: Path) -> None:
    said: list[str] = []
    typed = {
        "CONFIG_CONTROLLER_HOST": ["300.1.1.1", "198.18.0.10"],
        "CONFIG_COMPUTE_HOSTS": ["127.0.0.1", "198.18.0.31,198.18.0.32"],
        "CONFIG_NEUTRON_OVN_BRIDGE_IFACES": ["eth1"],
        "CONFIG_CINDER_BACKEND": ["disk", "nfs"],
        "CONFIG_CINDER_NFS_MOUNTS": ["", "198.18.0.50:/srv"],
        "CONFIG_PROVISION_DEMO_FLOATRANGE": ["10.0.0.0/24", "198.18.4.0/24"],
        "CONFIG_KEYSTONE_ADMIN_PW": ["s3cret"],
    }
    given = interview.interview(tmp_path / "c", person(typed), said.append)
    assert len(said) == 5
    assert given["CONFIG_NEUTRON_OVN_BRIDGE_IFACES"] == "br-ex:eth1"
    assert given["CONFIG_CINDER_BACKEND"] == "nfs"
    assert given["CONFIG_NETWORK_HOSTS"] == "198.18.0.10"


def test_the_interview_asks_for_a_pool_if_hosts_are_in_the_floating_range(tmp_path: Path) -> None:
    """It is what most people have: the cloud in the network of the house."""
    said: list[str] = []
    typed = {
        "CONFIG_CONTROLLER_HOST": ["198.18.0.10"],
        "CONFIG_PROVISION_DEMO_FLOATRANGE": ["", "198.18.0.0/24"],
        "CONFIG_PROVISION_DEMO_ALLOCATION_POOLS": ["", "198.18.0.1-198.18.0.99", "198.18.0.200-198.18.0.220"],
    }
    path = tmp_path / "c"
    given = interview.interview(path, person(typed), said.append)
    assert len(said) == 3
    interview.write(path, given)
    assert not load(path).problems


def test_an_answer_that_contradicts_an_earlier_one_is_refused_immediately(tmp_path: Path) -> None:
    """Else the interview would end in an error that no question is left for."""
    said: list[str] = []
    typed = {"CONFIG_CONTROLLER_HOST": ["127.0.0.1"], "CONFIG_COMPUTE_HOSTS": ["198.18.0.31", "127.0.0.1"]}
    given = interview.interview(tmp_path / "c", person(typed), said.append)
    assert given["CONFIG_COMPUTE_HOSTS"] == "127.0.0.1"
    assert len(said) == 1
    assert "CONFIG_CONTROLLER_HOST = 127.0.0.1: must be an address that other hosts (198.18.0.31) can reach" in said[0]


def test_the_interview_explains_and_goes_back(tmp_path: Path) -> None:
    said: list[str] = []
    proposed: list[tuple[str, str]] = []
    typed = {
        "CONFIG_CONTROLLER_HOST": ["back", "198.18.0.10", "198.18.0.11"],
        "CONFIG_COMPUTE_HOSTS": ["?", "back", "198.18.0.12"],
        "CONFIG_NETWORK_HOSTS": ["back"],
    }
    answer = person(typed)

    def ask(question: interview.Question, default: str) -> str:
        proposed.append((question.key, default))
        return answer(question, default)

    given = interview.interview(tmp_path / "c", ask, said.append)
    assert said[0] == "This is the first question."
    assert said[1].startswith("Compute hosts, comma-separated; ranges")
    assert "#" not in said[1]
    assert len(said) == 2
    assert proposed[4] == ("CONFIG_CONTROLLER_HOST", "198.18.0.10")
    assert proposed[7] == ("CONFIG_COMPUTE_HOSTS", "198.18.0.12")
    assert (given["CONFIG_CONTROLLER_HOST"], given["CONFIG_COMPUTE_HOSTS"]) == ("198.18.0.11", "198.18.0.12")
    assert given["CONFIG_NETWORK_HOSTS"] == "198.18.0.11"


def test_the_interview_writes_values_in_their_usual_form(tmp_path: Path) -> None:
    typed = {
        "CONFIG_CONTROLLER_HOST": ["198.18.0.10"],
        "CONFIG_COMPUTE_HOSTS": ["198.18.0.11 , 198.18.0.12"],
        "CONFIG_NEUTRON_L2_AGENT": ["OVN"],
        "CONFIG_SWIFT_INSTALL": ["True"],
        "CONFIG_KEYSTONE_ADMIN_PW": ["a , b"],
    }
    given = interview.interview(tmp_path / "c", person(typed), lambda _: None)
    keys = ("COMPUTE_HOSTS", "NEUTRON_L2_AGENT", "SWIFT_INSTALL", "KEYSTONE_ADMIN_PW")
    assert [given[f"CONFIG_{key}"] for key in keys] == ["198.18.0.11,198.18.0.12", "ovn", "y", "a , b"]


def test_the_interview_can_be_resumed(tmp_path: Path) -> None:
    path, said = tmp_path / "c", list[str]()
    typed = {"CONFIG_CONTROLLER_HOST": ["198.18.0.10"], "CONFIG_CINDER_BACKEND": ["^D"]}
    with pytest.raises(StackwrightError) as caught:
        interview.interview(path, person(typed), said.append)
    assert caught.value.code is ExitCode.INTERRUPTED
    draft = interview.draft_path(path)
    assert stat.S_IMODE(draft.stat().st_mode) == 0o600
    given = interview.interview(path, person({"CONFIG_CINDER_BACKEND": ["ceph"]}), said.append)
    assert said[0] == "Resuming with 5 earlier answers."
    assert "  Controller (host of all APIs): 198.18.0.10" in said
    assert len(said) == 6
    assert (given["CONFIG_CONTROLLER_HOST"], given["CONFIG_CINDER_BACKEND"]) == ("198.18.0.10", "ceph")


@pytest.mark.parametrize(
    ("agent", "kinds"), [("ovn", ("geneve",)), ("openvswitch", ("geneve",)), ("linuxbridge", ("vxlan",))]
)
def test_each_l2_agent_supports_its_default_network_types(agent: str, kinds: tuple[str, ...], tmp_path: Path) -> None:
    """One flag is enough to choose an agent; the file that comes of it can be used."""
    path = tmp_path / "cloud.txt"
    answers.save(path, answers.generate(install_hosts=["198.18.0.10"], presets={"CONFIG_NEUTRON_L2_AGENT": agent}))
    made = answers.read([path])
    assert made["CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES"] == kinds
    assert set(kinds) <= set(made["CONFIG_NEUTRON_ML2_TYPE_DRIVERS"])
