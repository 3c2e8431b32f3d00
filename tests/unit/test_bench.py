"""The benchmark of whole clouds, as far as it needs no nodes: what each way consists of, and the table of figures."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import golden
from stackwright import answers, executor, planner
from stackwright.lab import Lab, Node
from stackwright.model import Answers, Facts, PuppetApply, StackwrightError, Upload
from stackwright.services import SERVICES

ROOT = Path(__file__).resolve().parents[2]
LAB = Lab(Path("/nowhere"), 7)


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import allinone
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
    return allinone


def nodes(count: int) -> list[Node]:
    return [
        Node(
            name, f"{name}.lab.stackwright.test", LAB.address(10 + n), "bookworm", "running", "root", LAB.key,
            LAB.known_hosts, LAB.ssh_config, LAB.external_network, LAB.external_gateway, 10 + n,
        )
        for n, name in enumerate(("bench-control", "bench-network", "bench-compute")[:count])
    ]  # fmt: skip


def asked(bench: ModuleType, count: int, tmp_path: Path) -> tuple[Answers, dict[str, Facts]]:
    """The answers that the benchmark writes for so many nodes, and the facts of these."""
    made = nodes(count)
    file = tmp_path / "bench.answers"
    seen = seen_of(made)
    answers.save(file, bench.answers_for(made, planner.presets(seen[made[0].address])))
    return answers.read([file], environ={}), seen


def seen_of(made: list[Node]) -> dict[str, Facts]:
    """What nodes of the lab say of themselves."""
    (seen,) = golden.CASES["allinone"].facts().values()
    eth0, *rest = (i for i in seen.interfaces if i.name != "eth1")
    facts = {}
    for n, node in enumerate(made):
        eth1 = replace(eth0, name="eth1", mac=f"02:00:00:00:00:{n:02x}", addresses=(f"198.19.7.{10 + n}/24",), up=True)
        facts[node.address] = replace(
            seen, host=node.address, hostname=node.name, fqdn=node.fqdn, address=node.address,
            interfaces=(replace(eth0, addresses=(f"{node.address}/24",)), *rest, eth1),
        )  # fmt: skip
    return facts


def test_one_node_gets_what_is_compared(bench: ModuleType, tmp_path: Path) -> None:
    given, seen = asked(bench, 1, tmp_path)
    (placed,) = planner.place(given, SERVICES).values()
    names = {c.name for c in placed}
    assert {"keystone", "glance-api", "placement-api", "nova-api", "neutron-server", "cinder-api", "horizon"} <= names
    assert not {n for n in names if n.startswith(("swift", "heat"))}
    # The nodes have no device-mapper: as `--allinone` does, it must not ask for LVM there.
    assert given["CONFIG_CINDER_BACKEND"] == ("ceph",)
    assert planner.plan(planner.cloud(given, seen)).steps


def test_three_nodes_are_a_controller_a_network_host_and_a_compute_host(bench: ModuleType, tmp_path: Path) -> None:
    given, seen = asked(bench, 3, tmp_path)
    placed = {host: {c.name for c in found} for host, found in planner.place(given, SERVICES).items()}
    control, network, compute = (node.address for node in nodes(3))
    assert "keystone" in placed[control]
    assert "nova-compute" not in placed[control]
    assert "external-bridge" in placed[network]
    assert "nova-compute" in placed[compute]
    assert planner.plan(planner.cloud(given, seen)).hosts


@pytest.mark.parametrize("count", [1, 3])
def test_packstacks_way_has_all_that_ours_has_and_no_provider_of_ours(
    bench: ModuleType, tmp_path: Path, count: int
) -> None:
    given, seen = asked(bench, count, tmp_path)
    whole, ours = planner.cloud(given, seen), planner.plan(planner.cloud(given, seen))
    plans = bench.stock.plans(whole, ours)
    assert list(plans) == ["tools", "controller", "network", "compute", "post"]
    manifests: dict[str, str] = {}
    for title, plan in plans.items():
        ids = {step.id for step in plan.steps}
        for step in plan.steps:
            assert {*step.needs, *step.after} <= ids, f"{title}: {step.id} waits for what is in another plan"
            for action in step.actions:
                if isinstance(action, PuppetApply):
                    manifests[step.host] = manifests.get(step.host, "") + action.manifest
                    assert action.puppet == "/usr/bin/puppet"
    for host, run in golden.last_runs(ours).items():
        assert [c for c in run.components if f"\n# --- {c}\n" not in manifests[host]] == []
    uploads = [f for s in plans["tools"].steps for a in s.actions if isinstance(a, Upload) for f in a.files]
    providers = {Path(f.path).parent.name for f in uploads if "/lib/puppet/provider/" in f.path}
    assert providers == {"rabbitmq_user", "stackwright_security_group_rule"}
    facts = {Path(f.path).name for f in uploads if "/lib/facter/" in f.path}
    assert facts == {"mysqld_version.rb"}
    # A package of the cloud that is there already would make Packstack's way look quicker.
    tools = {action.name for s in plans["tools"].steps for action in s.actions if not isinstance(action, Upload)}
    assert "packages" not in tools


def rows(bench: ModuleType) -> list[object]:
    row = bench.Row
    return [
        row("stock", 1, "warm", 1500.0, 2000.0, detail={"failures": []}),
        row("ours", 1, "warm", 300.0, 500.0, 12.5, 90 * 2**20, 3_000_000),
        row("floor", 1, "warm", 240.0, 300.0, downloaded=1_000_000),
        row("unchanged", 1, "warm", 4.0, 5.0),
        row("again", 1, "warm", 55.0, 70.0),
        row("floor", 3, "cold", 400.0, 700.0),
        row("ours", 3, "cold", 500.0, 900.0),
        row("debian", 3, "cold", 3600.0, 900.0, complete=False),
    ]


MACHINE = ("test", 2, 24)


def test_the_table_has_every_figure_and_the_ratios(bench: ModuleType) -> None:
    text = bench.table(rows(bench), bench.Machine(*MACHINE))
    lines = text.splitlines()
    assert lines[0] == "2 cores, 24 GiB"
    shown = [line.split() for line in lines[3:11]]
    assert [words[2] for words in shown] == [
        "floor", "ours", "unchanged", "again", "stock", "floor", "ours", "debian",
    ]  # fmt: skip
    assert " ".join(shown[1]) == "1 warm ours 300 s 500 s 1.25 90 MiB, 12.5 s 3 MB"
    assert " ".join(shown[4]) == "1 warm stock 1500 s 2000 s 6.25"
    assert "debian > 3600 s 900 s 9.00" in " ".join(shown[7])
    assert lines[-6:] == [
        "1 node, warm: ours / floor 1.25 (at most 1.5)",
        "1 node, warm: ours / stock 0.20 (at most 0.20)",
        "1 node, warm: unchanged 4.0 s (under 10 s)",
        "1 node, warm: again 55.0 s (under 60 s)",
        "3 nodes, cold: ours / floor 1.25",
        "3 nodes, cold: ours / debian less than 0.14",
    ]


def test_pieces_are_put_together_by_machine(bench: ModuleType, tmp_path: Path) -> None:
    path, machine = tmp_path / "bench" / "figures.json", bench.Machine(*MACHINE)
    assert bench.read(path, machine) == []
    first = rows(bench)
    bench.write(path, machine, bench.merged([], first[:3]))
    newer = bench.Row("ours", 1, "warm", 280.0, 450.0)
    bench.write(path, machine, bench.merged(bench.read(path, machine), [newer]))
    found = bench.read(path, machine)
    assert [(r.way, r.wall) for r in found] == [("floor", 240.0), ("ours", 280.0), ("stock", 1500.0)]
    assert bench.read(path, bench.Machine("other", 8, 24)) == []
    mixed = [replace(found[0], boot="a"), replace(found[1], boot="b")]
    assert "the machine was rebooted" in bench.table(mixed, machine)
    assert "the machine was rebooted" not in bench.table(found, machine)


def test_what_a_command_takes_is_its_own(bench: ModuleType, tmp_path: Path) -> None:
    one = bench.Bench(7, 1, "warm", tmp_path)
    one.home, one.environment = tmp_path, {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "installer")}
    cpu, peak = one.command("said", "answers", "reference", "-o", str(tmp_path / "reference.md"))
    assert cpu > 0
    assert 5 * 2**20 < peak < 500 * 2**20
    assert (tmp_path / "reference.md").exists()
    assert (tmp_path / "said.txt").read_text().startswith("$ stackwright answers reference")
    with pytest.raises(bench.StackwrightError, match="exit status 2") as error:
        one.command("said", "--nonsense")
    assert str(tmp_path / "said.txt") in error.value.hint


@pytest.mark.parametrize("script", ["FLOOR", "FETCH", "DEBIAN"])
def test_the_scripts_can_be_parsed(bench: ModuleType, script: str) -> None:
    text = getattr(bench, script).replace("@PACKAGES@", "one two").replace("@ADDRESS@", "198.18.7.10")
    subprocess.run(["sh", "-n"], input=text.replace("@PATIENCE@", "10"), text=True, check=True)
    assert "@" not in text.replace("@PATIENCE@", "10")


def test_one_way_can_be_run_alone(bench: ModuleType) -> None:
    given = bench.arguments_of(["ours", "--nodes", "both", "--cache", "both"])
    assert (given.ways, given.counts, given.caches) == (["ours"], (1, 3), ("warm", "cold"))
    assert bench.arguments_of([]).ways == ["floor", "ours", "stock"]
    with pytest.raises(SystemExit):
        bench.arguments_of(["unchanged"])


def test_nothing_measured_is_said(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "allinone.py"), "--table", "--results", str(tmp_path / "no")]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT / "installer")}
    )
    assert "no measurements of this machine" in done.stdout
    assert json.dumps(done.stderr) == '""'


@pytest.fixture
def played(bench: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done to nodes is written down in the place of being done: nodes that come and go, what runs on them, what
    the command is asked for. `look` sees what a node of the lab is."""
    done: list[str] = []
    there: dict[str, Node] = {}
    (seen,) = golden.CASES["allinone"].facts().values()

    def up(names: list[str], *, lab: Lab) -> list[Node]:
        made = dict(zip(names, nodes(len(names)), strict=True))
        assert lab.number == 7
        done.append(f"up {' '.join(names)}")
        there.update(made)
        return list(made.values())

    def down(names: list[str], *, lab: Lab) -> list[str]:
        assert lab.number == 7
        done.append(f"down {' '.join(names)}")
        for name in names:
            del there[name]
        return names

    def command(self: Any, log: str, *words: str) -> tuple[float, int]:
        done.append(f"{log}: {' '.join(words)}")
        folder = self.home / "state" / LAB.address(10)
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        figures = {"changed": 1, "by_kind": {}, "critical_path": [], "slowest": []}
        (folder / "report.json").write_text(json.dumps(figures))
        (folder / "verify.json").write_text('{"ok": true}')
        return 2.5, 90 * 2**20

    def sh(self: Any, node: Node, script: str, log: str = "", *, check: bool = True) -> int:
        assert node.name in there
        done.append(f"{node.name}: {log or script}")
        (self.folder / f"{log or 'preparation'}.txt").write_text(script)
        return int(log == "debian" and not check)

    def run(plan: Any, connect: Any, kept: Any, emit: Any, **_: Any) -> executor.Outcome:
        assert callable(connect)
        assert callable(emit)
        assert not kept.done(plan.steps[0].id, "x")
        done.append(f"executor: {plan.steps[-1].id.rpartition(':')[2]}")
        return executor.Outcome(ok=True)

    def look(_: Any, names: list[str], __: Any) -> dict[str, Facts]:
        return {name: seen_of(nodes(len(names)))[name] for name in names}

    monkeypatch.setattr(bench.lab, "up", up)
    monkeypatch.setattr(bench.lab, "down", down)
    monkeypatch.setattr(bench.lab, "list_nodes", lambda _: list(there.values()))
    monkeypatch.setattr(bench.executor, "run", run)
    monkeypatch.setattr(bench.inspection, "look", look)
    monkeypatch.setattr(bench.inspection, "presets", lambda *_: (seen, planner.presets(seen)))
    monkeypatch.setattr(bench, "_sent", lambda bridge: len(done) * 10**6 if bridge == "swlab7" else 0)
    monkeypatch.setattr(bench.Bench, "command", command)
    monkeypatch.setattr(bench.Bench, "sh", sh)
    return done


