"""Fuzzed answer files: whatever stands in them, there are answers or problems, and never a traceback.

`make test` reads 10,000 of them, `make check` a few.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackwright import answers
from stackwright.answers import migrate, syntax
from stackwright.answers.packstack.retired import RETIRED, translated
from stackwright.answers.reading import Reading, from_documents, old_names
from stackwright.model import StackwrightError
from stackwright.services import options

ROOT = Path(__file__).resolve().parents[2]
SEEDS = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "answer-files").glob("*.txt"))]
KEYS = [*options(), *old_names(), *RETIRED, *translated()]
KINDS = 3
files = pytest.mark.parametrize(
    "files", [60, pytest.param(1_500, marks=pytest.mark.slow), pytest.param(10_000, marks=pytest.mark.long)]
)
"""How many files all kinds together are; each kind is a third of them. They are the same ones in each run."""

VALUES = st.one_of(
    st.sampled_from(
        ["", "y", "n", "None", "True", "****", "%{::processorcount}", "[]", "['a', 'b']", "a,b,,", "10:100", "20", "-1",
         "198.18.0.0/24", "198.18.0.1,198.18.0.2", "2001:2::1", "[2001:2::1]", "extnet:br-ex", "br-ex:eth0", "/dev/sdb",
         "physnet1:1:4094", "CONTROLLER_IP", "<here>", "\"x\"", "x # y", "lvm,nfs", "ovn", "linuxbridge", "vxlan,gre",
         "start=1.2.3.4,end=1.2.3.9", "{'a': 1}", "[[[[", "((((", "node[1-3]", "node[1-", "0x10", "1e9", "９", "\x00",
         "!cmd:", "!file:", "=", ":", "#", ";", "\\", "a" * 5000],
    ),
    st.text(max_size=40),
)  # fmt: skip
LINES = st.one_of(
    st.builds(
        lambda key, sign, text: f"{key}{sign}{text}", st.sampled_from(KEYS), st.sampled_from(["=", " = ", ":"]), VALUES
    ),
    st.builds(lambda key, text: f"\t{key}={text}", st.sampled_from(KEYS), VALUES),
    st.text(max_size=60),
    st.sampled_from(["[general]", "[other]", "<<<<<<< HEAD", "=======", ">>>>>>> x", "# note", "", "   more", "____"]),
)


def survives(content: bytes | str) -> Reading | None:
    """Read, check, write and migrate; errors of ours are fine."""
    try:
        document = syntax.parse(content, "fuzzed")
    except StackwrightError:
        return None  # it is told in a message, without a traceback
    reading = from_documents((document,), local_host="198.18.0.10", run=False, files=False)
    for problem in reading.problems:
        assert answers.describe(problem)
        assert problem.seen
    text = answers.write(reading.answers)
    assert text.startswith("# Answer file for Stackwright")
    with contextlib.suppress(StackwrightError):  # conflict markers of git, for one, are refused with a message
        migrate.migrate_document(document)
    return reading


def try_all(strategy: st.SearchStrategy[str] | st.SearchStrategy[bytes], count: int) -> None:
    """Let `count` files of a kind be survived; the same ones each time."""
    tried = 0

    def survived(content: str | bytes) -> None:
        nonlocal tried
        tried += 1
        survives(content)

    run: Callable[[], None] = settings(
        max_examples=count, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
    )(given(strategy)(survived))
    run()
    assert tried >= count


@files
def test_files_of_any_lines(files: int) -> None:
    try_all(st.lists(LINES, max_size=40).map("\n".join), files // KINDS + 1)


@files
def test_files_of_any_bytes(files: int) -> None:
    try_all(st.binary(max_size=400), files // KINDS + 1)


@files
def test_examples_with_damage(files: int) -> None:
    try_all(st.builds(damaged, st.sampled_from(SEEDS), st.integers(0, 2**32)), files // KINDS + 1)


def damaged(seed: str, number: int) -> str:
    """An example file in which letters were lost, doubled or replaced."""
    chance = random.Random(number)
    letters = list(seed)
    for _ in range(chance.randint(1, 25)):
        at = chance.randrange(len(letters))
        match chance.randrange(4):
            case 0:
                letters[at] = chr(chance.choice([0x20, 0x3D, 0x2C, 0x3A, 0x0A, 0x5B, 0x25, 0x2F, 0x00E9, 0x2028, 0x41]))
            case 1:
                del letters[at : at + chance.randint(1, 30)]
            case 2:
                letters[at:at] = letters[at : at + chance.randint(1, 60)]
            case 3:
                letters.insert(at, chance.choice(seed))
    return "".join(letters)


@pytest.mark.parametrize(
    "lines",
    [
        ["CONFIG_COMPUTE_HOSTS=[", "CONFIG_COMPUTE_HOSTS=']'"],
        ["CONFIG_NOVA_PCI_ALIAS=" + "[" * 500],
        ["CONFIG_PROVISION_DEMO_FLOATRANGE=0.0.0.0/0", "CONFIG_PROVISION_DEMO_PRIVATE_SUBNET=::/0"],
        ["CONFIG_SWIFT_STORAGE_ZONES=" + "9" * 18],
        [f"{key}=[{'a.' * 20_000}b]" for key in options()],
        [f"{key}={'[' * 20_000}" for key in options()],
        [f"{key}=[{'-' * 20_000}1]" for key in options()],
        [f"{key}={' 1' * 10_000}x" for key in options()],
    ],
    ids=["quotes", "brackets", "everything", "nines", "dots", "deep", "minus", "ones"],
)
def test_files_that_once_failed(lines: list[str]) -> None:
    survives("\n".join(lines))


@pytest.mark.slow
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
@given(st.dictionaries(st.sampled_from(list(options())), VALUES, max_size=12))
def test_valid_answers_survive_writing_and_reading(texts: dict[str, str]) -> None:
    lines = "\n".join(f"{key}={text}" for key, text in texts.items() if text.isprintable())
    reading = survives(lines)
    if reading is None or reading.errors:
        return
    text = answers.write(reading.answers)
    again = from_documents((syntax.parse(text, "again"),), local_host="198.18.0.10", run=False, files=False)
    assert answers.write(again.answers) == text
    assert {key: again.answers[key] for key in again.answers} == {key: reading.answers[key] for key in again.answers}
