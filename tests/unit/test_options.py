"""The options of all services: complete, typed, explained in our own words."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from stackwright.answers import reference
from stackwright.answers.flags import by_flag, take
from stackwright.answers.packstack.comments import is_packstacks
from stackwright.answers.packstack.flags import old_flags
from stackwright.answers.packstack.history import releases
from stackwright.answers.packstack.retired import RETIRED, translated
from stackwright.answers.reading import flag_name, old_names
from stackwright.cli.arguments import vocabulary
from stackwright.model import Option
from stackwright.services import SERVICES, not_installable, options, service_of

ROOT = Path(__file__).resolve().parents[2]
PARAMETERS = ROOT / "tests" / "data" / "packstack" / "parameters.csv"
OPTIONS = list(options().values())


def _rows() -> list[dict[str, str]]:
    with PARAMETERS.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_every_parameter_of_2025_is_an_option_with_packstacks_flag() -> None:
    current = [row for row in _rows() if row["in_master_2025"] == "True"]
    assert len(current) == 292
    for row in current:
        option = options()[row["parameter"]]
        assert "--" + flag_name(option) == row["cli_option"]
        assert not option.ours


def test_every_parameter_that_was_dropped_since_2021_is_known() -> None:
    for row in _rows():
        key = row["parameter"]
        assert key in options() or key in RETIRED, key
        for old in filter(None, row["deprecated_names"].split("|")):
            assert old in options() or old in old_names() or old in RETIRED, old


def test_every_key_of_any_packstack_release_is_known() -> None:
    assert len(releases()) == 444
    for key in releases():
        known = key in options(), key in old_names(), key in RETIRED, key in translated()
        assert sum(known) == 1, (key, known)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.key)
def test_option_is_complete_and_consistent(option: Option) -> None:
    option.parse(option.default)
    if option.choices:
        for choice in option.choices:
            option.parse(choice)
    assert option.key.startswith(("CONFIG_", "EXCLUDE_"))
    assert len(option.help) > 20
    assert option.help.endswith(".")
    assert option.parse.__doc__
    assert not is_packstacks([option.help]), "the help text is to be our own"
    for keys, wanted in option.when:
        for key in keys.split("|"):
            referred = options()[key]
            if wanted != "*" and referred.choices:
                assert set(wanted.split("|")) <= set(referred.choices), (key, wanted)
    if option.generate:
        assert option.secret
    if option.key.endswith(("_PW", "_PASSWORD", "_SECRET")):
        assert option.secret


def test_every_line_of_the_data_file_is_an_option() -> None:
    """Options of services that cannot be installed are data: a misspelt service or mark would be lost in silence."""
    folder = ROOT / "installer" / "stackwright" / "services" / "data"
    with (folder / "not_installable.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["key"] for row in rows] == [o.key for s in not_installable.SERVICES.values() for o in s.options]
    for row in rows:
        assert service_of(row["key"]).name == row["service"]
        assert set(row["marks"].split()) <= {"secret", "generate", "required", "ours"}, row["key"]
        assert {None} & {*row, *row.values()} == set(), row["key"]


def test_keys_and_flags_are_unique() -> None:
    keys = [option.key for service in SERVICES for option in service.options]
    assert len(keys) == len(set(keys))
    flags = [flag_name(option) for option in OPTIONS]
    assert len(flags) == len(set(flags))
    own = {flag for words in vocabulary().values() for flag in words}
    assert not own & set(by_flag())


def test_switches_of_services_are_their_own_options() -> None:
    for service in SERVICES:
        if service.switch:
            assert service_of(service.switch) is service
            assert options()[service.switch].parse("y") is True
        assert not service.missing or service.switch


def test_the_reference_is_up_to_date() -> None:
    written = (ROOT / "docs" / "answer-file.md").read_text(encoding="utf-8")
    assert written == reference.reference(), (
        "stale: `stackwright answers reference -o docs/answer-file.md` writes it anew"
    )


def test_the_reference_lists_every_key() -> None:
    page = reference.reference()
    for key in (*options(), *old_names(), *RETIRED, *translated()):
        assert f"`{key}`" in page or key not in releases(), key


def test_flags_of_earlier_releases_set_the_keys_of_their_time() -> None:
    """In scripts they stay; each leads to a key that is known, and none takes the place of a current one."""
    known = {*options(), *old_names(), *RETIRED, *translated()}
    assert len(old_flags()) == 152
    assert set(old_flags().values()) <= known
    assert not set(old_flags()) & set(by_flag())
    words = ["--quantum-l2-plugin=openvswitch", "--nagios-install", "n", "--os-mysql-install=n", "-a", "x"]
    found, rest = take(words)
    assert found == {
        "CONFIG_QUANTUM_L2_PLUGIN": "openvswitch",
        "CONFIG_NAGIOS_INSTALL": "n",
        "CONFIG_MYSQL_INSTALL": "n",
    }
    assert rest == ["-a", "x"]
