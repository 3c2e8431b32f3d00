#!/bin/bash
# Template of the completion for bash.
# shellcheck disable=SC2207 # the words have no spaces

# bash completion for stackwright; to use it: source <(stackwright answers completion bash)
_stackwright() {
  local word="${COMP_WORDS[COMP_CWORD]}" flag="${COMP_WORDS[COMP_CWORD-1]}" after="@COMMANDS@"
  local answers="@ANSWERS@" command=""
  COMPREPLY=()
  if [ "$word" = "=" ]; then word=""; fi
  if [ "$flag" = "=" ]; then flag="${COMP_WORDS[COMP_CWORD-2]}"; fi
  if [ "$COMP_CWORD" -gt 1 ]; then command="${COMP_WORDS[1]}"; fi
  case "$command" in
    # @AFTER@
  esac
  case "$command" in
    @WITH_ANSWERS@|""|-*) ;;
    *) answers="" ;;
  esac
  case "$flag" in
    @FILE_FLAGS@) COMPREPLY=($(compgen -f -- "$word")); return ;;
    explain) COMPREPLY=($(compgen -W "@KEYS@" -- "$word")); return ;;
    completion) COMPREPLY=($(compgen -W "bash zsh" -- "$word")); return ;;
    # @VALUES@
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$after $answers" -- "$word"))
        if [ "${#COMPREPLY[@]}" = 1 ] && [ "${COMPREPLY[0]: -1}" = "=" ]; then compopt -o nospace; fi ;;
    *) if [ "$command" = answers ] && [ "$COMP_CWORD" -gt 2 ]; then
         COMPREPLY=($(compgen -f -- "$word"))
       else
         COMPREPLY=($(compgen -W "$after" -X "-*" -- "$word"))
       fi ;;
  esac
}
complete -F _stackwright stackwright
