"""Text for every secret and every free answer of a whole plan at once: its consumers read what was drawn.

A plan with plain words tells the places of each answer: settings, files, accounts, all that Puppet applies and all
that is uploaded. Each place of a plan with drawn texts is read as its consumer does, and has the drawn text where the
other one has the word. A place whose consumer is unknown here is an error. Text that `check` refuses is named with its
reason, and is not used.
"""

from __future__ import annotations

import ast
import configparser
import hashlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from oslo_config import cfg
from puppet_tools import compile_plan, need, need_modules, node_facts

import outcome
from stackwright import answers
from stackwright.model import Answers, Plan, Upload
from stackwright.planner.steps import credentials
from stackwright.platforms import by_id
from stackwright.services import options
from stackwright.values import consumers

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from test_consumers import NicerInterpolation, _options, rabbit, sqlalchemy

MODULEPATH = by_id("debian-12").modulepath
HOST = "198.18.0.10"
SWITCHES = {
    "CONFIG_CEILOMETER_INSTALL": "y",
    "CONFIG_AODH_INSTALL": "y",
    "CONFIG_ENABLE_CEILOMETER_MIDDLEWARE": "y",
    "CONFIG_HEAT_INSTALL": "y",
    "CONFIG_SWIFT_INSTALL": "y",
    "CONFIG_GLANCE_BACKEND": "swift",
    "CONFIG_CINDER_BACKEND": "lvm,nfs",
}
SECRETS = tuple(key for key, option in options().items() if option.secret and option.generate)
PREFIXES = {
    "CONFIG_PROVISION_IMAGE_PROPERTIES": "os_note=",
    "CONFIG_CINDER_NFS_MOUNTS": "198.18.0.9:/",
}
TEXTS = (
    "CONFIG_KEYSTONE_REGION",
    "CONFIG_KEYSTONE_ADMIN_EMAIL",
    "CONFIG_KEYSTONE_ADMIN_USERNAME",
    "CONFIG_AMQP_AUTH_USER",
    "CONFIG_CINDER_VOLUME_NAME",
    "CONFIG_CINDER_NFS_MOUNTS",
    "CONFIG_HEAT_DOMAIN",
    "CONFIG_HEAT_DOMAIN_ADMIN",
    "CONFIG_NEUTRON_OVN_EXTERNAL_PHYSNET",
    "CONFIG_PROVISION_IMAGE_NAME",
    "CONFIG_PROVISION_IMAGE_PROPERTIES",
)
NAMES = frozenset(key for key in TEXTS if key not in PREFIXES and not key.endswith(("_EMAIL", "_IMAGE_NAME")))
"""Names of a few safe characters, which nothing has to quote."""
KEYS = (*SECRETS, *TEXTS)
PLAIN = {key: f"w{number:03}word".ljust(16, "x") for number, key in enumerate(KEYS)}
"""A word for each key. It is sixteen characters long, because Heat's key has to be."""

NOT_THERE = {
    "CONFIG_CEPH_SECRET",  # only what follows from it is written
    "CONFIG_NOVA_MIGRATION_SECRET",
    *(k for k in SECRETS if re.match(r"CONFIG_(MANILA|IRONIC|MAGNUM|TROVE|PROVISION_TEMPEST)_", k)),  # not installed
}
"""Secrets without a place in the plan."""


def flags(texts: Mapping[str, str]) -> dict[str, str]:
    out = SWITCHES | {key: PREFIXES.get(key, "") + text for key, text in texts.items()}
    physnet = texts["CONFIG_NEUTRON_OVN_EXTERNAL_PHYSNET"]
    return out | {"CONFIG_NEUTRON_OVN_BRIDGE_MAPPINGS": f"{physnet}:br-ex"}


# ------------------------------------------------------------------------------------------------------------ readers


@cache
def _hash(password: str) -> str:
    """MySQL's own, of its native passwords."""
    once = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    return "*" + hashlib.sha1(once, usedforsecurity=False).hexdigest().upper()


def _oslo(value: str, folder: Path) -> str:
    (folder / "one.conf").write_text(f"[DEFAULT]\none={value}\n")
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.StrOpt("one"))
    conf(["--config-file", str(folder / "one.conf")], project="none")
    text = str(conf.one)
    if text.startswith("rabbit://"):
        return " ".join(rabbit(text))
    if text.startswith("mysql+pymysql://"):
        if "//keystone:" in text:  # keystone.common.sql.upgrades, `_find_alembic_conf`
            configparser.ConfigParser().set("DEFAULT", "sqlalchemy.url", text)
        return " ".join(sqlalchemy(text))
    return text


