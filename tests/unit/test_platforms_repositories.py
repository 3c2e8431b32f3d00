"""Repositories as data: which ones a release and the answers select, and dnf's configuration of them."""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from typing import Any

import pytest

from stackwright import answers, platforms
from stackwright.model import Answer, Answers, Origin, StackwrightError
from stackwright.platforms import repositories as repos
from stackwright.services import options

STREAM9 = platforms.by_id("centos-stream-9")
EPOXY = platforms.release_of(STREAM9, "epoxy")
HASH = "0123456789abcdef0123456789abcdef"


def repositories(
    platform: platforms.Platform, release: platforms.Release, values: Mapping[str, Any], arch: str = "x86_64"
) -> tuple[platforms.Repository, ...]:
    """The repositories with these answers, texts or typed values by key, and defaults for the others."""
    typed = {key: options()[key].parse(value) if isinstance(value, str) else value for key, value in values.items()}
    entries = {key: Answer(value, str(value), Origin("file")) for key, value in typed.items()}
    given = Answers({**answers.defaults().entries, **entries})
    return repos.repositories(platform, release, given, arch=arch)


def read(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    return parser


def test_release() -> None:
    wanted = repositories(STREAM9, EPOXY, {})
    assert repos.Sources(wanted).enabled == ("crb",)
    file = read(repos.dnf_file(wanted))
    assert len(file.sections()) == len(wanted) - 1
    for section in file.sections():
        assert file[section]["gpgcheck"] == "1", "everything that comes from RDO and the SIGs is signed"
        assert file[section]["gpgkey"].startswith("https://")
        assert "$basearch" in file[section]["baseurl"]
    assert file["stackwright-openstack-epoxy"]["baseurl"].endswith("/SIGs/9-stream/cloud/$basearch/openstack-epoxy/")


def test_stream_10_has_its_own_repository_urls() -> None:
    stream10 = platforms.by_id("centos-stream-10")
    assert "/10-stream/" in repos.dnf_file(repositories(stream10, stream10.default_release, {}))


def test_unreleased_versions_come_from_testing_or_trunk() -> None:
    stream10 = platforms.by_id("centos-stream-10")
    for values in ({}, {"CONFIG_ENABLE_RDO_TESTING": True}, {"CONFIG_RDO_TRUNK": "current"}):
        file = repos.dnf_file(repositories(stream10, stream10.default_release, values))
        assert "mirror.stream.centos.org/SIGs/10-stream/cloud" not in file
        testing = "buildlogs.centos.org/centos/10-stream/cloud/$basearch/openstack-epoxy/"
        assert (testing in file) is ("CONFIG_ENABLE_RDO_TESTING" in values)


def test_rhel_has_its_own_builder_repository() -> None:
    rhel = platforms.by_id("rhel-9")
    wanted = repositories(rhel, rhel.default_release, {}, arch="aarch64")
    assert repos.Sources(wanted).enabled == ("codeready-builder-for-rhel-9-aarch64-rpms",)


def test_debian_needs_no_repositories() -> None:
    debian = platforms.by_id("debian-12")
    assert repositories(debian, debian.default_release, {"CONFIG_ENABLE_RDO_TESTING": True}) == ()


@pytest.mark.parametrize("end", ["", "/", "/SIGs", "/SIGs/"])
def test_mirror(end: str) -> None:
    values = {"CONFIG_PACKAGE_MIRROR": f"https://mirror.example.org/stream{end}"}
    file = read(repos.dnf_file(repositories(STREAM9, EPOXY, values)))
    for section in file.sections():
        assert file[section]["baseurl"].startswith("https://mirror.example.org/stream/SIGs/9-stream/")


@pytest.mark.parametrize(
    "own",
    [
        ("https://a.example.org/x", "file:///srv/y"),
        "https://a.example.org/x, file:///srv/y,",
        "https://a.example.org/x,/srv/y",
    ],
)
def test_own_repositories(own: object) -> None:
    file = read(repos.dnf_file(repositories(STREAM9, EPOXY, {"CONFIG_REPO": own})))
    assert file["stackwright-own-1"]["baseurl"] == "https://a.example.org/x"
    assert file["stackwright-own-2"]["baseurl"] == "file:///srv/y"
    assert "stackwright-own-3" not in file


def test_the_testing_repository_is_marked_as_unsigned() -> None:
    file = read(repos.dnf_file(repositories(STREAM9, EPOXY, {"CONFIG_ENABLE_RDO_TESTING": True})))
    section = file["stackwright-openstack-epoxy-testing"]
    assert section["gpgcheck"] == "0"
    assert "unsigned" in section["name"]


@pytest.mark.parametrize("key", ["CONFIG_REPO", "CONFIG_OFFLINE_REPO"])
def test_packages_of_own_repositories_are_unsigned_only_if_an_answer_says_so(key: str) -> None:
    for unsigned, check in ((False, "1"), (True, "0")):
        values = {key: "https://a.example.org/x", "CONFIG_REPO_UNSIGNED": unsigned}
        file = read(repos.dnf_file(repositories(STREAM9, EPOXY, values)))
        assert file[file.sections()[-1]]["gpgcheck"] == check


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({}, ()),
        ({"CONFIG_REPO": "https://a.example.org/x"}, ()),
        ({"CONFIG_REPO": "https://a.example.org/x", "CONFIG_REPO_UNSIGNED": True}, ("CONFIG_REPO_UNSIGNED",)),
        ({"CONFIG_RDO_TRUNK": "current"}, ("CONFIG_RDO_TRUNK",)),
        ({"CONFIG_RDO_TRUNK": "current", "CONFIG_OFFLINE_REPO": "/srv/x"}, ()),
        ({"CONFIG_ENABLE_RDO_TESTING": True}, ("CONFIG_ENABLE_RDO_TESTING",)),
    ],
)
def test_the_answers_that_allow_unsigned_packages_are_named(values: dict[str, Any], named: tuple[str, ...]) -> None:
    """They are in the summary of an installation."""
    typed = {key: options()[key].parse(value) if isinstance(value, str) else value for key, value in values.items()}
    entries = {key: Answer(value, str(value), Origin("file")) for key, value in typed.items()}
    given = Answers({**answers.defaults().entries, **entries})
    assert repos.unsigned(STREAM9, EPOXY, given) == named
    assert repos.unsigned(platforms.by_id("debian-12"), platforms.by_id("debian-12").default_release, given) == ()
    checked = "gpgcheck=0" not in repos.dnf_file(repos.repositories(STREAM9, EPOXY, given))
    assert checked or named


