"""Writing: 0600, stable to the byte, readable by Packstack, and the functions round it: migrate, diff, explain."""

from __future__ import annotations

import configparser
import csv
import json
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from golden import CASES
from stackwright import __version__, answers, cli, scenarios
from stackwright.answers import compare, explain, migrate, secrets, syntax, writing
from stackwright.answers.reading import AnswersError, from_documents
from stackwright.answers.typed import matters
from stackwright.model import Answer, Answers, ExitCode, Origin, StackwrightError
from stackwright.services import all_services, options


def written(**presets: str) -> str:
    return answers.generate(allinone_host="198.18.0.10", presets=presets)


def read_text(text: str) -> answers.Reading:
    return from_documents((syntax.parse(text, "f"),), files=False)


@pytest.mark.parametrize("minimal", [False, True])
def test_generated_files_survive_reading_and_writing_byte_for_byte(minimal: bool) -> None:
    for presets in ({}, {"CONFIG_NEUTRON_L2_AGENT": "openvswitch", "CONFIG_DEFAULT_PASSWORD": "x"}):
        text = answers.generate(install_hosts=["a", "b", "c"], presets=presets, minimal=minimal)
        reading = read_text(text)
        assert not reading.problems
        assert answers.write(reading.answers, minimal=minimal) == text
        if minimal:
            assert len(text.splitlines()) < 120


def test_a_minimal_file_means_the_same_as_the_full_one() -> None:
    presets = {"CONFIG_SWIFT_INSTALL": "n", "CONFIG_NTP_SERVERS": "198.18.0.1"}
    full = read_text(answers.generate(install_hosts=["198.18.0.10", "198.18.0.11"], presets=presets))
    small = read_text(answers.write(full.answers, minimal=True))
    assert compare.differences(full.answers, small.answers) == []


def _asked() -> dict[str, dict[str, str]]:
    """Answers that people ask for, by name: those of all golden cases and scenarios."""
    found = {f"case {name}": _texts(case.folder / "answers.txt") for name, case in CASES.items()}
    return found | {f"scenario {name}": dict(scenarios.find(name).answers) for name in scenarios.names()}


def _each_option() -> dict[str, dict[str, str]]:
    """Each option with each of its other choices, or else with its default."""
    found = {}
    for key, option in options().items():
        others = [choice for choice in option.choices if choice != option.default] if not option.secret else []
        for text in others or [option.default]:
            found[f"{key}={text}"] = {key: text}
    return found


def _texts(path: Path) -> dict[str, str]:
    return {line.key: line.text for line in syntax.read_file(path).lines}


@pytest.mark.parametrize(("presets", "least"), [(_asked, 20), pytest.param(_each_option, 300, marks=pytest.mark.slow)])
def test_a_short_generated_file_means_the_same_as_the_full_one(
    presets: Callable[[], dict[str, dict[str, str]]], least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "make", lambda key="": f"S{len(key)}{key[-20:]}"[:16].ljust(32, "x"))
    compared = 0
    for number, (name, given) in enumerate(presets().items()):
        hosts = ["198.18.0.10", "198.18.0.11", "198.18.0.12"][: 1 + number % 3]
        try:
            full = answers.generate(install_hosts=hosts, presets=given)
        except AnswersError:
            continue  # this version cannot install it, or it needs other answers
        short = answers.generate(install_hosts=hosts, presets=given, minimal=True)
        one, other = read_text(full), read_text(short)
        assert not other.errors, name
        assert compare.differences(one.answers, other.answers) == [], name
        compared += 1
    assert compared > least


def test_a_short_file_has_what_was_asked_for_and_names_the_version_of_its_defaults() -> None:
    asked = {key: options()[key].default for key in ("CONFIG_HORIZON_INSTALL", "CONFIG_NOVA_SCHED_RAM_ALLOC_RATIO")}
    text = answers.generate(install_hosts=["198.18.0.10"], presets=asked, minimal=True)
    for key, default in asked.items():
        assert f"\n{key}={default}\n" in text
    assert "CONFIG_HEAT_INSTALL" not in text
    assert f"written by version {__version__}" in " ".join(text.split("\n# ")).partition("[general]")[0]
    needed = {key for key, option in options().items() if option.generate and matters(option, read_text(text).answers)}
    assert needed <= {line.key for line in syntax.parse(text, "f").lines}


