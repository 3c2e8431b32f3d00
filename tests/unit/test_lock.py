"""The lock: what hosts print becomes one, it is written and read again, compared in words, and installed again."""

from __future__ import annotations

import os
import subprocess
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archive
import golden
from golden import CASES
from stackwright import answers, cli, lock, planner, platforms, preflight
from stackwright.lock import HostLock, Lock, Package, Repository
from stackwright.lock.versions import dpkg, rpm
from stackwright.model import ExitCode, Run, StackwrightError, Upload
from stackwright.operations import lock as lock_ops
from stackwright.planner.steps import locked
from stackwright.planner.steps import packages as package_steps
from stackwright.state import directory

HOST = HostLock(
    platform="debian-12",
    package_manager="apt",
    arch="x86_64",
    kernel="6.1.0-40-amd64",
    python="3.11.2",
    puppet="7.23.0",
    facter="4.3.0",
    packages={
        "nova-api": Package("2:26.2.2-1~deb12u3", "Debian/bookworm/main"),
        "libc6:amd64": Package("2.36-9+deb12u10", "Debian/bookworm/main"),
        "python3-novaclient": Package("2:18.1.0-2", "Debian/bookworm/main"),
        "linux-image-6.1.0-40-amd64": Package("6.1.153-1", "Debian/bookworm-security/main"),
        "xz-utils": Package("5.4.1-0.2", ""),
    },
    modules={"nova": "21.0.0", "keystone": "21.0.0"},
    repositories={"Debian/bookworm": Repository(("http://mirror.example/debian",), "Sat, 11 Jul 2026", "ab" * 32)},
    images={"cirros.qcow2": "cd" * 32},
)
LOCK = Lock("0.1.0", "sha256:" + "0" * 64, "zed", "plan", {"Python": "3.11.2"}, {"CONFIG_X": 'a "b"\\\n'}, {"n1": HOST})

# As the script prints it on Debian; shortened.
APT = """\
kernel\t6.1.0-40-amd64
arch\tx86_64
python\t3.11.2
puppet\t7.23.0
facter\t4.3.0
module\tnova 21.0.0
image\tcirros-built.raw 1234
package\tbash 5.2.15-2+b7
package\tlibc6:amd64 2.36-9+deb12u14
package\txz-utils 5.4.1-0.2
source\t/var/lib/dpkg/status  a=now
source\thttp://user:geheim@mirror.example/debian bookworm/main v=12.15,o=Debian,a=oldstable,n=bookworm,l=Debian,c=main
from\tbash http://user:geheim@mirror.example/debian bookworm/main
from\tlibc6 http://user:geheim@mirror.example/debian bookworm/main
release\tDebian|bookworm|Sat, 11 Jul 2026 10:16:37 UTC|77ab
end\t1
"""
DNF = """\
kernel\t5.14.0-1.el9.x86_64
arch\tx86_64
puppet\t7.27.0
package\tkernel-core.x86_64 5.14.0-2.el9
package\tkernel-core.x86_64 5.14.0-1.el9
package\topenstack-nova-api.noarch 1:31.0.0-1.el9s
from\topenstack-nova-api.noarch delorean
repo-id\tbaseos
repo-revision\t1760000000
repo-baseurl\thttps://mirror.example/9-stream/BaseOS/x86_64/os/
repo-id\tdelorean
repo-revision\t1760000001
repo-baseurl\thttps://trunk.example/centos9-master/current/8a/1f/8a1f8e4fe2f9daf8164f7c4b1a3f3b5c/ (1 more)
repomd\tdelorean 99ff
denial\t3 denied { read } for comm="httpd"
end\t1
"""


