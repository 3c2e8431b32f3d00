#!/bin/sh
# Lets the account nova log in with SSH keys, to move instances between compute hosts.

set -eu
. ./record.sh
shell=$(getent passwd nova | cut -d: -f7)
case $shell in
  */nologin|*/false|'') usermod --shell /bin/sh nova; changed "account nova: its shell was $shell" ;;
esac
[ -d @FOLDER@ ] || echo "stackwright: changed"
# Who can write files as nova must not change who may log in.
install -d -o root -g nova -m 0750 @FOLDER@
# sshd may read keys there only under their SELinux type; files that are put there take the folder's.
if command -v restorecon >/dev/null 2>&1; then restorecon -R @FOLDER@; fi
