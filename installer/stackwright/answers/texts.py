"""Rejects texts that do not reach a service unchanged through files and Puppet, with the character and the reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stackwright.answers.typed import matters, problem, where
from stackwright.model import Answers, Problem
from stackwright.services import options
from stackwright.values import consumers


@dataclass(frozen=True)
class _Rule:
    allowed: str
    """The allowed characters, as the inside of a regular expression's [...]."""
    words: str
    why: str
    texts: Callable[[Any], tuple[str, ...]] = lambda value: (value,)
    """Extracts the texts of a value that the rule applies to."""
    name: bool = True
    """Whether it is one word, which commands get as an argument and Puppet writes as the value of a setting."""


_NAME = r"A-Za-z0-9_.+-"
_NAME_WORDS = "letters, digits and - _ . +"
_PHYSICAL = "Neutron's lists of networks take the others for separators"
_PHYSNET = _Rule(r"A-Za-z0-9_.-", "letters, digits and - _ .", _PHYSICAL)
_FIRST_OF_EACH = _Rule(
    _PHYSNET.allowed, _PHYSNET.words, _PHYSICAL, lambda value: tuple(str(entry[0]) for entry in value)
)

_BASIC = r"\x00-\uffff"
_BASIC_WORDS = "characters up to U+FFFF"
_UTF8MB3 = "the database takes UTF-8 of up to three bytes for a character"

_RULES: Mapping[str, _Rule] = {
    "CONFIG_KEYSTONE_REGION": _Rule(
        r"A-Za-z0-9_.-", "letters, digits and - _ .", "Puppet names an endpoint REGION/SERVICE::TYPE"
    ),
    "CONFIG_KEYSTONE_ADMIN_USERNAME": _Rule(_NAME, _NAME_WORDS, "Puppet names a role assignment USER::DOMAIN@PROJECT"),
    "CONFIG_HEAT_DOMAIN": _Rule(_NAME, _NAME_WORDS, "Puppet names a role assignment USER::DOMAIN@::DOMAIN"),
    "CONFIG_HEAT_DOMAIN_ADMIN": _Rule(_NAME, _NAME_WORDS, "Puppet names a role assignment USER::DOMAIN@::DOMAIN"),
    "CONFIG_AMQP_AUTH_USER": _Rule(_NAME, _NAME_WORDS, "Puppet names a permission USER@VHOST"),
    "CONFIG_CINDER_VOLUME_NAME": _Rule(_NAME, _NAME_WORDS, "LVM takes no other characters in a volume group's name"),
    "CONFIG_CINDER_NFS_MOUNTS": _Rule(
        r"!-~",
        "ASCII characters but blanks",
        "Cinder's list of shares is ASCII, and a path ends at a blank",
        lambda value: tuple(value),
        name=False,
    ),
    "CONFIG_NEUTRON_OVN_EXTERNAL_PHYSNET": _PHYSNET,
    "CONFIG_NEUTRON_OVS_EXTERNAL_PHYSNET": _PHYSNET,
    "CONFIG_NEUTRON_ML2_FLAT_NETWORKS": _Rule(
        _PHYSNET.allowed, f"{_PHYSNET.words}; or *", _PHYSICAL, lambda value: tuple(v for v in value if v != "*")
    ),
    "CONFIG_NEUTRON_ML2_VLAN_RANGES": _FIRST_OF_EACH,
    "CONFIG_NEUTRON_OVN_BRIDGE_MAPPINGS": _FIRST_OF_EACH,
    "CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS": _FIRST_OF_EACH,
    "CONFIG_NEUTRON_LB_INTERFACE_MAPPINGS": _FIRST_OF_EACH,
    "CONFIG_PROVISION_IMAGE_NAME": _Rule(_BASIC, _BASIC_WORDS, _UTF8MB3, name=False),
    "CONFIG_PROVISION_IMAGE_PROPERTIES": _Rule(
        _BASIC, _BASIC_WORDS, _UTF8MB3, lambda value: tuple(text for pair in value for text in pair), name=False
    ),
    "CONFIG_SSL_CERT_SUBJECT_MAIL": _Rule(
        " -~", "ASCII characters", "certificates hold a mail address as ASCII (RFC 5280, section 4.1.2.6)", name=False
    ),
}

_ANY_TEXT = frozenset(
    {
        # Names of users: Keystone and every file that contains them accept UTF-8.
        "CONFIG_KEYSTONE_ADMIN_PW",
        "CONFIG_KEYSTONE_DEMO_PW",
        # Only values that are derived from them are written to files.
        "CONFIG_CEPH_SECRET",
        "CONFIG_NOVA_MIGRATION_SECRET",
        # They are passed to subscription-manager unchanged.
        "CONFIG_RH_PW",
        "CONFIG_RH_PROXY_PW",
        "CONFIG_RH_SAT6_KEY",
    }
)
"""Secrets that can have any printable characters. Others must be ASCII, because database clients and Swift read
Latin-1."""

