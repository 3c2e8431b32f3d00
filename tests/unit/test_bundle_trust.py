"""A bundle of somebody else: only of signers that have a name here, only with answers that are harmless, and nothing in
it configures a package manager."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stackwright import bundle, cli
from stackwright.bundle import offline
from stackwright.bundle.content import _shareable
from stackwright.model import StackwrightError
from stackwright.operations import bundle as operations
from stackwright.operations import signers
from stackwright.planner.steps.locked import APT_CONFIG, OFFLINE
from stackwright.services import options

FILE = Path("x.bundle")


def signed(key: Ed25519PrivateKey) -> bundle.Index:
    return bundle.Index("1", signer=bundle.fingerprint(key.public_key().public_bytes_raw()))


def test_the_first_signer_is_shown_and_pinned_and_another_one_refused(tmp_path: Path) -> None:
    first, second = (signed(Ed25519PrivateKey.generate()) for _ in range(2))
    shown = signers.judge(tmp_path, first, FILE, "", keep=False)
    assert first.signer in shown
    assert signers.trusted(tmp_path) == {}, "a preview keeps nothing"
    signers.judge(tmp_path, first, FILE, "", keep=True)
    assert signers.judge(tmp_path, first, FILE, "", keep=True) == "signed by first"
    with pytest.raises(StackwrightError, match="is not trusted") as caught:
        signers.judge(tmp_path, second, FILE, "", keep=True)
    assert second.signer in caught.value.message
    assert "bundle trust x.bundle" in caught.value.hint
    assert signers.judge(tmp_path, second, FILE, second.signer, keep=True)
    signers.trust(tmp_path, second.signer, "ada")
    assert signers.judge(tmp_path, second, FILE, "", keep=True) == "signed by ada"


def test_ones_own_bundles_need_no_trust(tmp_path: Path) -> None:
    own = signed(operations.signing_key(tmp_path))
    signers.trust(tmp_path, "SHA256:" + "A" * 43, "somebody")
    assert "own key" in signers.judge(tmp_path, own, FILE, "", keep=True)


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
        "CONFIG_KEYSTONE_LDAP_URL",
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


def test_a_bundles_configuration_reaches_no_host(tmp_path: Path) -> None:
    root = tmp_path / "packages/debian-12"
    for name in NAMES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text('DPkg::Pre-Invoke {"touch /tmp/owned";};')
    put: dict[str, bytes] = {}
    ran: list[str] = []

    class Connection:
        def put(self, files: tuple[object, ...], **_: object) -> None:
            put.update({file.path: file.content for file in files})  # type: ignore[attr-defined]

        def run(self, script: str, **_: object) -> object:
            ran.append(script)
            return Result()

    class Result:
        ok, out, err = True, "0\n99999999999\n", ""

    class Hosts:
        def connect(self, _: str) -> Connection:
            return Connection()

    operations.bring_packages(Hosts(), "h", tmp_path, "debian-12", lambda _: None)  # type: ignore[arg-type]
    places = ("/mirror/", "/images/")
    configuration = {path: content for path, content in put.items() if not any(place in path for place in places)}
    assert set(configuration) == {APT_CONFIG, f"{OFFLINE}/sources.d/offline.sources"}
    assert not any(b"Invoke" in content for content in configuration.values())
    assert any("trusted.gpg.d" in script for script in ran), "the host's own keys check the packages"
