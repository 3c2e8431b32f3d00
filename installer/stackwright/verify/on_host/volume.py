"""Checks of a volume: created, attached to the running instance, written and read in it, detached, deleted."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from .api import ApiError, Failure, wait_for
from .cloud import Session
from .instance import Site, ssh
from .runner import Check

_VOLUME_GIB = 1
_PATTERN_MIB = 4


def create(own: Session, site: Site) -> str:
    about = {"name": site.name, "size": _VOLUME_GIB}
    site.volume = own.post("volumev3", "/volumes", {"volume": about})["volume"]["id"]
    _wait_status(own, site, "available", 120.0)
    return f"{_VOLUME_GIB} GiB, available"


def _wait_status(own: Session, site: Site, expected: str, timeout: float) -> None:
    def look() -> bool | None:
        status = own.get("volumev3", f"/volumes/{site.volume}")["volume"]["status"]
        if status.startswith("error"):
            raise Failure(f"the volume is in status {status}, expected: {expected}", "cinder")
        return True if status == expected else None

    wait_for(f"volume not {expected}", look, timeout)


def _disks(site: Site) -> list[str]:
    code, out, error = ssh(site, "ls /sys/block")
    if code:
        raise Failure(f"cannot list the disks of the guest: {error.strip()}", "nova")
    return sorted(name for name in out.split() if re.match(r"(vd|sd|hd|xvd)[a-z]+$", name))


def attach(own: Session, site: Site) -> str:
    """The volume is attached to the running guest, which then has a new disk."""
    before = _disks(site)
    path = f"/servers/{site.server['id']}/os-volume_attachments"
    own.post("compute", path, {"volumeAttachment": {"volumeId": site.volume}})
    try:
        _wait_status(own, site, "in-use", 120.0)
    except ApiError:
        raise
    except Failure as failure:
        raise Failure(failure.message, failure.service or "nova") from None

    def look() -> str | None:
        new = [name for name in _disks(site) if name not in before]
        return new[0] if new else None

    site.device = "/dev/" + wait_for("no new disk in the guest", look, 60.0)
    return f"in-use, the guest sees {site.device}"


def write(site: Site) -> str:
    """The volume is written, synced and read back from the device, in the guest."""
    script = (
        f"set -e; d={site.device}; p=/tmp/pattern; head -c {_PATTERN_MIB << 20} /dev/urandom > $p; "
        "sudo dd if=$p of=$d bs=65536 conv=fsync 2>/dev/null; sudo sh -c 'sync; echo 3 > /proc/sys/vm/drop_caches'; "
        f"sudo dd if=$d bs=65536 count={_PATTERN_MIB * 16} 2>/dev/null | sha256sum | cut -c1-64; "
        "sha256sum < $p | cut -c1-64"
    )
    code, out, error = ssh(site, script, 180)
    sums = out.split()
    if code or len(sums) != 2:
        raise Failure(f"writing to {site.device} in the guest failed: {error.strip() or out.strip() or code}", "cinder")
    if sums[0] != sums[1]:
        raise Failure(f"data that the guest reads from {site.device} differs from what it wrote", "cinder")
    return f"{_PATTERN_MIB} MiB written, synced, read back the same"


def detach(own: Session, site: Site) -> str:
    own.delete("compute", f"/servers/{site.server['id']}/os-volume_attachments/{site.volume}")
    _wait_status(own, site, "available", 120.0)
    name = site.device.rpartition("/")[2]
    wait_for(f"{site.device} still in the guest", lambda: None if name in _disks(site) else True, 60.0)
    return "available again, gone from the guest"


def back_up(own: Session, site: Site) -> str:
    """A backup of the detached volume is created and deleted."""
    about = {"name": site.name, "volume_id": site.volume}
    backup = own.post("volumev3", "/backups", {"backup": about})["backup"]["id"]

    def status() -> str:
        try:
            return str(own.get("volumev3", f"/backups/{backup}")["backup"]["status"])
        except ApiError as error:
            if error.status == 404:
                return "gone"
            raise

    def look(expected: str) -> bool | None:
        seen = status()
        if seen.startswith("error"):
            raise Failure(f"the backup is in status {seen}, expected: {expected}", "cinder")
        return True if seen == expected else None

    wait_for("backup not available", lambda: look("available"), 240.0)
    own.delete("volumev3", f"/backups/{backup}")
    wait_for("backup still there", lambda: look("gone"), 120.0)
    return f"{_VOLUME_GIB} GiB backed up, the backup deleted"


def delete(own: Session, site: Site) -> str:
    own.delete("volumev3", f"/volumes/{site.volume}")

    def look() -> bool | None:
        try:
            status = own.get("volumev3", f"/volumes/{site.volume}")["volume"]["status"]
        except ApiError as error:
            if error.status == 404:
                return True
            raise
        if status.startswith("error"):
            raise Failure(f"the volume is in status {status}, expected: deleted", "cinder")
        return None

    wait_for("volume still there", look, 120.0)
    return "gone"


def checks(site: Site, own: Callable[[], Session]) -> list[Check]:
    """The checks of a volume, for clouds with Cinder. They need the checks `ssh` and `project`."""
    if not {"volumev3", "compute", "network"} <= set(site.config.services):
        return []

    def in_project(run: Callable[[Session, Site], str]) -> Callable[[], str]:
        return lambda: run(own(), site)

    written = functools.partial(write, site)
    detached, backed_up = "volume-detach", site.config.volume_backups
    last = "volume-backup" if backed_up else detached
    backup = Check("volume-backup", "A volume backed up", "cinder", in_project(back_up), (detached,))
    return [
        Check("volume", "A volume created", "cinder", in_project(create), ("cinder-services", "project")),
        Check("volume-attach", "The volume attached", "nova", in_project(attach), ("volume", "ssh")),
        Check("volume-write", "The volume written and read", "cinder", written, ("volume-attach",)),
        Check(detached, "The volume detached", "nova", in_project(detach), ("volume-write",)),
        *([backup] if backed_up else []),
        # Independent checks run in parallel, and a volume cannot be deleted during a backup.
        Check("volume-delete", "The volume deleted", "cinder", in_project(delete), (last,)),
    ]
