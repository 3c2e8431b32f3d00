"""A bundle is a zip file. Its first entry lists all others with their checksums; its second entry signs the first.

A zip and not a tar, because names and sizes can be read and checked before anything is unpacked. The signature
(Ed25519) verifies that the bundle is unchanged, and identifies the key that signed it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from stackwright import __version__
from stackwright.lock import printable
from stackwright.model import ExitCode, StackwrightError

FORMAT = 1
"""Version of the format. Bundles with a higher number were written by a newer Stackwright, and are refused."""

INDEX, SIGNATURE = "bundle.json", "bundle.sig"
_MOST_INDEX = 16 * 1024**2
_CHUNK = 1024**2
_SPARE = 256 * 1024**2
"""Bytes that must stay free on the disk."""
_WHEN = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Entry:
    """A file of a bundle."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Index:
    """The index of a bundle."""

    version: str
    """Version of the Stackwright that created it."""
    about: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Entry] = field(default_factory=dict)
    digest: str = ""
    """SHA-256 of the index; identifies the bundle."""
    signer: str = ""
    """Fingerprint of the key that signed it, in SSH's format."""

    @property
    def size(self) -> int:
        """Size of all files in bytes."""
        return sum(entry.size for entry in self.files.values())


Content = Mapping[str, bytes | Path]
"""Files of a bundle by name: their content, or the path of a file with the content."""


def refused(path: Path, why: str, hint: str = "get the bundle again; nothing was unpacked") -> StackwrightError:
    """The error for an unusable bundle."""
    return StackwrightError(f"cannot use the bundle {path}: {why}", hint, ExitCode.USAGE)


# ---------------------------------------------------------------------------------------------------------- making


