#!/bin/sh
# Prints the user id, and how root can be had.

id -u
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then echo none
  elif sudo -k -n true 2>/dev/null; then echo free
  else echo password; fi
fi
