#!/bin/sh
# Runs Puppet with its own configuration and state, independent of an agent's settings in /etc/puppet and of its lock.
# The folder stays between runs: modules keep state there and Puppet its certificate. Files that modules make without a
# mode must be readable by the services, so the umask is the one of a Puppet started by hand.

in=$STACKWRIGHT_RUN/in
home=$STACKWRIGHT_BASE/puppet
command -v @PUPPET@ >/dev/null || { echo "Error: there is no @PUPPET@ on this host"; exit 127; }
mkdir -p "$home/etc" "$home/code/environments/production" "$home/lib/puppet/reports" || exit 1
cp "$in/stackwright.rb" "$home/lib/puppet/reports/stackwright.rb" || exit 1
HOME=${HOME:-/root} STACKWRIGHT_REPORT=$STACKWRIGHT_RUN/report.json STACKWRIGHT_STARTED=$(date +%s.%N)
export HOME STACKWRIGHT_REPORT STACKWRIGHT_STARTED
umask 022
exec @PUPPET@ apply --confdir "$home/etc" --vardir "$home" --codedir "$home/code" --modulepath @MODULEPATH@ \
  --hiera_config "$in/hiera.yaml" --reports stackwright --detailed-exitcodes --logdest console --verbose --evaltrace \
  --no-show_diff --no-trace --color false "$in/manifest.pp"