def test_the_output_of_a_debian_host_is_parsed() -> None:
    seen = lock.parse(APT, "n1", "debian-12", "apt")
    assert seen.host.packages == {
        "bash": Package("5.2.15-2+b7", "Debian/bookworm/main"),
        "libc6:amd64": Package("2.36-9+deb12u14", "Debian/bookworm/main"),
        "xz-utils": Package("5.4.1-0.2", ""),
    }
    assert seen.host.repositories["Debian/bookworm"] == Repository(
        ("http://mirror.example/debian",), "Sat, 11 Jul 2026 10:16:37 UTC", "77ab"
    )
    assert (seen.host.puppet, seen.host.python, seen.host.kernel) == ("7.23.0", "3.11.2", "6.1.0-40-amd64")
    assert seen.host.images == {"cirros-built.raw": "1234"}
    assert "geheim" not in lock.write(Lock("1", "", "zed", hosts={"n1": seen.host}))


def test_the_output_of_a_centos_host_is_parsed() -> None:
    seen = lock.parse(DNF, "n1", "centos-stream-9", "dnf")
    assert seen.host.packages["openstack-nova-api.noarch"] == Package("1:31.0.0-1.el9s", "delorean")
    assert seen.host.packages["kernel-core.x86_64"].version == "5.14.0-1.el9,5.14.0-2.el9"
    assert list(seen.host.installable) == ["openstack-nova-api.noarch"], "kernels are recorded and not installed"
    assert seen.host.repositories["delorean"].snapshot == "8a1f8e4fe2f9daf8164f7c4b1a3f3b5c"
    assert seen.host.repositories["delorean"].checksum == "99ff"
    assert seen.host.repositories["baseos"].snapshot == "1760000000"
    assert seen.denials == ('3 denied { read } for comm="httpd"',)


def test_a_repository_that_does_not_say_everything_keeps_its_own() -> None:
    said = DNF.replace("repo-revision\t1760000000\n", "repo-updated\tSat 11 Jul 2026\n")
    found = lock.parse(said, "n1", "centos-stream-9", "dnf").host.repositories
    assert found["baseos"].snapshot == "Sat 11 Jul 2026"
    assert found["delorean"].snapshot == "8a1f8e4fe2f9daf8164f7c4b1a3f3b5c"
    without = said.replace("repo-baseurl\thttps://mirror.example/9-stream/BaseOS/x86_64/os/\n", "")
    found = lock.parse(without, "n1", "centos-stream-9", "dnf").host.repositories
    assert (found["baseos"].urls, len(found["delorean"].urls)) == ((), 1)


def test_an_answer_that_was_cut_off_is_no_lock() -> None:
    with pytest.raises(StackwrightError, match="incomplete"):
        lock.parse(APT.removesuffix("end\t1\n"), "n1", "debian-12", "apt")


def test_the_script_tells_of_this_machine() -> None:
    """The real thing: dpkg, apt and sources as they are here."""
    script = lock.script("apt", "/nowhere:/usr/share/puppet/modules", "/nowhere")
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    seen = lock.parse(done.stdout, "here", "debian-12", "apt")
    version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "dpkg"], capture_output=True, text=True).stdout
    assert seen.host.packages["dpkg"].version == version
    assert seen.host.kernel == os.uname().release


def test_the_file_says_the_same_when_it_is_read_again() -> None:
    text = lock.write(LOCK)
    assert lock.read(text) == LOCK
    assert lock.write(lock.read(text)) == text
    assert tomllib.loads(text)["hosts"]["n1"]["clients"] == {"python3-novaclient": "2:18.1.0-2"}
    packages = [line for line in text.partition("[hosts.n1.packages]\n")[2].splitlines() if line]
    assert packages == sorted(packages, key=lambda line: line.strip('"').split('"')[0].split(" ")[0])
    assert '"libc6:amd64" = "2.36-9+deb12u10 Debian/bookworm/main"' in packages


@settings(deadline=None)
@given(st.text(), st.text(min_size=1))
def test_any_text_survives(key: str, value: str) -> None:
    made = replace(LOCK, answers={key: value})
    assert lock.read(lock.write(made)).answers == {key: value}


