#!/bin/sh
# Brings Debian's package lists up to date. A source that does not answer is tried again for a while. If it never does,
# the others are used, as apt does by itself: a package that only this source has is reported at installation.

. ./apt.sh
lists() {
  for pause in 5 10 20; do
    apt -o APT::Update::Error-Mode=any update && return
    sleep $pause
  done
  apt update
}
lists || exit 75