def _ini(value: str, interpolation: configparser.Interpolation) -> str:
    parser = configparser.ConfigParser(interpolation=interpolation)
    parser.read_string(f"[here]\none={value}\n")
    text = parser.get("here", "one")
    return " ".join(rabbit(text)) if text.startswith("rabbit://") else text


def _glance_store(value: str) -> str:
    """glance_store/_drivers/swift/utils.py, SwiftConfigParser."""
    text = _ini(value, configparser.BasicInterpolation())
    if text[0] in "\"'":
        assert len(text) > 1
        assert text[-1] == text[0]
        return text[1:-1]
    return text


def _python(text: str) -> Any:
    """The names that are assigned a literal."""
    found = {}
    for line in text.splitlines():
        name, equals, value = line.partition(" = ")
        if equals and re.fullmatch(r"[A-Z_]+", name):
            try:
                found[name] = ast.literal_eval(value)
            except (SyntaxError, ValueError):
                found[name] = value
    return found


def _sourced(text: str) -> dict[str, str]:
    """The clients' variables after a shell has read the file."""
    done = subprocess.run(
        ["bash", "-c", ". /dev/stdin && env -0"], input=text.encode(), env={"PATH": "/usr/bin:/bin"},
        capture_output=True, check=True,
    )  # fmt: skip
    pairs = (item.partition("=") for item in done.stdout.decode().split("\0"))
    return {name: value for name, _, value in pairs if name.startswith("OS_")}


CONFIG_FILES: Mapping[str, Callable[[str], str]] = {
    "Swift_config": partial(_ini, interpolation=configparser.BasicInterpolation()),
    "Swift_proxy_config": partial(_ini, interpolation=NicerInterpolation()),
    "Swift_account_config": partial(_ini, interpolation=NicerInterpolation()),
    "Swift_container_config": partial(_ini, interpolation=NicerInterpolation()),
    "Swift_object_config": partial(_ini, interpolation=NicerInterpolation()),
    "Glance_swift_config": _glance_store,
}
"""Types of settings that are not of oslo.config."""

FILES: Mapping[str, Callable[[str], Any]] = {
    r"/\.my\.cnf$": _options,
    r"\.yaml$": yaml.safe_load,
    r"local_settings\.py$": _python,
    r"/keystonerc_": _sourced,
    r"/nfs_shares|/shares\.conf$": lambda text: dict.fromkeys(text.splitlines(), "a share"),
    r"/(redis|valkey)\.conf$": lambda text: dict(line.partition(" ")[::2] for line in text.splitlines()),
}
"""By path, what reads a file."""

AS_IT_IS = frozenset(
    {
        "Keystone_user", "Keystone_user_role", "Keystone_domain", "Keystone_endpoint", "Keystone_service",
        "Rabbitmq_user", "Rabbitmq_user_permissions", "Glance_image", "Neutron_network", "Stackwright_admin_login",
    }
)  # fmt: skip
"""Types whose providers get texts as values, and names as arguments."""


Wanted = Callable[[tuple[str, ...], str], bool]
"""Of a place and the text that Puppet writes there."""


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _leaves(inner, (*path, str(number)))
    else:
        yield path, str(value)


def _file(path: str, content: str) -> Iterator[tuple[tuple[str, ...], str]]:
    reader = next((read for pattern, read in FILES.items() if re.search(pattern, path)), None)
    if reader is None:
        yield ("text",), content
    else:
        yield from _leaves(reader(content))


