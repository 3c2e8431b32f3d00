"""SSH between compute hosts, as the user nova, to migrate instances: with a key of this cloud, and known host keys.

It is a step of its own and not part of the catalog: a new compute host only changes these files on the others.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import textwrap
from dataclasses import dataclass, field

from stackwright import shell
from stackwright.model import File, Run, Step, Upload
from stackwright.planner.topology import Cloud, Host

_FOLDER = "/var/lib/nova/.ssh"

COMMAND = "/etc/ssh/stackwright-nova.sh"
"""The script that runs in the place of what a compute host asks for."""

# For live migration libvirt calls ssh as root; for cold migration and resize Nova calls it as nova.
_CONFIG = f"""\
# Instances are moved to other compute hosts as nova. Made by Stackwright.
Match user nova localuser root,nova
  IdentityFile {_FOLDER}/id_ed25519
  IdentitiesOnly yes
  GlobalKnownHostsFile {_FOLDER}/known_hosts
  StrictHostKeyChecking yes
  UpdateHostKeys no
  BatchMode yes
"""


@dataclass(frozen=True)
class KeyPair:
    """An Ed25519 key in OpenSSH's formats: the private file, and a line for authorized_keys."""

    private: str = field(repr=False)
    public: str


def _string(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def key_pair(secret: str, comment: str = "nova") -> KeyPair:
    """The key that is derived from a secret, always the same to the byte.

    The format is OpenSSH's PROTOCOL.key. Libraries put random check bytes into it; here they are derived from the key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    seed = hmac.digest(secret.encode(), b"stackwright: SSH key of nova", "sha256")
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    kind = b"ssh-ed25519"
    blob = _string(kind) + _string(public)
    check = hashlib.sha256(blob).digest()[:4]
    inner = check + check + blob + _string(seed + public) + _string(comment.encode())
    inner += bytes(range(1, -len(inner) % 8 + 1))  # padded to the block of the cipher "none"
    whole = b"openssh-key-v1\0" + _string(b"none") * 2 + _string(b"") + struct.pack(">I", 1) + _string(blob)
    body = "\n".join(textwrap.wrap(base64.b64encode(whole + _string(inner)).decode(), 70))
    return KeyPair(
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----\n",
        f"ssh-ed25519 {base64.b64encode(blob).decode()} {comment}",
    )


def _port(host: Host) -> int:
    seen = host.facts.extra.get("ssh-port", "").split()
    return int(seen[0]) if seen and seen[0].isdigit() else 22


def _names(host: Host) -> tuple[str, ...]:
    """The names that ssh is called with: Nova uses the address, people use the others."""
    return tuple(dict.fromkeys((host.address, host.fqdn, host.name)))


def config(peers: tuple[Host, ...]) -> str:
    """The file for ssh_config.d, with which root and nova reach nova on the compute hosts."""
    odd = [(h, _port(h)) for h in peers if _port(h) != 22]
    return _CONFIG + "".join(f"Match user nova host {','.join(_names(h))}\n  Port {port}\n" for h, port in odd)


def known_hosts(peers: tuple[Host, ...]) -> str:
    """The known_hosts file with the compute hosts' keys, which are in their facts."""
    lines = []
    for host in peers:
        port = _port(host)
        names = ",".join(n if port == 22 else f"[{n}]:{port}" for n in _names(host))
        lines += [f"{names} {key}\n" for key in host.facts.host_keys]
    return "".join(lines)


def authorized_keys(public: str, peers: tuple[Host, ...]) -> str:
    """The key lets instances be moved, from compute hosts only; no other command, no forwarding, no terminal."""
    return f'restrict,command="/bin/sh {COMMAND}",from="{",".join(h.address for h in peers)}" {public}\n'


def command() -> str:
    """The script that decides what the key may be used for."""
    return "#!/bin/sh\n" + shell.without_directives(shell.fill("planner/steps/migration_command.sh"))


def secret(whole: Cloud) -> str:
    """The secret that the key is derived from; empty with one compute host, which needs no migration."""
    return str(whole.answers["CONFIG_NOVA_MIGRATION_SECRET"]) if len(whole.having("nova-compute")) > 1 else ""


def steps(whole: Cloud) -> list[Step]:
    """One step for each compute host; none with one compute host."""
    if not secret(whole):
        return []
    peers = whole.having("nova-compute")
    pair = key_pair(secret(whole))
    files = (
        File(f"{_FOLDER}/id_ed25519", pair.private.encode(), 0o600, "nova:nova", secret=True),
        File(f"{_FOLDER}/authorized_keys", authorized_keys(pair.public, peers).encode(), 0o640, "root:nova"),
        File(f"{_FOLDER}/known_hosts", known_hosts(peers).encode(), 0o644, "root:nova"),
        File(COMMAND, command().encode(), 0o755),
        File("/etc/ssh/ssh_config.d/stackwright-nova.conf", config(peers).encode()),
    )
    actions = (Run("nova-ssh", shell.fill("planner/steps/migration.sh", FOLDER=_FOLDER), 60), Upload(files))
    title = "SSH between compute hosts for live migration"
    return [Step(f"{h.name}:migration", h.name, title, actions, (f"{h.name}:packages",)) for h in peers]
