"""Texts that cannot reach their consumers unchanged are refused, with the character and the reason."""

from __future__ import annotations

import pytest

from stackwright import answers
from stackwright.model import Problem
from stackwright.services import options


def errors(**given: str) -> list[Problem]:
    return list(answers.from_documents([], given, files=False, local_host="198.18.0.10").errors)


@pytest.mark.parametrize(
    ("key", "text", "shown"),
    [
        ("CONFIG_KEYSTONE_REGION", "eu/west", "'/'"),
        ("CONFIG_KEYSTONE_REGION", "eu::west", "':'"),
        ("CONFIG_KEYSTONE_ADMIN_USERNAME", "admin@example.org", "'@'"),
        ("CONFIG_AMQP_AUTH_USER", "a@b", "'@'"),
        ("CONFIG_CINDER_VOLUME_NAME", "cinder/volumes", "'/'"),
        ("CONFIG_NEUTRON_OVN_BRIDGE_MAPPINGS", "ext$net:br-ex", "'$'"),
        ("CONFIG_NEUTRON_ML2_FLAT_NETWORKS", "*,a b", "' '"),
        ("CONFIG_KEYSTONE_DB_PW", "größe", "'ö'"),
        ("CONFIG_SWIFT_HASH", "True", "true or false"),
        ("CONFIG_KEYSTONE_DB_PW", "a%b", "'%'"),
        ("CONFIG_KEYSTONE_DB_PW", "a@b", "'@'"),
        ("CONFIG_AMQP_AUTH_PASSWORD", "a/b", "'/'"),
        ("CONFIG_NOVA_DB_PW", "a*" + "0123456789ABCDEF0123" * 2, "'*' and 40"),
        ("CONFIG_KEYSTONE_REGION", "-west", "'-'"),
        ("CONFIG_KEYSTONE_ADMIN_USERNAME", "-admin", "'-'"),
        ("CONFIG_CINDER_VOLUME_NAME", "-group", "'-'"),
        ("CONFIG_AMQP_AUTH_USER", "--user", "'-'"),
        ("CONFIG_KEYSTONE_REGION", "True", "true or false"),
        ("CONFIG_CINDER_VOLUME_NAME", "false", "true or false"),
        ("CONFIG_KEYSTONE_REGION", "..", "folders"),
        ("CONFIG_CINDER_VOLUME_NAME", ".", "folders"),
        ("CONFIG_PROVISION_IMAGE_NAME", "small \U0001f427", "'\U0001f427'"),
        ("CONFIG_PROVISION_IMAGE_PROPERTIES", "a=b,c=\U0001f427", "'\U0001f427'"),
    ],
)
def test_a_character_that_cannot_be_carried_is_named(key: str, text: str, shown: str) -> None:
    found = [p for p in errors(**{key: text}) if p.name == "character"]
    assert len(found) == 1
    assert found[0].seen.startswith(key)
    assert shown in found[0].wanted
    assert found[0].hint


@pytest.mark.parametrize("text", ["abc$user1/0123456", "'0123456789abcd'"])
def test_heats_key_keeps_its_length(text: str) -> None:
    assert "character" in [p.name for p in errors(CONFIG_HEAT_INSTALL="y", CONFIG_HEAT_AUTH_ENC_KEY=text[:16])]


def test_one_password_for_all_is_named_once() -> None:
    found = [p for p in errors(CONFIG_DEFAULT_PASSWORD="größe") if p.name == "character"]
    assert [p.seen.split()[0] for p in found] == ["CONFIG_DEFAULT_PASSWORD"]


@pytest.mark.parametrize("key", ["CONFIG_KEYSTONE_ADMIN_PW", "CONFIG_KEYSTONE_DEMO_PW"])
def test_people_may_have_any_letters_in_their_passwords(key: str) -> None:
    assert errors(**{key: "größe €"}) == []


@pytest.mark.parametrize("name", ["nova", "Nova", "swift", "placement", "demo"])
def test_the_administrators_name_must_not_be_used_already(name: str) -> None:
    found = errors(CONFIG_KEYSTONE_ADMIN_USERNAME=name)
    assert [p.name for p in found] == ["taken"]
    assert found[0].hint.startswith("CONFIG_KEYSTONE_ADMIN_USERNAME=admin")


def test_the_administrators_name_is_one_plain_word() -> None:
    (found,) = errors(CONFIG_KEYSTONE_ADMIN_USERNAME="größe")
    assert "letters, digits" in found.wanted
    assert "'ö'" in found.wanted


def test_demo_is_free_without_the_demo() -> None:
    assert errors(CONFIG_KEYSTONE_ADMIN_USERNAME="demo", CONFIG_PROVISION_DEMO="n") == []


