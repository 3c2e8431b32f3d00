"""Real answer files, Havana to Yoga: each ends in a plan for its hosts, or in errors that a person would agree with.

The files are an extra: they are not part of the project, and these tests run only where they are. They are looked for
in the folder that STACKWRIGHT_TEST_CORPUS names, or in ../shared/corpus beside the project. The project's own small
files with the same quirks are in tests/data/answer-quirks. What is expected of each file stands in `verdicts.csv`; it
was reviewed by hand, file by file, against what the file says:

* `errors` and `warnings`: line, name and key of each, apart from errors about services that cannot be installed yet
* `wants`: the services, of those that were not installable when this was written, that the file switches on
* `mend`: the lines that a person would change because of the errors
* `hosts`: who does what in the plan, once that is done and those services are off; what is not named is on the
  controller
* `network`: what Neutron is told in it: agent; kinds of projects' networks; physical network, bridge and interface; ...
* `why`: what a person would say about the file, and why the verdict is right
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from outcome import facts, network, plan, roles, told
from stackwright import answers, planner
from stackwright.answers import compare, migrate, syntax
from stackwright.model import Answers, Problem, Severity
from stackwright.services import SERVICES

HERE = Path(__file__).resolve().parent
CORPUS = Path(os.environ.get("STACKWRIGHT_TEST_CORPUS") or HERE.parents[1].parent / "shared" / "corpus")
if not CORPUS.is_dir():
    pytest.skip("the corpus is not here: an extra, which is not part of the project", allow_module_level=True)

HOST = "198.18.0.10"

with (HERE / "verdicts.csv").open(newline="", encoding="utf-8") as stream:
    VERDICTS = list(csv.DictReader(stream))

verdicts = pytest.mark.parametrize("row", VERDICTS, ids=lambda row: row["file"].removesuffix(".txt"))


def _listed(cell: str) -> list[str]:
    return sorted(filter(None, cell.split("; ")))


def _switch(service: str) -> str:
    return f"CONFIG_{service.upper()}_INSTALL"


def _mended(row: dict[str, str]) -> answers.Reading:
    """The file with what `mend` says, and without the services that cannot be installed yet."""
    text = syntax.decode((CORPUS / row["file"]).read_bytes())
    for line in filter(None, row["mend"].split("; ")):
        key = line.partition("=")[0]
        text, number = re.subn(rf"^\s*{key}\s*=.*$", line, text, flags=re.MULTILINE)
        assert number == 1, key
    missing = {service.switch for service in SERVICES if service.missing}
    off = {_switch(service): "n" for service in row["wants"].split() if _switch(service) in missing}
    return answers.from_documents([syntax.parse(text, row["file"])], off, files=False, local_host=HOST)


def _without_services(problems: Iterable[Problem], wanted: set[str]) -> list[Problem]:
    """The problems but those that say that a wanted service cannot be installed yet."""
    return [p for p in problems if p.name != "not-installable" or told(p).split()[2] not in wanted]


def test_the_corpus_is_there_and_every_file_has_a_verdict() -> None:
    assert {path.name for path in CORPUS.glob("*.txt")} == {row["file"] for row in VERDICTS}
    assert len(VERDICTS) == 48
    assert all(row["why"] for row in VERDICTS)


@verdicts
def test_what_is_said_is_what_a_person_agrees_with(row: dict[str, str]) -> None:
    path = CORPUS / row["file"]
    before = path.read_bytes()
    reading = answers.load([path], files=False, local_host=HOST)
    wanted = {_switch(service) for service in row["wants"].split()}
    assert wanted == {
        switch
        for service in ("heat", "ceilometer", "aodh", "manila", "ironic", "magnum", "trove")
        if reading.answers[switch := _switch(service)]
    }
    missing = {service.switch for service in SERVICES if service.missing} & wanted
    rest = _without_services(reading.problems, wanted)
    assert {told(problem).split()[2] for problem in reading.problems if problem not in rest} == missing
    for severity, cell in ((Severity.ERROR, "errors"), (Severity.WARNING, "warnings")):
        assert sorted(told(problem) for problem in rest if problem.severity is severity) == _listed(row[cell])
    assert all(problem.message and problem.hint for problem in rest if problem.name != "bad-value")
    lines = syntax.decode(before).splitlines()
    for line, _, key in (told(problem).split() for problem in reading.problems):
        stands = lines[int(line) - 1].strip().partition("=")[0] if line.isdecimal() and key != "-" else key
        assert answers.reading.old_names().get(stands, stands) == key
    assert path.read_bytes() == before


@verdicts
def test_it_is_planned_as_the_file_asks(row: dict[str, str]) -> None:
    reading = _mended(row)
    assert not [answers.describe(problem) for problem in reading.errors]
    seen = facts(reading.answers)
    cloud = planner.cloud(reading.answers, seen)
    assert roles(cloud) == row["hosts"]
    assert network(cloud, reading.answers) == row["network"]
    assert set(plan(reading.answers, seen).hosts) == set(cloud.hosts)


@verdicts
def test_errors_disappear_after_their_hint_is_followed(row: dict[str, str]) -> None:
    """Nothing is mended that no error named."""
    named = {error.split()[2] for error in _listed(row["errors"])}
    assert bool(row["mend"]) == bool(row["errors"])
    hints = " ".join(
        f"{problem.seen} {problem.wanted} {problem.hint}"
        for problem in answers.load([CORPUS / row["file"]], files=False, local_host=HOST).errors
    )
    for line in filter(None, row["mend"].split("; ")):
        key = line.partition("=")[0]
        assert key in named or key in hints


@verdicts
def test_the_migrated_file_means_the_same(row: dict[str, str]) -> None:
    path = CORPUS / row["file"]
    done = migrate.migrate(path)
    old = answers.load([path], files=False, run=False)
    new = migrate.migrate_document(syntax.parse(done.text, "new"))
    assert new.text == done.text
    reading = answers.from_documents([syntax.parse(done.text, "new")], files=False)
    unusable = {
        problem.seen.split(" ", 1)[0]
        for problem in old.problems
        if problem.name in ("bad-value", "hidden-secret", "key-length", "not-installable")
    }
    different = {one.key for one in compare.differences(old.answers, reading.answers)}
    assert different - unusable - _by_hosts(old.answers) == set()


def test_nothing_of_a_file_as_packstack_wrote_it_is_taken_for_a_persons_remark() -> None:
    ours = set(answers.generate(install_hosts=[HOST]).splitlines())
    written = migrate.migrate(CORPUS / "rocky-056-1hosts.txt").text.splitlines()
    assert [line for line in written if line.startswith("#") and line not in ours] == []


def _by_hosts(given: Answers) -> set[str]:
    """Hosts that follow from a controller that could not be read."""
    return set() if given.entries["CONFIG_CONTROLLER_HOST"].text else {key for key in given if "_HOST" in key}
