"""The package check: scripts that are sound shell, and what package managers said, as recorded, made into problems."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace

import pytest

import typed
from stackwright import platforms, preflight, services
from stackwright.model import Problem
from stackwright.platforms.repositories import Sources, repositories, trunk
from stackwright.preflight.packages import parse_package_sizes

# Recorded from apt-get on a Debian 12 node.
APT_GOOD = "exit\t0\ndownload\t397027020\ncount\t797\ndisk\t1,975 MB\nend\t1\n"
APT_MISSING = """\
exit\t100
error\tE: Unable to locate package no-such-package
error\tE: Unable to locate package nor-this-one
error\tE: Unable to correct problems, you have held broken packages.
error\t nova-compute-kvm : Conflicts: nova-compute-qemu but 2:26.2.2-1~deb12u5 is to be installed
error\t nova-compute-qemu : Conflicts: nova-compute-kvm but 2:26.2.2-1~deb12u5 is to be installed
download\t0
count\t0
end\t1
"""
KEYS = (
    "The following signatures couldn't be verified because the public key is not available: NO_PUBKEY 6ED0E7B82643E131"
)
APT_REPOSITORIES = f"""\
update\tE: The repository 'http://mirror.example/debian nosuchsuite Release' does not have a Release file.
update\tW: GPG error: http://mirror.example/debian trixie InRelease: {KEYS}
update\tE: The repository 'http://mirror.example/debian trixie InRelease' is not signed.
update\tErr: http://mirror.example/debian nosuchsuite Release: 404  Not Found [IP: 203.0.113.80 80]
update\tErr: http://mirror.example/debian trixie InRelease: {KEYS}
update\tErr: http://198.18.41.1:9/debian bookworm InRelease: Could not connect to 198.18.41.1:9 (198.18.41.1). - \
connect (111: Connection refused)
update\tErr: http://mirror.invalid/debian bookworm InRelease: Could not resolve 'mirror.invalid'
update\tErr: http://mirror.invalid/debian bookworm-updates InRelease: Could not resolve 'mirror.invalid'
exit\t0
download\t50371508
count\t227
disk\t239 MB
end\t1
"""
# Recorded from dnf 4 with a repository of three tiny packages; the sizes are RDO's.
RELEASEVER = "error\tUnable to detect release version (use '--releasever' to specify release version)\n"
DNF_GOOD = f"exit\t1\nresolved\tyes\n{RELEASEVER}download-text\t325 M\ndisk\t1.2 G\nend\t1\n"
DNF_MISSING = f"""\
exit\t1
{RELEASEVER}error\tError: Unable to find a match: none-a none-b
error\tNo match for argument: none-a
error\tNo match for argument: none-b
end\t1
"""
DNF_UNREACHABLE = """\
exit\t1
error\tErrors during downloading metadata for repository 'bad':
error\t  - Curl error (6): Couldn't resolve host name for https://mirror.invalid/x/repodata/repomd.xml \
[Could not resolve host: mirror.invalid]
error\tError: Failed to download metadata for repo 'bad': Cannot download repomd.xml: \
Cannot download repodata/repomd.xml: All mirrors were tried
error\tErrors during downloading metadata for repository 'ref':
error\t  - Curl error (7): Couldn't connect to server for http://198.18.41.1:9/x/repodata/repomd.xml \
[Failed to connect to 198.18.41.1 port 9 after 0 ms: Couldn't connect to server]
error\tError: Failed to download metadata for repo 'ref': Cannot download repomd.xml: \
Cannot download repodata/repomd.xml: All mirrors were tried
error\tIgnoring repositories: bad, ref
error\tError: Unable to find a match: none-a
error\tNo match for argument: none-a
end\t1
"""
DNF_UNMET = """\
exit\t1
error\tError:
error\t Problem: conflicting requests
error\t  - nothing provides nothing-has-this >= 2 needed by broken-x-1.0-1.noarch
end\t1
"""
DNF_NO_BUILDER = "exit\t1\nerror\tError: Unknown repo: 'crb'\nend\t1\n"


def parse(output: str) -> list[Problem]:
    found = preflight.parse_package_check(output, "node7")
    assert all(p.host == "node7" and p.message for p in found)
    assert {p.name for p in found} <= {"package", "repository"}
    return found


def offered(platform: platforms.Platform, release: str = "", proxy: str = "") -> Sources:
    return Sources(repositories(platform, platforms.release_of(platform, release), typed.answers()), (), proxy)


@pytest.mark.parametrize("platform", platforms.PLATFORMS, ids=lambda p: p.id)
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_scripts_are_sound_shell(platform: platforms.Platform, shell: str) -> None:
    names = services.packages_for(platform, ["keystone", "nova-compute"])
    script = preflight.package_check_script(platform, names, offered(platform, proxy="http://198.18.0.1:3128"))
    assert "keystone" in script
    assert not re.search("@[A-Z]+@", script)
    subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_dnf_script_brings_the_release_s_repositories() -> None:
    platform = platforms.by_id("centos-stream-9")
    script = preflight.package_check_script(platform, ["puppet"], offered(platform, "caracal"))
    assert "--enablerepo=crb" in script
    assert "<<'REPOSITORIES'" in script, "dnf, not the shell, fills $basearch in"
    assert "cloud/$basearch/openstack-caracal/\n" in script
    assert "--assumeno" in script


def test_dnf_script_looks_into_trunk() -> None:
    platform = platforms.by_id("centos-stream-9")
    found = replace(offered(platform), trunk=trunk(platform, "epoxy", "current"))
    script = preflight.package_check_script(platform, ["puppet"], found)
    assert "fetch https://trunk.rdoproject.org/centos9-epoxy/current/delorean.repo stackwright-trunk\n" in script


def test_names_are_words_to_the_shell() -> None:
    script = preflight.package_check_script(platforms.by_id("debian-12"), ["x; touch /tmp/oops"])
    assert "'x; touch /tmp/oops'" in script


@pytest.mark.parametrize("output", [APT_GOOD, DNF_GOOD])
def test_everything_can_be_had(output: str) -> None:
    assert parse(output) == []


def test_sizes() -> None:
    assert parse_package_sizes(APT_GOOD) == (797, 397027020, 1975 * 10**6)
    assert parse_package_sizes(DNF_GOOD) == (0, 325 * 10**6, 1200 * 10**6)
    assert parse_package_sizes("end\t1\n") == (0, 0, 0)


def test_each_missing_package_is_named_and_conflicts_are_found_all_the_same() -> None:
    seen = [p.seen for p in parse(APT_MISSING)]
    assert seen[:2] == [
        f"no repository of the host has the package {name}" for name in ("no-such-package", "nor-this-one")
    ]
    assert seen[2].startswith("nova-compute-kvm conflicts with nova-compute-qemu")
    assert len(seen) == 4


def test_dnf_names_missing_packages_once() -> None:
    assert [p.seen for p in parse(DNF_MISSING)] == [
        f"no repository of the host has the package {name}" for name in ("none-a", "none-b")
    ]


def test_each_repository_is_reported_once_with_a_hint() -> None:
    found = parse(APT_REPOSITORIES)
    assert [p.name for p in found] == ["repository"] * 4
    suite, key, refused, unknown = found
    assert suite.seen.endswith("nosuchsuite: does not have a Release file"), "the first of two reasons is told"
    assert "no longer carries" in suite.hint
    assert "NO_PUBKEY" in key.seen
    assert "do not switch the check off" in key.hint
    assert "198.18.41.1:9" in refused.seen
    assert "firewall" in refused.hint
    assert unknown.seen.count("mirror.invalid/debian") == 2
    assert unknown.seen.count("Could not resolve") == 1
    assert "resolv.conf" in unknown.hint


def test_dnf_tells_dead_mirrors_and_missing_packages_together() -> None:
    first, second, package = parse(DNF_UNREACHABLE)
    assert first.name == second.name == "repository"
    assert "https://mirror.invalid/x/repodata/repomd.xml: Curl error (6)" in first.seen
    assert "resolv.conf" in first.hint
    assert "198.18.41.1:9" in second.seen
    assert "firewall" in second.hint
    assert package.seen == "no repository of the host has the package none-a"
    assert "the repository above" in package.hint


def test_dnf_unmet_dependencies() -> None:
    assert [p.seen for p in parse(DNF_UNMET)] == [
        "nothing provides nothing-has-this >= 2 needed by broken-x-1.0-1.noarch"
    ]


def test_dnf_without_the_builder_repository() -> None:
    (problem,) = parse(DNF_NO_BUILDER)
    assert problem.name == "repository"
    assert problem.seen == "crb: the host has no such repository"
    assert "register" in problem.hint


def test_a_failure_without_a_known_reason_is_still_one() -> None:
    assert parse("exit\t1\nerror\tError: something new\nend\t1\n")[0].seen == "Error: something new"
    assert parse("exit\t100\nend\t1\n")[0].seen == "no reason was given"
    assert "cut off" in parse("exit\t0\n")[0].seen
    assert "cut off" in parse("")[0].seen
    assert "dpkg --configure -a" in parse("error\tdpkg was interrupted\nexit\t0\nend\t1\n")[0].hint
