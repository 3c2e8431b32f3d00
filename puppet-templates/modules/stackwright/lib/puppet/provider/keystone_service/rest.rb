require_relative '../../../puppet_x/stackwright/identity'

Puppet::Type.type(:keystone_service).provide(
  :rest, :parent => PuppetX::Stackwright::IdentityProvider, :source => :openstack
) do
  desc 'Manages services of the catalogue through the Identity API.'
  takes_precedence
  changeable :description

  def self.instances
    services.all.map do |service|
      new(:name => "#{service['name']}::#{service['type']}", :ensure => :present, :thing => service)
    end
  end

  def look
    self.class.services.find { |s| s['name'] == @resource[:name] && s['type'] == @resource[:type] }
  end

  def description
    thing['description'] || ''
  end

  def create
    attributes = { 'name' => @resource[:name], 'type' => @resource[:type] }
    attributes['description'] = @resource[:description] if @resource[:description]
    make_in(self.class.services, '/services', 'service', attributes)
  end

  # Keystone deletes its endpoints too.
  def destroy
    session.delete(:identity, "/services/#{id}")
    self.class.services.drop(id)
    self.class.endpoints.expire
  end

  def flush
    return if @changes.empty?
    change_in(self.class.services, "/services/#{id}", 'service', { 'description' => @changes[:description] })
    @changes.clear
    forget
  end
end
