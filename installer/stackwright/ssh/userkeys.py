"""The cloud's own SSH key, installed after the first login with a password, so that the password is needed once."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stackwright import shell
from stackwright.model import ExitCode, StackwrightError

from .connection import Connection


def own_key(path: Path, comment: str = "stackwright") -> Path:
    """The private key at that path; creates it (Ed25519, 0600, with the public key in `.pub`) if there is none. Raises
    StackwrightError if it cannot be written."""
    if path.is_file():
        return path
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        for place, content in ((path.with_suffix(".pub"), public + f" {comment}\n".encode()), (new, private)):
            with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
        new.replace(path)
    except OSError as error:
        raise StackwrightError(f"cannot write the key {path}: {error.strerror}", "", ExitCode.ENVIRONMENT) from None
    return path


def install_key(connection: Connection, key: Path) -> bool:
    """Adds the key to authorized_keys of the connection's login user; returns False if it was there already. Raises
    StackwrightError if that fails."""
    public = key.with_suffix(".pub").read_bytes().strip() + b"\n"
    done = connection.run_as_user(shell.fill("ssh/install_key.sh"), data=public)
    if not done.ok:
        reason = (done.err or done.out).strip().rpartition("\n")[2]
        raise StackwrightError(
            f"{connection.host}: cannot install the key: {reason}",
            "check the home directory and ~/.ssh/authorized_keys of that user on the host",
            ExitCode.UNREACHABLE,
        )
    return done.out.strip() == "added"
