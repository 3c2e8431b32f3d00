"""Runs as they are recorded, for the tests of the report: what was known before, the events, and what verify found."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from stackwright.model import Event, EventKind

BEGAN = 1_790_000_000.0
CONTROLLER, COMPUTES = "198.18.0.10", ("198.18.0.11", "198.18.0.12")

STEPS = [
    {"id": f"{host}:{name}", "host": host, "title": title, "needs": [f"{host}:{need}" for need in needs] + more}
    for host in (CONTROLLER, *COMPUTES)
    for name, title, needs, more in (
        ("lists", "package lists", [], []),
        ("packages", "102 packages and what they need", ["lists"], []),
        ("puppet-0", "Puppet: mariadb, keystone and 30 more", ["packages"],
         [] if host == CONTROLLER else [f"{CONTROLLER}:puppet-0"]),
    )
]  # fmt: skip


def host(fqdn: str, services: dict[str, list[str]], **more: Any) -> dict[str, Any]:
    return {
        "fqdn": fqdn,
        "services": services,
        "bridges": [],
        "about": ["Debian GNU/Linux 12"],
        "os": "Debian GNU/Linux 12",
        "arch": "x86_64",
        "kernel": "6.1.0-18-amd64",
        "cpus": 4,
        "memory": 16 * 2**30,
        "virtualization": "kvm",
        "selinux": "",
        "more": ["Python 3.11.2"],
        **more,
    }


HOSTS = {
    CONTROLLER: host(
        "control.lab.example",
        {
            "mariadb": ["mariadb"],
            "keystone": ["database", "keystone"],
            "nova": ["nova-database", "nova-identity", "nova-api", "nova-conductor", "nova-scheduler", "nova-vncproxy"],
            "neutron": ["neutron-database", "neutron-identity", "neutron-server", "ovn-northd", "external-bridge"],
        },
        address=CONTROLLER,
        bridges=["br-ex: 198.19.0.0/24"],
    ),
    **{name: host(f"compute{n}.lab.example", {"nova": ["nova-compute"], "neutron": ["ovn-controller", "ovn-metadata"]},
                  address=name)
       for n, name in enumerate(COMPUTES, 1)},
}  # fmt: skip

ABOUT: dict[str, Any] = {
    "version": "0.1.0",
    "control": "Python 3.11.2, Linux 6.1",
    "began": BEGAN,
    "before": [["examine the hosts", "preparation", 0.5, 2.0], ["plan", "preparation", 2.5, 1.5]],
    "digest": "0123456789abcdef",
    "steps": STEPS,
    "hosts": HOSTS,
    "summary": {
        "release": "zed",
        "endpoints": {"keystone": f"http://{CONTROLLER}:5000"},
        "dashboard": f"http://{CONTROLLER}/horizon",
    },
    "warnings": ["198.18.0.11: 3.5 GiB of memory (more is better)"],
    "answers": {"CONFIG_CINDER_BACKEND": "ceph"},
}


def event(kind: EventKind, at: float, step: str = "", message: str = "", **data: Any) -> Event:
    return Event(kind, BEGAN + at, step, step.rpartition(":")[0], message, data)


def took(step: str, at: float, seconds: float, kind: EventKind = "ok", **data: Any) -> list[Event]:
    """A step's beginning and end."""
    title = next((s["title"] for s in STEPS if s["id"] == step), step)
    return [
        event("started", at, step, title=title),
        event(kind, at + seconds, step, title=title, seconds=seconds, **data),
    ]


PUPPET = {
    "profile": {
        "phases": [
            ["Ruby starts and collects facts", "facts", 0.0, 10.0],
            ["catalog", "catalog", 10.0, 15.0],
            ["resources", "configuration", 25.0, 75.0],
            ["identity answers", "probes", 100.0, 2.0],
        ],
        "items": [
            ["Service[rabbitmq-server]", "service starts", 30.0, 12.5],
            ["Exec[<nova>-db-sync]", "database migrations", 50.0, 20.0],
        ],
        "kinds": {"facts": 10.0, "catalog": 15.0, "service starts": 40.0, "database migrations": 20.0,
                  "configuration": 14.0, "probes": 2.0},
    },
    "puppet": {"seconds": 100.0, "compile": 14.1, "total": 1608, "version": "7.23.0", "warnings": ["old syntax"]},
    "resources": ["Service[rabbitmq-server]", "File[/etc/nova/nova.conf]"],
}  # fmt: skip
PACKAGES = {
    "profile": {
        "phases": [["download", "package download", 0.0, 20.0]],
        "items": [["openstack-dashboard", "package set-up", 60.0, 13.0]],
        "kinds": {"package download": 20.0, "package unpacking": 30.0, "package set-up": 50.0},
    }
}

PROOF: dict[str, Any] = {
    "began": BEGAN + 290.0,
    "at": BEGAN + 350.0,
    "ok": True,
    "seconds": 59.0,
    "complete": True,
    "checks": [
        {"name": "token", "title": "Token of the admin", "service": "keystone", "state": "ok", "seconds": 0.3,
         "detail": "catalog: identity", "log": "", "lines": []},
        {"name": "ping", "title": "Its floating address answers", "service": "neutron", "state": "ok", "seconds": 6.0,
         "detail": "198.19.0.14 answers in 10 ms", "log": "", "lines": []},
    ],
}  # fmt: skip

