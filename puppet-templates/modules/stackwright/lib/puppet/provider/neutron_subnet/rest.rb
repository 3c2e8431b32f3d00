require 'ipaddr'
require_relative '../../../puppet_x/stackwright/network'

Puppet::Type.type(:neutron_subnet).provide(
  :rest, :parent => PuppetX::Stackwright::NetworkProvider, :source => :openstack
) do
  desc 'Manages subnets through the Network API.'
  takes_precedence
  changeable :gateway_ip, :enable_dhcp, :allocation_pools, :dns_nameservers, :host_routes
  fixed :cidr, :ip_version, :ipv6_ra_mode, :ipv6_address_mode, :network_id, :tenant_id, :project_id
  shown :cidr => 'cidr', :ipv6_ra_mode => 'ipv6_ra_mode', :ipv6_address_mode => 'ipv6_address_mode',
        :network_id => 'network_id', :project_id => 'project_id', :tenant_id => 'project_id'

  def self.instances
    every('subnets').map { |subnet| new(:name => subnet['name'], :ensure => :present, :thing => subnet) }
  end

  # The same name in another network is another subnet.
  def look
    found = session.get(:network, '/subnets', 'name' => @resource[:name])['subnets'] || []
    return found.first if found.length < 2
    network = network_id_wanted
    found.find { |subnet| subnet['network_id'] == network } || found.first
  end

  def ip_version
    thing['ip_version'].to_s
  end

  def gateway_ip
    thing['gateway_ip'] || ''
  end

  def enable_dhcp
    word(:enable_dhcp, thing['enable_dhcp'])
  end

  def dns_nameservers
    thing['dns_nameservers'] || []
  end

  def allocation_pools
    (thing['allocation_pools'] || []).map { |pool| "start=#{pool['start']},end=#{pool['end']}" }
  end

  def host_routes
    (thing['host_routes'] || []).map { |route| "destination=#{route['destination']},nexthop=#{route['nexthop']}" }
  end

  def create
    version = @resource[:ip_version] || (IPAddr.new(@resource[:cidr]).ipv6? ? 6 : 4)
    attributes = { 'name' => @resource[:name], 'network_id' => network_id_wanted, 'cidr' => @resource[:cidr],
                   'ip_version' => version.to_s.to_i, 'enable_dhcp' => !false?(@resource[:enable_dhcp]) }
    [:ipv6_ra_mode, :ipv6_address_mode].each do |name|
      attributes[name.to_s] = @resource[name].to_s if @resource[name]
    end
    [:gateway_ip, :allocation_pools, :dns_nameservers, :host_routes].each do |name|
      attributes[name.to_s] = for_api(name, @resource[name]) if @resource[name]
    end
    add('subnets', 'subnet', attributes)
  end

  def destroy
    session.delete(:network, "/subnets/#{id}")
  end

  def flush
    send_changes('subnets', 'subnet') { @changes.map { |name, value| [name.to_s, for_api(name, value)] }.to_h }
  end

  private

  def network_id_wanted
    @resource[:network_name] ? reference('networks', @resource[:network_name]) : @resource[:network_id]
  end

  # "start=A,end=B" becomes {"start": A, "end": B}; an empty gateway is none.
  def for_api(name, value)
    case name
    when :gateway_ip then value == '' ? nil : value
    when :enable_dhcp then truth(value)
    when :allocation_pools, :host_routes
      Array(value).map { |text| text.split(',').map { |pair| pair.strip.split('=', 2) }.to_h }
    else Array(value)
    end
  end
end
