# Chassis of OVN as Neutron's Zed knows them: files/ovn-chassis.py has the reason.
class stackwright::ovn_chassis {
  stackwright::unit { 'ovn-chassis':
    script => file('stackwright/ovn-chassis.py'),
    unit   => file('stackwright/ovn-chassis.service'),
  }
  Service['northd'] -> Service['stackwright-ovn-chassis.service']
}