@pytest.mark.parametrize("text", ["", "format = 1", "}{", "format = 'x'\nstackwright='1'\nrelease='zed'", "\x00"])
def test_a_file_that_is_no_lock_is_rejected(text: str) -> None:
    with pytest.raises(StackwrightError, match="not a valid lock") as error:
        lock.read(text)
    assert error.value.code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("nova", "1;reboot"),
        ("nova", "$(reboot)"),
        ("$(reboot)", "1"),
        ("a b", "1"),
        ("-o", "1"),
        ("a", "-1"),
        ("a", "`x`"),
    ],
)
def test_invalid_package_names_are_rejected(name: str, version: str) -> None:
    """A lock may come from anybody, and its words go into scripts."""
    text = lock.write(replace(LOCK, hosts={"n1": replace(HOST, packages={name: Package(version)})}))
    with pytest.raises(StackwrightError, match="not a valid lock"):
        lock.read(text)


def test_the_names_and_versions_that_there_are_can_be_read() -> None:
    real = {"libstdc++6:amd64": "12.2.0-14+deb12u1", "g++": "4:12.2.0-3", "python3.11": "3.11.2-6+deb12u6",
            "nova-api": "2:26.2.2-1~deb12u3", "NetworkManager.x86_64": "1:1.54.0-1.el9", "kernel.x86_64": "5.14-1,5.15",
            "xz-utils": "5.4.1-0.2", "glibc.i686": "2.34^git1-1_2.el9"}  # fmt: skip
    made = replace(LOCK, hosts={"n1": replace(HOST, packages={n: Package(v) for n, v in real.items()})})
    assert lock.read(lock.write(made)) == made


def test_a_lock_of_a_newer_version_is_refused() -> None:
    text = lock.write(LOCK).replace("format = 1", "format = 2")
    with pytest.raises(
        StackwrightError, match=r"format 2, written by Stackwright 0\.1\.0; this version supports format 1"
    ):
        lock.read(text)


# ------------------------------------------------------------------------------------------------------- differences


def test_differences_are_described_in_words() -> None:
    packages = {
        **HOST.packages,
        "nova-api": Package("2:26.2.1-1", ""),
        "python3-novaclient": Package("2:18.2.0-1", ""),
        "htop": Package("3.2.2-2", ""),
    }
    del packages["xz-utils"]
    moved = {"Debian/bookworm": Repository(("http://mirror.example/debian",), "Sat, 1 Aug 2026", "ef" * 32)}
    other = replace(
        LOCK,
        answers={"CONFIG_Y": "1"},
        hosts={"n1": replace(HOST, packages=packages, repositories=moved, modules={"nova": "22.0.0"})},
    )
    said = lock.text(lock.differences(LOCK, other))
    for line in (
        "nova-api: downgraded from 2:26.2.2-1~deb12u3 to 2:26.2.1-1",
        "python3-novaclient: upgraded from 2:18.1.0-2 to 2:18.2.0-1",
        "htop 3.2.2-2: added",
        "xz-utils 5.4.1-0.2: removed",
        "Debian/bookworm: changed from Sat, 11 Jul 2026 to Sat, 1 Aug 2026",
        "nova: upgraded from 21.0.0 to 22.0.0",
        "keystone 21.0.0: removed",
        "CONFIG_Y: (none) -> 1",
    ):
        assert f"  {line}\n" in said + "\n"
    assert lock.differences(LOCK, LOCK) == []


def test_a_setup_that_was_repeated_on_other_hosts_is_compared_host_by_host() -> None:
    elsewhere = replace(LOCK, hosts={"m7": replace(HOST, kernel="6.12")})
    (section,) = lock.differences(LOCK, elsewhere)
    assert section == lock.Section("n1 and m7: system", ("kernel: 6.1.0-40-amd64 -> 6.12",))
    (section,) = lock.differences(LOCK, replace(LOCK, hosts={"n1": HOST, "n2": HOST}))
    assert section.lines == ("n2 is only in the second",)


