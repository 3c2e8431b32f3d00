"""A connection to a host: runs scripts as root and writes files. The same code over SSH and locally."""

from __future__ import annotations

import contextlib
import functools
import gzip
import hashlib
import io
import secrets
import shlex
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from stackwright import shell, untrusted
from stackwright.model import ExitCode, File, StackwrightError
from stackwright.shell import Raw

from . import root
from .channel import Channel, Link, LinkDropped, LocalLink, Result, ScriptTimeout, TooMuchOutput
from .settings import Host

_CEILING = 4.0
"""How many times its timeout a script may take as long as it prints."""
_MOST_PLAIN = 1024**2
"""Bytes that a login shell may print."""


class Connection:
    """The connection to one host. Reconnects when the link is dead. May be used by several threads at once.

    `dial` opens a link; it is called at the first use, and again when the link is dead. A script that was already sent
    is never sent twice: LinkDropped is raised, and the caller decides.
    """

    def __init__(self, host: Host, dial: Callable[[], Link], *, base: str = "/var/lib/stackwright") -> None:
        self.host = host.name
        self.base = base
        """The folder on the host for private temporary files."""
        self._settings = host
        self._dial = dial
        self._link: Link | None = None
        self._way: root.Way | None = None
        self._lock = threading.Lock()
        self._closed = False

    def greet(self) -> None:
        """Logs in, and finds out how to become root. Raises StackwrightError(UNREACHABLE)."""
        if self._settings.become:
            self._become()
        else:
            self._plain("true", b"")

    def open(self, script: str) -> Channel:
        """Starts a script as root and returns its channel, with its input still open. The script is sent on the
        channel's input, never as an argument. Raises StackwrightError if the host or root is not available."""
        way = self._become()
        text = script.encode()
        channel = self._channel(way.prefix + root.command(len(text), as_root=self._settings.become))
        try:
            if way.kind == "password":
                channel.send(self._password().encode() + b"\n")
            channel.send(text)
        except BaseException:
            channel.close()
            raise
        return channel

    def run(
        self, script: str, *, timeout: float = 60.0, data: bytes = b"", most: int = untrusted.MOST_OUTPUT
    ) -> Result:
        """Runs a POSIX shell script as root; `data` is its standard input. `timeout` in seconds; a script that goes on
        printing may take four times as long. It may print `most` bytes. Control characters in the result are escaped.

        Raises LinkDropped, ScriptTimeout, TooMuchOutput, or StackwrightError(UNREACHABLE) when the host or root cannot
        be had. A script that fails is no exception: see Result.exit.
        """
        channel = self.open(script)
        try:
            if data:
                channel.send(data)
            channel.end()
            out, err = bytearray(), bytearray()
            began = time.monotonic()
            until = began + timeout
            while (got := channel.receive(min(1.0, max(0.0, until - time.monotonic())))) is not None:
                out += got[0]
                err += got[1]
                self._refuse_more(len(out) + len(err), most)
                now = time.monotonic()
                if now >= until and (not any(got) or now >= began + _CEILING * timeout):
                    raise ScriptTimeout(
                        f"{self.host}: a command did not finish within {timeout:.0f} s",
                        "check the host's load and disk with `top` and `dmesg`",
                    )
            return _result(channel.status(), out, err)
        finally:
            channel.close()

    def _refuse_more(self, size: int, most: int) -> None:
        if size > most:
            raise TooMuchOutput(
                f"{self.host}: a command printed more than {most} bytes",
                "inspect this host: it may be damaged or under somebody else's control",
                ExitCode.PREFLIGHT,
            )

    def run_as_user(self, script: str, *, data: bytes = b"") -> Result:
        """Runs a script without secrets as the login user; otherwise like `run`."""
        text = script.encode()
        return self._plain(root.command(len(text)), text + data)

    def put(self, files: Sequence[File], *, timeout: float = 600.0) -> tuple[str, ...]:
        """Writes files, each atomically; returns the paths of those whose content, mode or owner differed. At most two
        round trips for any number of files. Raises like `run`, and StackwrightError if a file cannot be written."""
        if not files:
            return ()
        for file in files:
            if not file.path.startswith("/") or "\n" in file.path:
                raise StackwrightError(f"{file.path!r} is not an absolute path")
        paths = " ".join(shlex.quote(f.path) for f in files)
        listing = self.run(shell.fill("ssh/list_files.sh", PATHS=Raw(paths)), timeout=timeout)
        if not listing.ok:
            raise StackwrightError(f"{self.host}: cannot compare files: {_last(listing)}")
        with untrusted.judged(self.host, "list of files"):
            existing = _existing(listing.out)
        differ = [f for f in files if not _same(f, existing.get(f.path))]
        if differ:
            done = self.run(_write_script(tuple(differ), self.base), data=_pack(tuple(differ)), timeout=timeout)
            if not done.ok:
                raise StackwrightError(
                    f"{self.host}: cannot write {len(differ)} files: {_last(done)}", disk_hint(done.err)
                )
        return tuple(f.path for f in differ)

    @property
    def by_password(self) -> bool:
        """Whether the host accepted the password, and no key."""
        return bool(getattr(self._link, "by_password", False))

    def close(self) -> None:
        """Closes the link. The connection cannot be used afterwards."""
        with self._lock:
            self._closed = True
            if self._link:
                self._link.close()
                self._link = None

    def drop(self) -> None:
        """Closes a link that is believed to be dead; the next use opens a new one."""
        with self._lock:
            if self._link:
                self._link.close()
                self._link = None

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _channel(self, command: str) -> Channel:
        """Opens a channel on the link; connects again if the link is dead."""
        with self._lock:
            if self._closed:
                raise LinkDropped(self.host, "it was closed")
            link, fresh = self._link, False
            if link is None or not link.alive():
                if link:
                    link.close()
                link, fresh = self._dial(), True
                self._link = link
        try:
            return link.open(command)
        except LinkDropped:
            if fresh:
                raise
        with self._lock:
            if self._link is link:
                link.close()
                self._link = link = self._dial()
            else:
                link = self._link or self._dial()
                self._link = link
        return link.open(command)

    def _password(self) -> str:
        return self._settings.sudo_password or self._settings.password

    def _become(self) -> root.Way:
        """How a command is run as root. Raises StackwrightError(UNREACHABLE)."""
        if not self._settings.become:
            return root.Way("root")
        if self._way is None:
            user = self._settings.user
            way = root.way(self.host, user, self.run_as_user(shell.fill("ssh/root_probe.sh")))
            if way.kind == "password":
                if not self._password():
                    raise root.no_password(self.host, user)
                # Check the password without a script: with a wrong one, sudo would read the script as another attempt.
                script = f"LC_ALL=C {way.prefix}/bin/sh -c 'id -u'"
                password = self._password().encode() + b"\n"
                root.check_password(self.host, user, self.run_as_user(script, data=password))
            self._way = way
        return self._way

    def _plain(self, command: str, data: bytes) -> Result:
        """Runs a fixed command without secrets as the login user."""
        channel = self._channel(command)
        try:
            if data:
                channel.send(data)
            channel.end()
            out, err = bytearray(), bytearray()
            until = time.monotonic() + 120
            while (got := channel.receive(1.0)) is not None:
                out += got[0]
                err += got[1]
                self._refuse_more(len(out) + len(err), _MOST_PLAIN)
                if time.monotonic() > until:
                    raise ScriptTimeout(
                        f"{self.host}: the login shell or sudo did not answer within 120 s", code=ExitCode.UNREACHABLE
                    )
            return _result(channel.status(), out, err)
        finally:
            channel.close()


