require_relative '../../../puppet_x/stackwright/network'

Puppet::Type.type(:neutron_security_group).provide(
  :rest, :parent => PuppetX::Stackwright::NetworkProvider, :source => :openstack
) do
  desc 'Manages security groups through the Network API.'
  takes_precedence

  def self.instances
    every('security_groups').map { |group| new(:name => group['name'], :ensure => :present, :thing => group) }
  end

  def look
    named('security_groups', @resource[:name])
  end

  # Neutron chooses ids. The stock provider passes this one to a command that does not have the option.
  def create
    raise Puppet::Error, 'id of a security group cannot be chosen' if @resource[:id]
    attributes = { 'name' => @resource[:name] }
    attributes['description'] = @resource[:description] if @resource[:description]
    add('security_groups', 'security_group', attributes)
  end

  def destroy
    session.delete(:network, "/security-groups/#{id}")
  end

  private

  # This type has other parameters for its project.
  def owner_id
    return nil if @resource[:project].nil?
    domain = @resource[:project_domain]
    found = projects(@resource[:project])
    if domain
      ids = (session.get(:identity, '/domains', 'name' => domain)['domains'] || []).map { |d| d['id'] } + [domain]
      found = found.select { |project| ids.include?(project['domain_id']) }
    end
    raise Puppet::Error, "there is no project #{@resource[:project]}" if found.empty?
    (found.find { |project| project['domain_id'] == 'default' } || found.first)['id']
  end
end
