"""Whose bundles are installed: signing keys by name. A bundle says what root does on hosts, so its author matters."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

from stackwright import bundle
from stackwright.model import ExitCode, StackwrightError
from stackwright.operations.bundle import own_signer
from stackwright.state.directory import StateDir

_FILE = "bundle-signers.json"
"""In the folder of all clouds: fingerprint to name."""

_FIRST = "first"
"""The default name of a signer."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


def trusted(root: Path) -> dict[str, str]:
    """Names by fingerprint. Raises StackwrightError where the file is damaged."""
    with suppress(ValueError, AttributeError):
        found = json.loads(StateDir(root).read(_FILE) or "{}")
        if all(isinstance(name, str) for name in found.values()):
            return dict(found)
    raise StackwrightError(
        f"{root / _FILE} is damaged: it says whose bundles are trusted",
        "restore it from a backup, or remove it and use `stackwright bundle trust` again",
        ExitCode.ENVIRONMENT,
    )


def trust(root: Path, fingerprint: str, name: str) -> None:
    """Trusts bundles that the key with this fingerprint signed, from now on. Raises StackwrightError."""
    if not re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}", fingerprint):
        raise StackwrightError(
            f"{fingerprint[:80]!r} is not a fingerprint of a signing key; it must be SHA256: and 43 characters",
            "name a bundle, or copy the fingerprint that `stackwright bundle show` prints",
            ExitCode.USAGE,
        )
    if not _NAME.fullmatch(name):
        raise StackwrightError(
            f"{name[:80]!r} is not a name; use letters, digits and . _ @ -", "choose another", ExitCode.USAGE
        )
    known = trusted(root)
    if other := next((key for key, called in known.items() if called == name and key != fingerprint), ""):
        raise StackwrightError(
            f"{name} already names the key {other}",
            "choose another name, or remove that line from " + str(root / _FILE),
            ExitCode.USAGE,
        )
    StateDir(root).write(_FILE, json.dumps({**known, fingerprint: name}, indent=1, sort_keys=True) + "\n")


def judge(root: Path, index: bundle.Index, file: Path, named: str, *, keep: bool) -> str:
    """Who signed a bundle, in words. The first signer of all is trusted from then on (with `keep`), and said to be so;
    later ones have to be named with `bundle trust`, or with `--signer` (`named`). Raises StackwrightError."""
    if index.signer == own_signer(root):
        return "signed by this machine's own key"
    known = trusted(root)
    if name := known.get(index.signer):
        return f"signed by {name}"
    if named == index.signer:
        return "signed by the key that --signer names"
    if known:
        raise StackwrightError(
            f"the bundle is signed by {index.signer}, which is not trusted; trusted are "
            + ", ".join(f"{name} ({key})" for key, name in sorted(known.items())),
            f"ask its author for the fingerprint; if it is the same: stackwright bundle trust {file} NAME",
            ExitCode.USAGE,
        )
    if keep:
        trust(root, index.signer, _FIRST)
    return (
        f"signed by {index.signer}, the first signer of all: compare this fingerprint with its author's. "
        "It is trusted from now on; others need `stackwright bundle trust`"
    )