def renamed_setups() -> tuple[Lock, Lock]:
    """Two of a controller and two compute hosts; by name, the second one's controller comes last."""
    controller, *computes = (replace(HOST, kernel=kernel) for kernel in ("control", "one", "two"))

    def made(*names: str) -> Lock:
        answers = {
            "CONFIG_CONTROLLER_HOST": names[0],
            "CONFIG_COMPUTE_HOSTS": f"{names[1]},{names[2]}",
            "CONFIG_X": "a,b",
        }
        return replace(LOCK, answers=answers, hosts=dict(zip(names, (controller, *computes), strict=True)))

    return made("a-control", "b1", "b2"), made("z-control", "y", "x")


def test_hosts_are_matched_by_what_they_are_in_the_answers() -> None:
    a, b = renamed_setups()
    assert lock.pairs(a.hosts, b.hosts, (a.answers, b.answers)) == [
        ("b1", "y"),
        ("b2", "x"),
        ("a-control", "z-control"),
    ]
    assert lock.differences(a, b) == [], "other names are no difference"
    # One host has another name, the rest is as it was.
    hosts = {"new" if name == "b2" else name: host for name, host in a.hosts.items()}
    answers = {**a.answers, "CONFIG_COMPUTE_HOSTS": "b1,new", "CONFIG_X": "a,c"}
    (section,) = lock.differences(a, replace(a, hosts=hosts, answers=answers))
    assert section == lock.Section("answers", ("CONFIG_X: a,b -> a,c",))
    # Names that are exchanged stay names.
    assert lock.pairs(["a", "b"], ["b", "a"]) == [("a", "a"), ("b", "b")]


def test_terminal_escapes_in_a_lock_are_not_printed() -> None:
    """It may come from anybody."""
    said = lock.text(lock.differences(LOCK, replace(LOCK, release="\x1b[2Jzed", answers={"X": "\x1b]0;\x07"})))
    assert "\x1b" not in said
    assert "release: zed -> \\x1b[2Jzed" in said


