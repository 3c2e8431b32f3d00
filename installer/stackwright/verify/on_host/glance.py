"""Glance: the cloud's image is active, and a new image is stored and read."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from .api import Failure
from .cloud import Session
from .runner import Check, Context, Skip


def image_active(session: Session, name: str) -> dict[str, Any]:
    """The image of that name. Raises Failure if it does not exist, or is not active."""
    rows: list[dict[str, Any]] = session.get("image", f"/images?name={name}")["images"]
    if not rows:
        raise Failure(f"there is no image called {name}", "glance")
    for row in rows:
        if row["status"] == "active":
            return row
    raise Failure(f"image {name} is in status {rows[0]['status']}, expected: active", "glance")


def image_upload(own: Session, name: str) -> str:
    """An image is created, uploaded, read back and compared, and deleted."""
    content = os.urandom(1 << 20)
    about = {"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "private"}
    made = own.post("image", "/images", about)
    path = f"/images/{made['id']}"
    own.call("PUT", "image", path + "/file", content, {"Content-Type": "application/octet-stream"})
    seen = own.get("image", path)
    if seen["status"] != "active":
        raise Failure(f"an uploaded image is in status {seen['status']}, expected: active", "glance")
    back = own.call("GET", "image", path + "/file", headers={"Accept": "*/*"}).body
    if hashlib.sha256(back).digest() != hashlib.sha256(content).digest():
        raise Failure(
            f"an image read back differs from what was uploaded ({len(back)} of {len(content)} bytes)", "glance"
        )
    own.delete("image", path)
    return "1 MiB uploaded, read back the same, deleted"


def checks(context: Context) -> list[Check]:
    """The cloud's image, and one that is stored and read back."""

    def active() -> str:
        name = context.config.image
        if not name:
            raise Skip("no image is provisioned")
        row = image_active(context.own(), name)
        return f"{name}: {row['disk_format']}, {int(row['size']) >> 20} MiB, active"

    needs = ("endpoint-glance", "project")
    return [
        Check("image", "The image is active", "glance", active, needs),
        Check("image-upload", "An image stored and read", "glance", context.in_project(image_upload), needs),
    ]
