Puppet::Type.newtype(:stackwright_security_group_rule) do
  desc <<-EOT
    Lets traffic from a network in through a security group: `project:group:protocol@network` or
    `project:group:protocol:port@network`, for example `demo:default:icmp@198.18.0.0/24` and
    `demo:default:tcp:22@2001:2::/48`. The upstream module has no type for this.
  EOT

  ensurable do
    defaultvalues
    defaultto :present
  end

  newparam(:name, :namevar => true) do
    desc 'project:group:protocol[:port]@network'
    newvalues(%r{\A[^:]+:[^:]+:(icmp|tcp|udp)(:\d+)?@[0-9a-f.:]+/\d+\z})
  end

  autorequire(:anchor) { ['neutron::service::end'] }
  autorequire(:keystone_tenant) { self[:name].split(':').first }
end
