#!/bin/sh
# Records what a package transaction installs or changes. The including script defines `packages`, which prints name and
# version of each installed package, and $state.
# shellcheck disable=SC2154 # $state is the including script's

had=
before() { had=$(packages | sort); }
brought() {
  { echo "$had"; echo; packages | sort; } | awk '
    NF == 0 {now = 1; next}
    !now {had[$1] = $2; next}
    !($1 in had) {print "package installed: " $1 " " $2; next}
    had[$1] != $2 {print "package changed: " $1 " " $2 ", was " had[$1]}' >> "$state/changes.log"
}