def test_the_command_tells_differences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").write_text(lock.write(LOCK))
    (tmp_path / "b").write_text(lock.write(replace(LOCK, release="epoxy")))
    assert cli.main(["lock", "diff", str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    assert capsys.readouterr().out == "OpenStack:\n  release: zed -> epoxy\n"
    assert cli.main(["lock", "diff", str(tmp_path / "a"), str(tmp_path / "a")]) == 0
    assert "no differences" in capsys.readouterr().out
    for name, made in zip("cd", renamed_setups(), strict=True):
        (tmp_path / name).write_text(lock.write(made))
    assert cli.main(["lock", "diff", str(tmp_path / "c"), str(tmp_path / "d")]) == 0
    said = capsys.readouterr().out
    assert said.startswith("no differences\n")
    assert "a-control of the first is z-control of the second\n" in said
    assert cli.main(["lock", "diff", str(tmp_path / "a"), str(tmp_path / "none")]) == ExitCode.USAGE


# In ascending order, with equal ones on a line: deb-version(7)'s and rpm's own examples, and what is seen.
DPKG = ["1.0~rc1", "1.0", "1.0-1~deb12u1", "1.0-1", "1.0-1a", "1.0-1+b1", "1.0-1+deb12u2", "1.0-1+deb12u10", "1.0+x-1",
        "1.0.1-1", "1.0.a-1", "9.9", "1:0.1", "2:26.2.2-1~deb12u3", "2:26.2.2-1~deb12u10", "2:26.2.2-1"]  # fmt: skip
RPM = ["1.0~rc1-1", "1.0-1.el9", "1.0-2.el9", "1.0^git1-1", "1.0.a-1", "1.0.1-1", "1.0.1a-1", "1.10-1", "1:0.1-1"]


def test_versions_are_ordered_as_dpkg_orders_them() -> None:
    for index, older in enumerate(DPKG):
        for newer in DPKG[index + 1 :]:
            assert (dpkg(older, newer), dpkg(newer, older)) == (-1, 1), (older, newer)
        assert dpkg(older, older) == 0
    assert dpkg("1.01", "1.1") == 0


_VERSION = st.from_regex(r"(1:)?[01][019aZ.+~]{0,6}(-[019aZ.+~]{1,4})?", fullmatch=True)


@settings(deadline=None)
@given(_VERSION, _VERSION)
def test_dpkg_itself_agrees(a: str, b: str) -> None:
    def holds(relation: str) -> bool:
        return subprocess.run(["dpkg", "--compare-versions", a, relation, b], check=False).returncode == 0

    assert dpkg(a, b) == (0 if holds("eq") else 1 if holds("gt") else -1)


def test_versions_are_ordered_as_rpm_orders_them() -> None:
    for index, older in enumerate(RPM):
        for newer in RPM[index + 1 :]:
            assert (rpm(older, newer), rpm(newer, older)) == (-1, 1), (older, newer)
        assert rpm(older, older) == 0


def test_the_nearest_is_the_next_newer_one_or_else_the_newest() -> None:
    there = ["1.0-1", "1.0-3", "1.0-9"]
    assert lock.nearest("1.0-2", there, dpkg) == "1.0-3"
    assert lock.nearest("1.1-1", there, dpkg) == "1.0-9"
    assert lock.nearest("1.0-2", [], dpkg) == ""


# -------------------------------------------------------------------------------------------------- installing it again


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> archive.Archive:
    """tool 1.0-1 and 1.0-2, which needs lib in any version: 2.0-1 and 2.0-2."""
    made = archive.make(tmp_path_factory.mktemp("archive"))
    for version in ("1.0-1", "1.0-2"):
        made.package("tool", version, depends="lib")
    for version in ("2.0-1", "2.0-2"):
        made.package("lib", version)
    made.publish()
    return made


@pytest.fixture
def check(tmp_path: Path, packages: archive.Archive) -> Callable[..., list[tuple[str, str]]]:
    """check({"tool": "1.0-1"}, installed) -> (seen, hint) of each problem, asked of a real apt."""

    def run(wanted: dict[str, str], installed: str = "") -> list[tuple[str, str]]:
        config = archive.own_root(tmp_path / "root", packages, installed)
        debian = platforms.by_id("debian-12")
        script = preflight.package_check_script(debian, locked.words(debian, wanted), exact=True)
        script = script.replace("/var/lib/apt/lists", str(tmp_path / "root/var/lib/apt/lists"))
        environment = {**os.environ, "APT_CONFIG": str(config)}
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, env=environment, check=False)
        return [(p.seen, p.hint) for p in preflight.parse_package_check(done.stdout + done.stderr)]

    return run


def test_a_lock_that_can_be_had_is_no_problem(check: Callable[..., list[tuple[str, str]]]) -> None:
    assert check({"tool": "1.0-1", "lib": "2.0-1"}) == []
    newer = archive.status("tool", "1.0-2") + archive.status("lib", "2.0-2")
    assert check({"tool": "1.0-1", "lib:amd64": "2.0-1"}, newer) == [], "an older version may be wanted"


def test_missing_packages_are_listed_with_the_nearest_version(check: Callable[..., list[tuple[str, str]]]) -> None:
    assert check({"tool": "1.0-1.5", "lib:amd64": "3.0-1", "nobody": "1", "nothing": "2"}) == [
        ("lib 3.0-1 is gone: no repository of the host has it", "the nearest version is lib 2.0-2"),
        ("tool 1.0-1.5 is gone: no repository of the host has it", "the nearest version is tool 1.0-2"),
        ("no repository of the host has the package nobody", "check the release and the repositories of the host"),
        ("no repository of the host has the package nothing", "check the release and the repositories of the host"),
    ]


def test_packages_that_dnf_does_not_have_are_listed_with_the_nearest_version() -> None:
    said = "exit\t1\nerror\tNo match for argument: nova-1:31.0.0-1.el9s.noarch\n"
    said += "versions\tnova 1:31.0.0-2.el9s 1:32-1\nend\t1\n"
    (problem,) = preflight.parse_package_check(said, "n1")
    assert problem.seen == "nova 1:31.0.0-1.el9s is gone: no repository of the host has it"
    assert problem.hint == "the nearest version is nova 1:31.0.0-2.el9s"


def plan_of(case: str, exact: dict[str, dict[str, str]]) -> planner.Plan:
    return planner.plan(planner.cloud(CASES[case].answers(), CASES[case].facts()), exact=exact)


def test_a_locked_plan_pins_and_installs_exactly_these() -> None:
    step = plan_of("allinone", {"198.18.0.10": HOST.installable}).step("198.18.0.10:packages")
    upload, run = step.actions
    assert isinstance(upload, Upload)
    assert isinstance(run, Run)
    assert upload.files[0].path == package_steps.PINS
    pins = upload.files[0].content.decode()
    assert "Package: libc6:amd64\nPin: version 2.36-9+deb12u10\nPin-Priority: 1001\n" in pins
    assert "nova-api=2:26.2.2-1~deb12u3" in run.script
    assert "--allow-downgrades" in run.script
    assert "linux-image" not in run.script
    assert step.title == "Install 4 packages, as locked"
    without = plan_of("allinone", {}).step("198.18.0.10:packages").actions
    assert [type(a) for a in without] == [Run]


def test_the_script_asks_only_for_what_is_not_there_in_that_version(tmp_path: Path) -> None:
    """With a dpkg-query that says what is there."""
    tool = tmp_path / "dpkg-query"
    tool.write_text("#!/bin/sh\nprintf 'ii  bash=5-1\\nii  lib:amd64=2-1\\nrc  old=1\\nhi  held=3-1\\n'\n")
    tool.chmod(0o755)
    script = package_steps.apt_install(["bash=5-1", "lib:amd64=2-2", "old=1", "held=3-1", "zlib=1~rc1"], exact=True)
    head = script.partition("missing=$(")
    wanted = next(line for line in head[0].splitlines() if line.startswith("wanted="))
    script = f"{wanted}\nmissing=$({head[2].partition('if [ -z')[0]}"
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        ["dash", "-c", f"set -eu\n{script}echo $missing"], capture_output=True, text=True, env=environment
    )
    assert done.stdout.split() == ["lib:amd64=2-2", "old=1", "zlib=1~rc1"], done.stderr


