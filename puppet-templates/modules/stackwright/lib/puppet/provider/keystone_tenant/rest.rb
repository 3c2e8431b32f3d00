require_relative '../../../puppet_x/stackwright/identity'

Puppet::Type.type(:keystone_tenant).provide(
  :rest, :parent => PuppetX::Stackwright::IdentityProvider, :source => :openstack
) do
  desc 'Manages projects through the Identity API.'
  takes_precedence
  changeable :enabled, :description
  shown :description => 'description'

  def self.instances
    domains.all.flat_map do |domain|
      projects(domain['id']).all.map do |project|
        new(:name => resource_to_name(domain['name'], project['name']), :ensure => :present, :thing => project)
      end
    end
  end

  def look
    self.class.find_project(@resource[:name], @resource[:domain])
  end

  def enabled
    symbol(thing['enabled'] != false)
  end

  def create
    domain = need_domain(@resource[:domain])
    attributes = { 'name' => @resource[:name], 'domain_id' => domain['id'],
                   'enabled' => @resource[:enabled] != :false }
    attributes['description'] = @resource[:description] if @resource[:description]
    make_in(self.class.projects(domain['id']), '/projects', 'project', attributes)
  end

  def destroy
    session.delete(:identity, "/projects/#{id}")
    self.class.projects(thing['domain_id']).drop(id)
    self.class.assignments.expire
  end

  def flush
    return if @changes.empty?
    attributes = {}
    attributes['enabled'] = @changes[:enabled] == :true if @changes[:enabled]
    attributes['description'] = @changes[:description] if @changes[:description]
    change_in(self.class.projects(thing['domain_id']), "/projects/#{id}", 'project', attributes)
    @changes.clear
    forget
  end
end
