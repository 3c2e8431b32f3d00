#!/bin/sh
# Adds the public key on standard input to the user's authorized_keys.

umask 077
IFS= read -r key || exit 1
mkdir -p ~/.ssh && touch ~/.ssh/authorized_keys || exit 1
grep -qxF -- "$key" ~/.ssh/authorized_keys && exit 0
# without a newline at the end of the file, the key would be appended to the last line
[ -z "$(tail -c 1 ~/.ssh/authorized_keys)" ] || echo >>~/.ssh/authorized_keys
printf '%s\n' "$key" >>~/.ssh/authorized_keys || exit 1
if command -v restorecon >/dev/null 2>&1; then restorecon -R ~/.ssh; fi
echo added
