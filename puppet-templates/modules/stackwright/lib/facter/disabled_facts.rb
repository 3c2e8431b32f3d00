# Facts of other modules that take seconds in every run, and that no manifest and no provider reads: two simulated
# upgrades of all packages, an Erlang machine that is started for a name. Of several ways to a fact the weightiest is
# taken, and the others are not tried.
['apt_has_updates', 'apt_has_dist_updates', 'rabbitmq_nodename', 'rabbitmq_version'].each do |name|
  Facter.add(name) do
    has_weight 1000
    setcode { false }
  end
end
