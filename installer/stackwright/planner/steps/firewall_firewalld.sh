#!/bin/sh
# Installs the cloud's firewalld policies. If firewalld rejects them, the former ones are restored.

set -eu
. ./record.sh
folder=/etc/firewalld/policies
changed=
mkdir -p $folder
# shellcheck disable=SC2043 # a placeholder
for name in @POLICIES@; do
  new=@FOLDER@/firewalld-$name.xml
  is=$folder/$name.xml
  if ! grep -q '<policy' $new; then
    [ ! -e $is ] || { mv $is $is.before; changed="$changed $name"; }
  elif ! cmp -s $new $is; then
    [ ! -e $is ] || cp -p $is $is.before
    record "file made: $is"
    install -m 0640 $new $is
    changed="$changed $name"
  fi
done
if [ -n "$changed" ]; then
  command -v restorecon >/dev/null 2>&1 && restorecon -R $folder
  if ! firewall-offline-cmd --check-config; then
    # shellcheck disable=SC2086 # $folder has no spaces, $name is a word
    for name in $changed; do
      rm -f $folder/$name.xml
      [ ! -e $folder/$name.xml.before ] || mv $folder/$name.xml.before $folder/$name.xml
    done
    echo "firewalld does not accept the policies; nothing was changed"
    exit 1
  fi
  rm -f $folder/stackwright*.xml.before
fi
if ! systemctl -q is-enabled firewalld || ! systemctl -q is-active firewalld; then
  record "unit switched on: firewalld"
  systemctl -q unmask firewalld
  systemctl -q enable firewalld
  systemctl start firewalld
  changed="$changed firewalld"
elif [ -n "$changed" ] || ! firewall-cmd --info-policy=stackwright >/dev/null 2>&1; then
  firewall-cmd -q --reload
  changed="$changed reloaded"
fi
firewall-cmd --info-policy=stackwright >/dev/null
[ -z "$changed" ] || echo "stackwright: changed"