_LONGEST = {
    # RFC 5280, appendix A.1.
    **{
        f"CONFIG_SSL_CERT_SUBJECT_{part}": (most, "certificates hold no more")
        for part, most in {"ST": 128, "L": 128, "O": 64, "OU": 64, "CN": 64}.items()
    },
    "CONFIG_PROVISION_IMAGE_NAME": (255, "Glance takes no longer name"),
    **{
        f"CONFIG_{name}": (most, "Keystone takes no longer name")
        for name, most in {
            "KEYSTONE_REGION": 255,
            "KEYSTONE_ADMIN_USERNAME": 255,
            "HEAT_DOMAIN": 64,
            "HEAT_DOMAIN_ADMIN": 255,
        }.items()
    },
    "CONFIG_AMQP_AUTH_USER": (255, "RabbitMQ takes no longer name"),
    "CONFIG_MARIADB_USER": (80, "MariaDB takes no longer name"),
    "CONFIG_CINDER_VOLUME_NAME": (60, "names of volumes have it before their own, and the kernel takes 127 for both"),
}
"""Maximum number of characters of a text, and the reason."""

LONGEST_SECRET = 1000
"""RabbitMQ takes 4,096 bytes to log in (AMQP 0-9-1, frame-min-size), and an option file of MariaDB as many in a line
(mysys/my_default.c). A quoted character is three."""

_FIELDS_OF_IMAGES = frozenset(
    {
        "checksum", "container_format", "created_at", "deleted", "deleted_at", "direct_url", "disk_format", "file",
        "id", "location", "locations", "min_disk", "min_ram", "name", "os_hash_algo", "os_hash_value", "os_hidden",
        "owner", "protected", "schema", "self", "size", "status", "stores", "tags", "updated_at",
        "virtual_size", "visibility",
    }
)  # fmt: skip
"""What an image has besides properties, and what Glance keeps for itself (glance/api/v2/images.py)."""

_MYSQL_HASH = re.compile(r"\*[A-F0-9]{40}$")
"""What puppetlabs-mysql takes for a hashed password (its function mysql::password)."""


def check(answers: Answers) -> Iterator[Problem]:
    """Problems with texts that do not reach their consumers unchanged, and with names that are already taken."""
    yield from _names(answers)
    yield from _secrets(answers)
    yield from _taken(answers)
    yield from _properties(answers)
    yield from _long(answers)


def _names(answers: Answers) -> Iterator[Problem]:
    for key, rule in _RULES.items():
        if not matters(options()[key], answers):
            continue
        # The text and not the value: a derived value is reported at the answer that it comes from.
        given = options()[key].parse(answers.entries[key].text)
        texts = rule.texts(given)
        wrong = next(filter(None, (consumers.outside(text, rule.allowed) for text in texts)), "")
        if wrong:
            yield problem(
                answers, key, "character", f"must consist of {rule.words}; {wrong!r} is not allowed: {rule.why}",
                "choose a name without it",
            )  # fmt: skip
        elif rule.name and any(text[:1] == "-" for text in texts):
            wanted = "must not begin with '-': commands take it for an option"
            yield problem(answers, key, "character", wanted, "choose another name")
        elif rule.name and any(text in (".", "..") for text in texts):
            wanted = "must not be . or ..: those are the names of folders, in paths and in URLs"
            yield problem(answers, key, "character", wanted, "choose another name")
        elif rule.name and any(text.casefold() in ("true", "false") for text in texts):
            wanted = "must not be true or false: Puppet writes them with a capital letter"
            yield problem(answers, key, "character", wanted, "choose another name")


def _secrets(answers: Answers) -> Iterator[Problem]:
    """Problems with secrets. Secrets are never shown, and one that several keys share is reported once."""
    seen: set[str] = set()
    for key, option in options().items():
        value = answers[key]
        if not option.secret or not value or not matters(option, answers):
            continue
        origin = answers.entries[key].origin
        given = origin.where if origin.kind == "default" and origin.where in options() else key
        wanted = _complaint(key, value)
        if wanted and given not in seen:
            seen.add(given)
            hint = "choose another one" if given == key else f"give {key} one of its own, or choose another one for all"
            yield Problem("character", given, wanted, hint, where=where(answers, given))


