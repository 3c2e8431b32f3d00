#!/bin/sh
# openstack-dashboard's own script makes static files if it can execute manage.py: 13 s in its set-up and 14 s in a
# trigger at the end, both on dpkg's time. An override of the file's mode prevents it, and a step beside Puppet makes
# the files once (dashboard.sh). $held marks the override as ours, for a run that is killed; an administrator's own
# override stays, and Debian's way with it.
# shellcheck disable=SC2154 # $state and $missing are the including script's

manage=/usr/share/openstack-dashboard/manage.py
held=$state/dashboard-held
hold_dashboard() {
  case " $missing " in
    *" openstack-dashboard "*|*" openstack-dashboard="*|*" openstack-dashboard:"*) ;;
    *) return 0 ;;
  esac
  ! dpkg-statoverride --list $manage >/dev/null || return 0
  : > "$held"
  : > "$state/@STATIC_DUE@"
  dpkg-statoverride --add root root 0644 $manage
  [ ! -e $manage ] || chmod 644 $manage
}
free_dashboard() {
  [ -e "$held" ] || return 0
  case $(dpkg-statoverride --list $manage || true) in
    "root root 644 "*)
      dpkg-statoverride --remove $manage
      [ ! -e $manage ] || chmod 755 $manage
      ;;
  esac
  rm -f "$held"
}
