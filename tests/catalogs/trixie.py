"""The Puppet modules of Debian 13 (25.0.0), for a machine that has Debian 12: fetched and unpacked, not installed."""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from stackwright.lab import base
from stackwright.model import StackwrightError

CACHE = Path(__file__).parents[2] / ".pytest_cache" / "trixie-modules"
"""About 20 MB. Removing it is always safe."""


@cache
def modulepath() -> str:
    """The folder with all of trixie's Puppet modules; what has been fetched once is used again. The way to the mirrors
    is the machine's own, as it is for the lab's nodes. Skips the test where there is none."""
    if shutil.which("apt-get") is None:
        pytest.skip("fetching trixie's Puppet modules needs apt-get")
    CACHE.mkdir(parents=True, exist_ok=True)
    with _locked(CACHE / "lock"):
        made = sorted(CACHE.glob("modules-*"))
        return str(made[0] if made else _make())


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def transaction(names: Sequence[str]) -> set[str]:
    """What apt would install for these on a trixie that has nothing; nothing is installed, no root is needed."""
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        settings = _apt_settings(Path(name), _sources())
        state = f"Dir::State::lists={_lists()}"
        told = _apt("apt-get", settings, "-o", state, "--simulate", "--no-install-recommends", "install", *names)
    return {line.split()[1] for line in told.splitlines() if line.startswith("Inst ")}


@cache
def _lists() -> Path:
    """Trixie's package lists, fetched once in each run of the tests."""
    folder = Path(tempfile.mkdtemp(dir=CACHE, prefix="lists-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "partial").mkdir()
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        _apt("apt-get", _apt_settings(Path(name), _sources()), "-o", f"Dir::State::lists={folder}", "update")
    return folder


def _sources() -> base.Sources:
    try:
        return base.sources_of_machine("trixie", os.environ)
    except StackwrightError as error:
        pytest.skip(f"trixie's archive cannot be reached: {error.message}")


def _make() -> Path:
    sources = _sources()
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        work = Path(name)
        settings = _apt_settings(work, sources)
        _apt("apt-get", settings, "update")
        names = _apt("apt-cache", settings, "pkgnames", "puppet-module-").split()
        debs = work / "debs"
        debs.mkdir()
        _apt("apt-get", settings, "download", *sorted(names), folder=debs)
        root = work / "root"
        for deb in debs.iterdir():
            subprocess.run(["dpkg-deb", "-x", deb, root], check=True)
        content = "".join(sorted(f"{d.name} {hashlib.sha256(d.read_bytes()).hexdigest()}\n" for d in debs.iterdir()))
        made = CACHE / f"modules-{hashlib.sha256(content.encode()).hexdigest()[:16]}"
        found = work / "modules"
        _collect(root / "usr/share/puppet", found)
        (found / "PACKAGES").write_text(content)
        found.rename(made)
        return made


def _collect(share: Path, target: Path) -> None:
    """Modules under the names that Puppet knows them by. Debian's packages bring most of them under longer ones, and
    link them when they are installed."""
    target.mkdir()
    for metadata in sorted([*share.glob("modules/*/metadata.json"), *share.glob("modules.available/*/metadata.json")]):
        name = json.loads(metadata.read_text())["name"].replace("/", "-").partition("-")[2]
        if not (target / name).exists():
            metadata.parent.rename(target / name)


def _apt_settings(work: Path, sources: base.Sources) -> Path:
    """An apt.conf with which apt touches nothing outside of `work`, and reads the machine's keys and credentials."""
    for folder in ("etc/sources.list.d", "etc/preferences.d", "state/lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True)
    (work / "etc/sources.list.d/machine.sources").write_text(sources.deb822)
    (work / "etc/sources.list.d/machine.list").write_text(sources.lines)
    (work / "status").touch()
    own = {
        "Dir::Etc": work / "etc",
        "Dir::Etc::Trusted": "/etc/apt/trusted.gpg",
        "Dir::Etc::TrustedParts": "/etc/apt/trusted.gpg.d",
        "Dir::Etc::netrc": "/etc/apt/auth.conf",
        "Dir::Etc::netrcparts": "/etc/apt/auth.conf.d",
        "Dir::State": work / "state",
        "Dir::State::status": work / "status",
        "Dir::Cache": work / "cache",
        "APT::Sandbox::User": "root",
    }
    path = work / "apt.conf"
    path.write_text(sources.settings + "".join(f'{key} "{value}";\n' for key, value in own.items()))
    return path


def _apt(program: str, settings: Path, *arguments: str, folder: Path | None = None) -> str:
    done = subprocess.run(
        [program, "-q", *arguments],
        env={**os.environ, "APT_CONFIG": str(settings), "LC_ALL": "C.UTF-8"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        if program == "apt-get" and "--simulate" in arguments:
            raise AssertionError(f"trixie cannot install these together: {done.stderr.strip()[-2000:]}")
        pytest.skip(f"trixie's archive cannot be reached: {done.stderr.strip()[-500:]}")
    return done.stdout
