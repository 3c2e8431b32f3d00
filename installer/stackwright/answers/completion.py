"""Shell completion scripts for bash, fish and zsh, generated from the options and the commands. TAB runs no program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stackwright.answers.flags import by_flag
from stackwright.services import options
from stackwright.shell import Raw, fill

Vocabulary = Mapping[str, Iterable[str]]
"""By command: the flags and subcommands that may follow it; "" is the start of the line."""

Values = Mapping[str, Iterable[str]]
"""By flag: the words that may follow it."""

_FILE_FLAGS = (
    "--answer-file", "-a", "--gen-answer-file", "--validate-answer-file", "--ssh-key", "--known-hosts", "--html",
    "--junit", "--locked", "--known", "--out", "-o", "--output", "--state",
)  # fmt: skip
_WITH_ANSWERS = (
    "", "apply", "check", "logs", "plan", "report", "status", "verify", "answers", "lock", "launch", "dashboard",
    "credentials", "openrc",
)  # fmt: skip
"""The commands that accept answers as flags."""


def _choices() -> dict[str, tuple[str, ...]]:
    return {flag: options()[key].choices for flag, key in by_flag().items() if options()[key].choices}


def script(shell: str, vocabulary: Vocabulary, values: Values, lab: str) -> str:
    """The completion script for "bash", "fish" or "zsh". `lab` is the folder of labs. Raises
    ValueError for another shell."""
    makers = {"bash": _bash, "fish": _fish, "zsh": _zsh}
    if shell not in makers:
        raise ValueError(f"no completion for {shell}; choose {' or '.join(makers)}")
    return makers[shell](vocabulary, values, lab)


def _fish(vocabulary: Vocabulary, values: Values, lab: str) -> str:
    def quoted(text: str) -> str:
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    lines = []
    for command, names in sorted(vocabulary.items()):
        at = f"-n '__fish_seen_subcommand_from {command}'" if command else "-n __fish_use_subcommand"
        words = [name for name in names if not name.startswith("-")]
        if words:
            lines.append(f"complete -c stackwright {at} -a {quoted(' '.join(words))}")
        for flag in (name for name in names if name.startswith("-")):
            kind = f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}"
            after = " -r -F" if flag in _FILE_FLAGS else ""
            after = f" -x -a {quoted(' '.join(values[flag]))}" if flag in values else after
            after = " -a '(__stackwright_nodes)'" if flag == "--lab" else after
            lines.append(f"complete -c stackwright {at} {kind}{after}")
    others = " ".join(sorted(set(vocabulary) - set(_WITH_ANSWERS)))
    for flag, key in sorted(by_flag().items()):
        option = options()[key]
        choices = f" -x -a {quoted(' '.join(option.choices))}" if option.choices else " -x"
        about = quoted(option.help.split(". ")[0].rstrip(".").replace("\n", " "))
        lines.append(
            f"complete -c stackwright -n 'not __fish_seen_subcommand_from {others}' -l {flag[2:]}{choices} -d {about}"
        )
    return fill(
        "answers/completion.fish",
        LAB=Raw(lab),
        KEYS=Raw(" ".join(options())),
        LINES=Raw("\n".join(lines)),
    )


def _bash(vocabulary: Vocabulary, further: Values, lab: str) -> str:
    values = "".join(
        f'    {flag}) COMPREPLY=($(compgen -W "{" ".join(choices)}" -- "$word")); return ;;\n'
        for flag, choices in sorted({**_choices(), **further}.items())
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
        LAB=Raw(lab),
        VALUES=Raw(values),
    )


def _zsh(vocabulary: Vocabulary, values: Values, lab: str) -> str:
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
        flags = [word for word in words if word.startswith("-")]
        own = " ".join(f"'*{f}=:value:({' '.join(values[f])})'" if f in values else f"'{f}'" for f in flags)
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
        LAB=Raw(lab),
    )