def test_each_key_is_written_once_with_an_explanation() -> None:
    document = syntax.parse(written(), "f")
    assert [line.key for line in document.lines] == list(options())
    assert all(line.comment for line in document.lines)
    assert max(len(line) for line in written().splitlines() if line.startswith("#")) <= 110  # the longest has a URL


def test_allinone_and_install_hosts_set_the_host_keys() -> None:
    for given, controller, compute in (
        ({"allinone_host": "a"}, "a", ("a",)),
        ({"install_hosts": ["a"]}, "a", ("a",)),
        ({"install_hosts": ["a", "b", "c"]}, "a", ("b", "c")),
        ({"install_hosts": ["a[1-3]"]}, "a1", ("a2", "a3")),
        ({"install_hosts": ["a", "b"], "presets": {"CONFIG_COMPUTE_HOSTS": "d"}}, "a", ("d",)),
        ({"local_host": "h"}, "h", ("h",)),
    ):
        got = read_text(answers.generate(**given)).answers  # type: ignore[arg-type]
        assert (got["CONFIG_CONTROLLER_HOST"], got["CONFIG_COMPUTE_HOSTS"]) == (controller, compute)
        assert got["CONFIG_NETWORK_HOSTS"] == (controller,)
    # Packstack gave every key with _HOST in its name the controller, a NetApp filer's as well
    assert read_text(written()).answers["CONFIG_CINDER_NETAPP_HOSTNAME"] == ""


def test_invalid_presets_are_refused() -> None:
    with pytest.raises(AnswersError, match="--os-neutron-l2-agent"):
        written(CONFIG_NEUTRON_L2_AGENT="magic")


def test_generated_secrets_are_safe_everywhere_and_differ() -> None:
    one, two = read_text(written()).answers, read_text(written()).answers
    made = [key for key, option in options().items() if option.generate]
    assert len({one[key] for key in made if one[key]}) == len([key for key in made if one[key]])
    for key in made:
        text = one.entries[key].text
        assert text.isalnum()
        assert text[0].isalpha()
        assert len(text) >= 24
        assert text != two.entries[key].text
        with pytest.raises(ValueError, match="could not convert"):
            float(text)
    assert len(one.entries["CONFIG_HEAT_AUTH_ENC_KEY"].text) in (16, 24, 32)


