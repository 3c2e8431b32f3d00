"""Creates a bundle of a cloud, and copies the packages of a bundle to hosts."""

from __future__ import annotations

import base64
import json
import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stackwright import answers as answer_files
from stackwright import bundle, executor, facts, lock, planner, platforms, report, shell, untrusted
from stackwright.bundle import offline
from stackwright.bundle.offline import Checks
from stackwright.model import Answers, ExitCode, Facts, File, StackwrightError
from stackwright.operations import lock as lock_ops
from stackwright.planner.steps import locked
from stackwright.planner.steps.locked import OFFLINE
from stackwright.planner.steps.package_cache import PORT
from stackwright.report.anonymize import neutralizer
from stackwright.ssh import parallel

if TYPE_CHECKING:
    from stackwright.ssh import Connection
    from stackwright.ssh.pool import Hosts
    from stackwright.state.directory import StateDir

FACTS = "facts.json"
"""In the cloud's folder: the facts that the plan which was applied last was made of."""

MADE = "bundle.json"
"""In the cloud's folder: which bundle was made last, for the report."""

_PIECE = 8 * 1024**2
"""Bytes that are brought to or from a host at once."""

_HOSTS_AT_ONCE = 4
"""That packages are brought to: each takes two pieces of memory."""

_SPARE = 1024**3
"""Bytes that are left free on a host: the packages are unpacked there."""

Say = Callable[[str], None]


def keep_facts(state: StateDir, seen: Mapping[str, Facts]) -> None:
    """Keeps what a plan that is about to be applied was made of."""
    state.write(FACTS, json.dumps({name: json.loads(facts.to_json(fact)) for name, fact in seen.items()}) + "\n")


def kept_facts(state: StateDir) -> dict[str, Facts]:
    """What `keep_facts` kept, in its order; nothing where it is not there."""
    with suppress(ValueError, AttributeError, KeyError, StackwrightError):
        known = json.loads(state.read(FACTS) or "{}")
        return {str(name): facts.from_json(json.dumps({"host": name, **one})) for name, one in known.items()}
    return {}


def signing_key(root: Path) -> Ed25519PrivateKey:
    """The key that this person's bundles are signed with; made where there is none."""
    from stackwright.state.directory import StateDir

    where = StateDir(root)
    text = where.read("bundle-key")
    try:
        if text:
            return Ed25519PrivateKey.from_private_bytes(base64.b64decode(text))
    except ValueError:
        raise StackwrightError(
            f"{root / 'bundle-key'} is damaged", "remove it; then a new key is generated", ExitCode.ENVIRONMENT
        ) from None
    key = Ed25519PrivateKey.generate()
    where.write("bundle-key", base64.b64encode(key.private_bytes_raw()).decode() + "\n")
    return key


def own_signer(root: Path) -> str:
    """The fingerprint of that key; empty where there is none yet."""
    from stackwright.state.directory import StateDir

    if not StateDir(root).read("bundle-key"):
        return ""
    return bundle.fingerprint(signing_key(root).public_key().public_bytes_raw())


@dataclass(frozen=True)
class BundleRequest:
    """What a bundle is to have besides."""

    packages: bool = False
    neutral: bool = False
    """Names and addresses of hosts become ones that tell nobody anything."""


