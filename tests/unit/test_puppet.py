"""Reading what Puppet says while it runs and when it has ended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stackwright.executor import puppet
from stackwright.model import PuppetApply

# Lines of Puppet 7.23's output, as it wrote them.
STARTING = "Info: /Stage[main]/Nova::Api/Service[nova-api]: Starting to evaluate the resource (123 of 1608)"
CLASS = "Info: Class[Nova::Api]: Starting to evaluate the resource (2 of 319)"
SCHEDULE = "Info: /Schedule[puppet]: Starting to evaluate the resource (313 of 319)"
EVALUATED = "Info: /Stage[main]/Nova::Api/Service[nova-api]: Evaluated in 0.01 seconds"
NOTICE = "Notice: /Stage[main]/Demo/File[/tmp/demo]/ensure: created"
COMPILED = "Notice: Compiled catalog for x1.lab.test in environment production in 0.11 seconds"
OUTPUT = [
    "Info: Loading facts",
    "Error: Systemd start for nosuch failed!",
    "journalctl log for nosuch:",
    "-- No entries --",
    "Notice: Applied catalog in 0.82 seconds",
    "Error: /Stage[main]/Demo/Service[nosuch]/ensure: change from 'stopped' to 'running' failed",
]


def test_progress() -> None:
    assert puppet.progress(STARTING) == puppet.Progress(123, 1608, "Service[nova-api]")
    assert puppet.progress(CLASS) == puppet.Progress(2, 319, "Class[Nova::Api]")
    assert puppet.progress(SCHEDULE) == puppet.Progress(313, 319, "Schedule[puppet]")
    assert puppet.progress(EVALUATED) is None
    assert puppet.progress(NOTICE) is None


def test_trace_lines_are_separated_from_messages() -> None:
    assert [puppet.is_trace(line) for line in (STARTING, CLASS, SCHEDULE, EVALUATED, NOTICE, COMPILED)] == [
        True,
        True,
        True,
        True,
        False,
        False,
    ]


def test_compile_time() -> None:
    assert puppet.compile_seconds(COMPILED) == 0.11
    assert puppet.compile_seconds(NOTICE) is None


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("/Stage[main]/Nova::Api/Service[nova-api]/ensure", "Service[nova-api]"),
        ("/Stage[main]/Demo/File[/etc/nova/nova.conf]/content", "File[/etc/nova/nova.conf]"),
        ("/Stage[main]/A/Exec[sh -c 'a[1] / b[x]']/returns", "Exec[sh -c 'a[1] / b[x]']"),
        ("/Stage[main]/Nova_config[DEFAULT/debug]/value", "Nova_config[DEFAULT/debug]"),
        ("Puppet", "Puppet"),
    ],
)
def test_the_resource_in_a_path(path: str, resource: str) -> None:
    assert puppet.resource_of(path) == resource


def test_errors_with_the_lines_that_continue_them() -> None:
    assert puppet.errors(OUTPUT) == (
        "Systemd start for nosuch failed!",
        "journalctl log for nosuch:",
        "-- No entries --",
        "/Stage[main]/Demo/Service[nosuch]/ensure: change from 'stopped' to 'running' failed",
    )


def raw(**changes: Any) -> str:
    report: dict[str, Any] = {
        "version": 1,
        "puppet": "7.23.0",
        "status": "unchanged",
        "total": 3,
        "changed": [],
        "failed": [],
        "skipped": 0,
        "timeline": [["Package[x]", 1.5, 12.5], ["Exec[nova-manage db_sync]", 14.0, 4.0], ["Exec[other]", 18.0, 1.0]],
        "by_type": {"Package": 12.75, "Exec": 5.5, "Nova_config": 0.5},
        "retrieval": 4.7,
        "began": 8.5,
        "applied": 20.0,
        "logs": [],
    }
    return json.dumps({**report, **changes})


FAILED = raw(
    status="failed",
    failed=[
        {"resource": "Class[Nova]", "file": None, "line": None},
        {"resource": "Service[nova-api]", "file": "/n.pp", "line": 7},
    ],
    logs=[
        ["notice", "/Stage[main]/Exec[other]/returns", "not about it"],
        ["err", "/Stage[main]/Nova/Service[nova-api]/ensure", "first\n\nsecond"],
        ["warning", "/Stage[main]/Nova/Service[nova-api]", "Skipping because of failed dependencies"],
        ["err", "Puppet", "of no resource"],
    ],
)


def test_the_report() -> None:
    report = puppet.read_report(FAILED)
    assert report.failed[1] == puppet.FailedResource("Service[nova-api]", "/n.pp", 7, ("first", "second"))
    assert report.timeline[0] == ("Package[x]", 1.5, 12.5)
    assert (report.retrieval, report.began, report.applied) == (4.7, 8.5, 20.0)
    assert report.errors == ("of no resource",)
    assert report.warnings == ()
    cause = puppet.root_cause(report)
    assert cause
    assert cause.resource == "Service[nova-api]"


def test_a_type_that_cannot_be_listed_is_the_cause() -> None:
    """Its resources fail without a line of their own; what stands on them fails later, and talks more."""
    failed = [{"resource": name, "file": None, "line": None} for name in ("Mysql_user[root@localhost]", "Exec[sync]")]
    logs = [
        ["err", "Puppet", "Could not prefetch mysql_user provider 'mysql': returned 1: ERROR 2026\nTLS/SSL error"],
        ["warning", "/Stage[main]/A/Mysql_user[root@localhost]", "Skipping because provider prefetch failed"],
        ["err", "/Stage[main]/A/Exec[sync]/returns", "not allowed to connect"],
    ]
    told = puppet.verdict(6, puppet.read_report(raw(status="failed", failed=failed, logs=logs)), [])
    assert told
    assert told[0] == "Mysql_user[root@localhost] (and 1 more)"
    assert told[1] == (
        "Could not prefetch mysql_user provider 'mysql': returned 1: ERROR 2026",
        "TLS/SSL error",
    )


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        ("Package[nova-api]", "packages"),
        ("Service[nova-api]", "service starts"),
        ("Stackwright_wait_services[services]", "service starts"),
        ("Exec[nova-db-sync-api]", "database migrations"),
        ("Exec[keystone-manage db_sync]", "database migrations"),
        ("Exec[placement-manage-db-sync]", "database migrations"),
        ("Nova_cell_v2[default]", "database migrations"),
        ("Exec[systemctl daemon-reload]", "commands"),
        ("Mysql_user[nova@127.0.0.1]", "databases and queues"),
        ("Nova_config[DEFAULT/debug]", "configuration"),
        ("File[/etc/nova/nova.conf]", "configuration"),
        ("Keystone_user[nova]", "API objects"),
        ("Augeas[ovn]", "configuration"),
        ("Anchor[nova::dbsync::end]", "other resources"),
    ],
)
def test_kinds_of_work(resource: str, kind: str) -> None:
    assert puppet.kind_of(resource) == kind


def test_time_by_kind_tells_migrations_from_other_commands() -> None:
    assert puppet.time_by_kind(puppet.read_report(raw())) == {
        "packages": 12.75,
        "commands": 1.5,
        "configuration": 0.5,
        "database migrations": 4.0,
        "Puppet itself": 1.25,
    }


def test_warnings_are_shown_once_and_not_for_skipped_resources() -> None:
    logs = [
        ["warning", "Puppet", "old syntax"],
        ["warning", "Puppet", "old syntax"],
        ["warning", "/Stage[main]/X", "Skipping because of failed dependencies"],
    ]
    report = puppet.read_report(raw(logs=logs))
    assert (report.warnings, report.errors) == (("old syntax",), ())


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"version": 1}', raw(failed="x"), raw()[:-5]])
def test_what_is_no_report(text: str) -> None:
    with pytest.raises(ValueError, match="not the report"):
        puppet.read_report(text)


OK = puppet.read_report(raw())
BAD = puppet.read_report(FAILED)


@pytest.mark.parametrize(
    ("code", "report", "output", "cause"),
    [
        (0, OK, [], None),
        (2, OK, [], None),
        (0, BAD, [], "Service[nova-api] (and 1 more)"),
        (4, BAD, [], "Service[nova-api] (and 1 more)"),
        (4, OK, [], "puppet apply ended with exit status 4"),
        (1, OK, [], "puppet apply ended with exit status 1"),
        (0, None, [], "Puppet ended without a report"),
        (2, None, [], "Puppet ended without a report"),
        (1, None, ["Error: Evaluation Error: x"], "the catalog does not compile"),
        (
            1,
            None,
            ["Notice: Compiled catalog for n in environment production in 0.10 seconds", "Error: No space left"],
            "puppet apply ended with exit status 1",
        ),
        (1, None, [], "puppet apply ended with exit status 1"),
        (137, None, [], "Puppet was killed by signal 9"),
        (0, puppet.read_report(raw(status="failed")), [], "puppet apply ended with exit status 0"),
    ],
)
def test_the_verdict(code: int, report: puppet.PuppetReport | None, output: list[str], cause: str | None) -> None:
    got = puppet.verdict(code, report, output)
    assert (got[0] if got else None) == cause


def test_what_goes_to_the_host() -> None:
    action = PuppetApply("demo", "include demo", "demo::password: geheim", "/a:/b c", puppet="/opt/x/puppet")
    inputs = {name: (content.decode(), mode) for name, content, mode in puppet.inputs(action)}
    assert {mode for _, mode in inputs.values()} == {0o600}
    script = inputs["script"][0]
    assert "--modulepath '/a:/b c'" in script
    assert "exec /opt/x/puppet apply" in script
    assert [name for name, (text, _) in inputs.items() if "geheim" in text] == ["data/host.yaml"]


def failed_with(*failures: tuple[str, str]) -> puppet.PuppetReport:
    failed = [{"resource": resource, "file": "", "line": 1} for resource, _ in failures]
    logs = [["err", f"/Stage[main]/{resource}/ensure", text] for resource, text in failures]
    return puppet.read_report(raw(status="failed", failed=failed, logs=logs))


def test_a_held_package_lock_is_a_temporary_failure() -> None:
    lock = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4711 (apt-get)"
    assert "holds the lock of the package manager" in puppet.passing_trouble(failed_with(("Package[nova]", lock)))
    assert puppet.passing_trouble(failed_with(("Package[nova]", "E: Unable to locate package nova"))) == ""
    assert puppet.passing_trouble(failed_with(("Package[nova]", lock), ("Service[x]", "dead"))) == ""
    assert puppet.passing_trouble(failed_with(("Exec[x]", lock))) == ""
    assert puppet.passing_trouble(OK) == ""
