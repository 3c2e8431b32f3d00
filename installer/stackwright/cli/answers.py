"""The command `answers`: its arguments and calls. Calls return an exit code; errors are raised."""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from stackwright.cli import streams
from stackwright.cli.flags import access_flags
from stackwright.model import ExitCode, Problem, Severity, StackwrightError

if TYPE_CHECKING:
    from stackwright.operations.options import AccessOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the commands to the parser of `stackwright answers`."""
    commands = parser.add_subparsers(dest="answers_command", metavar="COMMAND", parser_class=type(parser))

    def command(name: str, summary: str) -> argparse.ArgumentParser:
        sub: argparse.ArgumentParser = commands.add_parser(
            name, help=summary, description=summary[0].upper() + summary[1:]
        )
        sub.add_argument("-d", "--debug", action="store_true", default=argparse.SUPPRESS, help="show tracebacks")
        return sub

    def setting(sub: argparse.ArgumentParser) -> None:
        sub.add_argument(
            "--set", action="append", default=argparse.SUPPRESS, metavar="KEY=VALUE", dest="settings",
            help="set one answer; overrides answer files; each answer also has a flag (--os-swift-install=n)",
        )  # fmt: skip

    generate = command("generate", "write a new answer file with new passwords; every answer is also a flag")
    generate.add_argument("file", type=Path, metavar="FILE", help="file to write (mode 0600); - for standard output")
    generate.add_argument(
        "--allinone", nargs="?", const="", default=None, metavar="HOST", dest="on_one", help="all on one host"
    )
    generate.add_argument(
        "--install-hosts", default="", metavar="A,B,...", help="A is the controller, the others compute"
    )
    generate.add_argument(
        "--minimal", action="store_true", help="write only what was asked for or differs from the defaults"
    )
    generate.add_argument("--force", action="store_true", help="replace an existing file")
    setting(generate)

    check = command("check", "show all errors in answer files")
    check.add_argument("files", type=Path, nargs="+", metavar="FILE")
    check.add_argument(
        "--together", action="store_true", help="check the files merged (later ones win), not one by one"
    )
    check.add_argument("--strict", action="store_true", help="warnings count as errors")
    setting(check)

    explain = command("explain", "show an answer: value, origin, effect; or find answers by words")
    explain.add_argument("key", nargs="?", default="", metavar="KEY|WORDS", help="without: list the keys")
    explain.add_argument(
        "-a", "--answer-file", type=Path, action="append", default=argparse.SUPPRESS, metavar="FILE",
        dest="answer_file", help="answer file; with several, later ones win",
    )  # fmt: skip
    setting(explain)

    diff = command("diff", "compare the values of two answer files, passwords masked; exit code 1 if they differ")
    diff.add_argument("left", type=Path, metavar="A")
    diff.add_argument("right", type=Path, metavar="B")

    migrate = command("migrate", "write a current file from an old one, and list what changed")
    migrate.add_argument("old", type=Path, metavar="OLD")
    migrate.add_argument(
        "-o", "--output", type=Path, default=None, metavar="NEW", help="file to write (default: standard output)"
    )
    migrate.add_argument("--minimal", action="store_true", help="only what differs from the defaults")
    migrate.add_argument(
        "--strict", action="store_true", help="refuse a file that asks for what this version cannot install"
    )
    migrate.add_argument("--force", action="store_true", help="replace an existing file")

    interview = command("interview", "ask the most important questions, and write an answer file")
    interview.add_argument("file", type=Path, nargs="?", default=None, metavar="FILE")
    interview.add_argument("--no-connect", action="store_true", help="do not connect to the hosts while they are named")
    access_flags(interview)

    completion = command("completion", "print the completion script of a shell")
    completion.add_argument("shell", choices=("bash", "fish", "zsh"))

    manual = command("manual", "print the manual page stackwright(1)")
    manual.add_argument("-o", "--output", type=Path, default=None, metavar="FILE")

    reference = command("reference", "print docs/answer-file.md")
    reference.add_argument("-o", "--output", type=Path, default=None, metavar="FILE")


Vocabulary = Callable[[], Mapping[str, tuple[str, ...]]]
"""Flags and subcommands by command, for completion; from the parser of the whole command."""


def run_command(arguments: argparse.Namespace, vocabulary: Vocabulary, page: Callable[[], str]) -> int:
    """Carries out the subcommand; `page` makes the manual page. Raises StackwrightError."""
    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "generate": _generate,
        "check": _check,
        "explain": _explain,
        "diff": _diff,
        "migrate": _migrate,
        "interview": _interview,
        "completion": partial(_completion, vocabulary=vocabulary),
        "manual": lambda given: _written(page(), given.output),
        "reference": _reference,
    }
    name = arguments.answers_command
    if name is None:
        raise StackwrightError(
            "no subcommand was given",
            f"use `stackwright answers` with one of {', '.join(commands)}",
            ExitCode.USAGE,
        )
    if arguments.presets and name not in ("generate", "check", "explain"):
        raise StackwrightError(f"answers {name} takes no answers as flags", "omit them", ExitCode.USAGE)
    return commands[name](arguments)


def _settings(arguments: argparse.Namespace) -> dict[str, str]:
    """Answers from flags and --set."""
    from stackwright.answers.flags import settings

    return settings(arguments.presets, arguments.settings)


# ---------------------------------------------------------------------------------------------------------- commands


def _generate(arguments: argparse.Namespace) -> int:
    return generate(
        arguments.file,
        arguments.on_one,
        arguments.install_hosts,
        _settings(arguments),
        minimal=arguments.minimal,
        replace=arguments.force,
    )


def generate(
    path: Path,
    on_one: str | None,
    install_hosts: str,
    presets: Mapping[str, str],
    *,
    minimal: bool = False,
    replace: bool = False,
) -> int:
    """Writes a new answer file: for one host (`on_one`; if empty, this machine) or for `install_hosts`."""
    from stackwright.answers import reading, writing

    if install_hosts and on_one is not None:
        raise StackwrightError(
            "--allinone and --install-hosts contradict each other", "use only one of them", ExitCode.USAGE
        )
    text = writing.generate(allinone_host=on_one or "", install_hosts=[install_hosts], presets=presets, minimal=minimal)
    for problem in reading.from_documents((), presets, local_host="127.0.0.1", files=False, run=False).problems:
        if presets and problem.where.startswith("flag "):
            print(reading.describe(problem), file=sys.stderr)
    if str(path) == "-":
        sys.stdout.write(text)
        return ExitCode.OK
    writing.save(path, text, replace=replace)
    streams.result({"file": str(path)})
    print(f"wrote {path} (mode 0600: it holds passwords)")
    return ExitCode.OK


def _check(arguments: argparse.Namespace) -> int:
    return check(
        arguments.files,
        _settings(arguments),
        together=arguments.together,
        as_json=arguments.json,
        strict=arguments.strict,
    )


def check(
    files: Sequence[Path],
    settings: Mapping[str, str],
    *,
    together: bool = False,
    as_json: bool = False,
    strict: bool = False,
) -> int:
    """Prints all errors in answer files, one by one or merged."""
    from stackwright.answers.reading import load
    from stackwright.output import machine

    groups = [list(files)] if together else [[path] for path in files]
    found: list[dict[str, object]] = []
    worst: int = ExitCode.OK
    for group in groups:
        name, old = " + ".join(map(str, group)), 0
        try:
            reading = load(group, settings, os.environ, run=False)
            problems, old = reading.problems, len({change.origin for change in reading.changes})
        except StackwrightError as error:
            problems = (Problem("unreadable", error.message, "", error.hint, where=str(group[0])),)
        errors = sum(problem.severity is Severity.ERROR for problem in problems)
        warnings = len(problems) - errors
        if errors or (strict and warnings):
            worst = ExitCode.ANSWERS
        if as_json:
            rows = [machine.problem(problem) for problem in problems]
            found.append({"file": name, "errors": errors, "warnings": warnings, "old": old, "problems": rows})
        else:
            _print_problems(name, problems, errors, warnings)
            if old:
                print(f"{name}: {_count(old, 'line')} from an older release; `stackwright answers migrate` lists them")
    streams.result({"files": found})
    return int(worst)


def _print_problems(name: str, problems: tuple[Problem, ...], errors: int, warnings: int) -> None:
    from stackwright.answers.reading import describe

    for problem in problems:
        print(describe(problem))
    verdict = "cannot be used" if errors else "can be used"
    print(f"{name}: {verdict}: {_count(errors, 'error')}, {_count(warnings, 'warning')}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _search(text: str, near: str, *, as_json: bool) -> int:
    """Lists the answers whose key or help has all of these words. Raises StackwrightError where there is none."""
    from stackwright.services import options

    words = text.lower().split()
    found = {
        key: option.help.strip().split("\n")[0]
        for key, option in options().items()
        if words and all(word in f"{key} {option.help}".lower() for word in words)
    }
    if not found or text.upper().startswith("CONFIG_"):
        hint = f"did you mean {near}?" if near else "`stackwright answers explain` lists the keys"
        raise StackwrightError(f"no answer is called {text!r} or about it", hint, ExitCode.USAGE)
    if as_json:
        streams.result({"found": found})
        return ExitCode.OK
    for key, summary in found.items():
        print(f"{key}\n{textwrap.indent(textwrap.fill(summary, 76), '    ')}")
    print("\nin full: stackwright answers explain KEY")
    return ExitCode.OK


def _explain(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from stackwright.answers.explain import explain
    from stackwright.answers.flags import by_flag
    from stackwright.answers.packstack.flags import old_flags
    from stackwright.answers.packstack.retired import RETIRED, translated
    from stackwright.answers.reading import load, old_names, suggest
    from stackwright.services import all_services, options

    if not arguments.key:
        for service in all_services():
            if service.options:
                print(f"{service.summary}:")
                print(textwrap.indent("\n".join(option.key for option in service.options), "  "))
        return ExitCode.OK
    key = arguments.key.upper().removeprefix("STACKWRIGHT_")
    if key not in options() and f"CONFIG_{key}" in options():
        key = f"CONFIG_{key}"
    flag = f"--{arguments.key.lower().removeprefix('--')}"
    key = key if key in options() else by_flag().get(flag) or old_flags().get(flag) or key
    if key in old_names():
        print(f"{key} is now called {old_names()[key]}.", file=sys.stderr if arguments.json else sys.stdout)
        key = old_names()[key]
    if key in RETIRED or key in translated():
        gone = f"{RETIRED[key].why}. Instead: {RETIRED[key].instead}" if key in RETIRED else ""
        became = translated().get(key, "")
        if arguments.json:
            streams.result({"key": key, "became": became, "gone": gone})
        else:
            print(f"{key} was removed: {gone}." if gone else f"{key} became {became}.")
        return ExitCode.OK
    if key not in options():
        return _search(arguments.key, suggest(key), as_json=arguments.json)
    reading = load(arguments.answer_file, _settings(arguments), os.environ, run=False)
    found = explain(reading.answers, key)
    if arguments.json:
        streams.result(asdict(found))
        return ExitCode.OK
    rows = [
        ("value", found.value or "(empty)"),
        ("from", found.origin),
        ("default", found.default or "(empty)"),
        ("allowed", found.allowed),
        ("flag", found.flag),
        ("variable", found.variable),
        ("Packstack", found.known + (f"; was {', '.join(found.was)}" if found.was else "")),
        ("matters", ("yes" if found.matters else "no") + (f": with {found.condition}" if found.condition else "")),
        ("changes", found.changes),
        ("hosts", ", ".join(found.ends_up.hosts) or "none"),
        ("decides on", ", ".join(found.ends_up.switches)),
        ("places", ", ".join(found.ends_up.places)),
        ("goes into", "\n            ".join([*found.ends_up.settings, *filter(None, [found.ends_up.besides])])),
    ]
    print(f"{found.key} ({found.service})\n\n{textwrap.fill(found.help, 78)}\n")
    for name, text in rows:
        if text:
            print(f"{name + ':':<12}{text}")
    return ExitCode.OK


def _diff(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from stackwright.answers.compare import differences
    from stackwright.answers.reading import AnswersError, load, no_answers

    sides = []
    for path in (arguments.left, arguments.right):
        reading = load([path], run=False, files=False)
        if unusable := no_answers(reading.documents):
            raise AnswersError(tuple(unusable))
        if reading.errors:
            errors = _count(len(reading.errors), "error")
            print(
                f"{path} has {errors}: defaults stand for what cannot be used; `stackwright answers check {path}` lists"
                " them",
                file=sys.stderr,
            )
        sides.append(reading.answers)
    found = differences(*sides)
    if arguments.json:
        streams.result({"differences": [asdict(difference) for difference in found]})
    else:
        for one in found:
            print(one.key + ("" if one.counts else " (has no effect on either side)"))
            print(f"  - {one.left or '(empty)'}  [{one.left_where}]")
            print(f"  + {one.right or '(empty)'}  [{one.right_where}]")
        if not found:
            print("no differences")
    return ExitCode.FAILED if found else ExitCode.OK


def _migrate(arguments: argparse.Namespace) -> int:
    from stackwright.answers.migrate import migrate
    from stackwright.answers.reading import describe
    from stackwright.answers.secrets import MASK
    from stackwright.answers.writing import save
    from stackwright.output.text import following
    from stackwright.services import options

    new = str(arguments.output or "the new file")
    done = migrate(arguments.old, minimal=arguments.minimal, strict=arguments.strict, name=new)
    if arguments.strict and (refused := [p for p in done.problems if p.name == "not-installable"]):
        for problem in refused:
            print(describe(problem), file=sys.stderr)
        hint = f"change these answers in {arguments.old}, or omit --strict to switch them off in {new}"
        raise StackwrightError(f"{arguments.old} was not migrated", hint, ExitCode.ANSWERS)
    report = sys.stdout if arguments.output else sys.stderr
    if arguments.output:
        if arguments.output.resolve() == arguments.old.resolve():
            raise StackwrightError(
                "OLD and NEW are the same file, but OLD is never changed", "choose another file name", ExitCode.USAGE
            )
        save(arguments.output, done.text, replace=arguments.force)
    else:
        sys.stdout.write(done.text)
    for change in done.changes:
        became, sign, text = change.became.partition("=")
        if sign and became in options() and options()[became].secret:
            text = MASK
        what = f"is now {became}{sign}{text}" if became else "was left out"
        print(streams.fitted(f"line {change.origin.line}: {change.key} {what}: {change.why}"), file=report)
    for problem in done.problems:
        print(streams.fitted(describe(problem)), file=report)
    errors = sum(problem.severity is Severity.ERROR for problem in done.problems)
    if arguments.output:
        changes = _count(len(done.changes), "change")
        print(f"wrote {arguments.output}: {changes}, {_count(errors, 'error')} to fix by hand")
        print(following(("check", "apply"), (str(arguments.output),)))
    return ExitCode.ANSWERS if errors else ExitCode.OK


def _interview(arguments: argparse.Namespace) -> int:
    from stackwright.cli.options import access_options, access_words

    connect = not arguments.no_connect
    return interview(arguments.file, access_options(arguments), access_words(arguments), connect=connect)


def interview(file: Path | None, access: AccessOptions, words: str = "", *, connect: bool = True) -> int:
    """Asks questions and writes an answer file. It examines the hosts while they are named, unless `connect` is false.
    `words` are the flags for `access`."""
    from stackwright.answers import interview as questions

    if not connect:
        return questions.on_terminal(file or questions.USUAL_FILE, flags=words)
    from stackwright.operations.interview import examiner

    return questions.on_terminal(file or questions.USUAL_FILE, partial(examiner, access), words)


def _completion(arguments: argparse.Namespace, vocabulary: Vocabulary) -> int:
    from stackwright.answers.completion import script
    from stackwright.lab.layout import DEFAULT_DIRECTORY

    sys.stdout.write(script(arguments.shell, words(vocabulary()), values(), DEFAULT_DIRECTORY))
    return ExitCode.OK


def words(vocabulary: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """What completion offers by command: flags and subcommands, and the scenarios of `test`."""
    from stackwright import scenarios

    return {**vocabulary, "test": (*vocabulary["test"], *scenarios.names())}


def values() -> dict[str, tuple[str, ...]]:
    """What completion offers after a flag: checks, releases and the like."""
    from stackwright.platforms import PLATFORMS
    from stackwright.platforms.repositories import TRUNK_TAGS
    from stackwright.preflight import names_of_checks
    from stackwright.values.releases import names

    debian = [platform.codename for platform in PLATFORMS if platform.codename]
    return {
        "--color": ("auto", "always", "never"),
        "--project": ("admin", "demo"),
        "--release": (*names(), *debian),
        "--skip-check": names_of_checks(),
        "--trunk": TRUNK_TAGS,
    }


def _reference(arguments: argparse.Namespace) -> int:
    from stackwright.answers.reference import reference

    return _written(reference(), arguments.output)


def _written(text: str, path: Path | None) -> int:
    """Writes a generated document to a file, or to standard output. Raises StackwrightError."""
    from stackwright.answers.writing import unwritable

    if path is None:
        sys.stdout.write(text)
        return ExitCode.OK
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise unwritable(path, error) from None
    return ExitCode.OK