def create(
    path: Path, given: Answers, state: StateDir, hosts: Hosts, wanted: BundleRequest, root: Path, say: Say
) -> bundle.Index:
    """Writes a bundle of the cloud as it was applied last. Hosts are reached for packages, and where no lock was
    written since, as after a run that failed. Raises StackwrightError where nothing was applied yet, or with other
    answers than these."""
    seen = kept_facts(state)
    if not seen:
        raise StackwrightError(
            f"nothing was applied yet, so there are no facts of the hosts ({state.folder})",
            "run `stackwright apply` first; a failed run can be bundled too",
            ExitCode.USAGE,
        )
    held = _lock(given, seen, state, hosts, say)
    _refuse_edited(given, held)
    setup = bundle.Setup(bundle.shared_answers(given), seen, held)
    setup = replace(setup, answers={**setup.answers, **bundle.pinned(setup)})
    rename = bundle.renamer(bundle.neutral(seen) if wanted.neutral else {})
    about, files = bundle.files(setup, rename)
    redact = executor.redactor(planner.secrets(given))
    content: dict[str, bytes | Path] = dict(files)
    content |= {name: rename(told).encode() for name, told in _run(state, redact).items()}
    about |= {"neutral": wanted.neutral, "packages": sorted(_kinds(setup)) if wanted.packages else []}
    _refuse_secrets(given, content)
    if left := bundle.left_out(given):
        say(f"not in the bundle, because who reproduces it has to give them (--set): {', '.join(left)}")
    with_packages = state.make() / "bundle-packages"
    try:
        if wanted.packages:
            for platform, (name, words) in _kinds(setup).items():
                say(f"{name}: collecting {len(words)} packages for {platform}")
                content |= gather_packages(hosts, name, words, platform, with_packages, say)
        index = bundle.write(path, about, content, signing_key(root))
    finally:
        _remove(with_packages)
    made = {"at": time.time(), "digest": index.digest, "file": path.name}
    state.write(MADE, json.dumps(made) + "\n")
    report.refresh(state)
    return index


def describe(index: bundle.Index) -> str:
    """A bundle in a few lines."""
    about = index.about
    hosts = [f"{name} ({about.get('platforms', {}).get(name, '?')})" for name in about.get("hosts", ())]
    rows = {
        "bundle": index.digest,
        "signed by": index.signer,
        "created by": f"Stackwright {index.version}",
        "OpenStack": str(about.get("release", "?")),
        "hosts": ", ".join(hosts),
        "plan": str(about.get("plan", "?"))[:16],
        "packages": f"for {', '.join(about['packages'])}" if about.get("packages") else "not in it",
        "unpacked": f"{index.size // 1024} KiB in {len(index.files)} files",
    }
    return "\n".join(f"{name + ':':<11} {value}" for name, value in rows.items())


def _lock(given: Answers, seen: Mapping[str, Facts], state: StateDir, hosts: Hosts, say: Say) -> lock.Lock:
    """The lock of the last run; where that left none behind, since it failed, the hosts are asked now."""
    own, facts_at = state.folder / lock.NAME, (state.folder / FACTS).stat().st_mtime_ns
    if own.exists() and own.stat().st_mtime_ns >= facts_at:
        return lock.read(state.read(lock.NAME), str(own))
    say("the last run did not finish: asking the hosts what is installed")
    taken = lock_ops.take(planner.cloud(given, seen), hosts)
    lock_ops.keep(taken, state, None, "")
    return taken.lock


def _refuse_edited(given: Answers, held: lock.Lock) -> None:
    """Raises StackwrightError if the answers were edited since: the bundle would describe a cloud that never
    existed."""

    def comparable(answers: Mapping[str, str]) -> dict[str, str]:
        # A lock omits empty values, and has tag and hash instead of a tag of trunk.
        return {k: v.partition("/")[0] if k == "CONFIG_RDO_TRUNK" else v for k, v in answers.items() if v}

    now, then = comparable(answer_files.public(given)), comparable(held.answers)
    edited = [
        f"{key}: {then.get(key, '(the default)')} -> {now.get(key, '(the default)')}"
        for key in sorted({*now, *then})
        if now.get(key) != then.get(key)
    ]
    if edited:
        raise StackwrightError(
            "the answers differ from those that were applied:\n" + "\n".join(f"  {line}" for line in edited),
            "give the same files and flags as for `apply`, or apply these first",
            ExitCode.ANSWERS,
        )


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def _run(state: StateDir, redact: Callable[[Any], Any]) -> dict[str, str]:
    """The last run: its report, and the newest log, without secrets, keys and public addresses."""
    out = {}
    with suppress(StackwrightError):
        found = report.load(state, redact)
        found.about = {
            key: value for key, value in found.about.items() if key != "answer_files"
        }  # names of folders here
        out = {"run/report.json": report.as_json(found), "run/report.html": report.as_html(found)}
        out["run/digest.txt"] = report.digest(found)
    logs = sorted((state.folder / "logs").glob("*.log"), key=lambda p: p.stat().st_mtime_ns)
    if logs:
        lines = logs[-1].read_text(encoding="utf-8", errors="replace").splitlines()
        out["run/log.txt"] = "\n".join(neutralizer()([redact(line) for line in lines])) + "\n"
    return out


