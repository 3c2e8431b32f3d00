"""How large nodes of the lab are: what is asked for, and what the kernel is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import typed
from stackwright import cli, lab, preflight, services
from stackwright.cli import lab as lab_nodes
from stackwright.lab import Size, nodes, sizes, supervisor
from stackwright.model import ExitCode, Facts
from stackwright.operations import lab as lab_command
from stackwright.planner.choices import workers

GIB = 2**30


@pytest.fixture(autouse=True)
def _eight_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)


@pytest.fixture
def old(tmp_path: Path) -> str:
    """A machine with old hierarchies, and the unified one for little else."""
    for name in ("cpu", "memory", "systemd", "unified"):
        (tmp_path / name).mkdir()
    (tmp_path / "unified/cgroup.controllers").write_text("hugetlb\n")
    return (
        f"31 30 0:26 / {tmp_path}/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
        f"32 30 0:27 / {tmp_path}/memory rw - cgroup cgroup rw,memory\n"
        f"33 30 0:28 / {tmp_path}/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
        f"34 30 0:29 / {tmp_path}/unified rw - cgroup2 cgroup2 rw\n"
    )


@pytest.fixture
def unified(tmp_path: Path) -> str:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    return f"29 23 0:26 / {tmp_path} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


def test_limits_in_old_hierarchies(old: str, tmp_path: Path) -> None:
    group = tmp_path / "memory/stackwright-lab/n1"
    group.mkdir(parents=True)
    (group / "memory.memsw.limit_in_bytes").touch()
    assert sizes.enforce("n1", Size(GIB, 2), old) == Size(GIB, 2)
    assert (group / "memory.limit_in_bytes").read_text() == str(GIB)
    assert (group / "memory.memsw.limit_in_bytes").read_text() == str(GIB)
    processors = tmp_path / "cpu/stackwright-lab/n1"
    assert (processors / "cpu.cfs_period_us").read_text() == "100000"
    assert (processors / "cpu.cfs_quota_us").read_text() == "200000"
    assert (processors / "cpu.shares").read_text() == "2048"
    assert (processors.parent / "cpu.shares").read_text() == "8192"


def test_limits_in_the_unified_hierarchy(unified: str, tmp_path: Path) -> None:
    group = tmp_path / "stackwright-lab/n1"
    assert sizes.enforce("n1", Size(GIB, 2), unified) == Size(GIB, 2)
    assert (group / "memory.max").read_text() == str(GIB)
    assert not (group / "memory.swap.max").exists(), "a kernel that does not count swap has no such file"
    assert (group / "cpu.max").read_text() == "200000 100000"
    assert (group / "cpu.weight").read_text() == "200"
    for above in (tmp_path, group.parent):
        assert (above / "cgroup.subtree_control").read_text() == "+cpu", "the last word written to it"
    (group / "memory.swap.max").touch()
    sizes.enforce("n1", Size(GIB), unified)
    assert (group / "memory.swap.max").read_text() == "0"


def test_no_limit_touches_nothing(old: str, tmp_path: Path) -> None:
    assert sizes.enforce("n1", Size(), old) == Size()
    assert sizes.enforce("n1", Size(0, 8), old) == Size(0, 8), "which is all there is"
    assert not list(tmp_path.rglob("stackwright-lab"))


def test_limits_that_the_kernel_cannot_enforce_are_a_warning(old: str, tmp_path: Path) -> None:
    without = "\n".join(line for line in old.splitlines() if "rw,memory" not in line)
    wanted = Size(GIB, 1)
    held = sizes.enforce("n1", wanted, without)
    assert held == Size(0, 1)
    (tmp_path / "cpu/stackwright-lab/n1/cpu.cfs_quota_us").unlink()
    (tmp_path / "cpu/stackwright-lab/n1/cpu.cfs_quota_us").mkdir()
    assert sizes.enforce("n1", wanted, old) == Size(GIB, 0), "a file that cannot be written to"
    assert sizes.enforce("n1", wanted, "") == Size()

    said: list[str] = []
    sizes.warn({*sizes.not_enforced(wanted, Size()), *sizes.not_enforced(wanted, held)}, said.append)
    (line,) = said
    assert "sizes are not enforced" in line
    assert "memory and processors" in line
    sizes.warn(sizes.not_enforced(wanted, wanted), said.append)
    assert len(said) == 1


def test_a_controller_is_looked_for_where_it_is(old: str, unified: str, tmp_path: Path) -> None:
    assert supervisor.hierarchy(unified, "cpu") == (tmp_path, True)
    assert supervisor.hierarchy(unified, "rdma") == (None, True)
    part = unified.replace(" / ", " /a ", 1)
    assert supervisor.hierarchy(part, "cpu") == (None, True)
    (tmp_path / "unified/cgroup.controllers").write_text("memory\n")
    assert supervisor.hierarchy(old, "memory") == (tmp_path / "memory", False)


def test_a_node_is_told_its_limits() -> None:
    assert sizes.limits_text(Size(GIB, 2)) == f"memory {GIB}\nswap 0\ncpu 200000 100000\n"
    assert sizes.limits_text(Size()) == ""


# ------------------------------------------------------------------------------------------------------ what is asked


def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Size]]:
    seen: list[dict[str, Size]] = []

    def up(names: list[str], *, size: dict[str, Size], **_: object) -> list[lab.Node]:
        seen.append(size)
        return [_node(name, size[name]) for name in names]

    monkeypatch.setattr(nodes, "up", up)
    monkeypatch.setattr(lab_command, "up", up)
    return seen


def _node(name: str, size: Size) -> lab.Node:
    node: Callable[..., lab.Node] = lab.Node
    return node(
        *(name, name, "198.18.9.9", "bookworm", "running", "root", Path("k"), Path("h"), Path("c"), "", ""),
        memory=size.memory, cpus=size.cpus,
    )  # fmt: skip


def test_sizes_on_the_command_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    seen = asked(monkeypatch)
    assert lab_nodes.main(["up", "n1", "n2", "--memory", "6144M", "--cpus", "2"]) == ExitCode.OK
    assert seen == [{"n1": Size(6 * GIB, 2), "n2": Size(6 * GIB, 2)}]
    assert "n1  6 GiB, 2 processors\n" in capsys.readouterr().out
    assert cli.main(["lab", "up", "n1"]) == ExitCode.OK
    assert seen[1:] == [{"n1": Size()}]
    said = capsys.readouterr()
    assert "GiB" not in said.out
    assert "root in a node is root on this machine" in said.err
    assert lab_nodes.main(["up", "n1", "--memory", "1000T"]) == ExitCode.OK
    assert "which they share" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--memory", "much"], "must be a size with a unit"),
        (["--memory", "64M"], "a node needs 128M"),
        (["--cpus", "0"], "a whole number of processors"),
        (["--cpus", "1.5"], "a whole number of processors"),
    ],
)
def test_sizes_that_cannot_be(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        lab_nodes.main(["up", "n1", *words])
    assert leaving.value.code == ExitCode.USAGE
    assert said in capsys.readouterr().err


def test_nodes_for_an_answer_file_have_the_memory_that_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STACKWRIGHT_STATE", str(tmp_path / "state"))
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    seen = asked(monkeypatch)
    text = "CONFIG_CONTROLLER_HOST=control.example.org\nCONFIG_COMPUTE_HOSTS=compute.example.org\n"
    Path("my.txt").write_text(f"{text}CONFIG_NETWORK_HOSTS=control.example.org\n")
    assert cli.main(["lab", "up", "--from", "my.txt"]) == ExitCode.OK, capsys.readouterr().err
    (found,) = seen
    assert found["control"].memory > found["compute"].memory >= GIB
    assert found["control"].cpus == 0
    assert cli.main(["lab", "up", "--from", "my.txt", "--memory", "3G", "--cpus", "2"]) == ExitCode.OK
    assert set(seen[1].values()) == {Size(3 * GIB, 2)}


@pytest.mark.parametrize("cpus", [1, 2, 4, 64])
@pytest.mark.parametrize("answer", [0, 12])
def test_memory_fits_the_workers_that_a_host_of_that_size_gets(cpus: int, answer: int) -> None:
    everything = [component.name for component in services.all_components()]
    given = typed.answers(CONFIG_SERVICE_WORKERS=answer)
    size = lab_command.fitting_memory(everything, given, cpus)
    assert size % GIB == 0
    number = workers(given, Facts("", memory=size, cpus=cpus))
    assert preflight.estimate_memory(everything, max(number, min(2, cpus // 2), 1)) < size


def test_a_bundle_tells_the_sizes_of_its_hosts() -> None:
    about = {"hosts": ["a", "b", "c"], "memory": {"a": 7 * GIB, "b": 0, "c": 5}, "cpus": {"a": 4, "b": -1}}
    assert lab_command.sizes_told(about) == {"a": Size(7 * GIB, 4), "b": Size(), "c": Size(sizes.LEAST_MEMORY)}
    assert lab_command.sizes_told({"hosts": ["a"]}) == {"a": Size()}
    assert lab_command.sizes_told(about, Size(GIB, 1)) == dict.fromkeys("abc", Size(GIB, 1))
    assert lab_nodes.row(_node("n1", Size(GIB))).endswith("  1 GiB")


@pytest.mark.parametrize(
    ("cpus", "memory", "answer", "expected"),
    [
        (1, 8, 0, 1),
        (2, 8, 0, 1),
        (4, 8, 0, 2),
        (64, 256, 0, 8),
        (64, 7, 0, 3),
        (64, 1, 0, 1),
        (2, 8, 6, 6),
        (0, 0, 0, 1),
    ],
)
def test_workers_follow_processors_and_memory(cpus: int, memory: int, answer: int, expected: int) -> None:
    given = typed.answers(CONFIG_SERVICE_WORKERS=answer)
    assert workers(given, Facts("", memory=memory * GIB, cpus=cpus)) == expected
