"""Names, addresses and texts of the lab: no machine needed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from stackwright.lab import layout
from stackwright.lab.layout import Lab, Record, Size
from stackwright.model import ExitCode, StackwrightError

LAB = Lab(Path("/srv/lab"), 3)
RECORD = Record("n1", 10, "bookworm", "bookworm-0123", "boot", ("clean",), 77)


@pytest.mark.parametrize("name", ["n1", "controller", "a", "gpu-compute1", "a" * 32])
def test_names_that_can_be_host_names(name: str) -> None:
    assert layout.check_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "1n", "-n", "n-", "N1", "n_1", "n.1", "n 1", "../n", "a" * 33, "localhost", "n1\n"]
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(StackwrightError) as error:
        layout.check_name(name)
    assert error.value.code == ExitCode.USAGE
    assert error.value.hint


def test_a_name_given_twice_is_one_node() -> None:
    assert layout.check_names(["n2", "n1", "n2"]) == ("n2", "n1")


def test_addresses_follow_from_the_number() -> None:
    assert (LAB.network, LAB.gateway, LAB.address(10)) == ("198.18.3.0/24", "198.18.3.1", "198.18.3.10")
    assert (LAB.external_network, LAB.external_gateway) == ("198.19.3.0/24", "198.19.3.1")


def test_names_of_interfaces_fit_the_kernels_limit() -> None:
    lab = Lab(Path("/x"), 255)
    assert all(len(name) <= 15 for name in (*lab.links(250), lab.bridge, lab.external_bridge))
    # systemd-nspawn's limit for machine names
    assert len(lab.namespace("a" * 32)) <= 64


def test_the_lowest_free_address_is_taken() -> None:
    assert layout.free_index([]) == 10
    assert layout.free_index([10, 11, 13]) == 12
    assert layout.free_index([10], preferred=20) == 20
    assert layout.free_index([10, 20], preferred=20) == 11
    assert layout.free_index([], preferred=5) == 10


def test_no_address_left() -> None:
    with pytest.raises(StackwrightError, match="all 241 addresses"):
        layout.free_index(range(10, 251))


@pytest.mark.parametrize(
    ("environment", "lab"),
    [
        ({}, Lab(Path("/var/cache/stackwright/lab"), 0)),
        ({"STACKWRIGHT_LAB_DIR": "", "STACKWRIGHT_LAB_NUMBER": ""}, Lab(Path("/var/cache/stackwright/lab"), 0)),
        ({"STACKWRIGHT_LAB_DIR": "/srv/lab", "STACKWRIGHT_LAB_NUMBER": "255"}, Lab(Path("/srv/lab"), 255)),
    ],
)
def test_the_environment_chooses_the_lab(environment: dict[str, str], lab: Lab) -> None:
    assert layout.lab_from(environment) == lab


@pytest.mark.parametrize(
    "environment",
    [
        {"STACKWRIGHT_LAB_NUMBER": "256"},
        {"STACKWRIGHT_LAB_NUMBER": "-1"},
        {"STACKWRIGHT_LAB_NUMBER": "one"},
        {"STACKWRIGHT_LAB_DIR": "here"},
        {"STACKWRIGHT_LAB_DIR": "/a b"},
        {"STACKWRIGHT_LAB_DIR": "/a:b"},
    ],
)
def test_a_lab_that_cannot_be(environment: dict[str, str]) -> None:
    with pytest.raises(StackwrightError) as error:
        layout.lab_from(environment)
    assert error.value.code == ExitCode.USAGE
    assert next(iter(environment)) in error.value.message


def test_a_record_survives_writing_and_reading() -> None:
    assert layout.parse_record(layout.dump_record(RECORD)) == RECORD


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"name": "n1"}', '{"name": 1, "index": "x"}'])
def test_what_is_no_record(text: str) -> None:
    assert layout.parse_record(text) is None


def test_a_record_cut_off_anywhere_is_no_record() -> None:
    text = layout.dump_record(RECORD).rstrip()
    assert [layout.parse_record(text[:end]) for end in range(len(text))] == [None] * len(text)


def test_a_record_of_a_later_version_can_be_read() -> None:
    text = layout.dump_record(RECORD).replace("{", '{"colour": 4,', 1)
    assert layout.parse_record(text) == RECORD


def test_a_record_of_an_earlier_version_has_no_limits() -> None:
    earlier = {k: v for k, v in json.loads(layout.dump_record(RECORD)).items() if k not in ("memory", "cpus")}
    record = layout.parse_record(json.dumps(earlier))
    assert record == RECORD
    assert record.size == Size()
    sized = replace(RECORD, memory=2**30, cpus=2)
    assert layout.parse_record(layout.dump_record(sized)) == sized
    assert layout.parse_record(json.dumps({**earlier, "memory": "much"})) is None


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (Size(), "no limit"),
        (Size(8 * 2**30), "8 GiB"),
        (Size(512 * 2**20, 1), "0.5 GiB, 1 processor"),
        (Size(0, 4), "4 processors"),
    ],
)
def test_a_size_in_words(size: Size, words: str) -> None:
    assert str(size) == words


def test_the_hosts_file_keeps_what_others_wrote() -> None:
    block = layout.hosts_block(LAB, {"n2": 11, "n1": 10})
    assert block.splitlines()[1:-1] == [
        "198.18.3.10 n1.lab.stackwright.test n1",
        "198.18.3.11 n2.lab.stackwright.test n2",
    ]
    once = layout.with_hosts_block("127.0.0.1 localhost", block)
    assert once == f"127.0.0.1 localhost\n{block}"
    assert layout.with_hosts_block(once, block) == once

    more = f"{once}203.0.113.9 elsewhere\n"
    fewer = layout.with_hosts_block(more, layout.hosts_block(LAB, {"n1": 10}))
    assert fewer.startswith("127.0.0.1 localhost\n")
    assert fewer.endswith("203.0.113.9 elsewhere\n")
    assert "n2" not in fewer


def test_ssh_always_checks_host_keys() -> None:
    text = layout.ssh_config_text(LAB, {"n1": 10, "n2": 11})
    assert text.count("StrictHostKeyChecking yes") == 2
    assert "Host n1 n1.lab.stackwright.test 198.18.3.10\n" in text
    keys = {"n1": (10, "ssh-ed25519 AAAA n1.lab.stackwright.test\n")}
    assert layout.known_hosts_text(LAB, keys) == "n1,n1.lab.stackwright.test,198.18.3.10 ssh-ed25519 AAAA\n"
