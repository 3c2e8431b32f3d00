Puppet::Type.newtype(:stackwright_security_group_rule) do
  desc <<-EOT
    Lets traffic from anywhere in through a security group: `project:group:protocol` or `project:group:protocol:port`,
    for example `demo:default:icmp` and `demo:default:tcp:22`. The upstream module has no type for this.
  EOT

  ensurable do
    defaultvalues
    defaultto :present
  end

  newparam(:name, :namevar => true) do
    desc 'project:group:protocol[:port]'
    newvalues(/\A[^:]+:[^:]+:(icmp|tcp|udp)(:\d+)?\z/)
  end

  autorequire(:anchor) { ['neutron::service::end'] }
  autorequire(:keystone_tenant) { self[:name].split(':').first }
end
