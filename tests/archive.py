"""A small Debian archive of packages made on the spot, signed as real ones are."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Archive:
    """A folder with dists/ and pool/, and the key that signs it."""

    folder: Path

    @property
    def key(self) -> Path:
        """The public key, as apt's Signed-By takes it."""
        return self.folder / "key.asc"

    def source(self, at: str = "") -> str:
        """A .sources stanza; `at` is where a host sees the folder."""
        where = at or str(self.folder)
        return (
            f"Types: deb\nURIs: file://{where}\nSuites: stable\nComponents: main\n"
            f"Signed-By: {where}/key.asc\nArchitectures: amd64\n"
        )

    def package(self, name: str, version: str, depends: str = "", script: str = "") -> Path:
        """Makes a package; it is offered after the next `publish`."""
        tree = self.folder / "build" / f"{name}_{version}"
        (tree / "DEBIAN").mkdir(parents=True, exist_ok=True)
        needs = f"Depends: {depends}\n" if depends else ""
        (tree / "DEBIAN/control").write_text(
            f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: T <t@example.org>\n{needs}"
            f"Description: made by a test\n"
        )
        if script:
            (tree / "DEBIAN/postinst").write_text(f"#!/bin/sh\n{script}\n")
            (tree / "DEBIAN/postinst").chmod(0o755)
        share = tree / "usr/share" / name
        share.mkdir(parents=True, exist_ok=True)
        (share / "version").write_text(f"{version}\n")
        pool = self.folder / "pool"
        pool.mkdir(exist_ok=True)
        path = pool / f"{name}_{version.replace(':', '%3a')}_amd64.deb"
        _run("dpkg-deb", "--root-owner-group", "-Znone", "--build", str(tree), str(path))
        return path

    def remove(self, name: str, version: str) -> None:
        """Takes a version away; it is gone after the next `publish`."""
        (self.folder / "pool" / f"{name}_{version.replace(':', '%3a')}_amd64.deb").unlink()

    def publish(self) -> None:
        """Writes the index anew, and signs it."""
        place = self.folder / "dists/stable/main/binary-amd64"
        place.mkdir(parents=True, exist_ok=True)
        index = _run("dpkg-scanpackages", "-m", "pool", cwd=self.folder)
        (place / "Packages").write_text(index)
        (place / "Packages.gz").write_bytes(gzip.compress(index.encode(), mtime=0))
        lines = [
            "Origin: Testers", "Label: Testers", "Suite: stable", "Codename: stable", "Components: main",
            "Architectures: amd64", f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S UTC', time.gmtime())}", "SHA256:",
        ]  # fmt: skip
        for name in ("Packages", "Packages.gz"):
            content = (place / name).read_bytes()
            lines.append(f" {hashlib.sha256(content).hexdigest()} {len(content)} main/binary-amd64/{name}")
        release = self.folder / "dists/stable/Release"
        release.write_text("\n".join(lines) + "\n")
        signed = self.folder / "dists/stable/InRelease"
        signed.unlink(missing_ok=True)
        self._gpg("--clearsign", "--output", str(signed), str(release))

    def _gpg(self, *words: str) -> None:
        home = str(self.folder / "gnupg")
        _run("gpg", "--batch", "--quiet", "--homedir", home, *words)
        _run("gpgconf", "--homedir", home, "--kill", "all")  # the agent that gpg starts would stay


def make(folder: Path) -> Archive:
    """An empty one, with a new key."""
    archive = Archive(folder)
    (folder / "gnupg").mkdir(parents=True, mode=0o700)
    archive._gpg("--passphrase", "", "--quick-gen-key", "Testers <t@example.org>", "default", "sign", "never")
    archive._gpg("--armor", "--output", str(archive.key), "--export")
    return archive


def _run(*words: str, cwd: Path | None = None) -> str:
    done = subprocess.run(
        words, cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
    )
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


def own_root(folder: Path, archive: Archive, installed: str = "") -> Path:
    """An apt of its own, which knows nothing but this archive; returns its configuration, for APT_CONFIG. `installed`
    is the text of dpkg's status."""
    for name in (
        "etc/apt/sources.list.d", "etc/apt/preferences.d", "etc/apt/apt.conf.d", "etc/apt/trusted.gpg.d",
        "var/lib/apt/lists/partial", "var/lib/dpkg", "var/cache/apt/archives/partial", "var/log/apt",
    ):  # fmt: skip
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "var/lib/dpkg/status").write_text(installed)
    (folder / "etc/apt/sources.list.d/test.sources").write_text(archive.source())
    config = folder / "apt.conf"
    config.write_text(
        f'Dir "{folder}";\nDir::State::status "{folder}/var/lib/dpkg/status";\nAPT::Architecture "amd64";\n'
        'APT::Architectures {"amd64";};\nAPT::Sandbox::User "root";\nDebug::NoLocking "true";\n'
        f'Dir::Bin::Methods "/usr/lib/apt/methods";\nDir::Etc::Main "/dev/null";\nDir::Log "{folder}/var/log/apt";\n'
    )
    return config


def status(name: str, version: str) -> str:
    """A stanza of dpkg's status."""
    return (
        f"Package: {name}\nStatus: install ok installed\nVersion: {version}\nArchitecture: amd64\n"
        "Maintainer: T <t@example.org>\nDescription: made by a test\n\n"
    )
