#!/bin/sh
# Copies the host's images.
# shellcheck disable=SC2154 # $d is the including script's

mkdir "$d/images"
[ ! -d @IMAGES@ ] || cp @IMAGES@/* "$d/images/" 2>/dev/null || true
