# Disables facts of other modules that take seconds in every run and that no manifest and no provider reads: two
# simulated upgrades of all packages, and an Erlang machine that is started for a name. Facter uses the resolution with
# the highest weight, and does not run the others.
['apt_has_updates', 'apt_has_dist_updates', 'rabbitmq_nodename', 'rabbitmq_version'].each do |name|
  Facter.add(name) do
    has_weight 1000
    setcode { false }
  end
end
