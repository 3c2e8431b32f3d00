"""A site's package cache: where it is, who waits for it, who may use it, and what a host does while it is away."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

import golden
import outcome
from stackwright import answers, planner
from stackwright.model import Plan, Run, Upload
from stackwright.planner import firewall_policy
from stackwright.planner.steps import package_cache

FIRST, SECOND = "198.18.0.10", "198.18.0.11"
KEY = "CONFIG_PACKAGE_CACHE_HOST"


def given(**settings: str) -> answers.Answers:
    flags = {"CONFIG_CONTROLLER_HOST": FIRST, "CONFIG_COMPUTE_HOSTS": SECOND, **settings}
    return answers.read([], flags, {}, local_host=FIRST, remembered=golden.secrets())


def planned(os_id: str = "debian", **settings: str) -> Plan:
    wanted = given(**settings)
    return planner.plan(planner.cloud(wanted, outcome.facts(wanted, os_id, "9" if os_id == "centos" else "12")))


def scripts_of(plan: Plan, step: str) -> dict[str, str]:
    return {a.name: a.script for a in plan.step(step).actions if isinstance(a, Run)}


@pytest.mark.parametrize(("os_id", "first"), [("debian", "lists"), ("centos", "repositories")])
def test_all_hosts_download_through_one(os_id: str, first: str) -> None:
    plan = planned(os_id, **{KEY: FIRST})
    assert [s.id for s in plan.steps if s.id.endswith(":cache")] == [f"{FIRST}:cache"]
    assert plan.step(f"{FIRST}:cache").needs == ()
    for host in (FIRST, SECOND):
        assert f"{FIRST}:cache" in plan.step(f"{host}:{first}").needs
        assert f"http://{FIRST}:3128" in scripts_of(plan, f"{host}:packages")["packages"]
    (conf,) = (a for a in plan.step(f"{FIRST}:cache").actions if isinstance(a, Upload))
    text = conf.files[0].content.decode()
    (allowed,) = (line.split()[3:] for line in text.splitlines() if line.startswith("acl hosts src "))
    assert {FIRST, SECOND, "127.0.0.1"} <= set(allowed)
    assert "cache_peer" not in text
    assert "acl web port 80 443 1025-65535" in text, "a mirror may be at any port, as with Squid's own settings"


def test_there_is_no_cache_step_without_the_key_or_with_an_offline_repository() -> None:
    for plan in (planned(), planned("centos", **{KEY: FIRST, "CONFIG_OFFLINE_REPO": "/srv/packages"})):
        assert not [s.id for s in plan.steps if s.id.endswith(":cache")]
        assert "3128" not in "".join(scripts_of(plan, f"{SECOND}:packages").values())


def test_where_a_bundle_brings_packages_nothing_is_downloaded_for_it_either() -> None:
    wanted = given(**{KEY: FIRST})
    plan = planner.plan(planner.cloud(wanted, outcome.facts(wanted)), offline=True)
    assert not [s.id for s in plan.steps if s.id.endswith(":cache")]
    assert not [n for s in plan.steps for n in s.needs if n.endswith(":cache")]


def test_it_has_the_way_out_that_hosts_have() -> None:
    plan = planned("centos", **{KEY: FIRST, "CONFIG_PACKAGE_PROXY": "http://proxy.example.org:8080"})
    (conf,) = (a for a in plan.step(f"{FIRST}:cache").actions if isinstance(a, Upload))
    assert (
        b"cache_peer proxy.example.org parent 8080 0 no-query default\nnever_direct allow all" in conf.files[0].content
    )
    assert "--setopt=proxy=http://proxy.example.org:8080" in scripts_of(plan, f"{FIRST}:cache")["cache"]


def test_the_firewall_opens_the_cache_to_the_clouds_hosts_only() -> None:
    wanted = given(**{KEY: FIRST})
    opened = firewall_policy.openings(planner.cloud(wanted, outcome.facts(wanted)))
    (found,) = (o for o in opened[FIRST] if o.first == package_cache.PORT)
    assert set(found.hosts) == {FIRST, SECOND}
    assert {FIRST, SECOND} <= set(found.sources)
    assert not [o for o in opened[SECOND] if o.first == package_cache.PORT]


def test_it_is_a_host_of_the_cloud() -> None:
    with pytest.raises(answers.AnswersError) as caught:
        given(**{KEY: "198.18.0.99"})
    assert [(p.name, p.seen) for p in caught.value.problems] == [("no-role", f"{KEY} = 198.18.0.99")]
    given(**{KEY: SECOND})


@pytest.mark.parametrize("there", [True, False])
def test_a_host_asks_its_repositories_itself_while_the_cache_is_away(tmp_path: Path, there: bool) -> None:
    if not shutil.which("apt-config"):
        pytest.skip("needs apt")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if not there:
            server.close()
        plan = planned(**{KEY: FIRST})
        prefix = scripts_of(plan, f"{SECOND}:lists")["lists"].partition("set -eu")[0]
        for old, new in ((FIRST, "127.0.0.1"), ("3128", str(port)), ("/var/lib/stackwright", str(tmp_path))):
            prefix = prefix.replace(old, new)
        done = subprocess.run(
            ["dash", "-euc", prefix + "apt-config dump Acquire::http::Proxy"],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
    assert (f'Acquire::http::Proxy "http://127.0.0.1:{port}";' in done.stdout) == there
