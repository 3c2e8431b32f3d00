require_relative '../../../puppet_x/stackwright/identity'

Puppet::Type.type(:keystone_role).provide(
  :rest, :parent => PuppetX::Stackwright::IdentityProvider, :source => :openstack
) do
  desc 'Manages roles through the Identity API.'
  takes_precedence

  def self.instances
    roles.select { |role| role['domain_id'].nil? }.map do |role|
      new(:name => role['name'].downcase, :ensure => :present, :thing => role)
    end
  end

  def look
    self.class.find_role(@resource[:name])
  end

  def create
    make_in(self.class.roles, '/roles', 'role', { 'name' => @resource[:name] })
  end

  def destroy
    session.delete(:identity, "/roles/#{id}")
    self.class.roles.drop(id)
    self.class.assignments.expire
  end
end
