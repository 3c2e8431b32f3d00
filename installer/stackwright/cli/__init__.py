"""The command line: from arguments to calls to exit codes. Heavy modules are imported where they are used, so that
`stackwright --version` and `--help` start quickly."""

from __future__ import annotations

import argparse
import errno
import itertools
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from stackwright.cli import streams
from stackwright.cli.arguments import parser, vocabulary
from stackwright.model import ExitCode, StackwrightError

if TYPE_CHECKING:
    from stackwright.output.machine import Output

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status. Never shows a traceback for errors that a user can cause."""
    words = list(sys.argv[1:] if argv is None else argv)
    own = words[: words.index("ssh")] if words[:1] == ["lab"] and "ssh" in words else words  # then a command of a node
    with streams.held(
        asks=not words or words[:2] == ["answers", "interview"], colour=_colour(own), machine="--json" in own
    ) as output:
        return _run(words, output)


def _colour(words: Sequence[str]) -> str:
    """The value of --color, also where the words cannot be parsed."""
    chosen = "auto"
    for word, following in itertools.zip_longest(words, words[1:], fillvalue=""):
        name, equals, value = word.partition("=")
        if name == "--color":
            chosen = value if equals else following
    return chosen if chosen in ("always", "never") else "auto"


def _run(words: list[str], output: Output | None) -> int:
    debug = not {"-d", "--debug"}.isdisjoint(words)
    name = ""
    try:
        if not words:
            return _interview()
        arguments = _parse(words)
        name = _name(arguments)
        code = int(_dispatch(arguments))
    except SystemExit as done:  # --help and --version print and exit
        if output:
            output.finish(name, done.code if isinstance(done.code, int) else 0)
        raise
    except StackwrightError as error:
        if debug and error.__cause__:
            import traceback

            traceback.print_exception(error, file=sys.stderr)
        return _fail(error, name, output)
    except KeyboardInterrupt:
        if output:
            again = "run the same command again to continue"
            output.fail(name, StackwrightError("interrupted", again, ExitCode.INTERRUPTED))
        print("interrupted; run the same command again to continue", file=sys.stderr)
        return int(ExitCode.INTERRUPTED)
    except Exception as error:
        if debug:
            raise
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            at = f"cannot write {error.filename}: " if error.filename else ""
            hint = (
                "free disk space on this machine (`df -h`), or choose another directory with --state; then run it again"
            )
            return _fail(StackwrightError(f"{at}{error.strerror}", hint, ExitCode.ENVIRONMENT), name, output)
        return _fail(
            StackwrightError(
                f"internal error in stackwright: {type(error).__name__}: {error}",
                "run it again with --debug, and report the output",
            ),
            name,
            output,
        )
    if output:
        output.finish(name, code)
    return code


def _fail(error: StackwrightError, name: str, output: Output | None) -> int:
    """Shows an error to people, and to programs that asked for JSON; returns the exit status."""
    from stackwright.output.live import error_block

    print(error_block(error), file=sys.stderr)
    if output:
        output.fail(name, error)
    return int(error.code)


def _name(arguments: argparse.Namespace) -> str:
    """The command and its subcommand, as programs know it."""
    further = ("lab_command", "answers_command", "bundle_command", "lock_command")
    words = [arguments.command, *(getattr(arguments, each, None) for each in further)]
    return " ".join(filter(None, words))


def _parse(words: Sequence[str]) -> argparse.Namespace:
    """Parses the arguments. Packstack's flags, one for each answer, are loaded only if there are words that our own
    flags do not explain, because loading them takes longer than `--help`."""
    arguments, unknown, wrong = _understood(words, {})
    if unknown or wrong:
        from stackwright.answers import flags

        presets, rest = flags.take(words)
        if presets:
            arguments, unknown, wrong = _understood(rest, presets)
    if unknown or wrong:
        raise _misunderstood(unknown, wrong, words)
    return arguments


def _understood(
    words: Sequence[str], presets: Mapping[str, str]
) -> tuple[argparse.Namespace, list[str], StackwrightError | None]:
    """Parses our own flags; `presets` are answers that were given as flags. Returns the arguments, unknown words, and
    the error of the parser."""
    try:
        arguments, unknown = parser(words).parse_known_args(words, argparse.Namespace(presets=presets))
    except StackwrightError as error:
        return argparse.Namespace(), [], error
    return arguments, [*unknown, *getattr(arguments, "unknown", ())], None


def _misunderstood(unknown: Sequence[str], wrong: StackwrightError | None, words: Sequence[str]) -> StackwrightError:
    """The error for unknown words. It shows only flags, without their values, which may be passwords."""
    from stackwright.answers import flags

    known = vocabulary()
    command = next((word for word in words if word in known), "")
    names = [word.partition("=")[0] for word in unknown or words if word.startswith("--")]
    strange = [name for name in names if name not in {*known[command], *flags.by_flag()}]
    if wrong and not strange:
        return wrong
    near = next((n for name in strange if (n := flags.nearest(name, known[command]))), "")
    return StackwrightError(
        f"unknown arguments: {' '.join(strange or unknown)}",
        f"did you mean {near}?" if near else f"`stackwright {command} --help` lists the options".replace("  ", " "),
        ExitCode.USAGE,
    )


def _dispatch(arguments: argparse.Namespace) -> int:
    match arguments.command:
        case "lab":
            if arguments.presets:
                raise StackwrightError("lab takes no answers as flags", "omit them", ExitCode.USAGE)
            from stackwright.cli import lab

            return lab.run_command(arguments)
        case "answers":
            from stackwright.cli import answers

            return answers.run_command(arguments, vocabulary, _page)
        case "check" | "plan" | "apply" | "verify" | "status" | "logs" as command:
            from stackwright.cli import cloud

            return cloud.run(arguments, command)
        case "bundle":
            from stackwright.cli import bundle

            return bundle.run(arguments)
        case "test":
            from stackwright.cli import test

            return test.run(arguments)
        case "lock":
            from stackwright.cli import lock

            return lock.run(arguments)
        case "clouds" | "openrc" | "credentials" | "dashboard" | "launch":
            from stackwright.cli import clouds

            return clouds.run(arguments)
        case "report":
            from stackwright.cli import report

            return report.run(arguments)
    return _without_command(arguments)


def _page() -> str:
    """The manual page."""
    from stackwright.cli.manual import page

    return page()


def _without_command(arguments: argparse.Namespace) -> int:
    """Runs what Packstack's flags (--allinone, --answer-file, ...) request."""
    if arguments.validate_answer_file:
        from stackwright.cli import answers
        from stackwright.cli.options import settings

        return answers.check(arguments.validate_answer_file, settings(arguments))
    if arguments.gen_answer_file:
        return _generate(arguments)
    if arguments.allinone or arguments.install_hosts:
        from stackwright.cli import cloud

        return cloud.install(arguments)
    if arguments.answer_file:
        from stackwright.cli import cloud

        return cloud.run(arguments, "apply")
    if arguments.lab is not None:
        raise StackwrightError("--lab needs --allinone", "use `stackwright --allinone --lab`", ExitCode.USAGE)
    raise StackwrightError(
        "no command was given", "to try it: stackwright --allinone; for more: stackwright --help", ExitCode.USAGE
    )


def _generate(arguments: argparse.Namespace) -> int:
    """--gen-answer-file: only writes an answer file."""
    from stackwright.cli import answers
    from stackwright.cli.options import settings

    if arguments.lab is not None:
        raise StackwrightError(
            "--lab creates a node, but --gen-answer-file only writes a file", "use only one of them", ExitCode.USAGE
        )
    path, here = arguments.gen_answer_file, "" if arguments.allinone else None
    answers.generate(path, here, arguments.install_hosts or "", settings(arguments), minimal=arguments.minimal)
    print(f"edit it, then: stackwright --answer-file {path}")
    return ExitCode.OK


def _interview() -> int:
    """Without arguments: asks the most important questions, and writes an answer file."""
    from stackwright.cli import answers
    from stackwright.cli.options import access_options

    return answers.interview(None, access_options(_parse(["answers", "interview"])))
