"""Swift: an object is stored and read."""

from __future__ import annotations

import hashlib
import os

from .api import Failure
from .cloud import Session
from .runner import Check, Context


def object_round_trip(own: Session, container: str) -> str:
    """An object is stored, listed, read back and compared, and deleted."""
    content = os.urandom(256 * 1024)
    # Swift's checksum. It is not used for security, which must be stated for hosts in FIPS mode.
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    own.call("PUT", "object-store", f"/{container}")
    stored = own.call("PUT", "object-store", f"/{container}/object", content, {"ETag": digest})
    if stored.headers.get("etag", "").strip('"') != digest:
        raise Failure("Swift's checksum of a stored object differs from ours", "swift")
    back = own.call("GET", "object-store", f"/{container}/object", headers={"Accept": "*/*"}).body
    if back != content:
        raise Failure(
            f"an object read back differs from what was stored ({len(back)} of {len(content)} bytes)", "swift"
        )
    own.delete("object-store", f"/{container}/object")
    own.delete("object-store", f"/{container}")
    return "256 KiB stored, checksum compared, read back the same, deleted"


def checks(context: Context) -> list[Check]:
    """A temporary object."""
    run = context.in_project(object_round_trip)
    return [Check("object", "An object stored and read", "swift", run, ("endpoint-swift", "project"))]