def _complaint(key: str, value: str) -> str:
    """The problem with a secret; empty for none."""
    if len(value) > LONGEST_SECRET:
        return f"must have at most {LONGEST_SECRET:,} characters: RabbitMQ and MariaDB's clients read no longer ones"
    wrong = consumers.outside(value, " -~")
    if key not in _ANY_TEXT and wrong:
        return f"must be printable ASCII; {wrong!r} is not: its readers take text for Latin-1"
    if key == "CONFIG_HEAT_AUTH_ENC_KEY":
        if "$" in value:
            return "must not have '$': it would be written as '$$', and the key's length has to stay"
        if value[0] == value[-1] and value[0] in "\"'":
            return f"must not have {value[0]!r} at both ends: Heat drops them"
    if key == "CONFIG_REDIS_PW" and (wrong := consumers.outside(value, r"A-Za-z0-9_.~-")):
        return f"must consist of letters, digits and - _ . ~; {wrong!r} is not allowed: URLs have it as it is"
    if key == "CONFIG_KEYSTONE_DB_PW" and (wrong := consumers.outside(value, r" -$&-?A-~")):
        return f"must not have {wrong!r}: Keystone's migrations cannot read it in the URL of their database"
    if key == "CONFIG_AMQP_AUTH_PASSWORD" and "/" in value:
        return "must not have '/': the services' RabbitMQ driver puts it into a URL unquoted"
    if (key.endswith("_DB_PW") or key == "CONFIG_MARIADB_PW") and _MYSQL_HASH.search(value):
        return "must not end in '*' and 40 hexadecimal digits: Puppet takes that for a hash"
    if key.startswith("CONFIG_SWIFT_") and value.casefold() in ("true", "false"):
        return "must not be true or false: Puppet writes them with a capital letter"
    return ""


def _taken(answers: Answers) -> Iterator[Problem]:
    """Problems with names of users and domains that are already used."""
    admin = "CONFIG_KEYSTONE_ADMIN_USERNAME"
    name = str(answers[admin])
    users = {key.removeprefix("CONFIG_").removesuffix("_KS_PW").lower() for key in options() if key.endswith("_KS_PW")}
    if name.casefold() in users:
        yield problem(
            answers,
            admin,
            "taken",
            f"must be another name: {name.casefold()} is the user of a service",
            f"{admin}=admin",
        )
    if name.casefold() == "demo" and answers["CONFIG_PROVISION_DEMO"]:
        yield problem(
            answers,
            admin,
            "taken",
            "must be another name: demo is the demo's user",
            f"{admin}=admin, or CONFIG_PROVISION_DEMO=n",
        )
    key = "CONFIG_AMQP_AUTH_USER"
    if answers["CONFIG_AMQP_INSTALL"] and answers[key] == "guest":
        yield problem(
            answers, key, "taken",
            "must be another name: RabbitMQ lets its own user guest in from its own host only, and the"
            " installation removes it", f"{key}=openstack",
        )  # fmt: skip
    key = "CONFIG_MARIADB_USER"
    passwords = [option for option in options() if option.endswith("_DB_PW")]
    accounts = {"nova_api", *(option.removeprefix("CONFIG_").removesuffix("_DB_PW").lower() for option in passwords)}
    if not answers["CONFIG_MARIADB_INSTALL"] and answers[key] in accounts:
        yield problem(
            answers, key, "taken",
            f"must be another name: {answers[key]} is the account of a service, which gets a password of its own",
            f"{key}=root, or another administrator of the server",
        )  # fmt: skip
    key = "CONFIG_HEAT_DOMAIN"
    if matters(options()[key], answers) and str(answers[key]).casefold() == "default":
        yield problem(answers, key, "taken", "must be another name: default is Keystone's own domain", f"{key}=heat")


def _properties(answers: Answers) -> Iterator[Problem]:
    """Problems with properties of the demo image that Glance refuses."""
    key = "CONFIG_PROVISION_IMAGE_PROPERTIES"
    if not matters(options()[key], answers):
        return
    for name, _ in answers[key]:
        if name in _FIELDS_OF_IMAGES or name.startswith("os_glance_"):
            wanted = f"must have properties only; {name} is a field of each image, or Glance's own"
            yield problem(answers, key, "taken", wanted, f"take {name} out of the list")
        elif len(name) > 255:
            wanted = f"must have names of at most 255 characters: {name[:20]}... has {len(name)}"
            yield problem(answers, key, "too-long", wanted, "shorten the name")


def _long(answers: Answers) -> Iterator[Problem]:
    for key, (most, why) in _LONGEST.items():
        if matters(options()[key], answers) and len(answers[key]) > most:
            yield problem(answers, key, "too-long", f"must have at most {most} characters: {why}", "shorten it")
