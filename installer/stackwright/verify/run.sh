#!/bin/sh
# Runs the verification on a host; its configuration, which holds secrets, is removed at the end.

trap 'rm -f @CONFIG@' EXIT
cd @FOLDER@ || exit 1
python=/usr/bin/python3
[ -x $python ] || python=/usr/libexec/platform-python
PYTHONDONTWRITEBYTECODE=1 $python -s -m on_host @CONFIG@
