#!/bin/sh
# Lets hosts reach the package cache. The plan's own firewall comes later and opens the port permanently.

if systemctl is-active --quiet firewalld; then firewall-cmd -q --add-port=@PORT@/tcp; fi