def _chunks(content: bytes | Path) -> Iterable[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as source:
        while piece := source.read(_CHUNK):
            yield piece


def _entry(content: bytes | Path) -> Entry:
    whole, size = hashlib.sha256(), 0
    for piece in _chunks(content):
        whole.update(piece)
        size += len(piece)
    return Entry(size, whole.hexdigest())


def fingerprint(public: bytes) -> str:
    """The fingerprint of a public key."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(public).digest()).decode().rstrip("=")


def write(path: Path, about: Mapping[str, Any], files: Content, key: Ed25519PrivateKey) -> Index:
    """Writes a bundle atomically; the same content and key give the same file, to the byte."""
    entries = {name: _entry(content) for name, content in sorted(files.items())}
    raw = _index_bytes(about, entries)
    public = key.public_key().public_bytes_raw()
    signed = {"key": base64.b64encode(public).decode(), "signature": base64.b64encode(key.sign(raw)).decode()}
    new = path.with_name(f".{path.name}.new")
    try:
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as out, zipfile.ZipFile(out, "w") as bundle:
            for name, content in ((INDEX, raw), (SIGNATURE, json.dumps(signed).encode()), *sorted(files.items())):
                # Packages are compressed already.
                packed = zipfile.ZIP_STORED if name.endswith((".deb", ".rpm")) else zipfile.ZIP_DEFLATED
                info = zipfile.ZipInfo(name, _WHEN)
                info.compress_type, info.external_attr = packed, 0o600 << 16
                with bundle.open(info, "w", force_zip64=True) as member:
                    for piece in _chunks(content):
                        member.write(piece)
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise StackwrightError(
            f"cannot write {path}: {error.strerror}", "free some space or choose another path", ExitCode.ENVIRONMENT
        ) from None
    return Index(__version__, about, entries, hashlib.sha256(raw).hexdigest(), fingerprint(public))


def _index_bytes(about: Mapping[str, Any], entries: Mapping[str, Entry]) -> bytes:
    data = {
        "stackwright-bundle": FORMAT,
        "version": __version__,
        "about": dict(about),
        "files": {name: [entry.size, entry.sha256] for name, entry in entries.items()},
    }
    return (json.dumps(data, indent=1, sort_keys=True) + "\n").encode()


# ---------------------------------------------------------------------------------------------------------- reading


def _safe(name: str) -> bool:
    """Whether a file name stays within the folder to which it is unpacked, and is valid on all file systems."""
    parts = name.split("/")
    plain = name.isprintable() and "\\" not in name and len(name) < 512 and ":" not in parts[0]
    return plain and not name.startswith("/") and not {"", ".", ".."} & set(parts)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def read(path: Path, signer: str = "") -> Index:
    """Reads the index of a bundle, and checks everything that can be checked without unpacking: signature (by the key
    with the fingerprint `signer`, if given), version, names and sizes. Raises StackwrightError with the reason."""
    with _opened(path) as bundle:
        return _read(path, bundle, signer)


@contextlib.contextmanager
def _opened(path: Path) -> Any:
    try:
        with zipfile.ZipFile(path) as bundle:
            yield bundle
    except FileNotFoundError:
        raise StackwrightError(f"no such file: {path}", "give the path of the bundle", ExitCode.USAGE) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError) as error:
        raise refused(path, f"it is damaged ({_plain(str(error)) or type(error).__name__})") from None
    except OSError as error:
        raise refused(
            path, f"cannot read or unpack it: {error.strerror or error}", "check its permissions or copy it again"
        ) from None


def _plain(text: str) -> str:
    """A text of a bundle, safe for use in messages."""
    return printable(text[:200])


def _small(path: Path, bundle: zipfile.ZipFile, name: str, most: int) -> bytes:
    try:
        info = bundle.getinfo(name)
    except KeyError:
        raise refused(path, f"it has no {name}: it is not a bundle, or damaged") from None
    if info.file_size > most:
        raise refused(path, f"its {name} has {info.file_size} bytes, more than the limit of {most}")
    with bundle.open(info) as member:
        return member.read(most + 1)


def _read(path: Path, bundle: zipfile.ZipFile, signer: str) -> Index:
    there = bundle.namelist()
    for info in bundle.infolist():
        _refuse_entry(path, info)
    if twice := next((name for name, number in Counter(there).items() if number > 1), ""):
        raise refused(path, f"it contains {twice} twice", "do not use it: it may be malicious")
    raw = _small(path, bundle, INDEX, _MOST_INDEX)
    _refuse_newer(path, raw)
    own = _signer(path, raw, _small(path, bundle, SIGNATURE, 4096))
    if signer and signer != own:
        raise refused(path, f"it is signed by {own}, not by {signer}", "check who created it")
    version, about, entries = _understood(path, raw)
    for name in entries:
        _refuse_name(path, name)
    if strange := sorted({*there} ^ {INDEX, SIGNATURE, *entries}):
        raise refused(path, f"its contents differ from its index: {', '.join(strange[:5])}")
    for name, entry in entries.items():
        if bundle.getinfo(name).file_size != entry.size:
            raise refused(path, f"the size of {name} differs from its index")
        if inside := next((p.as_posix() for p in PurePosixPath(name).parents if p.as_posix() in entries), ""):
            raise refused(path, f"{inside} is both a file and a directory in it", "do not use it: it may be malicious")
    return Index(version, about, entries, hashlib.sha256(raw).hexdigest(), own)


def _refuse_name(path: Path, name: str) -> None:
    if not _safe(name):
        raise refused(
            path, f"its file name {_plain(name)!r} is outside of its directory", "do not use it: it may be malicious"
        )


def _refuse_entry(path: Path, info: zipfile.ZipInfo) -> None:
    """Raises for entries that Stackwright never writes: names outside the folder, links, other compression methods."""
    _refuse_name(path, info.filename)
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        what = "a link" if stat.S_ISLNK(kind) else "not a regular file"
        raise refused(path, f"its file {info.filename} is {what}", "do not use it: it may be malicious")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise refused(path, f"its file {info.filename} has an unsupported compression", "get the bundle again")


def _refuse_newer(path: Path, raw: bytes) -> None:
    """Raises for a bundle of a newer Stackwright, whose signature may have another format."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        data = json.loads(raw)
        number, version = data["stackwright-bundle"], str(data["version"])
        if number > FORMAT or _numbers(version) > _numbers(__version__):
            raise refused(
                path,
                f"it was created by Stackwright {_plain(version)} in format {_plain(str(number))}; this is "
                f"{__version__}, "
                f"which supports format {FORMAT}",
                "use that version or a newer one; nothing was unpacked",
            )


def _understood(path: Path, raw: bytes) -> tuple[str, dict[str, Any], dict[str, Entry]]:
    """Parses the index: version, description of the cloud, and files."""
    try:
        data = json.loads(raw)
        number, version = data["stackwright-bundle"], data["version"]
        entries = {str(name): Entry(size, digest) for name, (size, digest) in data["files"].items()}
        sound = all(isinstance(e.size, int) and e.size >= 0 and isinstance(e.sha256, str) for e in entries.values())
        if not sound or not isinstance(number, int) or number < 1 or not _text(version):
            raise ValueError(number)
        return version, _about(data["about"]), entries
    except (ValueError, KeyError, TypeError, AttributeError):
        raise refused(path, f"its {INDEX} is invalid") from None


def _text(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _counts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(number, int) for number in value.values())


_ABOUT: Mapping[str, Callable[[Any], bool]] = {
    "release": _text,
    "templates": _text,
    "plan": _text,
    "hosts": _texts,
    "packages": _texts,
    "platforms": lambda value: isinstance(value, dict) and all(map(_text, [*value, *value.values()])),
    "memory": _counts,
    "cpus": _counts,
}
"""Keys of the description in the index, with their checks; unknown keys are ignored, for newer versions."""


def _about(raw: Any) -> dict[str, Any]:
    """The description in the index, without control characters. Raises ValueError."""
    found = dict(raw.items())
    if invalid := [key for key, fits in _ABOUT.items() if key in found and not fits(found[key])]:
        raise ValueError(invalid[0])
    return found


def _signer(path: Path, raw: bytes, signature_file: bytes) -> str:
    """The fingerprint of the key that signed the index. Raises if the signature is invalid."""
    try:
        data = json.loads(signature_file)
        public, signature = (base64.b64decode(data[key], validate=True) for key in ("key", "signature"))
        Ed25519PublicKey.from_public_bytes(public).verify(signature, raw)
    except InvalidSignature:
        raise refused(path, "its signature does not match: it was changed after it was signed") from None
    except (ValueError, KeyError, TypeError):
        raise refused(path, "its signature is unreadable") from None
    return fingerprint(public)


def _mib(size: int) -> str:
    return f"{size / 1024**2:.0f} MiB"


def unpack(path: Path, folder: Path, signer: str = "", free: Callable[[Path], int] | None = None) -> Index:
    """Unpacks a bundle into `folder`, completely or not at all: files with mode 0600 whose checksums match the index.
    `free` returns the free bytes of a disk. Raises StackwrightError with the reason, and then leaves nothing behind."""
    room = free or (lambda at: shutil.disk_usage(at).free)
    with _opened(path) as bundle:
        index = _read(path, bundle, signer)
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        there = room(folder.parent)
        if index.size + _SPARE > there:
            raise refused(
                path,
                f"it needs {_mib(index.size)}, but {folder.parent} has {_mib(there)} free, of which "
                f"{_mib(_SPARE)} must stay free",
                "free some space or choose another directory with --state; nothing was unpacked",
            )
        work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            for name, entry in index.files.items():
                _unpack_one(path, bundle, name, entry, work)
            shutil.rmtree(folder, ignore_errors=True)
            work.replace(folder)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
    return index


def _unpack_one(path: Path, bundle: zipfile.ZipFile, name: str, entry: Entry, work: Path) -> None:
    target = work / PurePosixPath(name)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    whole, size = hashlib.sha256(), 0
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as out, bundle.open(name) as member:
        while piece := member.read(_CHUNK):
            size += len(piece)
            if size > entry.size:
                break
            whole.update(piece)
            out.write(piece)
    if (size, whole.hexdigest()) != (entry.size, entry.sha256):
        raise refused(path, f"{name} is damaged: its checksum differs from the signed one")
