"""Shell completion scripts for bash and zsh, generated from the options and the commands. TAB runs no program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stackwright.answers.flags import by_flag
from stackwright.services import options
from stackwright.shell import Raw, fill

Vocabulary = Mapping[str, Iterable[str]]
"""By command: the flags and subcommands that may follow it; "" is the start of the line."""

_FILE_FLAGS = ("--answer-file", "-a", "--gen-answer-file", "--validate-answer-file", "--ssh-key", "--known-hosts")
_WITH_ANSWERS = ("", "apply", "check", "logs", "plan", "report", "status", "verify", "answers")
"""The commands that accept answers as flags."""


def _choices() -> dict[str, tuple[str, ...]]:
    return {flag: options()[key].choices for flag, key in by_flag().items() if options()[key].choices}


def script(shell: str, vocabulary: Vocabulary) -> str:
    """The completion script for "bash" or "zsh". Raises ValueError for another shell."""
    if shell == "bash":
        return _bash(vocabulary)
    if shell == "zsh":
        return _zsh(vocabulary)
    raise ValueError(f"no completion for {shell}; choose bash or zsh")


def _bash(vocabulary: Vocabulary) -> str:
    values = "".join(
        f'    {flag}) COMPREPLY=($(compgen -W "{" ".join(choices)}" -- "$word")); return ;;\n'
        for flag, choices in sorted(_choices().items())
    )
    after = "".join(
        f'    {command}) after="{" ".join(words)}" ;;\n' for command, words in sorted(vocabulary.items()) if command
    )
    answers = " ".join(sorted(f"{flag}=" for flag in by_flag()))
    return fill(
        "answers/completion.bash",
        COMMANDS=Raw(" ".join(vocabulary[""])),
        ANSWERS=Raw(answers),
        AFTER=Raw(after),
        WITH_ANSWERS=Raw("|".join(filter(None, _WITH_ANSWERS))),
        FILE_FLAGS=Raw("|".join(_FILE_FLAGS)),
        KEYS=Raw(" ".join(options())),
        VALUES=Raw(values),
    )


def _zsh(vocabulary: Vocabulary) -> str:
    def quoted(text: str) -> str:
        cleaned = text.replace("[", "(").replace("]", ")").replace(":", "\\:").replace("`", "").replace("'", "'\\''")
        return cleaned.replace('"', "").replace("$", "")

    answers = []
    for flag, key in sorted(by_flag().items()):
        option = options()[key]
        action = f"({' '.join(option.choices)})" if option.choices else ""
        answers.append(f"    '{flag}=[{quoted(option.help.split('. ')[0].rstrip('.'))}]:{key}:{action}'\n")
    cases = []
    for command, words in sorted(vocabulary.items()):
        own = " ".join(f"'{word}'" for word in words if word.startswith("-"))
        names = " ".join(word for word in words if not word.startswith("-"))
        further = f"names=({names})" if names else ""
        cases.append(f"    {command or '*'}) own=({own}) {further} ;;\n")
    cases.sort(key=lambda case: case.startswith("    *)"))  # the pattern * must be last
    return fill(
        "answers/completion.zsh",
        CASES=Raw("".join(cases)),
        ANSWERS=Raw("".join(answers)),
        WITH_ANSWERS=Raw("|".join(filter(None, _WITH_ANSWERS))),
        FILE_FLAGS=Raw("|".join(_FILE_FLAGS)),
        KEYS=Raw(" ".join(options())),
    )
