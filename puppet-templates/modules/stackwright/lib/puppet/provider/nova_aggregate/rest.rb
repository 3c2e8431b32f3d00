require_relative '../../../puppet_x/stackwright/compute'

Puppet::Type.type(:nova_aggregate).provide(
  :rest, :parent => PuppetX::Stackwright::ComputeProvider, :source => :openstack
) do
  desc 'Manages host aggregates through the Compute API.'
  takes_precedence

  def self.instances
    aggregates.all.map { |aggregate| new(:name => aggregate['name'], :ensure => :present, :thing => aggregate) }
  end

  def look
    self.class.aggregates.find { |aggregate| aggregate['name'] == @resource[:name] }
  end

  def availability_zone
    thing['availability_zone'] || :absent
  end

  # Nova stores the availability zone in the metadata.
  def metadata
    (thing['metadata'] || {}).reject { |key, _| key == 'availability_zone' }
  end

  def hosts
    (thing['hosts'] || []).sort
  end

  def create
    attributes = { 'name' => @resource[:name] }
    zone = @resource[:availability_zone]
    attributes['availability_zone'] = zone unless zone.nil? || zone.empty?
    answer, made = make(:compute, '/os-aggregates', { 'aggregate' => attributes }) do
      self.class.aggregates.expire
      look
    end
    @thing = made ? answer['aggregate'] : answer
    self.metadata = @resource[:metadata] if @resource[:metadata] && !@resource[:metadata].empty?
    self.hosts = @resource[:hosts] if @resource[:hosts] && !@resource[:hosts].empty?
    self.class.aggregates.expire
  end

  # Only an empty one can be deleted.
  def destroy
    hosts.each { |host| act('remove_host', 'host' => host) }
    session.delete(:compute, "/os-aggregates/#{id}")
    self.class.aggregates.drop(id)
  end

  def availability_zone=(zone)
    session.put(:compute, "/os-aggregates/#{id}", { 'aggregate' => { 'availability_zone' => zone } })
    self.class.aggregates.expire
  end

  # A key with the value null is removed.
  def metadata=(wanted)
    gone = (metadata.keys - wanted.keys).map { |key| [key, nil] }.to_h
    act('set_metadata', 'metadata' => gone.merge(wanted))
  end

  def hosts=(wanted)
    wanted = Array(wanted)
    wanted &= known_hosts if @resource[:filter_hosts] == :true
    held = hosts
    (held - wanted).each { |host| act('remove_host', 'host' => host) }
    (wanted - held).each { |host| act('add_host', 'host' => host) }
  end

  private

  def known_hosts
    self.class.compute_services.select { |s| s['binary'] == 'nova-compute' }.map { |s| s['host'] }
  end

  def act(action, arguments)
    session.post(:compute, "/os-aggregates/#{id}/action", { action => arguments }, :repeatable => true)
    self.class.aggregates.expire
  rescue PuppetX::Stackwright::Conflict
    raise unless action == 'add_host'
  end
end
