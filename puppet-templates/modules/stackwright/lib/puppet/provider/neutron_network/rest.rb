require_relative '../../../puppet_x/stackwright/network'

Puppet::Type.type(:neutron_network).provide(
  :rest, :parent => PuppetX::Stackwright::NetworkProvider, :source => :openstack
) do
  desc 'Manages networks through the Network API.'
  takes_precedence
  changeable :admin_state_up, :shared, :router_external, :mtu
  fixed :provider_network_type, :provider_physical_network, :provider_segmentation_id, :availability_zone_hint,
        :tenant_id, :project_id
  shown :provider_network_type => 'provider:network_type', :provider_physical_network => 'provider:physical_network',
        :provider_segmentation_id => 'provider:segmentation_id', :mtu => 'mtu',
        :project_id => 'project_id', :tenant_id => 'project_id'

  def self.instances
    every('networks').map { |network| new(:name => network['name'], :ensure => :present, :thing => network) }
  end

  def look
    named('networks', @resource[:name])
  end

  def admin_state_up
    word(:admin_state_up, thing['admin_state_up'])
  end

  def shared
    word(:shared, thing['shared'])
  end

  def router_external
    word(:router_external, thing['router:external'])
  end

  def availability_zone_hint
    hints
  end

  def create
    attributes = { 'name' => @resource[:name], 'admin_state_up' => !false?(@resource[:admin_state_up]) }
    attributes['shared'] = true if truth(@resource[:shared])
    attributes['router:external'] = true if truth(@resource[:router_external])
    [:network_type, :physical_network, :segmentation_id].each do |name|
      value = @resource[:"provider_#{name}"]
      attributes["provider:#{name}"] = value.is_a?(Symbol) ? value.to_s : value if value
    end
    attributes['mtu'] = @resource[:mtu] if @resource[:mtu]
    attributes['availability_zone_hints'] = Array(@resource[:availability_zone_hint]) if @resource[:availability_zone_hint]
    add('networks', 'network', attributes)
  end

  def destroy
    session.delete(:network, "/networks/#{id}")
  end

  def flush
    send_changes('networks', 'network') do
      attributes = {}
      attributes['admin_state_up'] = truth(@changes[:admin_state_up]) if @changes[:admin_state_up]
      attributes['shared'] = truth(@changes[:shared]) if @changes[:shared]
      attributes['router:external'] = truth(@changes[:router_external]) if @changes[:router_external]
      attributes['mtu'] = @changes[:mtu] if @changes[:mtu]
      attributes
    end
  end
end
