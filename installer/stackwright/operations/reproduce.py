"""Installs what a bundle describes on other hosts."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from stackwright import answers as answer_files
from stackwright import bundle, lock
from stackwright.bundle import Index, Setup
from stackwright.bundle.offline import NO_CHECKS, Checks
from stackwright.model import ExitCode, Facts, StackwrightError
from stackwright.operations import access, apply, inspection, signers
from stackwright.operations import bundle as bundle_operations
from stackwright.operations import lab as lab_operations
from stackwright.operations import lock as lock_operations
from stackwright.operations.answers import read_answers, state_of
from stackwright.operations.options import AccessOptions, AnswerOptions, ApplyOptions, Console, ReproduceOptions
from stackwright.planner.steps import package_cache
from stackwright.planner.steps import repositories as repository_steps
from stackwright.planner.topology import Cloud, Host
from stackwright.state.directory import Access, StateDir, state_root


def reproduce(
    options: ReproduceOptions, given: AnswerOptions, reach: AccessOptions, how: ApplyOptions, console: Console
) -> apply.Installed | apply.Preview:
    """Unpacks a bundle, compares its plan with the one for the new hosts, and installs it there. Raises
    StackwrightError."""
    index = bundle.read(options.file, options.signer)
    console.note(bundle_operations.describe(index))
    root = given.state or state_root()
    console.note(signers.judge(root, index, options.file, options.signer, keep=not how.dry_run))
    # For this run alone: the packages in it may be gigabytes.
    with tempfile.TemporaryDirectory(dir=StateDir(root / "bundles").make()) as work:
        folder = Path(work) / "unpacked"
        bundle.unpack(options.file, folder, index.signer)
        return _install(folder, index, options, given, reach, how, console)


def _install(
    folder: Path, index: Index, options: ReproduceOptions, given: AnswerOptions, reach: AccessOptions,
    how: ApplyOptions, console: Console,
) -> apply.Installed | apply.Preview:  # fmt: skip
    setup = bundle.load(folder, index)
    if why := bundle.same_plan(setup, index):
        console.note(f"warning: this Stackwright creates another plan than the bundle contains: {why}")
    mine, extra = _hosts(options, index, console)
    given = replace(given, files=(_answers(given, bundle.renamer(mine)(dict(setup.answers)), index, console),))
    answers = read_answers(given, resolve=False).answers
    state = state_of(answers, given.state)
    renamed = replace(setup.lock, hosts={mine[name]: host for name, host in setup.lock.hosts.items()})
    locked = state.write("reproduced.lock", lock.write(renamed))
    from_bundle = options.offline and not how.dry_run
    how = replace(how, check=replace(how.check, locked=locked, offline=from_bundle))
    with access.connect(reach, state, extra, console.note) as hosts:
        run = inspection.begin(answers, hosts, state)
        lock_operations.exact(renamed, run.cloud, how.check.skip)
        console.note(_compared(folder, setup, run.facts, mine))
        reading = read_answers(given, locked, resolve=not how.dry_run)
        if not from_bundle:
            return apply.install(reading, hosts, state, how, console)
        platforms = {name: renamed.hosts[name].platform for name in run.facts}
        shared = run.cloud.hosts.get(package_cache.host_of(answers))
        cache = (shared.name, shared.address) if shared else None
        checks = {name: checks_of(run.cloud, host) for name, host in run.cloud.hosts.items()}
        with bundle_operations.packages_there(hosts, platforms, folder, cache, console.note, checks):
            return apply.install(reading, hosts, state, how, console)


def checks_of(whole: Cloud, host: Host) -> Checks:
    """How a host checks the packages of a bundle: with keys that it knows, and those of the repositories that it would
    use otherwise. No answer of a bundle says which."""
    if host.platform.package_manager == "apt":
        return NO_CHECKS
    sources = repository_steps.of(whole, host)
    keys = (key for repository in sources.repositories for key in repository.key.split())
    return Checks(tuple(dict.fromkeys(keys)), sources.proxy, bool(whole.answers["CONFIG_REPO_UNSIGNED"]))


def _hosts(options: ReproduceOptions, index: Index, console: Console) -> tuple[dict[str, str], Access]:
    """From the bundle's hosts to mine, and how mine are reached."""
    theirs = [str(name) for name in index.about.get("hosts", ())]
    if options.lab is not None:
        sizes = lab_operations.sizes_told(index.about)
        nodes = lab_operations.up_for(theirs, index.about.get("platforms", {}), sizes, options.lab, console.note)
        mine = {name: node.address for name, node in zip(theirs, nodes, strict=True)}
        return mine, lab_operations.access(nodes)
    if not options.hosts:
        raise StackwrightError(
            f"the bundle has {len(theirs)} hosts ({', '.join(theirs)}), but none of yours were given",
            "give your hosts with --hosts A,B,..., or create lab nodes with --lab",
            ExitCode.USAGE,
        )
    return bundle.matched(theirs, options.hosts), Access()


def _answers(given: AnswerOptions, texts: Mapping[str, str], index: Index, console: Console) -> Path:
    """An answer file for my hosts, with secrets of its own; that of an earlier run of the same bundle is used again."""
    mark = f"# From the bundle {index.digest}.\n"
    path = given.files[0] if given.files else Path.home() / f"stackwright-{texts['CONFIG_CONTROLLER_HOST']}.answers"
    if path.exists() and path.read_text(encoding="utf-8", errors="replace").startswith(mark):
        console.tell(f"answers: {path} (of an earlier run)")
        return path
    answer_files.save(path, mark + answer_files.generate(presets={**texts, **given.settings}))
    console.tell(f"answers: {path} (new; only you can read it)")
    return path


def _compared(folder: Path, setup: Setup, seen: Mapping[str, Facts], mine: Mapping[str, str]) -> str:
    """My plan against the bundle's, with its names: the same to the byte, or what differs."""
    theirs = {own: name for name, own in mine.items()}
    rename = bundle.renamer(bundle.between(seen, setup.facts, theirs.items()))
    own = bundle.plan_files(setup.plan(bundle.rename_facts(seen, rename, theirs)))
    given = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted((folder / "plan").rglob("*"))
        if path.is_file()
    }
    different = bundle.compare(given, own)
    if not different:
        return "the plan for these hosts equals that of the bundle, to the byte (except names, addresses and secrets)"
    return "the plan for these hosts differs from that of the bundle:\n" + "\n".join(f"  {line}" for line in different)
