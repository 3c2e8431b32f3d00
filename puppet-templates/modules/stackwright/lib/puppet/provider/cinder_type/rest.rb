require_relative '../../../puppet_x/stackwright/rest_provider'

Puppet::Type.type(:cinder_type).provide(
  :rest, :parent => PuppetX::Stackwright::RestProvider, :source => :openstack
) do
  desc 'Manages volume types through the Block Storage API.'
  takes_precedence
  changeable :properties, :is_public, :access_project_ids

  def self.session
    PuppetX::Stackwright::Session.for('project', '/etc/cinder/cinder.conf')
  end

  # Private ones too.
  def self.types
    session.collection(:volume, '/types', 'volume_types', 'is_public' => 'None')
  end

  def self.instances
    types.all.map { |type| new(:name => type['name'], :ensure => :present, :thing => type) }
  end

  def look
    self.class.types.find { |type| type['name'] == @resource[:name] }
  end

  # Properties that the manifest does not name are removed. (The stock provider only adds, and then reports a change in
  # every run.) The type accepts a list of key=value, and since 26.0 also a hash.
  def properties
    held = thing['extra_specs'] || {}
    @resource[:properties].is_a?(Hash) ? held : held.map { |key, value| "#{key}=#{value}" }
  end

  def is_public
    symbol(thing['is_public'] != false)
  end

  def access_project_ids
    return [] if thing['is_public'] != false
    access = session.get(:volume, "/types/#{id}/os-volume-type-access")['volume_type_access'] || []
    access.map { |a| a['project_id'] }
  end

  def create
    attributes = { 'name' => @resource[:name],
                   'os-volume-type-access:is_public' => @resource[:is_public].to_s != 'false',
                   'extra_specs' => pairs(@resource[:properties]) }
    answer, made = make(:volume, '/types', { 'volume_type' => attributes }) do
      self.class.types.expire
      look
    end
    @thing = made ? answer['volume_type'] : answer
    change_properties(@resource[:properties]) unless made
    Array(@resource[:access_project_ids]).each { |project| act('addProjectAccess', project) }
    self.class.types.expire
  end

  def destroy
    session.delete(:volume, "/types/#{id}")
    self.class.types.drop(id)
  end

  def flush
    return if @changes.empty?
    change_properties(@changes[:properties]) if @changes[:properties]
    if @changes[:is_public]
      session.put(:volume, "/types/#{id}", { 'volume_type' => { 'is_public' => @changes[:is_public] == :true } })
    end
    if @changes[:access_project_ids]
      wanted = Array(@changes[:access_project_ids])
      held = access_project_ids
      (wanted - held).each { |project| act('addProjectAccess', project) }
      (held - wanted).each { |project| act('removeProjectAccess', project) }
    end
    @changes.clear
    self.class.types.expire
    forget
  end

  private

  def pairs(properties)
    return properties if properties.is_a?(Hash)
    Array(properties).map { |text| text.strip.split('=', 2) }.to_h
  end

  def change_properties(properties)
    wanted = pairs(properties)
    held = thing['extra_specs'] || {}
    (held.keys - wanted.keys).each { |key| session.delete(:volume, "/types/#{id}/extra_specs/#{key}") }
    return if wanted.empty?
    session.post(:volume, "/types/#{id}/extra_specs", { 'extra_specs' => wanted }, :repeatable => true)
  end

  # An error "already done" counts as success.
  def act(action, project)
    session.post(:volume, "/types/#{id}/action", { action => { 'project' => project } }, :repeatable => true)
  rescue PuppetX::Stackwright::Conflict, PuppetX::Stackwright::NotFound
    nil
  end
end
