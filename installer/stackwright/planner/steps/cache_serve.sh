#!/bin/sh
# Starts Squid with its new configuration.

if ! cmp -s @NEW@ /etc/squid/squid.conf; then
  squid -k parse -f @NEW@ >&2
  keep /etc/squid/squid.conf
  cat @NEW@ > /etc/squid/squid.conf
  changed 'file changed: /etc/squid/squid.conf'
  systemctl enable squid
  systemctl restart squid
fi
systemctl is-active --quiet squid || systemctl enable --now squid
. ./cache_open.sh