def test_rabbitmqs_own_user_is_refused_where_it_is_installed() -> None:
    assert [p.name for p in errors(CONFIG_AMQP_AUTH_USER="guest")] == ["taken"]
    elsewhere = {"CONFIG_AMQP_INSTALL": "n", "CONFIG_AMQP_AUTH_PASSWORD": "x", "CONFIG_AMQP_AUTH_USER": "guest"}
    assert errors(**elsewhere) == []


def test_heats_domain_is_not_keystones() -> None:
    assert "taken" in [p.name for p in errors(CONFIG_HEAT_INSTALL="y", CONFIG_HEAT_DOMAIN="Default")]


def test_a_certificates_subject_has_room_for_what_is_in_it() -> None:
    given = {"CONFIG_HORIZON_SSL": "y", "CONFIG_SSL_CACERT_SELFSIGN": "y", "CONFIG_SSL_CERT_SUBJECT_O": "x" * 65}
    assert [p.name for p in errors(**given)] == ["too-long"]


def test_a_certificates_mail_address_is_ascii() -> None:
    (found,) = errors(CONFIG_HORIZON_SSL="y", CONFIG_SSL_CERT_SUBJECT_MAIL="größe@example.org")
    assert found.name == "character"
    assert "'ö'" in found.wanted


def test_glance_takes_names_of_a_length() -> None:
    assert [p.name for p in errors(CONFIG_PROVISION_IMAGE_NAME="ö" * 256)] == ["too-long"]
    assert errors(CONFIG_PROVISION_IMAGE_NAME="ö" * 255) == []


@pytest.mark.parametrize(
    ("key", "most"),
    [
        ("CONFIG_KEYSTONE_REGION", 255),
        ("CONFIG_KEYSTONE_ADMIN_USERNAME", 255),
        ("CONFIG_AMQP_AUTH_USER", 255),
        ("CONFIG_HEAT_DOMAIN", 64),
        ("CONFIG_CINDER_VOLUME_NAME", 60),
    ],
)
def test_names_are_as_long_as_their_services_take(key: str, most: int) -> None:
    more = {"CONFIG_HEAT_INSTALL": "y"}
    assert [p.name for p in errors(**more, **{key: "x" * (most + 1)})] == ["too-long"]
    assert errors(**more, **{key: "x" * most}) == []


@pytest.mark.parametrize("key", ["CONFIG_AMQP_AUTH_PASSWORD", "CONFIG_MARIADB_PW", "CONFIG_NOVA_KS_PW"])
def test_secrets_are_as_long_as_their_readers_take(key: str) -> None:
    (found,) = errors(**{key: "a" * 1001})
    assert "at most 1,000" in found.wanted
    assert errors(**{key: "a" * 1000}) == []


def test_an_administrator_of_an_existing_database_is_no_services_account() -> None:
    elsewhere = {"CONFIG_MARIADB_INSTALL": "n", "CONFIG_MARIADB_PW": "x", "CONFIG_MARIADB_HOST": "198.18.0.20"}
    for name in ("nova", "nova_api", "keystone"):
        assert [p.name for p in errors(**elsewhere, CONFIG_MARIADB_USER=name)] == ["taken"]
    assert errors(**elsewhere, CONFIG_MARIADB_USER="administrator") == []


@pytest.mark.parametrize("name", ["id", "name", "visibility", "owner", "os_glance_stage_host", "x" * 256])
def test_properties_of_the_image_are_not_its_fields(name: str) -> None:
    key = "CONFIG_PROVISION_IMAGE_PROPERTIES"
    (found,) = errors(**{key: f"hw_disk_bus=scsi,{name}=a"})
    assert found.name in ("taken", "too-long")
    assert name[:20] in found.wanted
    assert errors(**{key: "hw_disk_bus=scsi,os_type=linux"}) == []
    assert errors(**{key: f"{name}=a", "CONFIG_PROVISION_DEMO": "n"}) == []


def test_keystones_database_password_may_have_what_a_url_usually_quotes() -> None:
    assert errors(CONFIG_KEYSTONE_DB_PW="a/b:c?d#e f$g") == []


@pytest.mark.parametrize("sign", ["\n", "\x00", "\x1b", "\t", "\x7f", "\x85"])
def test_no_key_takes_a_control_character(sign: str) -> None:
    """Flags and variables can hold them; a line of a file cannot hold all."""
    for key, option in options().items():
        example = option.default or "a"
        text = f"{'a' * 7}{sign}{'a' * (9 - len(sign.encode()))}" if option.secret else f"{example}{sign}{example}"
        reading = answers.from_documents([], {key: text}, files=False, local_host="198.18.0.10")
        assert [p for p in reading.problems if p.name == "bad-value" and "control character" in p.wanted], key
        assert sign not in reading.answers.entries[key].text