def _refuse_secrets(given: Answers, content: Mapping[str, bytes | Path]) -> None:
    """A last look: nothing goes out with a secret of the cloud in it, however it is written. Short ones, and passwords
    that are a mere word, stand in places where they are none: `openstack` is in most package names."""
    redact = executor.redactor(s for s in planner.secrets(given) if len(s) >= 8 and not s.isalpha())
    for name, inside in content.items():
        if isinstance(inside, bytes) and redact(text := inside.decode(errors="replace")) != text:
            raise StackwrightError(
                f"{name} would contain a password of the cloud, so no bundle was created",
                "this is an error in stackwright; report it without the file",
            )


def _kinds(setup: bundle.Setup) -> dict[str, tuple[str, set[str]]]:
    """By platform: a host to gather on, and all packages that hosts of that platform have, as the package manager is
    asked for them."""
    out: dict[str, tuple[str, set[str]]] = {}
    for name in setup.facts:
        host = setup.lock.hosts[name]
        known = out.setdefault(host.platform, (name, set()))[1]
        known.update(locked.words(platforms.by_id(host.platform), host.installable))
    return out


def gather_packages(
    hosts: Hosts, name: str, words: Iterable[str], platform: str, folder: Path, say: Say
) -> dict[str, bytes | Path]:
    """Gathers packages on a host and brings them here."""
    connection = hosts.connect(name)
    said = connection.run(offline.gather(words, platforms.by_id(platform).package_manager), timeout=3600)
    files = offline.listed(said.out, name)
    if not files:
        last = (said.err.strip().splitlines() or ["no reason was given"])[-1]
        raise StackwrightError(f"{name}: cannot collect the packages: {last}", "", ExitCode.FAILED)
    say(f"{name}: fetching {sum(files.values()) // 1024**2} MiB")
    out: dict[str, bytes | Path] = {}
    for file, size in files.items():
        local = folder / platform / file
        local.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with local.open("wb") as target:
            for piece in range(0, size, _PIECE):
                read = f"tail -c +{piece + 1} {shlex.quote(f'{offline.WORK}/{file}')} | head -c {_PIECE} | base64 -w0"
                got = connection.run(read, timeout=600, most=2 * _PIECE).out
                with untrusted.judged(name, file):
                    content = base64.b64decode(got, validate=True)
                if len(content) != min(_PIECE, size - piece):
                    raise untrusted.Refused(name, file, f"{piece + len(content)} bytes", f"{size}, as it said before")
                target.write(content)
        out[f"{bundle.PACKAGES}/{platform}/{file}"] = local
    connection.run(f"rm -rf {offline.WORK}")
    return out


@contextmanager
def packages_there(
    hosts: Hosts,
    kinds: Mapping[str, str],
    folder: Path,
    cache: tuple[str, str] | None,
    say: Say,
    checks: Mapping[str, Checks] = MappingProxyType({}),
) -> Iterator[None]:
    """The packages of an unpacked bundle are there, meanwhile, for hosts of these platforms. Each gets its own; with
    `cache`, a host and its address, that one serves the others of its platform, as far as they reach it. `checks` says
    by host how packages are checked. Raises StackwrightError if the bundle has none for a host, if a host has no room,
    and for packages without a signature that are not allowed."""

    def bring(name: str, served_at: str = "") -> None:
        bring_packages(hosts, name, folder, kinds[name], say, served_at, checks.get(name, offline.NO_CHECKS))

    if not cache or list(kinds.values()).count(kinds[cache[0]]) < 2:
        parallel.map(kinds, bring, _HOSTS_AT_ONCE)
        yield
        return
    first, address = cache
    bring(first)
    try:
        served = _serve(hosts, first, say)

        def one(name: str) -> None:
            near = served and kinds[name] == kinds[first]
            if near and not hosts.connect(name).run(offline.reached(address), timeout=30).ok:
                say(f"{name}: cannot reach {address} port {PORT}")
                near = False
            bring(name, address if near else "")

        parallel.map([name for name in kinds if name != first], one, _HOSTS_AT_ONCE)
        yield
    finally:
        with suppress(StackwrightError):
            hosts.connect(first).run(offline.END_SERVING, timeout=60)


