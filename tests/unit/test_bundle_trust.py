"""A bundle of somebody else: only of signers that have a name here, only with answers that are harmless, and nothing in
it configures a package manager."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import golden
from stackwright import answers, bundle, cli, planner
from stackwright.bundle import offline
from stackwright.bundle.content import _shareable
from stackwright.model import Facts, File, StackwrightError
from stackwright.operations import bundle as operations
from stackwright.operations import reproduce, signers
from stackwright.planner.steps.locked import APT_CONFIG, OFFLINE
from stackwright.planner.topology import Cloud
from stackwright.services import options
from stackwright.ssh import Result

BUNDLE = Path("x.bundle")


def signed(key: Ed25519PrivateKey) -> bundle.Index:
    return bundle.Index("1", signer=bundle.fingerprint(key.public_key().public_bytes_raw()))


def test_the_first_signer_is_shown_and_pinned_and_another_one_refused(tmp_path: Path) -> None:
    first, second = (signed(Ed25519PrivateKey.generate()) for _ in range(2))
    shown = signers.judge(tmp_path, first, BUNDLE, "", keep=False)
    assert first.signer in shown
    assert signers.trusted(tmp_path) == {}, "a preview keeps nothing"
    signers.judge(tmp_path, first, BUNDLE, "", keep=True)
    assert signers.judge(tmp_path, first, BUNDLE, "", keep=True) == "signed by first"
    with pytest.raises(StackwrightError, match="is not trusted") as caught:
        signers.judge(tmp_path, second, BUNDLE, "", keep=True)
    assert second.signer in caught.value.message
    assert "bundle trust x.bundle" in caught.value.hint
    assert signers.judge(tmp_path, second, BUNDLE, second.signer, keep=True)
    signers.trust(tmp_path, second.signer, "ada")
    assert signers.judge(tmp_path, second, BUNDLE, "", keep=True) == "signed by ada"


def test_ones_own_bundles_need_no_trust(tmp_path: Path) -> None:
    own = signed(operations.signing_key(tmp_path))
    signers.trust(tmp_path, "SHA256:" + "A" * 43, "somebody")
    assert "own key" in signers.judge(tmp_path, own, BUNDLE, "", keep=True)


def test_trust_by_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = Ed25519PrivateKey.generate()
    path = tmp_path / "their.bundle"
    index = bundle.write(path, {"hosts": []}, {"answers.txt": b""}, key)
    given = ["ada", "--state", str(tmp_path / "state")]
    assert cli.main(["bundle", "trust", str(path), *given]) == 0
    assert index.signer in capsys.readouterr().out
    assert signers.trusted(tmp_path / "state") == {index.signer: "ada"}
    for wrong in (["SHA256:x", *given], ["SHA256:" + "B" * 43, *given], [str(path), "a b", *given[1:]]):
        assert cli.main(["bundle", "trust", *wrong]) == 2


def test_answers_that_bring_programs_or_name_files_are_not_shared() -> None:
    refused = {key for key in options() if key not in _shareable()}
    assert {
        "CONFIG_REPO", "CONFIG_REPO_KEYS", "CONFIG_MIRROR_KEYS", "CONFIG_PACKAGE_MIRROR", "CONFIG_PACKAGE_PROXY",
        "CONFIG_OFFLINE_REPO", "CONFIG_ENABLE_RDO_TESTING", "CONFIG_SSH_KEY", "CONFIG_SSL_CACERT_KEY_FILE",
        "CONFIG_HORIZON_SSL_KEY", "CONFIG_KEYSTONE_ADMIN_PW", "CONFIG_RH_USER", "CONFIG_SATELLITE_URL",
        "CONFIG_KEYSTONE_LDAP_URL", "CONFIG_REPO_UNSIGNED",
    } <= refused  # fmt: skip
    assert {"CONFIG_NOVA_INSTALL", "CONFIG_CONTROLLER_HOST", "CONFIG_RDO_TRUNK"} <= _shareable()


NAMES = [
    "apt.conf", "sources.d/offline.sources", "sources.d/evil.sources", "keys/evil.asc", "repos.d/evil.repo",
    "mirror/1/dists/bookworm/InRelease", "mirror/1/dists/bookworm/main/binary-amd64/Packages",
    "mirror/2/dists/bookworm/updates/InRelease", "mirror/2/dists/bookworm/updates/main/binary-amd64/Packages",
    "mirror/1/pool/a/a_1.deb", "images/x.raw",
]  # fmt: skip


def test_what_apt_reads_is_written_here() -> None:
    made = offline.configuration(NAMES, "apt")
    assert set(made) == {"apt.conf", "sources.d/offline.sources"}
    assert made["sources.d/offline.sources"].decode() == (
        f"Types: deb\nURIs: file:{OFFLINE}/mirror/1\nSuites: bookworm\nComponents: main\nArchitectures: amd64\n\n"
        f"Types: deb\nURIs: file:{OFFLINE}/mirror/2\nSuites: bookworm/updates\nComponents: main\n"
        "Architectures: amd64\n\n"
    )
    assert "Invoke" not in made["apt.conf"].decode()
    assert [name for name in NAMES if offline.carried(name)] == NAMES[5:]


def test_what_dnf_reads_is_written_here() -> None:
    text = offline.configuration(["rpms/a.rpm", "unsigned/b.rpm", "repos.d/evil.repo"], "dnf")["repos.d/offline.repo"]
    assert text.decode().count("gpgcheck=1") == 1
    assert "evil" not in text.decode()
    assert b"unsigned" not in offline.configuration(["rpms/a.rpm"], "dnf")["repos.d/offline.repo"]


class Host:
    """Takes what is copied to it, and keeps what is run."""

    def __init__(self) -> None:
        self.put_there: dict[str, bytes] = {}
        self.ran: list[str] = []

    def connect(self, _: str) -> Host:
        return self

    def put(self, files: tuple[File, ...], **_: object) -> None:
        self.put_there.update({file.path: file.content for file in files})

    def run(self, script: str, **_: object) -> Result:
        self.ran.append(script)
        return Result(0, "0\n99999999999\n", "")

    def given(self, folder: Path, platform: str, checks: offline.Checks = offline.NO_CHECKS) -> None:
        operations.bring_packages(self, "h", folder, platform, lambda _: None, "", checks)  # type: ignore[arg-type]

    @property
    def configuration(self) -> dict[str, bytes]:
        places = ("/mirror/", "/images/", "/rpms/", "/unsigned/")
        return {path: text for path, text in self.put_there.items() if not any(place in path for place in places)}


def bundled(folder: Path, platform: str, names: Sequence[str], content: str) -> None:
    for name in names:
        path = folder / "packages" / platform / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def test_a_bundles_configuration_reaches_no_host(tmp_path: Path) -> None:
    bundled(tmp_path, "debian-12", NAMES, 'DPkg::Pre-Invoke {"touch /tmp/owned";};')
    host = Host()
    host.given(tmp_path, "debian-12")
    assert set(host.configuration) == {APT_CONFIG, f"{OFFLINE}/sources.d/offline.sources"}
    assert not any(b"Invoke" in content for content in host.configuration.values())
    assert any("trusted.gpg.d" in script for script in host.ran), "the host's own keys check the packages"


DNF_NAMES = ["rpms/a.rpm", "rpms/repodata/repomd.xml", "keys/trusted.asc", "repos.d/evil.repo"]


def test_a_bundles_keys_reach_no_host_with_dnf(tmp_path: Path) -> None:
    bundled(tmp_path, "centos-stream-9", DNF_NAMES, "[evil]\ngpgcheck=0\n")
    host = Host()
    host.given(tmp_path, "centos-stream-9", offline.Checks(("https://keys.example.org/RPM-GPG-KEY-SIG",)))
    assert set(host.configuration) == {f"{OFFLINE}/repos.d/offline.repo"}
    assert not any(b"evil" in content for content in host.configuration.values())
    assert any("https://keys.example.org/RPM-GPG-KEY-SIG" in script for script in host.ran)


def test_unsigned_packages_of_a_bundle_need_an_answer(tmp_path: Path) -> None:
    bundled(tmp_path, "centos-stream-9", [*DNF_NAMES, "unsigned/b.rpm", "unsigned/repodata/repomd.xml"], "x")
    host = Host()
    with pytest.raises(StackwrightError, match="1 packages for centos-stream-9 without a signature") as caught:
        host.given(tmp_path, "centos-stream-9")
    assert "CONFIG_REPO_UNSIGNED=y" in caught.value.hint
    assert not host.put_there
    assert not host.ran
    host.given(tmp_path, "centos-stream-9", offline.Checks(unsigned=True))
    assert f"{OFFLINE}/unsigned/b.rpm" in host.put_there


def cloud_of(settings: dict[str, str]) -> Cloud:
    address = "198.18.0.10"
    flags = {"CONFIG_CONTROLLER_HOST": address, "CONFIG_OPENSTACK_RELEASE": "zed", "CONFIG_SWIFT_INSTALL": "n"}
    given = answers.read([], {**flags, **settings}, {}, local_host=address, remembered=golden.secrets())
    seen = Facts(address, address=address, os_id="centos", os_version="9", arch="x86_64")
    return planner.cloud(given, {address: seen})


def test_packages_are_checked_with_keys_of_the_clouds_repositories() -> None:
    whole = cloud_of({"CONFIG_MIRROR_KEYS": "/srv/keys", "CONFIG_PACKAGE_PROXY": "http://proxy.example.org:3128"})
    checks = reproduce.checks_of(whole, next(iter(whole.hosts.values())))
    assert "file:///srv/keys/RPM-GPG-KEY-CentOS-SIG-Cloud" in checks.keys
    assert all(key.startswith("file:///srv/keys/") for key in checks.keys)
    assert checks.proxy == "http://proxy.example.org:3128"
    assert not checks.unsigned


def test_the_summary_names_the_answer_that_allows_unsigned_packages_of_a_bundle() -> None:
    asked = cloud_of({"CONFIG_REPO_UNSIGNED": "y"})
    assert reproduce.checks_of(asked, next(iter(asked.hosts.values()))).unsigned
    assert planner.plan(asked, offline=True).summary["unsigned"] == ["CONFIG_REPO_UNSIGNED"]
    # Its packages come from the bundle only, so what would allow others is not said.
    assert "unsigned" not in planner.plan(cloud_of({"CONFIG_ENABLE_RDO_TESTING": "y"}), offline=True).summary


KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n{}\n-----END PGP PUBLIC KEY BLOCK-----\n"


def own_keys(tmp_path: Path, keys: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Runs the script for dnf, with folders of the test instead of the host's, an rpm that knows a key, and a curl that
    reaches one server."""
    tools = {
        "rpm": f"printf %s '{KEY.format('imported')}'",
        "curl": """for last; do :; done
            while [ "$1" != -o ]; do shift; done
            [ "$last" = https://there.example.org/FAR ] && printf '%s' '"""
        + KEY.format("far")
        + """' > "$2" """,
    }
    (tmp_path / "bin").mkdir(exist_ok=True)
    for name, body in tools.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    for name in ("etc/yum.repos.d", "etc/pki/rpm-gpg", "offline/keys"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    (tmp_path / "etc/os-release").write_text('VERSION_ID="9.4"\n')
    (tmp_path / "offline/keys/trusted.asc").write_text(KEY.format("of the bundle"))
    for name in ("base-9", "second", "disabled", "ours"):
        (tmp_path / name).write_text(KEY.format(name))
    (tmp_path / "etc/yum.repos.d/base.repo").write_text(
        f"[base]\ngpgkey = file://{tmp_path}/base-$releasever,https://far.example.org/x\n    file://{tmp_path}/second\n"
        f"enabled=1\n\n[testing]\nenabled = 0\ngpgkey=file://{tmp_path}/disabled\n"
    )
    (tmp_path / "etc/yum.repos.d/stackwright.repo").write_text(f"[old]\ngpgkey=file://{tmp_path}/ours\n")
    script = offline.own_keys("dnf", offline.Checks(keys))
    for there, here in {OFFLINE: "offline", "/etc/": "etc/"}.items():
        script = script.replace(there, f"{tmp_path}/{here}")
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, env={**os.environ, "PATH": path}, check=False
    )


