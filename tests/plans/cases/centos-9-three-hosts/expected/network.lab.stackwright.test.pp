# Applies to everything in this catalog.
Exec { logoutput => on_failure }
class { 'stackwright::starts': modules => ['aodh', 'ceilometer', 'cinder', 'glance', 'heat', 'neutron', 'nova', 'swift'] }

# --- external-bridge
include vswitch::ovs
stackwright::external_bridge { 'br-ex':
  datapath_type => 'system',
  interfaces    => [],
  address       => '198.19.128.1/24',
  masquerade    => '198.19.128.0/24',
}

# --- ovn-controller
include ovn::controller
Stackwright::External_bridge <| |> -> Service['controller']