def _resource(
    ref: str, parameters: Mapping[str, Any], hashes: Mapping[str, str], folder: Path, wanted: Wanted
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each text of a resource by its place, as its consumer reads it, where it can have one of the answers'."""
    kind = ref.partition("[")[0]
    for name, value in parameters.items():
        if name in ("before", "require", "notify", "subscribe") or (kind, name) == ("Glance_image", "source"):
            continue  # references, and a path that follows from the image's name
        for path, text in _leaves(value, (ref, name)):
            if kind in ("File", "Concat_fragment") and name == "content":
                target = parameters["target" if kind == "Concat_fragment" else "path"]
                yield from ((path + at, found) for at, found in _file(target, text))
            elif name == "password_hash":
                yield path, hashes.get(text, text)
            elif kind.endswith("_config") and name == "value" and wanted(path, text):
                yield path, CONFIG_FILES.get(kind, partial(_oslo, folder=folder))(text)
            else:
                yield path, text


def places(given: Answers, folder: Path, wanted: Wanted) -> dict[tuple[str, ...], str]:
    """Every text that Puppet applies or that is uploaded, by its place, as its consumer reads it. `wanted` tells which
    settings are to be read."""
    seen = outcome.facts(given)
    plan = outcome.plan(given, seen)
    facts = partial(node_facts, "debian-12")
    (catalog,) = compile_plan(plan, seen, facts, MODULEPATH, applied=True)
    assert catalog.ok, catalog.error
    hashes = {_hash(str(given[key])): str(given[key]) for key in SECRETS}
    found: dict[tuple[str, ...], str] = {}
    for ref, parameters in catalog.resources.items():
        found.update(_resource(ref, parameters, hashes, folder, wanted))
    for path, content in uploads(plan).items():
        found.update(((path, *at), text) for at, text in _file(path, content))
    return found


def uploads(plan: Plan) -> dict[str, str]:
    """The secret files that are uploaded, by path."""
    files = [f for step in plan.steps for a in step.actions if isinstance(a, Upload) for f in a.files if f.secret]
    return {file.path: file.content.decode() for file in files}


WORD = re.compile(r"w\d{3}wordx+")
_WORDS = {word: key for key, word in PLAIN.items()}


@cache
def plain() -> dict[tuple[str, ...], str]:
    """Every place of the plan with words."""
    reading = answers.load([], flags(PLAIN), {}, files=False, run=False, local_host=HOST)
    assert not reading.errors, [(p.seen, p.wanted) for p in reading.errors]
    with tempfile.TemporaryDirectory() as folder:
        return places(reading.answers, Path(folder), lambda _, text: bool(WORD.search(text)))


def expected() -> dict[tuple[str, ...], str]:
    """The places that have a word of an answer, with the text there."""
    return {place: text for place, text in plain().items() if WORD.search(f"{place} {text}")}


def put(text: str, drawn: Mapping[str, str]) -> str:
    """A text with what was drawn in the place of each word."""
    return WORD.sub(lambda word: drawn[_WORDS[word[0]]], text)


# -------------------------------------------------------------------------------------------------------------- texts

ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=24)
NASTY = st.text("ab \\$%{}()'\"#;:=!`&|<>@/~?*", min_size=2, max_size=12)
NAME = st.text("abcXYZ019-_.+", min_size=1, max_size=12)
ANY = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=12)
EXACT = {
    "CONFIG_HEAT_AUTH_ENC_KEY": st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=16, max_size=16)
}


def _texts(key: str) -> st.SearchStrategy[str]:
    drawn = EXACT[key] if key in EXACT else ASCII | NASTY | ANY if key in SECRETS else NAME | ASCII | ANY
    # Of lists, one entry is drawn.
    return (drawn.map(lambda text: re.sub("[,;]", "", text)) if key in PREFIXES else drawn).map(str.strip).filter(bool)


DRAWN = st.fixed_dictionaries({key: _texts(key) for key in KEYS})


SIGN = re.compile(r"'(?:\\[^']+|\\'|[^'\\])'|\"'\"")
"""A character as Python writes it."""


def accepted(drawn: Mapping[str, str]) -> tuple[dict[str, str], Answers]:
    """What `check` takes of these texts, with words in the place of what it refuses, and the answers of it. Each text
    that is refused is named with its key and a reason; where a single character is the reason, it is one of the text's.
    """
    taken = dict(drawn)
    for _ in KEYS:
        reading = answers.load([], flags(taken), {}, files=False, run=False, local_host=HOST)
        if not reading.errors:
            # Of an answer that is no secret, quotes round the whole are the file's.
            bare = {key: str(reading.answers[key]) for key in TEXTS if key not in PREFIXES}
            return taken | bare, reading.answers
        for problem in reading.errors:
            key = problem.seen.split()[0]
            key = "CONFIG_NEUTRON_OVN_EXTERNAL_PHYSNET" if "BRIDGE_MAPPINGS" in key else key
            assert key in taken, problem
            assert problem.wanted
            named = [ast.literal_eval(sign) for sign in SIGN.findall(problem.wanted)]
            assert not named or any(sign in drawn[key] for sign in named), problem
            taken[key] = PLAIN[key]
    raise AssertionError("words are refused as well")


