"""What apt would install on a Debian 12 machine that has nothing. Nothing is installed, and no root is needed."""

from __future__ import annotations

import platform
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest
from puppet_tools import need

LISTS = Path("/var/lib/apt/lists")


@cache
def transaction(names: tuple[str, ...]) -> frozenset[str]:
    """All packages that come with these. Skips the test where this machine is not a Debian 12."""
    need("apt-get")
    system = platform.freedesktop_os_release()
    if (system["ID"], system.get("VERSION_ID")) != ("debian", "12"):
        pytest.skip("needs the package lists of a Debian 12 machine")
    work = Path(_prepared().name)
    settings = {
        "Dir::State::status": "/dev/null",
        "Dir::State::lists": work / "lists",
        "Dir::Cache": work,
        "Dir::Cache::pkgcache": "pkgcache.bin",
        "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
    }
    options = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
    # The names of files say what would be installed. A simulation says it as well, and takes ten times as long.
    done = subprocess.run(
        ["apt-get", "--print-uris", "--yes", "--no-install-recommends", *options, "install", *names],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"the package lists do not have them all (apt-get update?): {done.stderr[-2000:]}"
    return frozenset(line.split()[1].partition("_")[0] for line in done.stdout.splitlines() if line.startswith("'"))


@cache
def _prepared() -> tempfile.TemporaryDirectory[str]:
    """A folder with the machine's package lists, unpacked, and a cache of them: images of containers have the lists
    packed and the cache switched off, and apt then goes through all of them for each package of each question."""
    folder = tempfile.TemporaryDirectory(prefix="apt-")
    for name in ("archives/partial", "lists/partial"):
        Path(folder.name, name).mkdir(parents=True)
    for file in LISTS.iterdir():
        packed = file.suffix in (".lz4", ".gz", ".xz", ".bz2", ".zst")
        if file.is_file() and file.name != "lock":
            with Path(folder.name, "lists", file.stem if packed else file.name).open("wb") as plain:
                subprocess.run(["/usr/lib/apt/apt-helper", "cat-file", file], stdout=plain, check=True)
    return folder
