require_relative '../../../puppet_x/stackwright/network'

# One resource represents the port of a router in a subnet; its title is ROUTER:SUBNET.
Puppet::Type.type(:neutron_router_interface).provide(
  :rest, :parent => PuppetX::Stackwright::NetworkProvider, :source => :openstack
) do
  desc 'Manages interfaces of routers through the Network API.'
  takes_precedence
  fixed :port

  def self.instances
    subnets = every('subnets').map { |subnet| [subnet['id'], subnet['name']] }.to_h
    every('routers').flat_map do |router|
      ports_of(router['id']).map do |port|
        subnet = subnets[(port['fixed_ips'].first || {})['subnet_id']]
        new(:name => "#{router['name']}:#{subnet}", :ensure => :present, :thing => port)
      end
    end
  end

  # All except the gateway port, which neutron_router manages.
  def self.ports_of(router_id)
    ports = session.get(:network, '/ports', 'device_id' => router_id)['ports'] || []
    ports.reject { |port| port['device_owner'] == 'network:router_gateway' || (port['fixed_ips'] || []).empty? }
  end

  def router_name
    @resource[:name].split(':', 2).first
  end

  def subnet_name
    @resource[:name].split(':', 2).last
  end

  def look
    router = named('routers', router_name)
    return nil if router.nil?
    wanted = (session.get(:network, '/subnets', 'name' => subnet_name)['subnets'] || []).map { |subnet| subnet['id'] }
    self.class.ports_of(router['id']).find { |port| port['fixed_ips'].any? { |ip| wanted.include?(ip['subnet_id']) } }
  end

  def port
    wanted = @resource[:port]
    wanted && thing['id'] == wanted ? wanted : thing['name'].to_s
  end

  def create
    body = if @resource[:port]
             { 'port_id' => reference('ports', @resource[:port]) }
           else
             { 'subnet_id' => reference('subnets', subnet_name) }
           end
    # After a lost connection, the repeated request fails, because the first one was carried out.
    session.put(:network, "/routers/#{reference('routers', router_name)}/add_router_interface", body)
  rescue PuppetX::Stackwright::Refused => e
    raise if e.status != 400 && e.status != 409
    forget
    raise if thing.nil?
  end

  def destroy
    session.put(:network, "/routers/#{thing['device_id']}/remove_router_interface", { 'port_id' => thing['id'] })
  rescue PuppetX::Stackwright::NotFound
    nil
  end
end
