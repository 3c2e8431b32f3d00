#!/bin/bash
# Template of the completion for bash.
# shellcheck disable=SC2207 # the words have no spaces

# bash completion for stackwright; to use it: source <(stackwright answers completion bash)
_stackwright_nodes() {
  local node
  for node in "${STACKWRIGHT_LAB_DIR:-@LAB@}/lab${STACKWRIGHT_LAB_NUMBER:-0}/nodes"/*/; do
    node="${node%/}"
    node="${node##*/}"
    if [ "$node" != "*" ]; then printf '%s\n' "$node"; fi
  done
}
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
    completion) COMPREPLY=($(compgen -W "bash fish zsh" -- "$word")); return ;;
    --lab) COMPREPLY=($(compgen -W "$(_stackwright_nodes)" -- "$word")); return ;;
    # @VALUES@
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$after $answers" -- "$word"))
        if [ "${#COMPREPLY[@]}" = 1 ] && [ "${COMPREPLY[0]: -1}" = "=" ]; then compopt -o nospace; fi ;;
    *) if [ "$command" = answers ] && [ "$COMP_CWORD" -gt 2 ]; then
         COMPREPLY=($(compgen -f -- "$word"))
       elif [ "$command" = lab ] && [ "$COMP_CWORD" -gt 2 ]; then
         COMPREPLY=($(compgen -W "$(_stackwright_nodes)" -- "$word"))
       else
         COMPREPLY=($(compgen -W "$after" -X "-*" -- "$word"))
       fi ;;
  esac
}
complete -F _stackwright stackwright