def hard(text: str) -> dict[str, str]:
    """A text for every key, with a number in it. One of another length, Heat's key would be replaced."""
    return {key: text.replace("N", str(number))[: 16 if key in EXACT else None] for number, key in enumerate(KEYS)}


@pytest.mark.slow
@pytest.mark.xdist_group("texts")
# No shrinking: each try is a catalog, of seconds.
@settings(
    max_examples=3, deadline=None, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(DRAWN)
@example(hard("a$b%{x}'\"\\#;: ${c}%(d)sN"))
@example(hard("'/@?[]<>^`{|}~N-''"))
def test_every_text_arrives_as_it_was_given(tmp_path_factory: pytest.TempPathFactory, drawn: dict[str, str]) -> None:
    need("ruby", "puppet")
    need_modules(MODULEPATH)
    texts, given = accepted(drawn)
    wanted = {tuple(put(part, texts) for part in place): put(text, texts) for place, text in expected().items()}
    found = places(given, tmp_path_factory.mktemp("drawn"), lambda place, _: place in wanted)
    assert {place: found.get(place) for place in wanted} == wanted
    quoted = consumers.userinfo(texts["CONFIG_NOVA_DB_PW"]) != texts["CONFIG_NOVA_DB_PW"]
    template = "//{username}:{password}@198.18.0.10/nova_cell0?charset=utf8'"
    assert (template in found["Exec[nova-cell_v2-map_cell0]", "command"]) == quoted


@pytest.mark.slow
@pytest.mark.xdist_group("texts")
def test_every_answer_has_places_and_each_is_read_by_its_consumer() -> None:
    need("ruby", "puppet")
    need_modules(MODULEPATH)
    known = {_WORDS[word] for place, text in expected().items() for word in WORD.findall(f"{place} {text}")}
    assert set(KEYS) - known == NOT_THERE
    for place, text in expected().items():
        keys = {_WORDS[word] for word in WORD.findall(f"{place} {text}")}
        kind = place[0].partition("[")[0]
        if kind == "Exec":
            # Arguments are for everybody on the host to read.
            assert place[1] == "environment" or keys <= NAMES, place
        elif keys <= NAMES:
            continue
        elif kind in ("File", "Concat_fragment") or kind.startswith("/"):
            assert place[-1] != "text", f"no reader for {place}"
        else:
            assert kind.endswith("_config") or kind in AS_IT_IS or "password_hash" in place, f"no reader for {place}"
    # Stock providers give the password of an account to a command as an argument.
    accounts = {place[0] for place in plain() if place[1:] == ("password",)}
    assert {plain()[account, "provider"] for account in accounts} == {"rest", "definitions"}


# No shrinking, as above; this one needs no Puppet.
@settings(max_examples=5, deadline=None, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate))
@given(DRAWN)
@example(dict.fromkeys(KEYS, "50%@/é*"))
@example(dict.fromkeys(KEYS, "-true"))
@example(dict.fromkeys(KEYS, "false"))
def test_what_is_refused_is_named_and_what_is_accepted_reaches_people(drawn: dict[str, str]) -> None:
    texts, given = accepted(drawn)
    files = credentials.files(given, "http://198.18.0.10:5000")
    for name, user, password in (
        ("admin", texts["CONFIG_KEYSTONE_ADMIN_USERNAME"], texts["CONFIG_KEYSTONE_ADMIN_PW"]),
        ("demo", "demo", texts["CONFIG_KEYSTONE_DEMO_PW"]),
    ):
        auth = yaml.safe_load(files["clouds.yaml"])["clouds"][name]
        assert (auth["auth"]["username"], auth["auth"]["password"]) == (user, password)
        assert auth["region_name"] == texts["CONFIG_KEYSTONE_REGION"]
        variables = _sourced(files[f"keystonerc_{name}"])
        assert (variables["OS_USERNAME"], variables["OS_PASSWORD"]) == (user, password)
        assert variables["OS_REGION_NAME"] == texts["CONFIG_KEYSTONE_REGION"]
    assert _options(credentials.my_cnf(given.with_value("CONFIG_MARIADB_HOST", "db"))) == [texts["CONFIG_MARIADB_PW"]]
