"""Where a step's time goes, out of what the hosts say."""

from __future__ import annotations

from typing import Any

import pytest

from stackwright.executor import profile, puppet


class Clock:
    """Stands where a test puts it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(profile.time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


# As apt 2.6 and dpkg 1.21 wrote them, with the seconds that passed before each.
APT = [
    (0.5, "Reading package lists..."),
    (1.0, "Need to get 325 MB of archives."),
    (20.0, "Selecting previously unselected package librdkafka1:amd64."),
    (0.2, "Preparing to unpack .../librdkafka1_2.0.2-1_amd64.deb ..."),
    (0.3, "Unpacking librdkafka1:amd64 (2.0.2-1) ..."),
    (0.1, "Selecting previously unselected package python3.11."),
    (0.1, "Unpacking python3.11 (3.11.2-6) ..."),
    (2.0, "Setting up librdkafka1:amd64 (2.0.2-1) ..."),
    (0.1, "Setting up openstack-dashboard (3:23.0.0-5) ..."),
    (30.0, "Compressing... done"),
    (31.0, "Processing triggers for libc-bin (2.36-9) ..."),
    (4.0, "stackwright: changed"),
]
DNF = [
    (5.0, "Running transaction"),
    (0.1, "  Preparing        :                                      1/1 "),
    (1.0, "  Installing       : openstack-nova-common-1:26.0.0-1.el9.noarch    1/2 "),
    (2.0, "  Running scriptlet: openstack-nova-common-1:26.0.0-1.el9.noarch    1/2 "),
    (3.0, "  Verifying        : openstack-nova-common-1:26.0.0-1.el9.noarch    1/2 "),
    (1.5, "Complete!"),
]


def read(clock: Clock, lines: list[tuple[float, str]]) -> dict[str, Any]:
    made = profile.Profile()
    log = profile.PackageLog(made)
    for wait, line in lines:
        clock.now += wait
        log.line(line)
    assert log.end()
    return made.data()


def test_packages_of_apt(clock: Clock) -> None:
    data = read(clock, APT)
    assert data["phases"] == [
        ["download", "package download", 0.0, 21.5],
        ["2 packages in a row", "package unpacking", 21.5, 2.7],
        ["3 packages in a row", "package set-up", 24.2, 65.1],
    ]
    assert data["kinds"] == {"package download": 21.5, "package unpacking": 2.7, "package set-up": 65.1}
    assert data["items"] == [
        ["librdkafka1", "package unpacking", 21.5, 0.6],
        ["python3.11", "package unpacking", 22.1, 2.1],
        ["openstack-dashboard", "package set-up", 24.3, 61.0],
        ["triggers for libc-bin", "package set-up", 85.3, 4.0],
    ]


def test_packages_of_dnf(clock: Clock) -> None:
    data = read(clock, DNF)
    assert data["kinds"] == {"package download": 6.1, "package unpacking": 2.0, "package set-up": 4.5}
    assert data["items"] == [
        ["openstack-nova-common-1", "package unpacking", 6.1, 2.0],
        ["openstack-nova-common-1", "package set-up", 8.1, 4.5],
    ]


def test_a_script_that_installs_nothing_is_no_package_log() -> None:
    made = profile.Profile()
    log = profile.PackageLog(made)
    log.line("all packages are there")
    assert not log.end()
    assert made.data() == {}


REPORT = puppet.PuppetReport(
    status="changed",
    total=3,
    timeline=(("Exec[nova-db-sync]", 1.0, 5.0), ("Service[nova-api]", 7.0, 2.0)),
    by_type={"Exec": 6.0, "Service": 2.0, "Nova_config": 1.5},
    retrieval=4.0,
    began=9.0,
    applied=10.0,
)


def test_a_puppet_run(clock: Clock) -> None:
    made = profile.Profile()
    clock.now += 3
    made.puppet(REPORT, at=3.0, seconds=20.0)
    assert made.data() == {
        "phases": [
            ["Ruby starts and collects facts", "facts", 3.0, 5.0],
            ["catalog", "catalog", 8.0, 4.0],
            ["resources", "configuration", 12.0, 10.0],
        ],
        "items": [
            ["Exec[nova-db-sync]", "database migrations", 13.0, 5.0],
            ["Service[nova-api]", "service starts", 19.0, 2.0],
        ],
        "kinds": {
            "facts": 5.0,
            "catalog": 4.0,
            "commands": 1.0,
            "service starts": 2.0,
            "configuration": 1.5,
            "database migrations": 5.0,
            "Puppet itself": 0.5,
        },
    }


def test_what_fails_took_its_time_too(clock: Clock) -> None:
    made = profile.Profile()

    def upload() -> None:
        with made.timed("files", "files"):
            clock.now += 2
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        upload()
    assert made.data() == {"phases": [["files", "files", 0.0, 2.0]], "kinds": {"files": 2.0}}


def test_only_the_longest_are_kept_in_the_order_of_time(clock: Clock) -> None:
    made = profile.Profile()
    for n in range(1000):
        made.item(f"File[{n}]", "configuration", 1000.0 - n, n / 10)
    items = made.data()["items"]
    assert len(items) == 300
    assert [item[0] for item in items][:2] == ["File[999]", "File[998]"]
    assert min(item[3] for item in items) == 70.0
    assert clock.now == 1000.0
