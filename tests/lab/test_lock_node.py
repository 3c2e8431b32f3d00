"""A lock of one node is installed on another one by the real executor, from a small signed archive: with exactly these
versions, also without a mirror, or with an error before anything is changed."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from shell import Shell

import archive
from stackwright import executor, lab, lock, platforms, preflight, ssh
from stackwright.bundle import offline
from stackwright.model import File, Plan, Problem, Run, Step, Upload
from stackwright.operations import bundle
from stackwright.planner.steps import locked
from stackwright.planner.steps import packages as package_steps
from stackwright.planner.steps.locked import OFFLINE
from stackwright.state import journal

pytestmark = pytest.mark.lab

DEBIAN = platforms.by_id("debian-12")
AT = "/srv/archive"


@dataclass
class Hosts:
    """Connections to nodes, by name."""

    shells: dict[str, Shell]

    def connect(self, name: str) -> ssh.Connection:
        node = self.shells[name].node
        settings = ssh.settings(node.address, user="root", keys=(node.key,))
        return ssh.connect(settings, ssh.Trust(files=(node.known_hosts,)))


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> archive.Archive:
    made = archive.make(tmp_path_factory.mktemp("archive"))
    made.package("tool", "1.0-1", depends="lib")
    made.package("lib", "2:2.0-1")
    made.publish()
    return made


@pytest.fixture(scope="module")
def nodes(make_node: Callable[..., Shell], packages: archive.Archive) -> Hosts:
    """locked1 has tool 1.0-1 and lib 2:2.0-1 of the archive; locked2 is fresh. Both know the archive."""
    shells = {name: make_node(name) for name in ("locked1", "locked2")}
    for shell in shells.values():
        shell("apt-get clean")  # nodes of the lab begin with what earlier ones have downloaded, the test's packages too
        shell("python3 -c 'import http.server' || apt-get -qq -y install python3")  # serves packages
        # Debian's lists are 50 MB, and each copy of a mirror would have them.
        shell("rm -f /etc/apt/sources.list /etc/apt/sources.list.d/* /var/lib/apt/lists/*_*")
        publish(shell, packages)
    shells["locked1"](package_steps.apt_install(["tool"]))
    return Hosts(shells)


def publish(shell: Shell, packages: archive.Archive) -> None:
    """Copies the archive in its current state to a node, and replaces the mirrors' lists."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name in ("dists", "pool", "key.asc"):
            tar.add(packages.folder / name, name)
    command = [*lab.ssh_command(shell.node.name, shell.lab), f"rm -rf {AT}; mkdir -p {AT}; tar -xf - -C {AT}"]
    subprocess.run(command, input=data.getvalue(), check=True)
    shell(f"cat > /etc/apt/sources.list.d/test.sources <<'E'\n{packages.source(AT)}E\napt-get -qq update")


def taken(hosts: Hosts, name: str) -> lock.HostLock:
    said = hosts.connect(name).run(lock.script("apt", DEBIAN.modulepath, "/nowhere"), timeout=120)
    return lock.parse(said.out, name, DEBIAN.id, "apt").host


def problems(hosts: Hosts, name: str, exact: dict[str, str], *, without_mirror: bool = False) -> list[Problem]:
    script = preflight.package_check_script(DEBIAN, locked.words(DEBIAN, exact), exact=True)
    said = hosts.connect(name).run(locked.offline(script) if without_mirror else script, timeout=120)
    return preflight.parse_package_check(said.out + said.err, name)


def install(hosts: Hosts, name: str, exact: dict[str, str], state: Path, *, without_mirror: bool = False) -> int:
    """Through the real executor; returns how many things were changed."""
    step = Step(f"{name}:packages", name, "as locked", locked.actions(DEBIAN, exact, 600))
    plan = Plan((locked.from_bundle(step) if without_mirror else step,), (name,))
    with journal.open_journal(state) as kept:
        outcome = executor.run(plan, hosts.connect, kept, lambda _: None, again=True)
    assert outcome.ok, outcome.failures
    return outcome.changed


