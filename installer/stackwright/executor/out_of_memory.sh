#!/bin/sh
# Prints the kernel's last messages about killed processes.

{ journalctl -k -n 200 --no-pager -o cat 2>/dev/null || dmesg 2>/dev/null | tail -n 200; } |
  grep -iE 'out of memory|oom-kill|killed process' | tail -n 3