def test_files_are_private_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "new" / "cloud.txt"
    answers.save(path, "x\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(StackwrightError, match="exists already"):
        answers.save(path, "y\n")
    assert path.read_text() == "x\n"
    answers.save(path, "y\n", replace=True)
    assert path.read_text() == "y\n"
    assert [entry.name for entry in path.parent.iterdir()] == ["cloud.txt"]


PARAMETERS = Path(__file__).resolve().parents[1] / "data" / "packstack" / "parameters.csv"

SIZE = re.compile(r"[0-9]+[KMGT]")


def accepts(validator: str, text: str, choices: list[str]) -> bool:
    """Whether Packstack's validator of that name lets the text pass."""
    members = [member.strip() for member in text.split(",")]
    match validator:
        case "validate_not_empty" | "validate_writeable_directory" | "validate_ssh" | "validate_neutron":
            return bool(text)
        case "validate_multi_ssh":
            return all(members)
        case "validate_options":
            return text in choices
        case "validate_multi_options":
            return set(members) <= {*choices, ""}
        case "validate_integer" | "validate_port":
            return bool(re.fullmatch(r"-?[0-9]+", text))
        case "validate_float":
            return bool(re.fullmatch(r"[0-9]+(\.[0-9]+)?", text))
        case "validate_storage_size":
            return bool(SIZE.fullmatch(text))
        case "validate_file" | "validate_sshkey" | "validate_storage" | "validate_regexp" | "validate_multi_ping":
            return True  # they look at files and hosts; empty ones are passed over
    raise AssertionError(f"{validator}: what does it accept?")


@pytest.mark.parametrize(
    "presets",
    [
        {},
        {"CONFIG_NEUTRON_L2_AGENT": "openvswitch", "CONFIG_AMQP_ENABLE_AUTH": "y"},
        {"CONFIG_UNSUPPORTED": "y", "CONFIG_STORAGE_HOST": "198.18.0.11", "CONFIG_NETWORK_HOSTS": "198.18.0.12"},
    ],
    ids=["ovn", "openvswitch", "storage apart"],
)
def test_packstack_2025_1_can_read_written_files(presets: dict[str, str]) -> None:
    """Its reader is RawConfigParser; it passes over keys that it does not know, and validates those that count."""
    written_text = answers.generate(install_hosts=["198.18.0.10", "198.18.0.11"], presets=presets)
    parser = configparser.RawConfigParser()
    parser.read_string(written_text)
    assert parser.sections() == ["general"]
    texts = {key.upper(): text for key, text in parser.items("general")}
    given = read_text(written_text).answers
    with PARAMETERS.open(newline="", encoding="utf-8") as stream:
        every = list(csv.DictReader(stream))
    rows = [row for row in every if row["in_master_2025"] == "True"]
    assert len(rows) == 292
    for row in rows:
        key = row["parameter"]
        text = texts[key]
        if row["asked_when"] != "always" and not matters(options()[key], given):
            continue
        for validator in filter(None, row["validators"].split("|")):
            assert accepts(validator, text, row["allowed_values"].split("|")), (key, validator, text)
    packstacks = {row["parameter"] for row in every}
    assert all(options()[key].ours for key in texts if key not in packstacks)
    assert isinstance(json.loads(texts["CONFIG_PROVISION_DEMO_ALLOCATION_POOLS"]), list)


# ------------------------------------------------------------------------------------------------- migrate and diff


OLD = """\
[general]
# Specify 'y' to install OpenStack Object Storage (swift). ['y', 'n']
CONFIG_SWIFT_INSTALL=n

# the disks arrive in May
CONFIG_MYSQL_HOST=198.18.0.13
CONFIG_MYSQL_PW=s3cret
CONFIG_CONTROLLER_HOST=198.18.0.10
CONFIG_NAGIOS_INSTALL=y
CONFIG_CINDER_VOLUMES_SIZE=big
"""


def test_migrating_keeps_meaning_and_the_persons_comments() -> None:
    done = migrate.migrate_document(syntax.parse(OLD, "old"))
    assert "# the disks arrive in May\nCONFIG_MARIADB_HOST=198.18.0.13\n" in done.text
    assert "# was, and could not be used: CONFIG_CINDER_VOLUMES_SIZE=big\nCONFIG_CINDER_VOLUMES_SIZE=20G\n" in done.text
    assert "CONFIG_MARIADB_PW=s3cret\n" in done.text
    assert "CONFIG_MYSQL" not in done.text
    assert "NAGIOS" not in done.text
    assert {(change.key, change.became) for change in done.changes} >= {
        ("CONFIG_MYSQL_HOST", "CONFIG_MARIADB_HOST"),
        ("CONFIG_NAGIOS_INSTALL", ""),
    }
    before = from_documents((syntax.parse(OLD.replace("=big", "=20G"), "old"),), files=False).answers
    assert compare.differences(before, read_text(done.text).answers) == []


REMARKS = """\
# Jane's cloud, 2013

[general]
# the big box
CONFIG_NOVA_API_HOST=198.18.0.10
CONFIG_KEYSTONE_HOST=198.18.0.10
# two of them
CONFIG_QUANTUM_L3_HOSTS=198.18.0.20
CONFIG_QUANTUM_DHCP_HOSTS=198.18.0.20
CONFIG_NOVA_COMPUTE_HOSTS=198.18.0.31   ; two sockets
# nobody looked at it
CONFIG_NAGIOS_INSTALL=n
# not now
CONFIG_HEAT_INSTALL=False
CONFIG_NEUTRON_ML2_FLAT_NETWORKS=['extnet', 'other']
CONFIG_CINDER_VOLUMES_SIZE=30
CONFIG_AMQP_BACKEND=RabbitMQ
# what is left
CONFIG_MONGODB_HOST=198.18.0.10

# ask Joe before changing anything
"""


@pytest.mark.parametrize("minimal", [False, True])
def test_no_comment_of_a_person_is_lost(minimal: bool) -> None:
    done = migrate.migrate_document(syntax.parse(REMARKS, "old"), minimal=minimal).text
    head, _, rest = done.partition("\n[general]\n")
    assert head.endswith("\n\n# Jane's cloud, 2013\n")
    assert "\n# the big box\nCONFIG_CONTROLLER_HOST=198.18.0.10\n" in rest
    assert "\n# two of them\nCONFIG_NETWORK_HOSTS=198.18.0.20\n" in rest
    assert "\n# two sockets\nCONFIG_COMPUTE_HOSTS=198.18.0.31\n" in rest
    assert "\n# nobody looked at it\n# not now\nCONFIG_HEAT_INSTALL=n\n" in rest
    assert rest.endswith("\n\n# what is left\n# ask Joe before changing anything\n")
    again = migrate.migrate_document(syntax.parse(done, "new"), minimal=minimal)
    assert again.text == done


def test_zero_bytes_in_comments_are_dropped() -> None:
    done = migrate.migrate_document(syntax.parse("# a \0d+ of mine\nCONFIG_SWIFT_INSTALL=n\n", "old"))
    assert "\n# a d+ of mine\nCONFIG_SWIFT_INSTALL=n\n" in done.text


def test_migrating_writes_values_in_their_current_form() -> None:
    done = migrate.migrate_document(syntax.parse(REMARKS, "old")).text
    for line in ("NEUTRON_ML2_FLAT_NETWORKS=extnet,other", "CINDER_VOLUMES_SIZE=30G", "AMQP_BACKEND=rabbitmq"):
        assert f"\nCONFIG_{line}\n" in done


WISHES = """\
CONFIG_CONTROLLER_HOST=198.18.0.10
# for the database team
CONFIG_TROVE_INSTALL=y
CONFIG_CINDER_BACKEND=lvm,netapp
CONFIG_KEYSTONE_IDENTITY_BACKEND=ldap
CONFIG_NEUTRON_L2_AGENT=openvswitch
CONFIG_NEUTRON_VPNAAS=y
"""


@pytest.mark.parametrize("minimal", [False, True])
def test_migrating_switches_off_what_cannot_be_installed(minimal: bool) -> None:
    old = read_text(WISHES)
    assert {p.name for p in old.errors} >= {"not-installable"}
    done = migrate.migrate_document(syntax.parse(WISHES, "old"), minimal=minimal)
    assert read_text(done.text).errors == ()
    assert "\n# for the database team\n# switched off, because this version cannot install Trove yet" in done.text
    lines = ("TROVE_INSTALL=n", "CINDER_BACKEND=lvm", "KEYSTONE_IDENTITY_BACKEND=sql", "NEUTRON_VPNAAS=n")
    for line in lines:
        assert re.search(rf"\n# switched off, because [^\n]+; was: CONFIG_[^\n]+\nCONFIG_{line}\n", done.text), line
    warned = {p.seen.partition(" = ")[0] for p in done.problems if p.name == "not-installable"}
    assert warned >= {f"CONFIG_{line.partition('=')[0]}" for line in lines}
    assert not [p for p in done.problems if p.severity == "error"]
    again = migrate.migrate_document(syntax.parse(done.text, "new"), minimal=minimal)
    assert again.text == done.text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *((key, value) for key, option in options().items() for value in option.not_yet if value != "*"),
        *((service.switch, "y") for service in all_services() if service.missing),
    ],
)
def test_each_thing_that_cannot_be_installed_can_be_switched_off(key: str, value: str) -> None:
    conditions = {keys.split("|")[0]: wanted.split("|")[0].replace("*", "x") for keys, wanted in options()[key].when}
    given = {"CONFIG_CONTROLLER_HOST": "198.18.0.10", "CONFIG_NEUTRON_L2_AGENT": "openvswitch", **conditions}
    text = "".join(f"{name}={one}\n" for name, one in {**given, key: value}.items())
    assert (key, "not-installable") in {(p.seen.partition(" = ")[0], p.name) for p in read_text(text).errors}
    done = migrate.migrate_document(syntax.parse(text, "old"))
    assert [p for p in read_text(done.text).errors if p.name == "not-installable"] == []


