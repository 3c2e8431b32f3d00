"""The test guest that is built on a node without internet: a bootable disk of about 25 MB.

The distribution's own cloud kernel, busybox and dropbear; DHCP, key and name from the metadata service or a config
drive, SSH for the user `cirros`, a log of its boot on the serial console. `build.sh` makes it from packages that the
node's apt fetches, without installing any of them, in about ten seconds; the same packages give the same bytes.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from ..model import Action, File, Run, Upload
from ..shell import without_directives

USER = "cirros"
"""The user to log in as. The name is that of the CirrOS image, so that its answers and habits fit."""

IMAGE = "/var/lib/stackwright/guest/guest.raw"
"""Where a node keeps the image (format: raw)."""

SOURCES = "/var/lib/stackwright/guest/sources"

_FOLDER = Path(__file__).resolve().parent
_EXECUTABLE = ("build.sh", "root/etc/rc", "root/etc/udhcpc.script", "root/etc/acpi/PWRF/00000080", "root/usr/bin/")


def files(folder: str = SOURCES) -> tuple[File, ...]:
    """The script and the files of the guest, to lie in `folder` on the node, in an order that does not change."""
    names = sorted(p.relative_to(_FOLDER).as_posix() for p in (_FOLDER / "root").rglob("*") if p.is_file())
    return tuple(
        File(
            f"{folder}/{name}",
            without_directives((_FOLDER / name).read_text(encoding="utf-8")).encode(),
            0o755 if name.startswith(_EXECUTABLE) else 0o644,
        )
        for name in ("build.sh", *names)
    )


def actions(image: str = IMAGE, sources: str = SOURCES, timeout: float = 900.0) -> tuple[Action, ...]:
    """What puts `image` on a Debian node: its sources, then the script. An image that is there is left alone.

    `timeout` is in seconds. The script exits with 75 where another try is worth it (the mirror did not answer).
    """
    command = f"exec sh {shlex.quote(sources + '/build.sh')} {shlex.quote(image)}\n"
    return (Upload(files(sources)), Run("build the guest image", command, timeout=timeout, retries=2))