@pytest.mark.parametrize("key", ["CONFIG_REPO_KEYS", "CONFIG_MIRROR_KEYS"])
def test_keys_do_not_come_over_a_way_that_can_be_tampered_with(key: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        options()[key].parse("http://mirror.example/key")
    assert options()[key].parse("https://mirror.example/key")


def test_own_repositories_are_verified_with_the_given_keys() -> None:
    values = {"CONFIG_REPO": "https://a.example.org/x", "CONFIG_REPO_KEYS": "/etc/a, https://a.example.org/k"}
    section = read(repos.dnf_file(repositories(STREAM9, EPOXY, values)))["stackwright-own-1"]
    assert section["gpgcheck"] == "1"
    assert section["gpgkey"] == "file:///etc/a https://a.example.org/k"


def test_preview_repositories_are_opt_in() -> None:
    usual = repositories(STREAM9, EPOXY, {})
    assert not [r for r in usual if "hyperscale" in r.url]
    more = repositories(STREAM9, EPOXY, {"CONFIG_SIG_PREVIEW": True})
    assert set(usual) < set(more)
    assert [r.key.rpartition("/")[2] for r in set(more) - set(usual)] == ["RPM-GPG-KEY-CentOS-SIG-HyperScale"]


def test_an_offline_repository_disables_all_others() -> None:
    values = {"CONFIG_OFFLINE_REPO": "/srv/packages", "CONFIG_REPO": "https://a.example.org/x"}
    (only,) = repositories(STREAM9, EPOXY, values)
    assert only.url == "file:///srv/packages"
    assert repos.transaction_options(STREAM9, (only,)) == ("--disablerepo=*", f"--enablerepo={only.id}")
    assert "proxy" not in repos.dnf_file((only,), "http://198.18.0.1:3128")


def test_signing_keys_can_come_from_another_url() -> None:
    text = repos.dnf_file(repositories(STREAM9, EPOXY, {"CONFIG_MIRROR_KEYS": "/srv/keys/"}))
    assert "gpgkey=file:///srv/keys/RPM-GPG-KEY-CentOS-SIG-Cloud\n" in text
    assert "centos.org/keys" not in text


def test_proxy() -> None:
    text = repos.dnf_file(repositories(STREAM9, EPOXY, {}), "http://198.18.0.1:3128")
    assert text.count("proxy=http://198.18.0.1:3128\n") == text.count("baseurl=https://")


def test_epel_is_disabled_in_transactions() -> None:
    wanted = repositories(STREAM9, EPOXY, {})
    assert repos.transaction_options(STREAM9, wanted) == ("--disablerepo=epel", "--disablerepo=epel-next")
    assert repos.transaction_options(platforms.by_id("debian-12"), ()) == ()


def test_trunk_replaces_the_release_repository() -> None:
    wanted = repositories(STREAM9, EPOXY, {"CONFIG_RDO_TRUNK": "current"})
    assert [r.id for r in wanted] == ["crb"]
    found = repos.Sources(wanted, trunk=repos.trunk(STREAM9, "epoxy", f"current/{HASH}"))
    assert list(found.fetched) == list(repos.TRUNK_FILES)
    assert found.fetched["stackwright-trunk"].endswith(f"/current/01/23/{HASH}/delorean.repo")


def test_master_is_a_release_of_trunk_only() -> None:
    assert platforms.release_of(STREAM9, "master", trunk=True).name == "master"
    with pytest.raises(StackwrightError, match="master cannot be installed") as caught:
        platforms.release_of(STREAM9, "master")
    assert "zed, antelope, bobcat, caracal, dalmatian, epoxy" in caught.value.hint
    assert "--trunk" in caught.value.hint
    with pytest.raises(StackwrightError):
        platforms.release_of(platforms.by_id("debian-12"), "master", trunk=True)


@pytest.mark.parametrize("tag", repos.TRUNK_TAGS)
def test_trunk_by_tag(tag: str) -> None:
    found = repos.trunk(STREAM9, "master", tag)
    assert found.repository == f"https://trunk.rdoproject.org/centos9-master/{tag}/delorean.repo"
    assert found.hash_at == found.repository + ".md5"
    assert found.dependencies == "https://trunk.rdoproject.org/centos9-master/delorean-deps.repo"


def test_trunk_by_hash() -> None:
    base = "https://trunk.rdoproject.org/centos10-epoxy"
    found = repos.trunk(platforms.by_id("centos-stream-10"), "epoxy", HASH)
    assert found.repository == f"{base}/current/01/23/{HASH}/delorean.repo"
    assert found.hash_at == ""
    assert repos.trunk(platforms.by_id("centos-stream-10"), "epoxy", f"consistent/{HASH}").repository == (
        f"{base}/consistent/01/23/{HASH}/delorean.repo"
    )


@pytest.mark.parametrize("tag", ["latest", HASH[:31], f"current/{HASH[:5]}", "../etc", ""])
def test_an_unknown_trunk_tag_is_refused(tag: str) -> None:
    with pytest.raises(StackwrightError, match="no trunk tag or hash") as caught:
        repos.trunk(STREAM9, "master", tag)
    assert "puppet-passed-ci" in caught.value.hint


def test_no_trunk_for_debian() -> None:
    with pytest.raises(StackwrightError, match="no RDO trunk for Debian"):
        repos.trunk(platforms.by_id("debian-12"), "master")