def test_strict_migration_refuses_what_cannot_be_installed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text(WISHES)
    old.chmod(0o600)
    assert cli.main(["answers", "migrate", str(old), "-o", str(new), "--strict"]) == ExitCode.ANSWERS
    assert not new.exists()
    said = capsys.readouterr().err
    assert "CONFIG_TROVE_INSTALL" in said
    assert "omit --strict" in said
    assert cli.main(["answers", "migrate", str(old), "-o", str(new)]) == ExitCode.OK
    assert cli.main(["answers", "check", str(new)]) == ExitCode.OK


def test_allinone_accepts_one_host_only() -> None:
    with pytest.raises(StackwrightError, match="invalid hosts"):
        writing.generate(allinone_host="one two")


def test_migrating_again_changes_nothing() -> None:
    once = migrate.migrate_document(syntax.parse(OLD, "old"))
    again = migrate.migrate_document(syntax.parse(once.text, "new"))
    assert again.text == once.text
    assert not again.changes
    assert not again.problems


def test_packstacks_explanations_are_replaced() -> None:
    done = migrate.migrate_document(syntax.parse(OLD, "old"))
    block = done.text.partition("\nCONFIG_SWIFT_INSTALL=")[0].rpartition("\n\n")[2]
    assert block.splitlines() == writing.explanation(options()["CONFIG_SWIFT_INSTALL"])


