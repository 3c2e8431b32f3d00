"""`verify --security`: the script on stand-ins for a host's programs, its parser, and the verdict on each item."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

import outcome
import typed
from stackwright import planner
from stackwright.operations import security as operation
from stackwright.verify import security
from stackwright.verify.security import Evidence, Expected, Item

HOST = "198.18.0.10"
SECRET = "a-secret-of-the-cloud"
LOGIN = """HTTP/1.1 200 OK
Set-Cookie: csrftoken=x; Path=/{flags}
Set-Cookie: sessionid=y; HttpOnly; Path=/{flags}
{more}"""

PROGRAMS = {
    "ss": r"""cat <<'EOF'
tcp   LISTEN 0      4096         0.0.0.0:5000       0.0.0.0:*    users:(("uwsgi",pid=1,fd=3))
tcp   LISTEN 0      4096       127.0.0.1:11211      0.0.0.0:*    users:(("memcached",pid=2,fd=3))
tcp   LISTEN 0      128             [::]:8080          [::]:*    users:(("strange",pid=3,fd=3))
udp   UNCONN 0      0      127.0.0.1%lo:323        0.0.0.0:*
EOF""",
    "rabbitmqctl": r"printf 'user\ttags\nopenstack\t[]\nguest\t[administrator]\n'",
    "setpriv": 'shift 5; shift 2; exec "$@"',
    "nft": "exit 0",
    "firewall-cmd": "exit 1",
}


def told(folder: Path, *, login: str = LOGIN.format(flags="", more=""), stranger: str = "400") -> Evidence:
    """What the script tells on a host of stand-ins; files are in the folder."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    (folder / "login").write_text(login.replace("\n", "\r\n"))
    curl = f'case "$*" in *other.invalid*) printf "stranger\\t{stranger}\\n" ;; *) cat {folder}/login ;; esac'
    for name, text in {**PROGRAMS, "curl": curl}.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    script = security.script("http://198.18.0.10/horizon")
    script = script.replace(" ".join(security.SEARCHED), str(folder / "files"))
    for place in ("/etc/keystone/keystone.conf", "/etc/openstack-dashboard/local_settings.py"):
        script = script.replace(place, f"{folder}/files{place}")
    environment = {**os.environ, "PATH": f"{programs}:/usr/bin:/bin"}
    command = ["sh", "-c", script]
    done = subprocess.run(command, input=SECRET + "\n", capture_output=True, text=True, env=environment, check=True)
    return security.read(done.stdout)


@pytest.fixture
def host(tmp_path: Path) -> Path:
    for path, text, mode in (
        ("/etc/keystone/keystone.conf", f"[database]\nconnection=mysql://keystone:{SECRET}@db\n", 0o640),
        (
            "/etc/openstack-dashboard/local_settings.py",
            (
                "ALLOWED_HOSTS = ['a']\nDISALLOW_IFRAME_EMBED = True\nSECRET_KEY = 'never shown'\n"
                'HORIZON_CONFIG["password_autocomplete"] = "off"\nHORIZON_CONFIG["disable_password_reveal"] = True\n'
                'HORIZON_CONFIG["enforce_password_check"] = True\nHORIZON_CONFIG["password_validator"] = {\n'
            ),
            0o640,
        ),
    ):
        file = tmp_path / f"files{path}"
        file.parent.mkdir(parents=True)
        file.write_text(text)
        file.chmod(mode)
    return tmp_path


PLAN = Expected({"tcp": ((5000, 5000),)}, {"api": False, "broker": True, "dashboard": False})


def states(seen: Evidence, expected: Expected = PLAN) -> dict[str, Item]:
    return {item.name: item for item in security.judge(HOST, seen, expected)}


def test_a_host_is_told_of(host: Path) -> None:
    seen = told(host)
    assert seen.complete
    assert [(x.address, x.port, x.process, x.local) for x in seen.listeners] == [
        ("0.0.0.0", 5000, "uwsgi", False),
        ("127.0.0.1", 11211, "memcached", True),
        ("::", 8080, "strange", False),
        ("127.0.0.1%lo", 323, "-", True),
    ]
    assert {mode for mode, _, _ in seen.modes.values()} >= {0o640}
    assert seen.broker_users == {"openstack": "[]", "guest": "[administrator]"}
    assert (seen.stranger, seen.firewall) == ("400", "nftables")
    assert seen.settings["disable_password_reveal"] == "True"
    assert "SECRET_KEY" not in seen.settings
    assert ("set-cookie", "csrftoken=x; Path=/") in seen.headers