def test_dnf_checks_with_keys_of_the_host_and_of_the_clouds_repositories(tmp_path: Path) -> None:
    (tmp_path / "etc/pki/rpm-gpg").mkdir(parents=True)
    (tmp_path / "etc/pki/rpm-gpg/SIG").write_text(KEY.format("sig"))
    (tmp_path / "mine.asc").write_text(KEY.format("mine") + "[a]\ngpgcheck=0\n")
    keys = ("https://unreachable.example.org/keys/SIG", "https://there.example.org/FAR", f"file://{tmp_path}/mine.asc")
    done = own_keys(tmp_path, keys)
    assert done.returncode == 0, done.stderr
    trusted = (tmp_path / "offline/keys/trusted.asc").read_text()
    assert set(re.findall(r"BLOCK-----\n(.+)\n-----END", trusted)) == {
        "imported", "base-9", "second", "sig", "far", "mine",
    }  # fmt: skip
    assert "gpgcheck" not in trusted
    assert [path.name for path in (tmp_path / "offline/keys").iterdir()] == ["trusted.asc"]


@pytest.mark.parametrize(
    ("key", "said"),
    [("https://unreachable.example.org/SIG", "cannot get https://unreachable"), ("file:///no/key", "no file /no/key")],
)
def test_a_key_that_cannot_be_had_is_named(tmp_path: Path, key: str, said: str) -> None:
    done = own_keys(tmp_path, (key,))
    assert done.returncode == 1
    assert said in done.stderr