@pytest.mark.parametrize(
    ("key", "comment"),
    [
        ("CONFIG_KEYSTONE_ADMIN_EMAIL", "# Email address for the Identity service 'admin' user.  Defaults to"),
        ("CONFIG_REDIS_PORT", "# The port on which the redis server listens"),
        ("CONFIG_CEILOMETER_KS_PW", "# The password to use for Ceilometer to authenticate with Keystone"),
    ],
)  # fmt: skip
def test_truncated_and_interim_packstack_explanations_are_recognized(key: str, comment: str) -> None:
    default = options()[key].default
    done = migrate.migrate_document(syntax.parse(f"{comment}\n# mine\n{key}={default}\n", "old"), minimal=True)
    assert f"\n\n# mine\n{key}={default}\n" in done.text
    assert comment.partition("\n")[0] not in done.text


VERSION_0_1_0 = """\
# Answers for Stackwright. Every line is KEY=value; what a key does stands above
# it. Packstack's names are used, and its files can be read as they are.
#   stackwright answers check FILE      what is wrong, all of it
#   stackwright --answer-file FILE      installs what is described here
# This file holds passwords: keep its mode at 0600.

[general]


#------------------------------------------------------------------------------
# What holds for the whole cloud: hosts and their roles, access, packages
#------------------------------------------------------------------------------

# Hosts that run instances, with commas; node[01-20] is understood. The
# controller may be one of them.
# three of them since May
CONFIG_COMPUTE_HOSTS=198.18.0.31,198.18.0.32

# Let each host accept what its own services are asked by the hosts that need
# them, the APIs and the dashboard by everyone, SSH, and nothing else: with
# firewalld on CentOS, with nftables on Debian. Traffic that hosts pass on for
# instances is not touched. With n the hosts' firewalls are yours; rules that
# an earlier run made are taken away. Packstack has no such key: it always does
# the like with iptables. Values: y, n. Default: y.
CONFIG_FIREWALL=n

# Install Trove, which gives out databases. Values: y, n. Default: n.
CONFIG_TROVE_INSTALL=n
"""


def test_migrating_a_file_of_version_0_1_0_replaces_its_explanations() -> None:
    done = migrate.migrate_document(syntax.parse(VERSION_0_1_0, "old")).text
    for key in ("CONFIG_COMPUTE_HOSTS", "CONFIG_FIREWALL", "CONFIG_TROVE_INSTALL"):
        block = done.partition(f"\n{key}=")[0].rpartition("\n\n")[2].splitlines()
        own = ["# three of them since May"] if key == "CONFIG_COMPUTE_HOSTS" else []
        assert block == [*writing.explanation(options()[key]), *own]
    assert done.partition("\n[general]")[0].count("\n\n") == 0, "the old opening is no comment of a person"


def test_comparing_is_by_meaning_and_masks_secrets() -> None:
    left = read_text("CONFIG_SWIFT_INSTALL=n\nCONFIG_CINDER_VOLUMES_SIZE=20G\nCONFIG_KEYSTONE_ADMIN_PW=one\n").answers
    right = read_text(
        "CONFIG_SWIFT_INSTALL=No\nCONFIG_CINDER_VOLUMES_SIZE=20480M\nCONFIG_KEYSTONE_ADMIN_PW=two\n"
    ).answers
    found = compare.differences(left, right)
    assert [(one.key, one.left, one.right) for one in found] == [("CONFIG_KEYSTONE_ADMIN_PW", "********", "********")]
    elsewhere = read_text("CONFIG_KEYSTONE_ADMIN_PW=!env: HOME\n").answers
    assert {one.right for one in compare.differences(left, elsewhere) if one.key.endswith("_PW")} == {"********"}
    other = read_text("CONFIG_NEUTRON_L2_AGENT=openvswitch\nCONFIG_NEUTRON_ML2_TYPE_DRIVERS=vxlan,flat\n"
                      "CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES=vxlan\n").answers  # fmt: skip
    keys = [one.key for one in compare.differences(read_text("").answers, other)]
    assert "CONFIG_NEUTRON_L2_AGENT" in keys
    assert "CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS" in keys  # it follows from the agent


