require_relative '../../../puppet_x/stackwright/rest_provider'

Puppet::Type.type(:stackwright_security_group_rule).provide(
  :rest, :parent => PuppetX::Stackwright::RestProvider
) do
  desc 'Manages rules of security groups through the Network API.'
  takes_precedence

  def look
    found = session.get(
      :network, '/security-group-rules',
      'security_group_id' => group_id, 'direction' => 'ingress', 'ethertype' => ethertype, 'protocol' => protocol
    )['security_group_rules']
    found.find { |rule| rule['remote_group_id'].nil? && from?(rule) && rule['port_range_min'] == port }
  end

  def create
    rule = {
      'security_group_id' => group_id, 'direction' => 'ingress', 'ethertype' => ethertype, 'protocol' => protocol,
      'port_range_min' => port, 'port_range_max' => port, 'remote_ip_prefix' => network
    }
    make(:network, '/security-group-rules', { 'security_group_rule' => rule }) { look }
  end

  def destroy
    session.delete(:network, "/security-group-rules/#{id}")
  end

  private

  # Project, group, protocol, port or nil, network.
  def parts
    @parts ||= @resource[:name].match(%r{\A([^:]+):([^:]+):([a-z]+)(?::(\d+))?@(.+)\z}).captures
  end

  def protocol
    parts[2] == 'icmp' && ethertype == 'IPv6' ? 'ipv6-icmp' : parts[2]
  end

  def port
    parts[3] && parts[3].to_i
  end

  def network
    parts[4]
  end

  def ethertype
    network.include?(':') ? 'IPv6' : 'IPv4'
  end

  # Neutron keeps a rule for everyone with or without a network.
  def from?(rule)
    prefix = rule['remote_ip_prefix']
    prefix == network || (prefix.nil? && network.end_with?('/0'))
  end

  # Neutron creates the default group of a project when its groups are listed for the first time.
  def group_id
    @group_id ||= begin
      found = session.get(:network, '/security-groups', 'name' => parts[1], 'project_id' => id_of_project(parts[0]))
      group = found['security_groups'].first
      raise Puppet::Error, "project #{parts[0]} has no security group #{parts[1]}" if group.nil?
      group['id']
    end
  end
end
