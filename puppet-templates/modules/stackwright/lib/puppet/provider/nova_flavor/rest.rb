require_relative '../../../puppet_x/stackwright/compute'

# As upstream, only the properties and the project of an existing flavor can be changed. The other attributes are
# parameters, which only count when the flavor is created; since release 27 of the modules they are properties.
Puppet::Type.type(:nova_flavor).provide(
  :rest, :parent => PuppetX::Stackwright::ComputeProvider, :source => :openstack
) do
  desc 'Manages flavors through the Compute API.'
  takes_precedence
  changeable :properties, :project, :project_name
  fixed :id, :ram, :disk, :vcpus, :ephemeral, :swap, :rxtx_factor, :is_public

  def self.instances
    flavors.all.map { |flavor| new(:name => flavor['name'], :ensure => :present, :thing => flavor) }
  end

  def look
    self.class.flavors.find { |flavor| flavor['name'] == @resource[:name] }
  end

  # The API leaves out a swap of 0. Numbers are written as the manifest writes them.
  { :ram => 'ram', :disk => 'disk', :vcpus => 'vcpus', :ephemeral => 'OS-FLV-EXT-DATA:ephemeral', :swap => 'swap',
    :rxtx_factor => 'rxtx_factor' }.each do |name, field|
    define_method(name) do
      value = thing[field].to_s.empty? ? 0 : thing[field]
      wanted = @resource[name]
      wanted && wanted.to_s.to_f == value.to_f ? wanted : value.to_s
    end
  end

  def is_public
    symbol(thing['os-flavor-access:is_public'] != false)
  end

  # Properties that the manifest does not name are removed. (The stock provider only adds, and then reports a change in
  # every run.)
  def properties
    thing['extra_specs'] || {}
  end

  # The one project that has access, as upstream: an id or a name, '' for none.
  def project
    access.first || ''
  end

  def project_name
    access.empty? ? '' : session.get(:identity, "/projects/#{access.first}")['project']['name']
  end

  def create
    attributes = {
      'name' => @resource[:name], 'id' => @resource[:id] && @resource[:id].to_s,
      'ram' => number(:ram, 256), 'disk' => number(:disk, 0), 'vcpus' => number(:vcpus, 1),
      'swap' => number(:swap, 0), 'OS-FLV-EXT-DATA:ephemeral' => number(:ephemeral, 0),
      'os-flavor-access:is_public' => @resource[:is_public] != :false
    }
    attributes['rxtx_factor'] = @resource[:rxtx_factor].to_f if @resource[:rxtx_factor]
    answer, made = make(:compute, '/flavors', { 'flavor' => attributes }) do
      self.class.flavors.expire
      look
    end
    @thing = made ? answer['flavor'] : answer
    @access = []
    [:properties, :project, :project_name].each do |name|
      @changes[name] = @resource[name] if @resource[name] && !@resource[name].empty?
    end
    flush
    self.class.flavors.expire
  end

  def destroy
    session.delete(:compute, "/flavors/#{id}")
    self.class.flavors.drop(id)
  end

  def flush
    return if @changes.empty?
    change_properties(@changes[:properties]) if @changes[:properties]
    if @changes[:project]
      change_access(@changes[:project])
    elsif @changes[:project_name]
      change_access(@changes[:project_name] == '' ? '' : id_of_project(@changes[:project_name]))
    end
    @changes.clear
    self.class.flavors.expire
    forget
  end

  private

  def forget
    super
    @access = nil
  end

  def number(name, default)
    value = @resource[name].to_s
    Integer(value.empty? ? default.to_s : value, 10)
  end

  # Public flavors have no access list.
  def access
    return [] if thing['os-flavor-access:is_public']
    @access ||= (session.get(:compute, "/flavors/#{id}/os-flavor-access")['flavor_access'] || []).map { |a| a['tenant_id'] }
  end

  def change_properties(wanted)
    wanted = wanted.map { |key, value| [key.to_s, value.to_s] }.to_h
    held = thing['extra_specs'] || {}
    (held.keys - wanted.keys).each { |key| session.delete(:compute, "/flavors/#{id}/os-extra_specs/#{key}") }
    return if wanted.empty?
    session.post(:compute, "/flavors/#{id}/os-extra_specs", { 'extra_specs' => wanted }, :repeatable => true)
  end

  def change_access(wanted)
    held = access.first
    return if held.to_s == wanted
    act('removeTenantAccess', held) if held
    act('addTenantAccess', wanted) unless wanted == ''
  end

  # An error "already done" counts as success.
  def act(action, tenant)
    session.post(:compute, "/flavors/#{id}/action", { action => { 'tenant' => tenant } }, :repeatable => true)
  rescue PuppetX::Stackwright::Conflict, PuppetX::Stackwright::NotFound
    nil
  end
end
