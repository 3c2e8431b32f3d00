require_relative '../../../puppet_x/stackwright/network'

Puppet::Type.type(:neutron_router).provide(
  :rest, :parent => PuppetX::Stackwright::NetworkProvider, :source => :openstack
) do
  desc 'Manages routers through the Network API.'
  takes_precedence
  changeable :admin_state_up, :gateway_network_name, :distributed, :ha
  fixed :availability_zone_hint, :tenant_id, :project_id
  shown :status => 'status', :external_gateway_info => 'external_gateway_info',
        :project_id => 'project_id', :tenant_id => 'project_id'

  def self.instances
    every('routers').map { |router| new(:name => router['name'], :ensure => :present, :thing => router) }
  end

  def look
    named('routers', @resource[:name])
  end

  def admin_state_up
    word(:admin_state_up, thing['admin_state_up'])
  end

  def distributed
    thing.key?('distributed') ? word(:distributed, thing['distributed']) : :absent
  end

  def ha
    thing.key?('ha') ? word(:ha, thing['ha']) : :absent
  end

  def availability_zone_hint
    hints
  end

  def gateway_network_id
    (thing['external_gateway_info'] || {})['network_id'] || ''
  end

  # The stock provider cannot compare the gateway, and sets it in every run. As there, an id may be given for a name.
  def gateway_network_name
    id = gateway_network_id
    return '' if id == ''
    id == @resource[:gateway_network_name] ? id : name_of('networks', id).to_s
  end

  def create
    attributes = { 'name' => @resource[:name], 'admin_state_up' => !false?(@resource[:admin_state_up]) }
    attributes['distributed'] = truth(@resource[:distributed]) if @resource[:distributed]
    attributes['ha'] = truth(@resource[:ha]) if @resource[:ha]
    attributes['availability_zone_hints'] = Array(@resource[:availability_zone_hint]) if @resource[:availability_zone_hint]
    if @resource[:gateway_network_name] && @resource[:gateway_network_name] != ''
      attributes['external_gateway_info'] = gateway(@resource[:gateway_network_name])
    end
    add('routers', 'router', attributes)
  end

  def destroy
    session.delete(:network, "/routers/#{id}")
  end

  def flush
    send_changes('routers', 'router') do
      attributes = {}
      [:admin_state_up, :distributed, :ha].each do |name|
        attributes[name.to_s] = truth(@changes[name]) if @changes[name]
      end
      network = @changes[:gateway_network_name]
      attributes['external_gateway_info'] = gateway(network) if network
      attributes
    end
  end

  private

  def gateway(network)
    network == '' ? {} : { 'network_id' => reference('networks', network) }
  end
end
