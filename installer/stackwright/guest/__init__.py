"""The test guest that is built on a node without internet: a bootable disk of about 25 MB.

It contains the distribution's cloud kernel, busybox and dropbear. It uses DHCP, gets key and name from the metadata
service or a config drive, runs SSH for the user `cirros`, and logs its boot on the serial console. `build.sh` creates
it in about ten seconds from packages that apt downloads but does not install; the same packages give the same bytes.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from ..model import Action, File, Run, Upload
from ..shell import without_directives

USER = "cirros"
"""The user to log in as; the same as in the CirrOS image, so that existing answers and scripts work."""

IMAGE = "/var/lib/stackwright/guest/guest.raw"
"""Path of the image on a node (format: raw)."""

SOURCES = "/var/lib/stackwright/guest/sources"

_FOLDER = Path(__file__).resolve().parent
_EXECUTABLE = ("build.sh", "root/etc/rc", "root/etc/udhcpc.script", "root/etc/acpi/PWRF/00000080", "root/usr/bin/")


def files(folder: str = SOURCES) -> tuple[File, ...]:
    """The script and the files of the guest, in `folder` on the node, in a stable order."""
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
    """The actions that create `image` on a Debian node: upload the sources, run the script. An existing image is kept.

    `timeout` is in seconds. The script exits with 75 if another attempt may succeed (the mirror did not answer).
    """
    command = f"exec sh {shlex.quote(sources + '/build.sh')} {shlex.quote(image)}\n"
    return (Upload(files(sources)), Run("build the guest image", command, timeout=timeout, retries=2))
