"""Answers reach files, scripts and manifests as values: nothing of them is read as syntax there."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator

import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import outcome
from golden import CASES
from stackwright import answers, planner
from stackwright.answers.checking import check
from stackwright.model import PuppetApply, Run, Upload
from stackwright.planner.render import as_puppet, as_yaml
from stackwright.services import options

CANARY = "C4n4ry"
HOSTILE = (
    f"a$(touch {CANARY})", f"`touch {CANARY}`", f"x'; touch {CANARY}; '", f'x"; touch {CANARY}; "',
    f"a;touch\t{CANARY}",
    f"%{{lookup('keystone::bootstrap::password')}}@{CANARY}", f"%{{hiera('x')}}{CANARY}", f"${{{CANARY}}}",
    f"a\n[section]\n{CANARY}=1", f"['a:b', 'z\\n[section]\\n{CANARY}=1\\nx=:b']", f'["a\\n{CANARY}"]', f"x\\n{CANARY}",
    f"http://x/$({CANARY})", f"/srv/{CANARY};id", f"<%= {CANARY} %>", f"#{{{CANARY}}}", f"x' => {CANARY}",
)  # fmt: skip
OPEN = sorted(key for key, option in options().items() if not option.secret)
NOT_HOSTS = [key for key in OPEN if not re.search(r"_(HOSTS?|SERVERS)$", key)]
"""`["a\\nb"]` is a list of two hosts, which a plan cannot be made for without their facts."""


def accepted(key: str, text: str) -> bool:
    return not answers.from_documents([], {key: text}, files=False, local_host="198.18.0.10").errors


def texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for inner in value:
            yield from texts(inner)


@pytest.mark.parametrize("key", OPEN)
def test_no_value_has_a_control_character(key: str) -> None:
    """Lists may be written as Python's: `['a\\nb']` has a new line only once it is read."""
    for text in ("['a:b', 'z\\n[x]\\ny=:b']", '["a\\u001b"]', "a\nb", "[{'a': 'b\\nc'}]", "['a\\tb']", "['/a\\n/b']"):
        read = answers.from_documents([], {key: text}, files=False, local_host="198.18.0.10")
        for found in texts(read.answers[key]):
            assert not re.search(r"[\x00-\x1f\x7f]", found), (key, text)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("CONFIG_SWIFT_STORAGES", "/dev/vda;id"), ("CONFIG_SWIFT_STORAGES", "198.18.0.9:/dev/$(id)"),
        ("CONFIG_SWIFT_STORAGES", "/srv/`id`"), ("CONFIG_SWIFT_STORAGES", "/srv/a'b"),
        ("CONFIG_PACKAGE_PROXY", "http://x$(id)"), ("CONFIG_PACKAGE_PROXY", "http://x:1/'"),
        ("CONFIG_PACKAGE_PROXY", "http://x;id/"), ("CONFIG_PACKAGE_PROXY", "http://x/\\"),
        ("CONFIG_REPO", "http://x/$(id)"), ("CONFIG_REPO", "http://x/'a"), ("CONFIG_REPO", "/srv/`id`"),
        ("CONFIG_PROVISION_IMAGE_URL", "http://x/\"a"), ("CONFIG_PROVISION_IMAGE_URL", "/srv/a;id"),
        ("CONFIG_NEUTRON_OVS_BRIDGE_IFACES", "br-ex:eth0;id"), ("CONFIG_NEUTRON_OVS_BRIDGE_IFACES", "br-ex:a/b"),
        ("CONFIG_NEUTRON_OVS_TUNNEL_IF", "eth0;id"), ("CONFIG_NEUTRON_L3_EXT_BRIDGE", "br;id"),
    ],
)  # fmt: skip
def test_shell_syntax_in_values_is_rejected(key: str, text: str) -> None:
    assert not accepted(key, text)


@pytest.mark.parametrize("text", ["ldap://x/$(id)", "ldap://x/`id`", "ldap://x/a'b", "ldap://x;id"])
def test_an_ldap_url_has_nothing_for_a_shell(text: str) -> None:
    """By its type: the answer has no effect while LDAP cannot be installed, so it would be a warning only."""
    with pytest.raises(ValueError, match="ldap"):
        options()["CONFIG_KEYSTONE_LDAP_URL"].parse(text)
    filtered = "ldap://ldap.example.org:389/dc=example,dc=org??sub?(objectClass=*)"
    assert options()["CONFIG_KEYSTONE_LDAP_URL"].parse(filtered) == filtered


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "x' y", ".hidden"])
def test_the_file_of_an_image_stays_in_its_folder(name: str) -> None:
    case = CASES["allinone"]
    whole = planner.cloud(case.answers().with_value("CONFIG_PROVISION_IMAGE_NAME", name), case.facts())
    path, _ = planner.image_file(whole, next(iter(whole.hosts.values())))
    assert re.fullmatch(r"/var/lib/stackwright/images/image-[0-9a-f]{12}-built\.raw", path)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("CONFIG_SWIFT_STORAGES", "/dev/disk/by-id/wwn-0x5:part1,198.18.0.10:/dev/vdb"),
        ("CONFIG_PACKAGE_PROXY", "http://cache.example.org:3128/"), ("CONFIG_PACKAGE_PROXY", "http://[fd00::1]:3128"),
        ("CONFIG_REPO", "https://mirror.example.org/$basearch/os/?a=b&c=d"), ("CONFIG_REPO", "file:///srv/x"),
        ("CONFIG_PROVISION_IMAGE_URL", "https://example.org/cirros-0.6.2-x86_64-disk.img"),
        ("CONFIG_PROVISION_IMAGE_URL", "/srv/images/cirros.img"),
    ],
)  # fmt: skip
def test_usual_values_are_accepted(key: str, text: str) -> None:
    assert accepted(key, text)


# No shrinking: each try is a whole plan.
@pytest.mark.slow
@settings(max_examples=10, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(chosen=st.dictionaries(st.sampled_from(NOT_HOSTS), st.sampled_from(HOSTILE), min_size=40, max_size=150))
def test_a_canary_is_a_value_wherever_it_is(chosen: dict[str, str]) -> None:
    """From answers over all checks to the plan: in scripts it is one quoted word, in manifests and hieradata one
    string; there is no other place for it."""
    case = CASES["swift-devices"]
    base = {key: entry.text for key, entry in case.answers().entries.items()}
    kept = {key: text for key, text in chosen.items() if accepted(key, text)}
    found = answers.from_documents([], {**base, **kept}, files=False, local_host="198.18.0.10").answers
    if any(True for problem in check(found, files=False) if problem.severity == "error"):
        return
    plan = outcome.plan(found, case.facts())
    words = {text for key in kept for text in texts(found[key]) if CANARY in text}
    for step in plan.steps:
        for action in step.actions:
            match action:
                case Run(script=script):
                    assert CANARY not in without(script, words, shlex.quote), script
                case PuppetApply(manifest=manifest, hieradata=hieradata):
                    assert CANARY not in without(manifest, words, as_puppet)
                    assert CANARY not in without(hieradata, words, lambda word: as_yaml(word)[1:-1])
                    assert set(re.findall(r"%\{[^}]*\}", hieradata)) <= {"%{literal('%')}"}
                    yaml.safe_load(hieradata)
                case Upload(files=files):
                    for file in files:
                        if file.path.endswith(".json"):
                            json.loads(file.content)


def without(text: str, words: set[str], write: object) -> str:
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(write(word), "")  # type: ignore[operator]
    return text
