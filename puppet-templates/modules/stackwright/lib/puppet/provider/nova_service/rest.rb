require_relative '../../../puppet_x/stackwright/compute'

# As upstream, it can only remove the services of a host.
Puppet::Type.type(:nova_service).provide(
  :rest, :parent => PuppetX::Stackwright::ComputeProvider, :source => :openstack
) do
  desc 'Removes compute services through the Compute API.'
  takes_precedence

  def self.instances
    compute_services.all.group_by { |service| service['host'] }.map do |host, services|
      new(:name => host, :ensure => :present, :thing => { 'services' => services })
    end
  end

  def look
    services = self.class.compute_services.select { |service| service['host'] == @resource[:name] }
    services.empty? ? nil : { 'services' => services }
  end

  def ids
    thing['services'].map { |service| service['id'] }
  end

  def service_name
    thing['services'].map { |service| service['binary'] }
  end

  fixed :service_name

  # The stock provider only warns, and reports a service as created that does not exist.
  def create
    raise Puppet::Error, "#{@resource[:name]} has no compute service, and the API cannot create one; use ensure => absent"
  end

  def destroy
    wanted = Array(@resource[:service_name])
    thing['services'].each do |service|
      session.delete(:compute, "/os-services/#{service['id']}") if wanted.empty? || wanted.include?(service['binary'])
    end
    self.class.compute_services.expire
  end
end