def measure(bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    results = str(tmp_path / "results" / "figures.json")
    monkeypatch.setattr(sys, "argv", ["allinone.py", *words, "--lab", "7", "--results", results])
    return int(bench.main())


def test_every_way_begins_with_bare_nodes_and_leaves_none(
    bench: ModuleType,
    played: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert measure(bench, tmp_path, monkeypatch, "floor", "ours", "stock", "debian") == 0
    one = "bench-control"
    ups = [n for n, what in enumerate(played) if what == f"up {one}"]
    downs = [n for n, what in enumerate(played) if what == f"down {one}"]
    assert len(ups) == len(downs) == 5  # the first fills the store
    assert all(up < down for up, down in zip(ups, downs, strict=True))
    assert all(down < up for down, up in zip(downs, ups[1:], strict=False))
    commands = [what for what in played if what.startswith(("ours", "unchanged", "again"))]
    assert [c.partition(":")[0] for c in commands] == ["ours", "unchanged", "again"]
    assert f"--allinone --lab {one}" in commands[0]
    assert "CONFIG_SWIFT_INSTALL=n" in commands[0]
    assert commands[2].endswith("--again --no-verify")
    assert [w for w in played if w.startswith("executor")] == [
        f"executor: {name}" for name in ("image", "controller", "network", "compute", "post")
    ]
    shown = [line.split()[2] for line in capsys.readouterr().out.splitlines() if line.strip().startswith("1 warm")]
    assert shown == ["floor", "ours", "unchanged", "again", "stock", "debian"]
    kept = bench.read(tmp_path / "results" / "figures.json", bench.this_machine())
    assert [r.complete for r in kept] == [True, True, True, True, True, False]
    assert [r.control_peak for r in kept][:2] == [None, 90 * 2**20]
    assert all(r.downloaded > 0 for r in kept)


def test_three_nodes_with_nothing_downloaded(
    bench: ModuleType, played: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert measure(bench, tmp_path, monkeypatch, "floor", "ours", "debian", "--nodes", "3", "--cache", "cold") == 0
    names = ["bench-control", "bench-network", "bench-compute"]
    assert [w for w in played if "apt-get clean" in w] == [f"{n}: apt-get clean" for n in names] * 2
    assert [w for w in played if "dev eth1" in w] == [
        f"{n}: ip address add 198.19.7.{10 + i}/24 dev eth1; ip link set eth1 up" for i, n in enumerate(names)
    ] * 2
    assert {w for w in played if ": floor-" in w} == {f"{n}: floor-{n}" for n in names}
    (ours,) = (w for w in played if w.startswith("ours: "))
    assert "apply -a" in ours
    assert "--ssh-key" in ours
    assert not any("debian" in w for w in played)  # it knows one machine alone


def test_a_way_that_fails_does_not_take_the_figures_of_the_others(
    bench: ModuleType, played: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise StackwrightError("no", "mend it")

    monkeypatch.setattr(bench.Bench, "command", fails)
    assert measure(bench, tmp_path, monkeypatch, "floor", "ours") == 1
    assert [r.way for r in bench.read(tmp_path / "results" / "figures.json", bench.this_machine())] == ["floor"]
    assert played[-1] == "down bench-control"
