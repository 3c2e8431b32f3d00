"""Bundles: a cloud as one file that others can reproduce: answers without secrets, facts, lock, plan, report and logs.

Nothing here connects to a host.
"""

from stackwright.bundle.archive import Index, fingerprint, read, unpack, write
from stackwright.bundle.content import (
    PACKAGES,
    Setup,
    compare,
    digest,
    files,
    impersonal_plan,
    left_out,
    load,
    matched,
    pinned,
    plan_files,
    rename_facts,
    same_plan,
    shared_answers,
)
from stackwright.bundle.names import between, neutral, renamer

__all__ = [
    "PACKAGES",
    "Index",
    "Setup",
    "between",
    "compare",
    "digest",
    "files",
    "fingerprint",
    "impersonal_plan",
    "left_out",
    "load",
    "matched",
    "neutral",
    "pinned",
    "plan_files",
    "read",
    "rename_facts",
    "renamer",
    "same_plan",
    "shared_answers",
    "unpack",
    "write",
]
