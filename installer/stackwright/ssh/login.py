"""Authentication: the keys and passwords that are tried, their order, and the message if none is accepted."""

from __future__ import annotations

import contextlib
import io
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from stackwright.model import ExitCode, StackwrightError

from .settings import Host

PASSWORD = "the password"
_USUAL_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")


class _Locked(Exception):
    """A key needs a passphrase."""


def log_in(host: Host, transport: paramiko.Transport) -> str:
    """Tries key files, the agent's keys, keys with a passphrase (if a person can be asked for it), and the password;
    returns the name of what was accepted. Raises StackwrightError(UNREACHABLE) that lists what was tried."""
    tried: list[str] = []
    with _agent_keys(host) as agent:
        for name, attempt in _attempts(host, transport, agent, tried):
            try:
                attempt()
            except paramiko.BadAuthenticationType as error:
                tried.append(f"{name} (the host accepts only: {', '.join(error.allowed_types)})")
            except (paramiko.SSHException, OSError, EOFError) as error:
                tried.append(name)
                if not transport.is_active():
                    tried.append(f"then the host closed the connection ({error})")
                    break
            else:
                if not transport.is_authenticated():
                    tried.append(f"{name} (accepted, but the host requires another method as well)")
            if transport.is_authenticated():
                return name
    target = f"{host.user}@{host.dialled}"
    locked = next((word.split(" (")[0] for word in tried if "passphrase" in word.partition(" (")[2]), "")
    unlock = f"load the key with `ssh-add {locked}`, or put" if locked else "put"
    put = f"a key on the host with `ssh-copy-id -p {host.port} {target}`"
    raise StackwrightError(
        f"{host.name}: login as {host.user} refused; tried: {'; '.join(tried) or 'nothing, no key found'}",
        f"check the password, and whether {host.user} may log in with a password (`PermitRootLogin`, "
        f"`PasswordAuthentication`); or log in as another user with `--user`, or put {put}"
        if host.password
        else f"{unlock} {put}, choose a key with `--ssh-key`, or use `--ask-password`",
        ExitCode.UNREACHABLE,
    )


def _attempts(
    host: Host, transport: paramiko.Transport, agent: list[paramiko.AgentKey], tried: list[str]
) -> Iterator[tuple[str, Callable[[], object]]]:
    """(name, attempt) for each key and the password; what cannot be attempted is added to `tried`."""
    locked: list[Path] = []
    own = (host.own_key,) if host.own_key and host.own_key.is_file() else ()
    for path in (*own, *(host.keys or (Path.home() / ".ssh" / name for name in _USUAL_KEYS))):
        if not path.is_file():
            if host.keys:
                tried.append(f"{path} (no such file)")
            continue
        try:
            key = load(path)
        except _Locked:
            locked.append(path)
            continue
        except Exception as error:  # cryptography raises many types of exceptions for a file that is not a key
            tried.append(f"{path} (cannot be read: {error})")
            continue
        yield str(path), lambda k=key: transport.auth_publickey(host.user, k)  # type: ignore[misc]
    for agent_key in agent:
        name = f"the agent's {agent_key.get_name()} key"
        yield name, lambda k=agent_key: transport.auth_publickey(host.user, k)  # type: ignore[misc]
    for path in locked:
        phrase = host.passphrase(path) if host.passphrase else ""
        if not phrase:
            tried.append(f"{path} (it has a passphrase)")
            continue
        try:
            key = load(path, phrase)
        except Exception:  # a wrong passphrase looks like a damaged file to cryptography
            tried.append(f"{path} (wrong passphrase)")
            continue
        yield str(path), lambda k=key: transport.auth_publickey(host.user, k)  # type: ignore[misc]
    if host.password:
        yield PASSWORD, lambda: transport.auth_password(host.user, host.password)


def load(path: Path, passphrase: str = "") -> paramiko.PKey:
    """Loads a private key in any format of OpenSSH, with its certificate (KEY-cert.pub) if there is one. Raises _Locked
    if it needs a passphrase and none was given, and the exceptions of cryptography."""
    data, secret = path.read_bytes(), passphrase.encode() or None
    try:
        # All others are PEM, old or new; paramiko reads only some of them.
        reads = serialization.load_ssh_private_key if b"BEGIN OPENSSH" in data else serialization.load_pem_private_key
        key = reads(data, secret)
    except TypeError as error:  # raised by cryptography if the passphrase is missing
        raise (error if secret else _Locked(str(path))) from None
    if isinstance(key, rsa.RSAPrivateKey):
        kind: type[paramiko.PKey] = paramiko.RSAKey
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        kind = paramiko.ECDSAKey
    elif isinstance(key, ed25519.Ed25519PrivateKey):
        kind = paramiko.Ed25519Key
    else:
        raise ValueError(f"key type {type(key).__name__.strip('_')} is not supported")
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    made = kind.from_private_key(io.StringIO(plain.decode()))
    certificate = Path(f"{path}-cert.pub")
    if certificate.is_file():
        made.load_certificate(str(certificate))
    return made


@contextlib.contextmanager
def _agent_keys(host: Host) -> Iterator[list[paramiko.AgentKey]]:
    """The agent's keys. Those in the host's settings come first, because hosts allow only a few attempts. The agent's
    socket is closed afterwards, because there may be hundreds of hosts."""
    agent = None
    keys: list[paramiko.AgentKey] = []
    with contextlib.suppress(Exception):
        agent = _agent(host)
        if agent:
            named = {blob for path in host.keys if (blob := _public(path))}
            first = [key for key in agent.get_keys() if key.get_base64() in named]
            others = [key for key in agent.get_keys() if key.get_base64() not in named]
            keys = first if host.only_keys and host.keys else first + others
    try:
        yield keys
    finally:
        if agent:
            with contextlib.suppress(Exception):
                agent._close()  # type: ignore[attr-defined]


def _agent(host: Host) -> paramiko.agent.AgentSSH | None:
    if not host.agent:
        return None
    if host.agent_socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(10)
        connection.connect(host.agent_socket)
        agent = paramiko.agent.AgentSSH()
        agent._connect(connection)  # type: ignore[attr-defined]  # paramiko only uses SSH_AUTH_SOCK
        return agent
    return paramiko.Agent() if os.environ.get("SSH_AUTH_SOCK") else None


def _public(path: Path) -> str:
    """The public key in base64, from the .pub file of a private key; empty if there is none."""
    with contextlib.suppress(OSError, IndexError, UnicodeDecodeError):
        return Path(f"{path}.pub").read_text().split()[1]
    return ""