REFUSED: dict[str, Any] = {
    **PROOF,
    "ok": False,
    "checks": [
        PROOF["checks"][0],
        {"name": "endpoint-glance", "title": "Endpoints of glance", "service": "glance", "state": "failed",
         "seconds": 4.3, "detail": "no answer: Connection refused", "log": "/var/log/glance/glance-api.log",
         "lines": ["ERROR glance: database is <gone>"]},
        {"name": "instance", "title": "An instance boots", "service": "nova", "state": "skipped", "seconds": 0.0,
         "detail": "because endpoint-glance failed", "log": "", "lines": []},
    ],
}  # fmt: skip


def good() -> list[Event]:
    """Three hosts. The controller's packages take 100 s, a compute host's 130 s, and yet the controller is what the
    computes wait for."""
    out = [event("note", 4.0, message="9 steps on 3 hosts")]
    for name, seconds in ((CONTROLLER, 100.0), (COMPUTES[0], 130.0), (COMPUTES[1], 60.0)):
        out += took(f"{name}:lists", 5.0, 5.0, changed=0)
        out += took(f"{name}:packages", 10.0, seconds, changed=1, **PACKAGES)
    out += took(f"{CONTROLLER}:puppet-0", 110.0, 102.0, changed=2, **PUPPET)
    out.append(event("retried", 150.0, f"{CONTROLLER}:puppet-0", why="a package mirror answered 503", wait=5))
    out += took(f"{COMPUTES[0]}:puppet-0", 212.5, 40.0, changed=2)
    out += took(f"{COMPUTES[1]}:puppet-0", 212.5, 70.0, changed=2)
    out.append(event("finished", 283.0, ok=True, done=9, failed=0, skipped=0, kept=0, left=0))
    return sorted(out, key=lambda e: e.at)


def bad() -> list[Event]:
    """The controller's Puppet run fails, with everything in its output that a page must bear."""
    out = [event("kept", 4.0, f"{CONTROLLER}:lists")]
    out += took(f"{CONTROLLER}:packages", 10.0, 100.0, changed=1, **PACKAGES)
    out += took(
        f"{CONTROLLER}:puppet-0", 110.0, 60.0, "failed", changed=1, cause="Service[<b>nova-api</b>]",
        lines=["</pre><script>alert(1)</script>"], service="nova-api", log=["no host & no hope"],
        hint="Look <there>.", **PUPPET,
    )  # fmt: skip
    for name in COMPUTES:
        out += took(f"{name}:packages", 10.0, 90.0, changed=1)
        out.append(event("skipped", 170.0, f"{name}:puppet-0", because=f"{CONTROLLER}:puppet-0"))
    out.append(event("finished", 171.0, ok=False, done=3, failed=1, skipped=2, kept=1, left=2))
    return sorted(out, key=lambda e: e.at)


def keep(folder: Path, events: list[Event], about: dict[str, Any] | None = None, proof: object = None) -> Path:
    """Puts a run into a cloud's folder, as `apply` leaves it there."""
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime((about or ABOUT)["began"]))
    lines: list[dict[str, Any]] = [{"stackwright-run": 1, **(about or ABOUT)}]
    lines += [vars(e) for e in events]
    path = logs / f"{stamp}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    if proof:
        (folder / "verify.json").write_text(json.dumps(proof))
    return path


LATER: dict[str, dict[str, Any]] = {
    "tempest": {
        "at": BEGAN + 900.0, "scenario": "packstack-001", "complete": True, "ok": False, "passed": 71, "skipped": 4,
        "seconds": 512.0,
        "failed": [{"test": "tempest.api.volume.test_volumes_actions.VolumesActionsTest.test_attach_<detach>",
                    "lines": ["tempest.lib.exceptions.TimeoutException: <timed out>", "Details: volume is 'in-use'"]}],
        "known": [{"test": "tempest.api.identity.admin.v3.test_credentials.CredentialsTestJSON.test_update",
                   "why": "only a blob may be changed", "link": "https://bugs.example/1"}],
        "mended": [{"test": "tempest.api.network.test_ports.PortsTestJSON.test_create", "why": "an old bug",
                    "link": "https://bugs.example/2"}],
    },
    "afterwards": {
        "at": BEGAN + 340.0, "against": "stackwright.lock", "locked": True,
        "differences": [{"title": "n1: packages", "lines": [f"package-{n}: up from 1 to 2" for n in range(45)]}],
        "packages": {CONTROLLER: 800, COMPUTES[0]: 400},
        "unrepeatable": {CONTROLLER: ["xz-utils"]},
        "denials": {CONTROLLER: ['3 denied { name_connect } for comm="httpd" dest=<35357>']},
    },
    "bundle": {"at": BEGAN + 950.0, "digest": "ab" * 32, "file": "cloud-20260101.bundle"},
}  # fmt: skip
"""What is kept of a run by what came after it."""
