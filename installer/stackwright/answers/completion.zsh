#!/bin/zsh
# Template of the completion for zsh.

#compdef stackwright
# zsh completion for stackwright; to use it: save it as _stackwright in a folder of $fpath
_stackwright() {
  local -a own names answers
  local command=$words[2]
  (( CURRENT == 2 )) && command=
  case "$command" in
    # @CASES@
  esac
  answers=(
@ANSWERS@
  )
  case "$command" in
    @WITH_ANSWERS@|""|-*) ;;
    *) answers=() ;;
  esac
  if [[ $words[CURRENT-1] == (@FILE_FLAGS@) ]]; then
    _files
    return
  fi
  if [[ $command == answers && $words[3] == explain && $words[CURRENT] != -* ]]; then
    compadd @KEYS@
    return
  fi
  if [[ $command == answers && $words[3] == completion ]]; then
    compadd bash fish zsh
    return
  fi
  if [[ ( $command == lab && $words[CURRENT] != -* && CURRENT -gt 3 ) || $words[CURRENT-1] == --lab ]]; then
    compadd ${STACKWRIGHT_LAB_DIR:-@LAB@}/lab${STACKWRIGHT_LAB_NUMBER:-0}/nodes/*(N:t)
    return
  fi
  if [[ $words[CURRENT] != -* ]] && (( CURRENT == 2 || (CURRENT == 3 && $#names) )); then
    compadd -a names
    return
  fi
  _arguments $own $answers '*:file:_files'
}
_stackwright "$@"
