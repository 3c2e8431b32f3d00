"""Shell completion scripts for bash and zsh, generated from the options and the commands. TAB runs no program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stackwright.answers.flags import by_flag
from stackwright.services import options

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
    return f"""\
# bash completion for stackwright; to use it: source <(stackwright answers completion bash)
_stackwright() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" flag="${{COMP_WORDS[COMP_CWORD-1]}}" after="{" ".join(vocabulary[""])}"
  local answers="{answers}" command=""
  COMPREPLY=()
  if [ "$word" = "=" ]; then word=""; fi
  if [ "$flag" = "=" ]; then flag="${{COMP_WORDS[COMP_CWORD-2]}}"; fi
  if [ "$COMP_CWORD" -gt 1 ]; then command="${{COMP_WORDS[1]}}"; fi
  case "$command" in
{after}  esac
  case "$command" in
    {"|".join(filter(None, _WITH_ANSWERS))}|""|-*) ;;
    *) answers="" ;;
  esac
  case "$flag" in
    {"|".join(_FILE_FLAGS)}) COMPREPLY=($(compgen -f -- "$word")); return ;;
    explain) COMPREPLY=($(compgen -W "{" ".join(options())}" -- "$word")); return ;;
    completion) COMPREPLY=($(compgen -W "bash zsh" -- "$word")); return ;;
{values}  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$after $answers" -- "$word"))
        if [ "${{#COMPREPLY[@]}}" = 1 ] && [ "${{COMPREPLY[0]: -1}}" = "=" ]; then compopt -o nospace; fi ;;
    *) if [ "$command" = answers ] && [ "$COMP_CWORD" -gt 2 ]; then
         COMPREPLY=($(compgen -f -- "$word"))
       else
         COMPREPLY=($(compgen -W "$after" -X "-*" -- "$word"))
       fi ;;
  esac
}}
complete -F _stackwright stackwright
"""


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
    return f"""\
#compdef stackwright
# zsh completion for stackwright; to use it: save it as _stackwright in a folder of $fpath
_stackwright() {{
  local -a own names answers
  local command=$words[2]
  (( CURRENT == 2 )) && command=
  case "$command" in
{"".join(cases)}  esac
  answers=(
{"".join(answers)}  )
  case "$command" in
    {"|".join(filter(None, _WITH_ANSWERS))}|""|-*) ;;
    *) answers=() ;;
  esac
  if [[ $words[CURRENT-1] == ({"|".join(_FILE_FLAGS)}) ]]; then
    _files
    return
  fi
  if [[ $command == answers && $words[3] == explain && $words[CURRENT] != -* ]]; then
    compadd {" ".join(options())}
    return
  fi
  if [[ $command == answers && $words[3] == completion ]]; then
    compadd bash zsh
    return
  fi
  if [[ $words[CURRENT] != -* ]] && (( CURRENT == 2 || (CURRENT == 3 && $#names) )); then
    compadd -a names
    return
  fi
  _arguments $own $answers '*:file:_files'
}}
_stackwright "$@"
"""