def test_shown_values_contain_no_terminal_control_sequences() -> None:
    key, text = "CONFIG_PROVISION_IMAGE_NAME", "\x1b[2Jcirros"  # reading refuses it
    given = answers.defaults()
    told = explain.explain(Answers({**given.entries, key: Answer(text, text, Origin("flag"))}, given.secrets), key)
    assert told.value == r"'\x1b[2Jcirros'"


def test_explain_shows_the_origin_and_the_use_of_a_value() -> None:
    text = "CONFIG_CONTROLLER_HOST=198.18.0.10\nCONFIG_COMPUTE_HOSTS=198.18.0.31\nCONFIG_DEBUG_MODE=y\n"
    told = explain.explain(read_text(text).answers, "CONFIG_DEBUG_MODE")
    assert (told.value, told.origin) == ("y", "f:3")
    assert set(told.ends_up.hosts) == {"198.18.0.10", "198.18.0.31"}
    assert "nova-api: nova::logging::debug" in told.ends_up.settings
    secret = explain.explain(read_text("CONFIG_NOVA_DB_PW=s3cret\n").answers, "CONFIG_NOVA_DB_PW")
    assert secret.value == "********"
    assert "s3cret" not in repr(secret)


def test_the_commands(tmp_path: Path) -> None:
    def run(*words: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "stackwright", "answers", *words], capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout, done.stderr

    new, old = tmp_path / "new.txt", tmp_path / "old.txt"
    old.write_text(OLD.replace("=big", "=20G"))
    old.chmod(0o600)
    assert run("generate", str(new), "--allinone", "198.18.0.10", "--os-swift-install=n")[0] == 0
    assert "CONFIG_SWIFT_INSTALL=n" in new.read_text()
    code, out, _ = run("check", str(new), str(old))
    assert code == 0
    assert "0 errors, 1 warning" in out
    assert run("check", "--strict", str(old))[0] == 3
    assert run("diff", str(new), str(new))[0] == 0
    code, out, _ = run("diff", str(old), str(new))
    assert code == 1
    assert "CONFIG_MARIADB_HOST" in out
    assert "s3cret" not in out
    before = old.read_bytes()
    assert run("migrate", str(old), "-o", str(tmp_path / "migrated.txt"))[0] == 0
    assert old.read_bytes() == before
    assert stat.S_IMODE((tmp_path / "migrated.txt").stat().st_mode) == 0o600
    code, out, _ = run("explain", "CONFIG_MYSQL_HOST", "-a", str(old))
    assert (code, f"{old}:6" in out) == (0, True)
    code, _, err = run("explain", "CONFIG_NOVA_INSTAL")
    assert (code, "CONFIG_NOVA_INSTALL" in err) == (2, True)
    assert run("check", str(tmp_path / "none"))[0] == 3
    code, out, _ = run("check", "--json", str(old))
    assert json.loads(out)["files"][0]["warnings"] == 1


def test_generating_needs_no_network(tmp_path: Path) -> None:
    """No connection, no name looked up, no process, with Python's own audit events."""
    watch = (
        "import sys\n"
        "def seen(event, details):\n"
        "    if event.startswith(('socket.', 'subprocess.', 'os.system', 'os.exec', 'os.posix_spawn', 'os.fork')):\n"
        "        raise SystemExit(f'{event} {details}')\n"
        "sys.addaudithook(seen)\n"
        "from stackwright.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    path = tmp_path / "new.answers"
    command = [sys.executable, "-c", watch, "--gen-answer-file", str(path), "--install-hosts", "control,node[1-3]"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert answers.read([path])["CONFIG_COMPUTE_HOSTS"] == ("node1", "node2", "node3")