def bundled(hosts: Hosts, wanted: dict[str, str], folder: Path) -> Path:
    """Gathers these on locked1; returns a folder like an unpacked bundle."""
    content = bundle.gather_packages(
        hosts, "locked1", [f"{k}={v}" for k, v in wanted.items()], "debian-12", folder / "here", lambda _: None
    )  # type: ignore[arg-type]
    assert sum(name.endswith(".deb") for name in content) == 2
    assert any(name.endswith("InRelease") for name in content)
    for name, path in content.items():
        assert isinstance(path, Path)
        target = folder / "bundle" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return folder / "bundle"


def versions(shell: Shell) -> dict[str, str]:
    return dict(line.split() for line in shell("dpkg-query -W -f '${Package} ${Version}\\n' tool lib").splitlines())


def test_a_lock_is_installed_exactly_although_there_is_something_newer(
    nodes: Hosts, packages: archive.Archive, tmp_path: Path
) -> None:
    wanted = taken(nodes, "locked1")
    assert wanted.packages["tool"] == lock.Package("1.0-1", "Testers/stable/main")
    assert wanted.repositories["Testers/stable"].checksum
    packages.package("tool", "1.0-2", depends="lib")
    packages.package("lib", "2:2.0-2")
    packages.publish()
    two = nodes.shells["locked2"]
    publish(two, packages)
    two("apt-get install -qq -y --no-install-recommends lib")  # the newer one, to be exchanged
    assert problems(nodes, "locked2", wanted.installable) == []
    assert install(nodes, "locked2", wanted.installable, tmp_path) == 2, "the pins, and the packages"
    assert versions(two) == {"tool": "1.0-1", "lib": "2:2.0-1"}
    assert install(nodes, "locked2", wanted.installable, tmp_path) == 0
    # What is installed afterwards does not move them either.
    two("apt-get -qq -y upgrade")
    assert versions(two) == {"tool": "1.0-1", "lib": "2:2.0-1"}
    (section, *_) = lock.differences(
        lock.Lock("1", "", "zed", hosts={"a": wanted}), lock.Lock("1", "", "zed", hosts={"b": taken(nodes, "locked2")})
    ) or [None]
    assert section is None or "packages" not in section.title, section
    # Without a lock the pins go.
    two(package_steps.apt_install(["tool"]) + f"\ntest ! -e {package_steps.PINS}")


def test_missing_versions_are_reported_before_any_change(
    nodes: Hosts, packages: archive.Archive, tmp_path: Path
) -> None:
    wanted = taken(nodes, "locked1").installable
    packages.package("tool", "1.0-2", depends="lib")
    packages.remove("tool", "1.0-1")
    packages.publish()
    two = nodes.shells["locked2"]
    two("apt-get -qq -y purge tool lib")
    publish(two, packages)
    before = two("dpkg-query -W; ls -R /etc/apt")
    (problem,) = problems(nodes, "locked2", wanted)
    assert problem.seen == "tool 1.0-1 is gone: no repository of the host has it"
    assert problem.hint == "the nearest version is tool 1.0-2"
    assert two("dpkg-query -W; ls -R /etc/apt") == before
    assert not list(tmp_path.iterdir())


