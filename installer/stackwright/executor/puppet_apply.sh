#!/bin/sh
# Runs Puppet with its own configuration and state, independent of the settings of an agent in /etc/puppet and its lock.
# The folder is not removed after a run: modules keep state there, and Puppet its certificate. The umask is that of
# Puppet started by hand: files that modules create without a mode must be readable by the services.

in=$STACKWRIGHT_RUN/in
home=$STACKWRIGHT_BASE/puppet
command -v @PUPPET@ >/dev/null || { echo "Error: @PUPPET@ is not installed on this host"; exit 127; }
mkdir -p "$home/etc" "$home/code/environments/production" "$home/lib/puppet/reports" || exit 1
cp "$in/stackwright.rb" "$home/lib/puppet/reports/stackwright.rb" || exit 1
HOME=${HOME:-/root} STACKWRIGHT_REPORT=$STACKWRIGHT_RUN/report.json STACKWRIGHT_STARTED=$(date +%s.%N)
export HOME STACKWRIGHT_REPORT STACKWRIGHT_STARTED
umask 022
exec @PUPPET@ apply --confdir "$home/etc" --vardir "$home" --codedir "$home/code" --modulepath @MODULEPATH@ \
  --hiera_config "$in/hiera.yaml" --reports stackwright --detailed-exitcodes --logdest console --verbose --evaltrace \
  --no-show_diff --no-trace --color false "$in/manifest.pp"