def _result(status: int, out: bytearray, err: bytearray) -> Result:
    """What a command printed, as text without anything that a terminal would obey."""
    printed, said = (untrusted.printable(text.decode(errors="replace")) for text in (out, err))
    return Result(status, printed, said)


def LocalConnection(
    name: str = "localhost", *, become: bool = True, sudo_password: str = "", base: str = "/var/lib/stackwright"
) -> Connection:
    """A connection to this machine, without SSH; as root or with sudo. `name` is its name in the answers."""
    return Connection(Host(name, user="", become=become, sudo_password=sudo_password), LocalLink, base=base)


def pack(members: Sequence[tuple[str, bytes, int]]) -> bytes:
    """A gzipped tar stream of (name, content, mode); the same content gives the same bytes."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content, mode in members:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), compresslevel=6, mtime=0)


_PACKING = threading.Lock()


@dataclass(frozen=True)
class _Existing:
    """A regular file on the host."""

    mode: str
    owners: tuple[str, str]
    """By name (user:group), and by number."""
    sum: str


def _existing(listing: str) -> dict[str, _Existing]:
    """Parses the output of list_files.sh; the result is by path."""
    stats, _, sums = f"\n{listing}".partition("\n/\n")
    digests = {path: digest for digest, _, path in (line.partition("  ") for line in sums.splitlines())}
    found = {}
    for line in stats.strip().splitlines():
        mode, names, numbers, rest = line.split(" ", 3)
        kind, _, path = rest.partition("/")
        if kind.startswith("regular") and path in digests:
            found[path] = _Existing(mode, (names, numbers), digests[path])
    return found


def _same(file: File, existing: _Existing | None) -> bool:
    return (
        existing is not None
        and existing.mode == f"{file.mode:o}"
        and file.owner in existing.owners
        and existing.sum == _sha256(file.content)
    )


def _pack(files: tuple[File, ...]) -> bytes:
    with _PACKING:
        return _packed(files)


@functools.lru_cache(16)  # many hosts get the same files at the same time
def _packed(files: tuple[File, ...]) -> bytes:
    return pack([(path, file.content, file.mode) for path, file in zip(_beside(files), files, strict=True)])


@functools.lru_cache(16)
def _beside(files: tuple[File, ...]) -> tuple[str, ...]:
    """The temporary path of each file: in a private folder beside its destination."""
    mark = hashlib.sha256("".join(f"{_sha256(f.content)} {f.path}\n" for f in files).encode()).hexdigest()[:16]
    parts = (file.path.rpartition("/") for file in files)
    return tuple(f"{folder}/.stackwright.{mark}/{name}" for folder, _, name in parts)


def _write_script(files: tuple[File, ...], base: str) -> str:
    """The script that writes files from the stream that `_pack` creates."""
    beside = _beside(files)
    folders: dict[str, list[str]] = {}
    for file, place in zip(files, beside, strict=True):
        folders.setdefault(file.path.rpartition("/")[0] or "/", []).append(shlex.quote(place))
    owned = ((place, file.owner, file.path) for file, place in zip(files, beside, strict=True))
    return shell.fill(
        "ssh/write_files.sh",
        BASE=base,
        BESIDE=list(dict.fromkeys(place.rpartition("/")[0] for place in beside)),
        FREE=Raw("\n".join(f"free {shlex.quote(f.path)}" for f in files)),
        SUMS=Raw("\n".join(f"{_sha256(f.content)}  {place}" for f, place in zip(files, beside, strict=True))),
        FILES=beside,
        OWN=Raw("\n".join(f"own {shlex.join(words)}" for words in owned)),
        KNOWN=Raw("\n".join(f"known {shlex.quote(f.path)}" for f in files)),
        PLACE=Raw("\n".join(f"mv -f -t {shlex.quote(k)} {' '.join(v)} || exit 1" for k, v in folders.items())),
        TOKEN=f"end-{secrets.token_hex(8)}",
    )


@functools.lru_cache(256)
def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _last(result: Result) -> str:
    """The last line that a failed script wrote, for a message."""
    text = [line for line in (result.err or result.out).strip().splitlines() if line.strip()]
    return text[-1].strip() if text else f"exit status {result.exit}"


def disk_hint(text: str) -> str:
    """A hint if an error message is about a full or read-only disk; otherwise empty."""
    if "No space left" in text or "Wrote only" in text:  # the second is the message of tar
        return "free disk space on the host: `df -h` shows the full disk; `apt-get clean` or `dnf clean all` may help"
    if "Read-only file system" in text:
        return "remount the host's file system read-write; `dmesg` shows why it is read-only"
    return ""


@contextlib.contextmanager
def closing(channel: Channel) -> Iterator[Channel]:
    """Closes a channel at the end of a `with` block."""
    try:
        yield channel
    finally:
        channel.close()
