"""What hosts say is judged before anything is made of it: random and hostile text for everything that reads it."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackwright import facts, lock, preflight, untrusted, verify
from stackwright.bundle import offline
from stackwright.executor import puppet
from stackwright.facts import grammar
from stackwright.model import Facts, Interface, StackwrightError
from stackwright.report.anonymize import neutralizer
from stackwright.scenarios import tempest

RECORD = (Path(__file__).parents[1] / "data" / "facts" / "debian-12.txt").read_text()
PRINTED = facts.probe()
KEYS = sorted(
    {line.partition("\t")[0] for line in RECORD.splitlines()}
    | {*re.findall(r"\bp ([a-z_-]+) ", PRINTED), *re.findall(r"lines ([a-z-]+)", PRINTED)}
    | {"proc-socket", "package", "repository", "reverse", "memory", "disk"}
)  # fmt: skip
NASTY = (
    "\x1b[2J", "²", "9" * 5000, "[" * 20_000, "nan", "inf", "-1", "*", "a,* exec \"id\" host *", "../../x", "/etc/x",
    "\u202e", "\x00", "\r", "$(id)", "`id`", "'", '"', "\\", "%{lookup('x')}", "x\ty", "1 2 3 4 5 6", "ssh-ed25519 A B",
    '{"id": "\\u001b[2J"}', "2: eth0$(id): <UP> mtu 99999999999999999999", "MemTotal", "MemTotal ²", "tcp :FFFFF",
    "default via x dev y", "udp a b c :²", "150000 ²", "0 0",
)  # fmt: skip
values = st.one_of(st.sampled_from(NASTY), st.text(max_size=60), st.text("0123456789 .:/%-[]{}()\"'", max_size=40))
lines = st.lists(st.tuples(st.sampled_from(KEYS), values).map("\t".join), max_size=12).map("\n".join)
fuzz = settings(max_examples=100, deadline=None)


def texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from (*texts(key), *texts(inner))
    elif isinstance(value, list | tuple | frozenset):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, Interface):
        yield from texts([*vars(value).values()])


@fuzz
@given(said=lines, first=st.booleans())
def test_facts_are_refused_by_name_or_fit(said: str, first: bool) -> None:
    try:
        found = facts.parse(f"{said}\n{RECORD}" if first else f"{said}\nend\t1", "h", 0.0)
    except StackwrightError as error:
        assert error.message.startswith("h: ")  # noqa: PT017
        assert error.message.isprintable()  # noqa: PT017
        return
    assert all(text.isprintable() for text in texts([*vars(found).values()]))
    assert facts.from_json(facts.to_json(found)) == found
    for name in (found.fqdn, found.hostname):
        assert not set(name) & set(" ,*?!|\"'#\n\t")


def test_every_field_of_the_facts_has_a_grammar() -> None:
    assert set(grammar.GRAMMAR) == {field.name for field in fields(Facts)}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("fqdn", 'c2.x,* exec "touch /x" host *'), ("fqdn", "*"), ("fqdn", "-x"), ("fqdn", "a" * 254), ("fqdn", "a b"),
        ("hostname", "a\nb"), ("address", "198.18.0.1 x"), ("address", "fe80::1%;id"), ("gateway", "x"),
        ("default_interface", "eth0;id"), ("resolves", {"x": ("*",)}), ("host_keys", ("ssh-ed25519 AAAA\nx",)),
        ("host_keys", ("ssh-ed25519 AAAA AAAA",)), ("host_keys", ("ssh-dss AAAA",)), ("kernel", "6 $(id)"),
        ("arch", "%{x}"), ("os_name", "x\x1b[2J"), ("machine_id", "x/../y"), ("cloud", {"id": "a b"}),
        ("cloud", {"by": "\x1b"}), ("extra", {"ssh-port": "22 ²"}), ("extra", {"ssh-port": "65536"}),
        ("extra", {"ovs-hostname": "a,b"}), ("extra", {"user": "a b"}), ("extra", {"a\x1b": "b"}),
        ("interfaces", (Interface("eth0", addresses=("198.18.0.1/24;id",)),)),
        ("interfaces", (Interface("a/b"),)), ("interfaces", (Interface("eth0", mac="x"),)),
        ("listening", (("tcp", 70000, "x"),)), ("installed", {"x": "1;id"}), ("cpus", -1), ("cpus", 10**9),
        ("disk_free", {"/;id": 1}), ("repositories", ("a\nb",)), ("selinux", "maybe"), ("os_like", ("a b",)),
    ],
)  # fmt: skip
def test_a_field_that_does_not_fit_is_named(field: str, value: object) -> None:
    wrong = replace(Facts("h"), **{field: value})
    with pytest.raises(untrusted.Refused) as caught:
        grammar.check(wrong)
    names = {field.replace("_", " "), "id of its cloud", *(grammar.EXTRA if field == "extra" else ())}
    assert any(f"h: unacceptable {name}: " in caught.value.message for name in names)
    assert caught.value.message.isprintable()
    # A bundle may bring them as well; its texts are made printable first.
    with contextlib.suppress(untrusted.Refused):
        assert all(text.isprintable() for text in texts([*vars(facts.from_json(facts.to_json(wrong))).values()]))
        assert field in ("os_name", "cloud", "extra", "resolves"), "the others do not fit whatever is made of them"


@fuzz
@given(said=lines)
def test_other_output_is_refused_or_read(said: str) -> None:
    for read in (
        lambda: lock.parse(f"package\tx 1\n{said}\nend\t1", "h", "debian-12", "apt"),
        lambda: lock.parse(f"package\tx 1\n{said}\nend\t1", "h", "centos-stream-9", "dnf"),
        lambda: offline.listed(f"{said}\nfile\t{said[-20:]}\nend\t1", "h"),
        lambda: preflight.parse_package_check(said, "h"),
        lambda: preflight.parse_package_check(said.replace("\t", " "), "h"),
    ):
        try:
            with untrusted.judged("h", "output"):
                read()
        except StackwrightError as error:
            assert untrusted.printable(error.message) == error.message  # noqa: PT017


@pytest.mark.parametrize("name", ["x;id", "$(id)", "../x", "-o", "x y z", "\x1b[2J"])
def test_packages_of_a_lock_have_names_and_versions(name: str) -> None:
    for said in (f"package\t{name} 1", f"package\tx {name}"):
        with pytest.raises(StackwrightError, match=r"h: |incomplete"):
            lock.parse(f"{said}\nend\t1", "h", "debian-12", "apt")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | values,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["kind", "check", "checks", "seconds", "lines", "state", "left", "logs", "failed", "changed",
                         "timeline", "by_type", "status", "total", "skipped", "retrieval", "began", "applied",
                         "resource", "plan", "detail"]) | values, inner, max_size=8,
    ),
    max_leaves=12,
)  # fmt: skip


@fuzz
@given(value=json_values, kind=st.sampled_from(["plan", "check", "note", "finished", "x"]))
def test_reports_and_results_are_read_or_refused(value: object, kind: str) -> None:
    text = json.dumps(value)
    try:
        report = puppet.read_report(text)
    except ValueError as error:
        assert "not the report" in str(error)  # noqa: PT017
    else:
        assert all(inner.isprintable() for inner in texts([*report.changed, report.status]))
    record = {"kind": kind, **(value if isinstance(value, dict) else {"checks": value, "seconds": value})}
    result = verify.read([json.dumps(record), text])
    assert untrusted.printable("\n".join(verify.text(result))) == "\n".join(verify.text(result))


@fuzz
@given(text=st.one_of(values, st.text(max_size=300)))
def test_lines_of_logs_are_read_by_everything(text: str) -> None:
    for line in (text, f"Info: {text}: Starting to evaluate the resource (1 of {text})", f"{{0}} {text} ... ok"):
        puppet.progress(line)
        puppet.compile_seconds(f"Notice: Compiled catalog for {text} in {text} seconds")
        neutralizer()(line)
        with pytest.raises(ValueError, match="did not finish"):
            tempest.read(line)


def test_deep_json_is_no_json() -> None:
    for text in ("[" * 100_000, '{"a":' * 100_000, "[" * 200 + "]" * 200):
        with pytest.raises(ValueError, match="nested"):
            untrusted.from_json(text)
        with pytest.raises(ValueError, match="not the report"):
            puppet.read_report(text)
        assert verify.read([text, '{"kind": ' + text]).checks == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "--a" * 200000, "a." * 200000, "password " * 50000, "-password" * 50000, "://a:" * 100000,
        "-----BEGIN A" * 30000, "AAAA" * 100000, "1.1.1." * 50000, "2001:" * 50000, "1-1-1-" * 50000,
        "a" * 500000, " " * 500000, "token=" * 50000, "Bearer " * 50000,
    ],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_redaction_takes_time_in_proportion_to_the_text(text: str) -> None:
    """With time by the square of the length, 600 kB would take hours."""
    neutralizer()([text, text + "!"])


def test_tests_of_tempest_are_read_in_proportion_to_the_text() -> None:
    output = ("{0} " + "a" * 100_000 + "\n") * 50 + " - Passed: 1\n - Failed: 0\n - Skipped: 0\n"
    assert tempest.read(output).passed == 1


def test_what_is_printable_stays() -> None:
    assert untrusted.printable("Grüße, 東京\n\tx") == "Grüße, 東京\n\tx"
    assert untrusted.printable("a\r\nb\rc") == "a\nb\\x0dc"
    assert untrusted.printable("\x1b[2J\x9b\u202e\ud800") == "\\x1b[2J\\x9b\\u202e\\ud800"
    assert untrusted.printables({"a\x1b": ["\x07", ("x",), 1]}) == {"a\\x1b": ["\\x07", ("x",), 1]}