def test_nevras_are_what_dnf_is_asked_for() -> None:
    centos = platforms.by_id("centos-stream-9")
    exact = {"openstack-nova-api.noarch": "1:31.0.0-1.el9s", "bash.x86_64": "5.1.8-9.el9"}
    assert locked.words(centos, exact) == ("bash-5.1.8-9.el9.x86_64", "openstack-nova-api-1:31.0.0-1.el9s.noarch")
    upload, run = locked.actions(centos, exact, 60)
    assert isinstance(upload, Upload)
    assert isinstance(run, Run)
    assert upload.files[0].content == b"bash-5.1.8-9.el9.*\nopenstack-nova-api-1:31.0.0-1.el9s.*\n"
    assert subprocess.run(["sh", "-n"], input=run.script, text=True, check=False).returncode == 0


def exact_of(made: Lock, case: str = "allinone") -> dict[str, dict[str, str]]:
    return lock_ops.exact(made, planner.cloud(CASES[case].answers(), CASES[case].facts()))


def everything(case: str, *, lack: str = "") -> Lock:
    """A lock with all that the case wants, of hosts of other names."""
    wanted = CASES[case].packages()
    hosts = {
        f"other-{n}": replace(HOST, packages={p: Package("1-1") for p in names if p != lack})
        for n, names in enumerate(wanted[name] for name in sorted(wanted))
    }
    return replace(LOCK, hosts=hosts)


