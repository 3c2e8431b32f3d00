require_relative '../../../puppet_x/stackwright/network'

Puppet::Type.type(:neutron_port).provide(
  :rest, :parent => PuppetX::Stackwright::NetworkProvider, :source => :openstack
) do
  desc 'Manages ports through the Network API.'
  takes_precedence
  changeable :admin_state_up
  fixed :network_name, :subnet_name, :ip_address, :tenant_id, :project_id, :binding_host_id, :binding_profile
  shown :status => 'status', :network_id => 'network_id', :binding_host_id => 'binding:host_id',
        :project_id => 'project_id', :tenant_id => 'project_id'

  # Ports without a name are identified by their id.
  def self.instances
    every('ports').map do |port|
      new(:name => port['name'].to_s.empty? ? port['id'] : port['name'], :ensure => :present, :thing => port)
    end
  end

  def look
    named('ports', @resource[:name]) ||
      (session.get(:network, '/ports', 'id' => @resource[:name])['ports'] || []).first
  end

  def admin_state_up
    word(:admin_state_up, thing['admin_state_up'])
  end

  def network_name
    name_of('networks', thing['network_id']) || :absent
  end

  def subnet_id
    single(ips.map { |ip| ip['subnet_id'] })
  end

  def subnet_name
    wanted_or_all(:subnet_name, ips.map { |ip| name_of('subnets', ip['subnet_id']) })
  end

  def ip_address
    wanted_or_all(:ip_address, ips.map { |ip| ip['ip_address'] })
  end

  # The stock provider compares only the name of the interface; this compares everything.
  def binding_profile
    thing['binding:profile'] || {}
  end

  def create
    attributes = { 'name' => @resource[:name], 'network_id' => reference('networks', @resource[:network_name]),
                   'admin_state_up' => !false?(@resource[:admin_state_up]) }
    fixed_ips = Array(@resource[:ip_address]).map { |ip| { 'ip_address' => ip } } +
                Array(@resource[:subnet_name]).map { |subnet| { 'subnet_id' => reference('subnets', subnet) } }
    attributes['fixed_ips'] = fixed_ips unless fixed_ips.empty?
    attributes['binding:host_id'] = @resource[:binding_host_id] if @resource[:binding_host_id]
    attributes['binding:profile'] = @resource[:binding_profile] if @resource[:binding_profile]
    add('ports', 'port', attributes)
  end

  def destroy
    session.delete(:network, "/ports/#{id}")
  end

  def flush
    send_changes('ports', 'port') { @changes.map { |name, value| [name.to_s, truth(value)] }.to_h }
  end

  private

  def ips
    thing['fixed_ips'] || []
  end

  # Neutron adds addresses to the requested ones (IPv6, from router advertisements).
  def wanted_or_all(name, list)
    wanted = @resource[name]
    wanted && (Array(wanted) - list).empty? ? wanted : single(list)
  end

  def single(list)
    return :absent if list.empty?
    list.length > 1 ? list : list.first
  end
end
