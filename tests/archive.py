"""A small Debian archive of packages made on the spot, signed as real ones are; and systems to install them in."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self


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

    def package(self, name: str, version: str, depends: str = "", script: str = "", program: str = "") -> Path:
        """Makes a package; it is offered after the next `publish`. `script` is its postinst, `program` the path of an
        executable in it."""
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
        if program:
            at = tree / program.lstrip("/")
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_text("#!/bin/sh\n")
            at.chmod(0o755)
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


@dataclass
class Root:
    """A system that consists of a dpkg and an apt of its own, in a folder: no other part of this machine is changed.
    Packages' own scripts run outside of it, with its path in DPKG_ROOT."""

    folder: Path
    config: Path

    @classmethod
    def make(cls, folder: Path, archive: Archive) -> Self:
        config = own_root(folder, archive)
        for name in ("bin", "usr/sbin", "etc", "var/lib/dpkg/updates", "var/lib/dpkg/info", "var/lib/dpkg/triggers"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for name in ("available", "diversions", "statoverride"):
            (folder / "var/lib/dpkg" / name).touch()
        log = folder / "dpkg.log"
        options = f'"--root={folder}"; "--log={log}"; "--force-script-chrootless";'
        config.write_text(config.read_text() + f"DPkg::Options {{{options}}};\n")
        made = cls(folder, config)
        made.program("systemctl", f'echo "$@" >> {folder}/systemctl.log')
        done = made.run("apt-get -q update --error-on=any")
        assert done.returncode == 0, done.stdout + done.stderr
        return made

    def program(self, name: str, text: str) -> None:
        """Makes a program that is found before those of this machine."""
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def script(self, script: str) -> str:
        """The same with this system's own paths."""
        script = script.replace("/usr/bin/systemctl", f"{self.folder}/bin/systemctl")
        for path in ("/usr/sbin/policy-rc.d", "/var/lib/stackwright", "/etc/apt/preferences.d"):
            script = script.replace(path, f"{self.folder}{path}")
        return script

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            **os.environ, "APT_CONFIG": str(self.config), "DPKG_ADMINDIR": str(self.folder / "var/lib/dpkg"),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8",
        }  # fmt: skip

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["dash", "-c", self.script(script)],
            capture_output=True, text=True, env=self.environment, check=False, timeout=120,
        )  # fmt: skip

    def versions(self) -> dict[str, str]:
        told = self.run("dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\\n'").stdout
        return dict(line.split()[1:] for line in told.splitlines() if line.startswith(("ii", "hi")))
