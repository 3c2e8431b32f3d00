require_relative '../../../puppet_x/stackwright/identity'

# One resource represents up to three endpoints of the API: those of a service in a region, one per interface.
Puppet::Type.type(:keystone_endpoint).provide(
  :rest, :parent => PuppetX::Stackwright::IdentityProvider, :source => :openstack
) do
  desc 'Manages endpoints of the catalogue through the Identity API.'
  takes_precedence

  # Not a constant: in a block, it would be defined in Object.
  def self.interfaces
    ['admin', 'internal', 'public']
  end

  changeable(*interfaces.map { |interface| :"#{interface}_url" })

  interfaces.each do |interface|
    define_method("#{interface}_url") { thing[interface] ? thing[interface]['url'] : '' }
  end

  def self.instances
    by_id = services.all.map { |service| [service['id'], service] }.to_h
    endpoints.all.group_by { |e| [e['region'], e['service_id']] }.map do |(region, service_id), group|
      service = by_id[service_id]
      next if service.nil?
      new(:name => "#{region}/#{service['name']}::#{service['type']}", :ensure => :present, :thing => by_interface(group))
    end.compact
  end

  def self.by_interface(group)
    group.map { |endpoint| [endpoint['interface'], endpoint] }.to_h
  end

  def look
    owner = service
    return nil if owner.nil?
    found = own(owner['id'])
    found.empty? ? nil : self.class.by_interface(found)
  end

  def id
    thing ? self.class.interfaces.map { |i| thing[i] && thing[i]['id'] }.compact.join(',') : :absent
  end

  def region
    @resource[:region]
  end

  def region=(_value)
    raise Puppet::Error, 'the region of an endpoint that exists cannot be changed'
  end

  def create
    self.class.interfaces.each do |interface|
      url = @resource[:"#{interface}_url"]
      add(interface, url) unless url.nil? || url.empty?
    end
    forget
    warning('an endpoint without any URL is not created') if thing.nil?
  end

  # All endpoints, even if there are two for an interface.
  def destroy
    own(service['id']).each { |endpoint| remove(endpoint) }
  end

  def flush
    @changes.each do |property, url|
      interface = property.to_s.sub(/_url\z/, '')
      endpoint = thing[interface]
      if url.empty?
        remove(endpoint) if endpoint
      elsif endpoint
        change_in(self.class.endpoints, "/endpoints/#{endpoint['id']}", 'endpoint', { 'url' => url })
      else
        add(interface, url)
      end
    end
    @changes.clear
    forget
  end

  private

  # By name and type; if the title has no type (older modules allow that), or only one service has the name, by name.
  def service
    named = self.class.services.select { |s| s['name'] == @resource[:name] }
    named.find { |s| s['type'] == given(:type) } || (named.length == 1 ? named.first : nil)
  end

  def own(service_id)
    self.class.endpoints.select do |e|
      e['service_id'] == service_id && [e['region'], e['region_id']].include?(@resource[:region])
    end
  end

  def add(interface, url)
    owner = service
    raise Puppet::Error, "there is no service #{@resource[:name]}::#{given(:type)}" if owner.nil?
    # With `region`, Keystone creates a missing region; with `region_id`, that is an error.
    attributes = { 'service_id' => owner['id'], 'interface' => interface, 'url' => url, 'region' => @resource[:region] }
    answer, made = make(:identity, '/endpoints', { 'endpoint' => attributes }) do
      self.class.endpoints.expire
      own(owner['id']).find { |e| e['interface'] == interface }
    end
    self.class.endpoints.put(made ? answer['endpoint'] : answer)
  end

  def remove(endpoint)
    session.delete(:identity, "/endpoints/#{endpoint['id']}")
    self.class.endpoints.drop(endpoint['id'])
  end
end