def test_a_lock_of_the_same_number_of_other_hosts_is_accepted() -> None:
    found = exact_of(everything("allinone"))
    assert set(found) == {"198.18.0.10"}
    assert found["198.18.0.10"]["nova-api"] == "1-1"


def test_a_lock_of_other_hosts_goes_to_those_of_the_same_roles() -> None:
    """By name the controller comes first, and in the lock it came last."""
    case = CASES["three-hosts"]
    wanted, given = case.packages(), answers.public(case.answers())
    names = dict(zip(wanted, ("z", "y", "x"), strict=True))
    made = replace(
        LOCK,
        answers={key: ",".join(names.get(word, word) for word in text.split(",")) for key, text in given.items()},
        hosts={names[n]: replace(HOST, packages={p: Package("1-1") for p in found}) for n, found in wanted.items()},
    )
    found = exact_of(made, "three-hosts")
    assert {name: set(versions) for name, versions in found.items()} == {n: set(p) for n, p in wanted.items()}
    with pytest.raises(StackwrightError, match="which the lock does not contain"):
        exact_of(replace(made, answers={}), "three-hosts")


def test_a_lock_that_does_not_fit_is_refused_with_all_reasons() -> None:
    with pytest.raises(StackwrightError, match="the answers need nova-api, which the lock does not contain") as error:
        exact_of(everything("allinone", lack="nova-api"))
    assert error.value.code == ExitCode.PREFLIGHT
    with pytest.raises(StackwrightError, match="the lock does not contain 198"):
        exact_of(replace(LOCK, hosts={"a": HOST, "b": HOST}))
    made = everything("allinone")
    (name,) = made.hosts
    other = replace(made, release="epoxy", hosts={name: replace(made.hosts[name], platform="debian-13")})
    with pytest.raises(StackwrightError, match=r"(?s)OpenStack epoxy.*zed.*the lock is for debian-13"):
        exact_of(other)


def test_a_saved_lock_reports_differences_without_secrets(tmp_path: Path) -> None:
    place = directory.StateDir(tmp_path)
    given_answers = CASES["allinone"].answers()
    made = replace(LOCK, answers=answers.public(given_answers))
    path = lock_ops.keep(lock_ops.Taken(made, {"n1": ("1 denied",)}), place, None, "")
    text = path.read_text()
    assert [s for s in given_answers.secret_texts() if s in text] == []
    assert '"against": ""' in place.read(lock_ops.AFTERWARDS)
    newer = replace(made, hosts={"n1": replace(HOST, kernel="7.0")})
    lock_ops.keep(lock_ops.Taken(newer), place, None, "")
    told = place.read(lock_ops.AFTERWARDS)
    assert "the previous lock" in told
    assert "kernel: 6.1.0-40-amd64 -> 7.0" in told
    assert lock_ops.Taken(newer).unrepeatable == {"n1": ["xz-utils"]}


def test_public_answers_have_no_secrets_and_impersonal_ones_say_whose_they_were() -> None:
    files = [golden.FOLDER / "base.txt", CASES["heat"].folder / "answers.txt"]
    flags = {"CONFIG_REPO": "https://me:geheim@mirror.example/a,https://mirror.example/b"}
    read = answers.read(files, flags, environ={}, local_host="198.18.0.10", remembered=golden.secrets())
    shown = answers.public(read)
    assert shown["CONFIG_REPO"] == "https://mirror.example/a,https://mirror.example/b"
    assert not {*shown} & read.secrets
    other = answers.read(files, flags, environ={}, local_host="198.18.0.10")
    assert other["CONFIG_KEYSTONE_ADMIN_PW"] != read["CONFIG_KEYSTONE_ADMIN_PW"]
    assert dict(answers.impersonal(other)) == dict(answers.impersonal(read))
    assert answers.impersonal(read)["CONFIG_KEYSTONE_ADMIN_PW"] == "CONFIG_KEYSTONE_ADMIN_PW.secret"
    assert len(answers.impersonal(read)["CONFIG_HEAT_AUTH_ENC_KEY"]) == 32
