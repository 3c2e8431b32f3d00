"""Recorded lines of failures, and the cause that each of them shows."""

from __future__ import annotations

import pytest

from stackwright.executor import causes

RECORDED = {
    "database-access": """sqlalchemy.exc.OperationalError: (pymysql.err.OperationalError) (1045, "Access denied for user
'nova'@'198.18.0.10' (using password: YES)")""",
    "broker-access": "amqp.exceptions.AccessRefused: (0, 0): (403) ACCESS_REFUSED - Login was refused using "
    "authentication mechanism AMQPLAIN. For details see the broker logfile.",
    "port-in-use": "(98)Address already in use: AH00072: make_sock: could not bind to address [::]:80",
    "package-missing": "E: Failed to fetch http://deb.example.test/pool/main/n/nova_26.1.1.deb  404  Not Found",
    "package-signature": "W: GPG error: http://deb.example.test bookworm InRelease: The following signatures couldn't "
    "be verified because the public key is not available: NO_PUBKEY 0E98404D386FA1D9",
    "package-lock": "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4242 (apt-get)",
    "dns": "curl: (6) Could not resolve host: trunk.example.test",
    "certificate": "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "
    "self-signed certificate (_ssl.c:992)",
    "clock": "E: Release file for http://deb.example.test/debian/dists/bookworm-updates/InRelease is not valid yet "
    "(invalid for another 3h 2min 1s).",
    "out-of-memory": "nova-compute.service: A process of this unit has been killed by the OOM killer. oom-kill",
    "account-expired": "Your account has expired; please contact your system administrator.",
    "quota": "Error: Quota exceeded for resources: ['router'] (HTTP 409)",
    "proxy": "curl: (56) Received HTTP code 407 from proxy after CONNECT; Proxy Authentication Required",
    "unreachable-service": "Unable to establish connection to http://198.18.0.10:5000: [Errno 111] Connection refused",
    "time-out": "Error: Could not get token: Net::ReadTimeout: request timed out",
}


def test_every_cause_has_a_recorded_failure() -> None:
    assert set(RECORDED) == {cause.name for cause in causes.CAUSES}


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_a_recorded_failure_is_recognised(name: str) -> None:
    found = causes.find(RECORDED[name].splitlines())
    assert found is not None
    assert found.name == name
    assert causes.hint([RECORDED[name]]).startswith(found.meaning)


@pytest.mark.parametrize("line", ["Error: Could not find class ::nova", "the step ended with exit status 1", ""])
def test_other_failures_get_no_guess(line: str) -> None:
    assert causes.hint([line]) == ""


def test_harmless_lines_are_left_out() -> None:
    lines = [
        "Modules with known eventlet monkey patching issues were imported prior to eventlet monkey patching: urllib3.",
        "    message_queue_len: 0",
        "Error: Access denied for user 'nova' (using password: YES)",
    ]
    assert causes.without_noise(lines) == (lines[2],)
    assert causes.without_noise(lines[:2]) == tuple(lines[:2]), "better than nothing"