def test_what_is_wrong_is_not_met(host: Path) -> None:
    found = states(told(host, stranger="200"))
    wrong = {name for name, item in found.items() if item.state == "not met"}
    assert wrong == {
        "api-tls", "dashboard-tls", "broker-guest", "broker-tags", "readable-secrets", "secure-cookies",
        "allowed-hosts", "hsts",
    }  # fmt: skip
    # The stand-in for the user without rights reads what root reads.
    assert "keystone.conf has a secret" in found["readable-secrets"].detail
    explained = {name for name, item in found.items() if item.reason}
    assert explained == {"api-tls", "dashboard-tls", "secure-cookies", "hsts"}
    assert SECRET not in str(found)


def test_a_hardened_host_meets_everything(host: Path) -> None:
    login = LOGIN.format(flags="; Secure", more="Strict-Transport-Security: max-age=31536000\n")
    seen = replace(told(host, login=login), readable=(), broker_users={"openstack": "[]"})
    found = states(seen, replace(PLAN, tls=dict.fromkeys(PLAN.tls, True)))
    assert {name for name, item in found.items() if item.state != "met"} == set()


def test_open_modes_and_open_ports_are_named(host: Path) -> None:
    (host / "files/etc/keystone/keystone.conf").chmod(0o644)
    seen = told(host)
    assert "keystone.conf has 0644" in states(seen)["modes"].detail
    assert states(seen)["ports"].state == "met"
    off = states(replace(seen, firewall=""))["ports"]
    assert (off.state, off.detail, off.ok) == ("not met", "the firewall is off: tcp 8080 (strange)", False)
    unmanaged = states(seen, replace(PLAN, ports=None))["ports"]
    assert "tcp 5000 (uwsgi)" in unmanaged.detail


@pytest.mark.parametrize(
    "output", ["", "listens\ttcp\t0.0.0.0:99999999\tx\n", "mode\tnine\ta\tb\tc\nend x\n", "\t\t\n", "end\textra"]
)
def test_a_host_that_does_not_tell_everything_is_unknown(output: str) -> None:
    items = security.judge(HOST, security.read(output), PLAN)
    assert not all(item.ok for item in items)
    assert security.text(items)


def test_what_a_host_says_cannot_control_a_terminal() -> None:
    seen = security.read("readable\t/tmp/\x1b]52;c;x\x07\nsearched\nend\n")
    assert "\x1b" not in "".join(security.text(security.judge(HOST, seen, PLAN)))


def test_reasons_are_for_items_that_exist(host: Path) -> None:
    assert set(security.REASONS) <= set(states(told(host)))


def test_unexplained_items_come_first() -> None:
    items = (Item("a", "hsts", "", "not met"), Item("a", "modes", "", "not met", "x"), Item("a", "ports", "", "met"))
    first, second, last = security.text(items)
    assert first == "not met   a: modes (x)"
    assert second.startswith("not met   a: hsts, because ")
    assert last == "1 items met, 1 not met for a known reason, 1 not met or unknown"


def test_the_plan_tells_what_is_expected() -> None:
    hosts = {"CONFIG_CONTROLLER_HOST": HOST, "CONFIG_COMPUTE_HOSTS": (HOST,), "CONFIG_NETWORK_HOSTS": (HOST,)}
    given = typed.answers(hosts, CONFIG_AMQP_ENABLE_SSL=True)
    expected = operation.expected(planner.cloud(given, outcome.facts(given)))[HOST]
    assert expected.tls == {"api": False, "broker": True, "dashboard": False}
    assert expected.ports
    assert (5000, 5000) in expected.ports["tcp"]
    given = typed.answers(hosts, CONFIG_FIREWALL=False)
    assert operation.expected(planner.cloud(given, outcome.facts(given)))[HOST].ports is None
