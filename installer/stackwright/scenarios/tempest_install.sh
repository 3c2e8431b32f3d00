#!/bin/sh
# Installs Tempest from the distribution's packages, unless it is there.

set -e
missing=
for program in tempest discover-tempest-config subunit2junitxml subunit2html; do
  command -v $program > /dev/null || missing="$missing $program"
done
[ -n "$missing" ] || exit 0
@INSTALL@ || exit 75
echo "stackwright: changed"
