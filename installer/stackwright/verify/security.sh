#!/bin/sh
# Tells what the security of a host depends on; changes nothing. Standard input is the cloud's secrets, one a line: they
# are looked for by a user without rights. Each line of the output is a word, a tab, and words with tabs between them.

umask 077
tab=$(printf '\t')
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cat > "$work/secrets"

ss -lntupH 2> /dev/null | while read -r protocol _ _ _ at _ rest; do
  process=${rest#*\"}
  [ "$process" = "$rest" ] && process=- || process=${process%%\"*}
  printf 'listens\t%s\t%s\t%s\n' "$protocol" "$at" "$process"
done
# shellcheck disable=SC2043 # a placeholder
for place in @FILES@; do
  [ -e "$place" ] && stat -L -c "mode${tab}%a${tab}%U${tab}%G${tab}%n" "$place"
done
if command -v firewall-cmd > /dev/null 2>&1 && firewall-cmd --state > /dev/null 2>&1; then
  printf 'firewall\tfirewalld\n'
elif nft list table inet stackwright > /dev/null 2>&1; then
  printf 'firewall\tnftables\n'
fi
if [ -s "$work/secrets" ]; then
  setpriv --reuid 65534 --regid 65534 --clear-groups timeout @SECONDS@ \
    grep -rlsF -D skip -f - @PLACES@ < "$work/secrets" > "$work/found" 2> /dev/null
  case $? in 0 | 1 | 2) echo searched ;; esac
  sed "s/^/readable${tab}/" "$work/found"
fi
if command -v rabbitmqctl > /dev/null 2>&1 && rabbitmqctl -q list_users > "$work/users" 2> /dev/null; then
  sed -n "/^user${tab}tags$/!s/^/broker${tab}/p" "$work/users"
fi
if [ -S /run/mysqld/mysqld.sock ] || [ -S /var/lib/mysql/mysql.sock ]; then
  mysql --defaults-file=/root/.my.cnf -N -B -e "SELECT 'account', user, host FROM mysql.user" 2> /dev/null
fi
for place in /etc/openstack-dashboard/local_settings.py /etc/openstack-dashboard/local_settings; do
  [ -f "$place" ] || continue
  sed -n "s/^\([A-Z_]*\) *= *\(.*\)/setting${tab}\1${tab}\2/p; s/^HORIZON_CONFIG\[.\([a-z_]*\).\] *= *\(.*\)/setting${tab}\1${tab}\2/p" "$place"
  break
done | grep "^setting${tab}\(ALLOWED_HOSTS\|[A-Z_]*COOKIE_[A-Z]*\|DISALLOW_IFRAME_EMBED\|[a-z_]*password[a-z_]*\)${tab}"
# shellcheck disable=SC2194 # a placeholder
case @DASHBOARD@ in
  ?*)
    curl --noproxy '*' -ks --max-time 30 -D - -o /dev/null @DASHBOARD@/auth/login/ | tr -d '\r' | sed -n "s/^\([A-Za-z-]*\): */header${tab}\1${tab}/p"
    curl --noproxy '*' -ks --max-time 30 -o /dev/null -H 'Host: other.invalid' -w "stranger${tab}%{http_code}\n" @DASHBOARD@/auth/login/
    ;;
esac
echo "end"
