"""A package cache on two real nodes, with real Squid and apt: each package is downloaded once, and hosts work without
the cache too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from shell import Shell

import golden
from stackwright import answers, executor, facts, planner
from stackwright.model import Facts, Plan, Run, Step
from stackwright.planner.steps import package_cache
from stackwright.planner.steps import packages as package_steps
from stackwright.ssh import Connection, Host, Trust, connect
from stackwright.state.journal import open_journal

pytestmark = [pytest.mark.lab, pytest.mark.long]

LOG = "/var/log/squid/access.log"


@pytest.fixture
def shells(make_node: Callable[..., Shell]) -> dict[str, Shell]:
    made = (make_node("cache1"), make_node("cache2"))
    for one in made:
        one("apt-get clean")  # nodes of the lab begin with what earlier ones have downloaded
    return {one.node.address: one for one in made}


def test_a_package_is_downloaded_once_and_served_from_the_cache(shells: dict[str, Shell], tmp_path: Path) -> None:
    first, second = shells
    flags = {"CONFIG_CONTROLLER_HOST": first, "CONFIG_COMPUTE_HOSTS": second, "CONFIG_NETWORK_HOSTS": first}
    flags |= {"CONFIG_PROVISION_DEMO": "n", "CONFIG_PACKAGE_CACHE_HOST": first}
    given = answers.read([], flags, {}, local_host=first, remembered=golden.secrets())

    def there(name: str) -> Connection:
        node = shells[name].node
        return connect(Host("node", address=node.address, keys=(node.key,)), Trust(files=(node.known_hosts,)))

    seen: dict[str, Facts] = {}
    for name in shells:
        with there(name) as connection:
            seen[name] = facts.parse(connection.run(facts.probe([name]), timeout=60).out, name, 0.0)
    whole, plan = planner.cloud(given, seen), planner.plan(planner.cloud(given, seen))

    def packages(host: str, name: str, *needs: str) -> Step:
        """A small replacement for the plan's package step, which would take minutes."""
        whole_step = plan.step(f"{host}:packages")
        own = replace(
            whole_step, actions=(Run("packages", package_steps.apt_install([name]), 300, retries=3),), after=()
        )
        (step,) = package_cache.through(whole, [own])
        return replace(step, needs=needs)

    def applied(*steps: Step) -> int:
        with open_journal(tmp_path / "state") as kept:
            outcome = executor.run(Plan(steps), there, kept, lambda _: None, again=True)
        assert outcome.ok, outcome.failures
        return outcome.changed

    def used(address: str) -> list[str]:
        """Squid's log entries for a host's requests for packages."""
        lines = [line.split() for line in shells[first](f"cat {LOG}").splitlines()]
        return [words[3].partition("/")[0] for words in lines if words[2] == address and words[6].endswith(".deb")]

    begin = [plan.step(name) for name in (f"{first}:cache", f"{first}:lists", f"{second}:lists")]
    ours = packages(first, "hello", f"{first}:lists")
    assert applied(*begin, ours, packages(second, "hello", f"{second}:lists", ours.id)) > 0
    assert used(first) == ["TCP_MISS"]
    assert used(second) in (["TCP_HIT"], ["TCP_MEM_HIT"], ["TCP_REFRESH_UNMODIFIED"])
    assert applied(plan.step(f"{first}:cache")) == 0

    shells[first]("systemctl stop squid")
    applied(packages(second, "sl"))
    assert "installed" in shells[second]("dpkg-query -W -f '${db:Status-Status}' sl")
    assert len(used(second)) == 1
    assert shells[second]("apt-config dump Acquire::http::Proxy") == "", "an administrator's apt is left as it was"


def test_other_machines_cannot_use_the_cache(shells: dict[str, Shell]) -> None:
    first, second = shells
    given = answers.read(
        [], {"CONFIG_CONTROLLER_HOST": first, "CONFIG_PACKAGE_CACHE_HOST": first}, {}, local_host=first,
        remembered=golden.secrets(),
    )  # fmt: skip
    with connect(
        Host("node", address=first, keys=(shells[first].node.key,)), Trust(files=(shells[first].node.known_hosts,))
    ) as connection:
        seen = {first: facts.parse(connection.run(facts.probe([first]), timeout=60).out, first, 0.0)}
    step = package_cache.step(planner.cloud(given, seen), planner.cloud(given, seen).hosts[first])
    assert step is not None
    upload, run = step.actions
    assert isinstance(run, Run)
    conf = upload.files[0].content.decode()  # type: ignore[union-attr]
    shells[first](f"cat > /tmp/squid.conf <<'END'\n{conf}END\napt-get -q update && apt-get -q -y install squid")
    shells[first]("cp /tmp/squid.conf /etc/squid/squid.conf && systemctl restart squid")
    request = f"GET http://{first}/ HTTP/1.0\\\\r\\\\n\\\\r\\\\n"
    asked = f'exec 3<>/dev/tcp/{first}/3128; printf "{request}" >&3; head -n 1 <&3'
    assert "403" in shells[second](f"bash -c '{asked}'")