def _serve(hosts: Hosts, name: str, say: Say) -> bool:
    """Whether a host serves the packages that it has now; says why not."""
    said = hosts.connect(name).run(offline.serve(), timeout=300)
    if not said.ok:
        last = (said.err.strip().splitlines() or ["no reason was given"])[-1]
        say(f"{name}: cannot serve packages, so they are copied to each host: {last}")
    return said.ok


def bring_packages(
    hosts: Hosts,
    name: str,
    folder: Path,
    platform: str,
    say: Say,
    served_at: str = "",
    checks: Checks = offline.NO_CHECKS,
) -> None:
    """Puts the packages of an unpacked bundle on a host, in pieces; what is there already is left alone. A host that is
    served them at an address gets the rest, which leads there. Raises StackwrightError if there are none for it or no
    room, for packages without a signature that are not allowed, and if the host has no keys for the others."""
    root = folder / bundle.PACKAGES / platform
    if not root.is_dir():
        raise StackwrightError(
            f"the bundle contains no packages for {platform}",
            "omit --offline, or create the bundle with `stackwright bundle create --offline`",
            ExitCode.USAGE,
        )

    manager = platforms.by_id(platform).package_manager
    paths = {p.relative_to(root).as_posix(): p for p in sorted(root.rglob("*")) if p.is_file()}

    if (without := offline.unsigned(paths)) and not checks.unsigned:
        raise StackwrightError(
            f"the bundle has {without} packages for {platform} without a signature",
            "install them all the same with --set CONFIG_REPO_UNSIGNED=y, for a test; they run as root",
            ExitCode.PREFLIGHT,
        )

    def file(path: Path) -> File:
        return File(offline.place(path.relative_to(root).as_posix()), path.read_bytes())

    connection = hosts.connect(name)
    files = [
        path
        for inside, path in paths.items()
        if offline.carried(inside) and not (served_at and offline.is_served(inside))
    ]
    _refuse_full(connection, name, sum(path.stat().st_size for path in files))
    say(f"{name}: uses packages from {served_at}" if served_at else f"{name}: copying packages")
    for batch in _batches(files):
        connection.put(tuple(map(file, batch)))
    connection.put(
        tuple(
            File(offline.place(inside), offline.led(inside, content, served_at) if served_at else content)
            for inside, content in offline.configuration(paths, manager).items()
        )
    )
    said = connection.run(offline.own_keys(manager, checks), timeout=60 * (1 + len(checks.keys)))
    if not said.ok:
        hints = {
            "apt": "install the package debian-archive-keyring on the host",
            "dnf": "copy the key, from somebody whom you trust, to /etc/pki/rpm-gpg on the host under the same name",
        }
        last = (said.err.strip().splitlines() or ["no reason was given"])[-1]
        raise StackwrightError(
            f"{name}: the bundle's packages cannot be checked: {last}", hints[manager], ExitCode.PREFLIGHT
        )


def _refuse_full(connection: Connection, name: str, wanted: int) -> None:
    """Raises StackwrightError where a host has no room for so many bytes, and for what is unpacked of them."""
    there = connection.run(shell.fill("operations/bundle_room.sh", OFFLINE=OFFLINE), timeout=60).out.split()
    if not there:
        return  # the packages themselves will say what is wrong
    with untrusted.judged(name, "free space"):
        have, free = untrusted.number(there[0]), 1024 * untrusted.number(there[-1])
    if wanted - have + _SPARE > free:
        raise StackwrightError(
            f"{name}: the bundle has {wanted // 1024**2} MiB of packages, but /var/lib has {free // 1024**2} MiB free, "
            f"of which {_SPARE // 1024**2} MiB must stay free",
            "free disk space on the host; nothing was changed",
            ExitCode.PREFLIGHT,
        )


def _batches(paths: Iterable[Path]) -> Iterator[list[Path]]:
    batch: list[Path] = []
    size = 0
    for path in paths:
        own = path.stat().st_size
        if batch and size + own > 2 * _PIECE:
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += own
    if batch:
        yield batch
