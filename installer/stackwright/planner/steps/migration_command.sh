#!/bin/sh
# What other compute hosts may run with nova's SSH key: the commands of Nova's SshDriver (nova/virt/libvirt/volume/
# remotefs.py) below the folder of instances, scp, and libvirt's connection (virNetClientSSHHelperCommand). A command of
# libvirt is recognised, and what it does is done here, so that its text is never run.

set -f
instances=/var/lib/nova/instances

refuse() {
  logger -t stackwright-nova -p auth.warning -- "refused: $SSH_ORIGINAL_COMMAND" 2> /dev/null
  echo 'this key moves instances only' >&2
  exit 126
}
within() {
  case $1 in
    */../* | */..) refuse ;;
    "$instances"/?*) ;;
    *) refuse ;;
  esac
}
libvirt() {
  command -v virt-ssh-helper > /dev/null 2>&1 && exec virt-ssh-helper qemu:///system
  socket=/run/libvirt/libvirt-sock
  [ -S /run/libvirt/virtqemud-sock ] && socket=/run/libvirt/virtqemud-sock
  nc -q 2>&1 | grep -q 'requires an argument' && exec nc -q0 -U "$socket"
  exec nc -U "$socket"
}
sftp() {
  for program in /usr/lib/openssh/sftp-server /usr/libexec/openssh/sftp-server /usr/lib/ssh/sftp-server; do
    [ -x "$program" ] && exec "$program" -P remove,rmdir,rename,posix-rename,symlink,hardlink
  done
  refuse
}

case $SSH_ORIGINAL_COMMAND in
  "sh -c '"*virt-ssh-helper* | "sh -c '"*' -U '*libvirt*-sock*) libvirt ;;
  */sftp-server | */sftp-server\ * | internal-sftp | internal-sftp\ *) sftp ;;
  *[!A-Za-z0-9._/\ -]*) refuse ;;
esac
# shellcheck disable=SC2086 # split into words on purpose
set -- $SSH_ORIGINAL_COMMAND
case "$#:$1 $2" in
  '3:mkdir -p' | '3:rm -rf') within "$3" ;;
  '2:touch '* | '2:rm '*) within "$2" ;;
  *:scp\ -*)
    for last; do :; done
    within "$last"
    ;;
  *) refuse ;;
esac
exec "$@"