def test_a_bundles_packages_are_installed_without_any_mirror(
    nodes: Hosts, packages: archive.Archive, tmp_path: Path
) -> None:
    """Gathered on one node with their archive's signature, brought to another one in pieces, checked by apt again."""
    packages.publish()
    wanted = {k: v for k, v in taken(nodes, "locked1").installable.items() if k in ("tool", "lib")}
    folder = bundled(nodes, wanted, tmp_path)
    two = nodes.shells["locked2"]
    two(f"cp {AT}/key.asc /root; rm -rf {AT} /etc/apt/sources.list.d/* /var/lib/apt/lists/*_*")
    two("rm -f /etc/apt/trusted.gpg.d/test.asc; apt-get -qq -y purge tool lib || true")
    bundle.bring_packages(nodes, "locked2", folder, "debian-12", lambda _: None)  # type: ignore[arg-type]
    lists = Step("locked2:lists", "locked2", "", (Run("lists", package_steps.apt_lists(), 100),))
    said = two(locked.offline("apt-get update 2>&1 || true"))
    assert "NO_PUBKEY" in said, "a bundle brings no keys: the host has to trust that of the archive"
    assert "is not signed" in said
    two("mv /root/key.asc /etc/apt/trusted.gpg.d/test.asc")
    # The next run copies the keys that the host trusts by then.
    bundle.bring_packages(nodes, "locked2", folder, "debian-12", lambda _: None)  # type: ignore[arg-type]
    with journal.open_journal(tmp_path / "state") as kept:
        assert executor.run(Plan((locked.from_bundle(lists),), ("locked2",)), nodes.connect, kept, lambda _: None).ok
    assert problems(nodes, "locked2", wanted, without_mirror=True) == []
    install(nodes, "locked2", wanted, tmp_path / "state", without_mirror=True)
    assert versions(two) == wanted
    # A package that was changed on its way is not installed.
    two("apt-get -qq -y purge tool")
    path = two(f"find {OFFLINE} -name 'tool_*.deb'").strip()
    nodes.connect("locked2").put((File(path, b"something else"),))
    said = two(locked.offline("apt-get -y install tool=1.0-1 2>&1"), check=False)
    assert "Hash Sum mismatch" in said or "size" in said, said
    assert two("dpkg-query -W -f '${db:Status-Status}' tool 2>&1 || true").strip() != "installed"


def test_the_cache_host_serves_a_bundles_packages_to_the_others(nodes: Hosts, tmp_path: Path) -> None:
    """The packages are copied only to the cache host, or to all hosts if it cannot serve them."""
    one, two = nodes.shells["locked1"], nodes.shells["locked2"]
    wanted = {k: v for k, v in taken(nodes, "locked1").installable.items() if k in ("tool", "lib")}
    folder = bundled(nodes, wanted, tmp_path)
    two(f"[ ! -d {AT} ] || cp {AT}/key.asc /etc/apt/trusted.gpg.d/test.asc")
    two(
        f"rm -rf {AT} {OFFLINE} /etc/apt/sources.list.d/* /var/lib/apt/lists/*_*; apt-get -qq -y purge tool lib || true"
    )
    one(f"rm -rf {OFFLINE}")
    kinds = dict.fromkeys(nodes.shells, "debian-12")
    told: list[str] = []
    address = one.node.address
    with bundle.packages_there(nodes, kinds, folder, ("locked1", address), told.append):  # type: ignore[arg-type]
        assert told == ["locked1: copying packages", f"locked2: uses packages from {address}"]
        assert not two(f"find {OFFLINE} -name '*.deb'")
        lists = Step("locked2:lists", "locked2", "", (Run("lists", package_steps.apt_lists(), 100),))
        with journal.open_journal(tmp_path / "state") as kept:
            assert executor.run(
                Plan((locked.from_bundle(lists),), ("locked2",)), nodes.connect, kept, lambda _: None
            ).ok
        assert problems(nodes, "locked2", wanted, without_mirror=True) == []
        install(nodes, "locked2", wanted, tmp_path / "state", without_mirror=True)
        assert versions(two) == wanted
        unit = one("systemctl show -p User,DynamicUser stackwright-packages")
        assert "DynamicUser=yes" in unit
    assert one("systemctl is-active stackwright-packages || true").strip() == "inactive"
    # Something else is at its port.
    one("systemd-run -q --unit=in-the-way python3 -m http.server --directory /nowhere 3128")
    told.clear()
    with bundle.packages_there(nodes, kinds, folder, ("locked1", address), told.append):  # type: ignore[arg-type]
        why = "OSError: [Errno 98] Address already in use"
        assert told[1:] == [
            f"locked1: cannot serve packages, so they are copied to each host: {why}",
            "locked2: copying packages",
        ]
        assert two(f"find {OFFLINE} -name 'tool*.deb'")
    one("systemctl stop in-the-way")


def test_actions_are_of_the_kinds_that_the_executor_knows() -> None:
    assert [type(a) for a in locked.actions(DEBIAN, {"a": "1"}, 60)] == [Upload, Run]
    assert offline.place("images/x.raw") == "/var/lib/stackwright/images/x.raw"
