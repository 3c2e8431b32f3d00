#!/usr/bin/fish
# Template of the completion for fish.

# fish completion for stackwright; to use it: stackwright answers completion fish | source
function __stackwright_nodes
  set -l folder @LAB@
  if set -q STACKWRIGHT_LAB_DIR
    set folder $STACKWRIGHT_LAB_DIR
  end
  set -l number 0
  if set -q STACKWRIGHT_LAB_NUMBER
    set number $STACKWRIGHT_LAB_NUMBER
  end
  for node in $folder/lab$number/nodes/*/
    string replace -r '.*/(.+)/$' '$1' $node
  end
end
complete -c stackwright -f
complete -c stackwright -n '__fish_seen_subcommand_from ssh down snapshot reset up' -a '(__stackwright_nodes)'
complete -c stackwright -n '__fish_seen_subcommand_from explain' -a '@KEYS@'
complete -c stackwright -n '__fish_seen_subcommand_from completion' -a 'bash fish zsh'
complete -c stackwright -n '__fish_seen_subcommand_from check diff migrate interview' -F
@LINES@
