"""Vault: a secret is stored, read back and deleted."""

from __future__ import annotations

from .api import Failure
from .cloud import Session
from .runner import Check, Context


def secret(own: Session, name: str) -> str:
    """A secret is stored, read back the same, and deleted."""
    made = own.post("key-manager", "/secrets", {"name": name, "payload": "open sesame"})
    seen = own.get("key-manager", f"/secrets/{made['id']}")
    if seen["payload"] != "open sesame":
        raise Failure("a secret read back differs from what was stored", "vault")
    own.delete("key-manager", f"/secrets/{made['id']}")
    return "stored, read back the same, deleted"


def checks(context: Context) -> list[Check]:
    """A secret of ours."""
    return [
        Check("secret", "A secret stored and read", "vault", context.in_project(secret), ("endpoint-vault", "project"))
    ]
