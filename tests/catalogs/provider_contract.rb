# Checks our providers against the types of the upstream modules, property by property, without a node.
#
#   ruby provider_contract.rb MODULEPATH LIB FOLDER
#
# MODULEPATH: folders of modules, separated by colons. LIB: the lib folder of our module. FOLDER: an empty folder.
# Prints one JSON object: {"version": {module: version}, "handled": {"type.attribute": how}, "problems": [text]}.
#
# Each attribute of an upstream type has to be one of these:
#
# * set by `create`: the requests to the API differ with and without it;
# * read and changed: the getter reports the state of an existing resource, and the setter with `flush` sends the value;
# * refused with a message that names it: by the type ("read only"), or by the provider's setter.
#
# The API is a stand-in that answers from a few Hashes. Requests are compared as data, so an attribute that a provider
# reads and then ignores does not pass.
require 'json'
require 'puppet'

MODULEPATH, LIB, FOLDER = ARGV
ROOTS = MODULEPATH.split(':').freeze
ROOTS.each { |root| Dir[File.join(root, '*', 'lib')].each { |dir| $LOAD_PATH << File.realpath(dir) } }
$LOAD_PATH.unshift(LIB)
Puppet.initialize_settings(['--confdir', File.join(FOLDER, 'etc'), '--vardir', File.join(FOLDER, 'var')])
Puppet::Util::Log.level = :err
Puppet::Util::Log.newdestination(:console)
require File.join(LIB, 'puppet_x/stackwright/session')

# An OpenStack API that knows what WORLD holds, and notes what it is asked to change.
class FakeSession
  attr_reader :requests

  def initialize(world)
    @world = world
    @requests = []
    @collections = {}
  end

  def collection(service, path, key, query = {})
    @collections[[service, path, query]] ||= PuppetX::Stackwright::Collection.new(self, service, path, key, query)
  end

  def get(_service, path, query = {})
    return @world[path] if @world[path].is_a?(Hash)
    list = @world[path]
    # One thing by its id: any id is known.
    return { path.split('/')[1].chomp('s') => item(path.split('/').last) } if list.nil? && path =~ %r{\A/(projects|networks|subnets|routers|ports)/}
    key = { '/flavors/detail' => 'flavors', '/types' => 'volume_types', '/os-aggregates' => 'aggregates',
            '/os-services' => 'services' }.fetch(path, path.delete_prefix('/').tr('-', '_'))
    found = list || (query['name'] || query['id'] ? [item(query['name'] || query['id'])] : [])
    ['name', 'id', 'domain_id'].each { |field| found = found.select { |i| i[field] == query[field] } if query[field] }
    { key => found }
  end

  def post(_service, path, body, **)
    note('POST', path, body)
    key, inner = body.first
    return { key => inner.merge('id' => 'new') } if body.size == 1 && inner.is_a?(Hash)
    body.merge('id' => 'new')
  end

  def patch(_service, path, body, **)
    note('PATCH', path, body)
    return { body.keys.first => body.values.first.merge('id' => path.split('/').last) } if body.is_a?(Hash)
    {}
  end

  def put(_service, path, body = nil)
    note('PUT', path, body)
    {}
  end

  def delete(_service, path)
    note('DELETE', path, nil)
    {}
  end

  def upload(_service, path, file)
    note('PUT', path, file.read)
  end

  # `valid`, and nothing else, is the password of everybody.
  def password_valid?(_user_id, password)
    password == 'valid'
  end

  def note(*request)
    @requests << JSON.parse(JSON.generate(request))
  end

  private

  def item(name)
    { 'id' => "id-#{name}", 'name' => name, 'domain_id' => 'default' }.tap { |i| i['name'] = name.delete_prefix('id-') }
      .merge('id' => name.start_with?('id-') ? name : "id-#{name}")
  end
end

def named(*names, **more)
  names.map { |name| { 'id' => "id-#{name}", 'name' => name }.merge(more.transform_keys(&:to_s)) }
end

# What Keystone has in each case.
BASE = {
  '/domains' => [{ 'id' => 'default', 'name' => 'Default' }, { 'id' => 'id-other', 'name' => 'other' }],
  '/users' => named('user', 'else', :domain_id => 'default') + [{ 'id' => 'id-far', 'name' => 'user', 'domain_id' => 'id-other' }],
  '/projects' => named('project', 'more', :domain_id => 'default') + [{ 'id' => 'id-far', 'name' => 'far', 'domain_id' => 'id-other' }],
  '/roles' => named('role', 'implied', 'another'),
  '/services' => [{ 'id' => 'id-service', 'name' => 'service', 'type' => 'kind' },
                  { 'id' => 'id-second', 'name' => 'service', 'type' => 'second' }],
  '/endpoints' => [], '/role_assignments' => [], '/role_inferences' => [],
  '/flavors/detail' => [], '/os-aggregates' => [], '/os-services' => [], '/types' => [], '/images' => [],
}.freeze

SHARED = { :tenant_name => 'project', :project_name => 'project', :tenant_id => 'p', :project_id => 'p' }.freeze
ENDPOINT = { 'service_id' => 'id-service', 'region' => 'one', 'region_id' => 'one' }.freeze
SOURCE = File.join(FOLDER, 'image').tap { |path| File.write(path, 'data') }

SIX = { :ip_version => 6, :cidr => '2001:db8::/64', :allocation_pools => nil, :gateway_ip => nil }.freeze

# Of each type:
#
# * `title`, and `titles`: for each namevar, a title that differs from it in that one alone
# * `required`: the attributes that every resource needs
# * `values` of all attributes, and `changes`: other values, which an existing resource is changed to
# * `together`: what an attribute can only be combined with
# * `path`: where the API lists the resources, and `things`: how it describes the one that has all `values`
# * `world`: what else the API knows
# * `elsewhere`: checks of attributes that `create` alone does not show
CASES = {
  :keystone_domain => {
    :title => 'thing', :values => { :enabled => false, :description => 'text', :is_default => true },
    :changes => { :enabled => true, :description => 'other', :is_default => false },
    # The configuration of Keystone in this stand-in says that the default domain is the one with the id `default`.
    :world => { '/domains' => [] }, :path => '/domains',
    :things => [{ 'id' => 'default', 'name' => 'thing', 'enabled' => false, 'description' => 'text' }]
  },
  :keystone_tenant => {
    :title => 'thing', :values => { :enabled => false, :description => 'text', :domain => 'other' },
    :changes => { :enabled => true, :description => 'other' },
    :path => '/projects', :things => [{ 'id' => 'the-id', 'name' => 'thing', 'domain_id' => 'default', 'enabled' => false, 'description' => 'text' }]
  },
  :keystone_user => {
    :title => 'thing',
    :values => { :enabled => false, :password => 'valid', :description => 'text', :email => 'a@b', :domain => 'other' },
    :changes => { :enabled => true, :password => 'new', :description => 'other', :email => 'c@d' },
    # A disabled user's password cannot be tried, so these two do not go together.
    :things => [{ 'id' => 'the-id', 'name' => 'thing', 'domain_id' => 'default', 'enabled' => false, 'description' => 'text', 'email' => 'a@b' }],
    :path => '/users', :together => { :password => { :enabled => true } },
    :elsewhere => {
      :replace_password => lambda do |run|
        [true, false].map { |value| run.getter({ :password => 'new', :replace_password => value }, :password) }.uniq.length == 2
      end
    }
  },
  :keystone_role => { :title => 'thing', :values => {}, :changes => {}, :path => '/roles', :things => [{ 'id' => 'the-id', 'name' => 'thing' }] },
  :keystone_implied_role => {
    :title => 'role@implied', :values => {}, :changes => {}, :path => '/role_inferences',
    :titles => { :role => 'another@implied', :implied_role => 'role@another' },
    :things => [{ 'prior_role' => { 'id' => 'id-role', 'name' => 'role' }, 'implies' => [{ 'id' => 'id-implied', 'name' => 'implied' }] }]
  },
  :keystone_service => {
    :title => 'thing::kind', :values => { :description => 'text' }, :changes => { :description => 'other' },
    :titles => { :type => 'thing::other' },
    :path => '/services', :things => [{ 'id' => 'the-id', 'name' => 'thing', 'type' => 'kind', 'description' => 'text' }]
  },
  :keystone_endpoint => {
    :title => 'one/service::kind', :titles => { :region => 'two/service::kind', :type => 'one/service::second' },
    :required => { :public_url => 'http://p' },
    :values => { :public_url => 'http://p', :internal_url => 'http://i', :admin_url => 'http://a' },
    :changes => { :public_url => 'http://p2', :internal_url => 'http://i2', :admin_url => 'http://a2' },
    :path => '/endpoints',
    :things => [[ENDPOINT.merge('id' => '1', 'interface' => 'public', 'url' => 'http://p'),
                 ENDPOINT.merge('id' => '2', 'interface' => 'internal', 'url' => 'http://i'),
                 ENDPOINT.merge('id' => '3', 'interface' => 'admin', 'url' => 'http://a')]]
  },
  :keystone_user_role => {
    :title => 'user@project', :required => { :roles => ['role'] },
    :titles => { :user => 'else@project', :user_domain => 'user::other@project', :project => 'user@more',
                 :project_domain => 'user@far::other', :domain => 'user@::other', :system => 'user@::::all' },
    :values => { :roles => ['role'] }, :changes => { :roles => ['another'] },
    :path => '/role_assignments',
    :things => [{ 'user' => { 'id' => 'id-user' }, 'role' => { 'id' => 'id-role' }, 'scope' => { 'project' => { 'id' => 'id-project' } } }]
  },
  :neutron_network => {
    :title => 'thing',
    :values => { :admin_state_up => 'False', :shared => 'True', :provider_network_type => 'vlan', :provider_physical_network => 'physnet1',
                 :provider_segmentation_id => 7, :router_external => 'True', :availability_zone_hint => 'zone', :mtu => 1400 }.merge(SHARED),
    :changes => { :admin_state_up => 'True', :shared => 'False', :provider_network_type => 'flat', :provider_physical_network => 'other',
                  :provider_segmentation_id => 8, :router_external => 'False', :availability_zone_hint => 'other', :mtu => 1300,
                  :tenant_id => 'q', :project_id => 'q' },
    :path => '/networks',
    :things => [{ 'id' => 'the-id', 'name' => 'thing', 'admin_state_up' => false, 'shared' => true, 'provider:network_type' => 'vlan',
                  'provider:physical_network' => 'physnet1', 'provider:segmentation_id' => 7, 'router:external' => true,
                  'availability_zone_hints' => ['zone'], 'mtu' => 1400, 'project_id' => 'p' }]
  },
  :neutron_subnet => {
    :title => 'thing',
    :required => { :cidr => '198.18.0.0/24', :network_name => 'net' },
    :values => { :cidr => '198.18.0.0/24', :ip_version => 6, :ipv6_ra_mode => 'slaac', :ipv6_address_mode => 'slaac',
                 :allocation_pools => ['start=198.18.0.5,end=198.18.0.9'], :gateway_ip => '198.18.0.1', :enable_dhcp => 'False',
                 :host_routes => ['destination=198.18.1.0/24,nexthop=198.18.0.2'], :dns_nameservers => ['198.18.0.3'],
                 :network_id => 'id-net', :network_name => 'net' }.merge(SHARED),
    :together => { :network_id => { :network_name => nil }, :ipv6_ra_mode => SIX, :ipv6_address_mode => SIX },
    :changes => { :cidr => '198.18.4.0/24', :ip_version => 4, :ipv6_ra_mode => 'dhcpv6-stateful', :ipv6_address_mode => 'dhcpv6-stateful',
                  :allocation_pools => ['start=198.18.0.6,end=198.18.0.9'], :gateway_ip => '198.18.0.2', :enable_dhcp => 'True',
                  :host_routes => ['destination=198.18.2.0/24,nexthop=198.18.0.2'], :dns_nameservers => ['198.18.0.4'], :network_id => 'id-other', :network_name => 'other', :tenant_id => 'q', :project_id => 'q' },
    :path => '/subnets',
    :things => [{ 'id' => 'the-id', 'name' => 'thing', 'cidr' => '198.18.0.0/24', 'ip_version' => 6, 'ipv6_ra_mode' => 'slaac',
                  'ipv6_address_mode' => 'slaac', 'allocation_pools' => [{ 'start' => '198.18.0.5', 'end' => '198.18.0.9' }],
                  'gateway_ip' => '198.18.0.1', 'enable_dhcp' => false,
                  'host_routes' => [{ 'destination' => '198.18.1.0/24', 'nexthop' => '198.18.0.2' }],
                  'dns_nameservers' => ['198.18.0.3'], 'network_id' => 'id-net', 'project_id' => 'p' }]
  },
  :neutron_router => {
    :title => 'thing',
    :values => { :admin_state_up => 'False', :gateway_network_name => 'net', :distributed => 'True', :ha => 'True',
                 :availability_zone_hint => 'zone' }.merge(SHARED),
    :changes => { :admin_state_up => 'True', :gateway_network_name => 'other', :distributed => 'False', :ha => 'False',
                  :availability_zone_hint => 'other', :tenant_id => 'q', :project_id => 'q' },
    :path => '/routers',
    :things => [{ 'id' => 'the-id', 'name' => 'thing', 'admin_state_up' => false, 'distributed' => true, 'ha' => true,
                  'external_gateway_info' => { 'network_id' => 'id-net' }, 'availability_zone_hints' => ['zone'],
                  'project_id' => 'p', 'status' => 'ACTIVE' }]
  },
  :neutron_port => {
    :title => 'thing',
    :required => { :network_name => 'net' },
    :values => { :admin_state_up => 'False', :network_name => 'net', :subnet_name => 'sub', :ip_address => '198.18.0.7',
                 :binding_host_id => 'host', :binding_profile => { 'a' => 'b' } }.merge(SHARED),
    :changes => { :admin_state_up => 'True', :network_name => 'other', :subnet_name => 'other', :ip_address => '198.18.0.8',
                  :binding_host_id => 'other', :binding_profile => { 'c' => 'd' }, :tenant_id => 'q', :project_id => 'q' },
    :path => '/ports',
    :things => [{ 'id' => 'the-id', 'name' => 'thing', 'admin_state_up' => false, 'network_id' => 'id-net',
                  'fixed_ips' => [{ 'subnet_id' => 'id-sub', 'ip_address' => '198.18.0.7' }], 'binding:host_id' => 'host',
                  'binding:profile' => { 'a' => 'b' }, 'project_id' => 'p', 'status' => 'DOWN' }]
  },
  :neutron_router_interface => {
    :title => 'router:sub', :values => { :port => 'port' }, :changes => { :port => 'other' },
    :path => '/ports',
    :things => [{ 'id' => 'the-id', 'name' => 'port', 'device_id' => 'id-router', 'device_owner' => 'network:router_interface',
                  'fixed_ips' => [{ 'subnet_id' => 'id-sub', 'ip_address' => '198.18.0.1' }] }]
  },
  :neutron_security_group => {
    :title => 'thing', :values => { :id => 'the-id', :description => 'text', :project => 'project', :project_domain => 'other' },
    :required => { :project => 'project' },
    :world => { '/projects' => [{ 'id' => 'p', 'name' => 'project', 'domain_id' => 'default' }, { 'id' => 'q', 'name' => 'project', 'domain_id' => 'id-other' }] },
    :changes => {}, :path => '/security-groups', :things => [{ 'id' => 'the-id', 'name' => 'thing', 'project_id' => 'p' }]
  },
  :nova_flavor => {
    :title => 'thing',
    :values => { :id => '7', :ram => '512', :disk => '5', :vcpus => '2', :ephemeral => '3', :swap => '4', :rxtx_factor => '2.0',
                 :is_public => false, :project => 'id-project', :project_name => 'project', :properties => { 'a' => 'b' } },
    :together => { :project => { :is_public => false }, :project_name => { :is_public => false } },
    :changes => { :id => '8', :ram => '513', :disk => '6', :vcpus => '3', :ephemeral => '4', :swap => '5', :rxtx_factor => '3.0',
                  :is_public => true, :project => 'id-more', :project_name => 'more', :properties => { 'c' => 'd' } },
    :path => '/flavors/detail',
    :world => { '/flavors/7/os-flavor-access' => { 'flavor_access' => [{ 'tenant_id' => 'id-project' }] },
                '/flavors/new/os-flavor-access' => { 'flavor_access' => [] } },
    :things => [{ 'id' => '7', 'name' => 'thing', 'ram' => 512, 'disk' => 5, 'vcpus' => 2, 'OS-FLV-EXT-DATA:ephemeral' => 3, 'swap' => 4,
                  'rxtx_factor' => 2.0, 'os-flavor-access:is_public' => false, 'extra_specs' => { 'a' => 'b' } }]
  },
  :nova_aggregate => {
    :title => 'thing', :values => { :availability_zone => 'zone', :metadata => { 'a' => 'b' }, :hosts => 'one' },
    :changes => { :availability_zone => 'other', :metadata => { 'c' => 'd' }, :hosts => 'two' },
    :world => { '/os-services' => [{ 'id' => '1', 'binary' => 'nova-compute', 'host' => 'one' }] },
    :path => '/os-aggregates',
    :things => [{ 'id' => 'the-id', 'name' => 'thing', 'availability_zone' => 'zone', 'hosts' => ['one'],
                  'metadata' => { 'a' => 'b', 'availability_zone' => 'zone' } }],
    :elsewhere => {
      :filter_hosts => lambda do |run|
        [true, false].map { |value| run.create({ :hosts => 'one,unknown', :filter_hosts => value }) }.uniq.length == 2
      end
    }
  },
  :nova_service => {
    :title => 'host', :values => { :service_name => ['nova-compute'] }, :changes => { :service_name => ['nova-conductor'] },
    :path => '/os-services', :things => [{ 'id' => 'the-id', 'host' => 'host', 'binary' => 'nova-compute' }],
    # The type can only remove services: the attribute chooses which.
    :elsewhere => {
      :service_name => lambda do |run|
        ['nova-compute', 'nova-conductor'].map { |value| run.destroy({ :service_name => [value] }) }.uniq.length == 2
      end
    }
  },
  :glance_image => {
    :title => 'thing', :required => { :source => SOURCE, :container_format => 'bare', :disk_format => 'raw' },
    :values => { :id => '2b6ec4f8-4d41-4c1c-a8ae-4f64a4f5b7a7', :location => 'http://l', :is_public => false, :container_format => 'ovf',
                 :disk_format => 'iso', :source => SOURCE, :min_ram => 5, :min_disk => 6, :project_name => 'project', :project_id => 'p',
                 :properties => { 'a' => 'b' }, :image_tag => 'tag' },
    :together => { :location => { :source => nil } },
    :changes => { :id => '11111111-4d41-4c1c-a8ae-4f64a4f5b7a7', :location => 'http://m', :is_public => true, :container_format => 'bare', :disk_format => 'raw',
                  :min_ram => 7, :min_disk => 8, :project_id => 'q', :properties => { 'c' => 'd' }, :image_tag => 'other' },
    :path => '/images',
    :things => [{ 'id' => '2b6ec4f8-4d41-4c1c-a8ae-4f64a4f5b7a7', 'name' => 'thing', 'status' => 'active', 'visibility' => 'private',
                  'container_format' => 'ovf', 'disk_format' => 'iso', 'min_ram' => 5, 'min_disk' => 6, 'owner' => 'p', 'a' => 'b',
                  'tags' => ['tag'] }],
    :elsewhere => {
      :source => lambda do |run|
        other = File.join(FOLDER, 'other').tap { |path| File.write(path, 'other data') }
        [SOURCE, other].map { |value| run.create({ :source => value }) }.uniq.length == 2
      end,
      :proxy => lambda do |run|
        asked = nil
        PuppetX::Stackwright::Download.define_singleton_method(:fetch) { |_url, _file, proxy: nil| asked = proxy }
        run.create({ :source => 'http://images.example.test/i', :proxy => 'http://p:3128' })
        asked == 'http://p:3128'
      end
    }
  },
  :cinder_type => {
    :title => 'thing', :values => { :properties => ['key=value'], :is_public => false, :access_project_ids => ['one'] },
    :together => { :access_project_ids => { :is_public => false } },
    :changes => { :properties => ['other=value'], :is_public => true, :access_project_ids => ['two'] },
    :world => { '/types/the-id/os-volume-type-access' => { 'volume_type_access' => [{ 'project_id' => 'one' }] } },
    :path => '/types', :things => [{ 'id' => 'the-id', 'name' => 'thing', 'is_public' => false, 'extra_specs' => { 'key' => 'value' } }]
  },
}.freeze

# Puppet's own.
META = (Puppet::Type.metaparams + [:provider, :ensure, :name]).freeze

# One type's provider, on the stand-in for the API.
class Runner
  attr_reader :type, :provider

  def initialize(name, provider)
    @name = name
    @case = CASES.fetch(name)
    @type = Puppet::Type.type(name)
    @provider = @type.provider(provider)
  end

  def resource(values, existing:)
    known = BASE.merge(@case[:world] || {})
    things = @case[:things].flatten.map { |thing| JSON.parse(JSON.generate(thing)) }
    known = known.merge(@case[:path] => (known[@case[:path]] || []) + things) if existing
    known = known.merge(@case[:path] => []) if !existing && known[@case[:path]].nil?
    @session = FakeSession.new(known)
    session = @session
    PuppetX::Stackwright::Session.define_singleton_method(:for) { |*| session }
    given = (@case[:required] || {}).merge(values).compact.select { |key, _| key == :title || @type.validattr?(key) }
    @type.new({ :title => @case[:title], :ensure => :present, :provider => @provider.name }.merge(given))
  end

  # The requests by which a resource is made.
  def create(values)
    made = resource(values, :existing => false)
    made.provider.create
    made.provider.flush if made.provider.respond_to?(:flush)
    @session.requests + conf
  end

  def destroy(values)
    resource(values, :existing => true).provider.destroy
    @session.requests
  end

  # What the getter says of the existing resource.
  def getter(values, attribute)
    resource(values, :existing => true).provider.send(attribute)
  end

  # Whether the existing resource counts as being in the state of `values`.
  def in_sync?(values, attribute)
    made = resource(values, :existing => true)
    made.property(attribute).safe_insync?(made.provider.send(attribute))
  end

  # The requests by which the existing resource is changed; the message where the change is refused.
  def change(values, attribute)
    made = resource(values, :existing => true)
    made.provider.send("#{attribute}=", made.property(attribute).should)
    made.provider.flush if made.provider.respond_to?(:flush)
    @session.requests + conf
  rescue Puppet::Error => e
    e.message
  end

  # Settings of keystone.conf, which a provider may change too.
  def conf
    path = File.join(FOLDER, 'keystone.conf')
    found = File.exist?(path) ? [File.read(path)] : []
    File.write(path, '')
    found.reject(&:empty?)
  end

  # How the attribute is dealt with; raises with the reason where it is not.
  def check(attribute)
    return 'refused by the type' if refused_by_type?(attribute)
    found = []
    property = @type.validproperty?(attribute)
    if (titles = @case[:titles]) && titles.key?(attribute)
      raise 'the title makes no difference' if create({}) == create(:title => titles[attribute])
      return 'part of the title'
    end
    if (shown = (@case[:elsewhere] || {})[attribute])
      raise 'makes no difference' unless shown.call(self)
      found << 'used'
    else
      value = @case[:values].fetch(attribute) { raise 'is new: the contract has no value for it' }
      found.concat(created(attribute, value))
      raise 'is ignored by create' if found.empty?
      return found.join(', ') if found == ['refused']
    end
    return found.join(', ') unless property
    read_and_change(attribute, found)
    found.join(', ')
  end

  private

  def refused_by_type?(attribute)
    @type.new(:title => @case[:title], attribute => 'x')
    false
  rescue Puppet::Error => e
    e.message =~ /read.?only/i && e.message.include?(attribute.to_s)
  end

  # Compares the requests with those without the attribute; where the type or the provider demands it, with those for
  # another value.
  def created(attribute, value)
    more = together(attribute)
    with = begin
      create(more.merge(attribute => value))
    rescue Puppet::Error => e
      raise unless e.message.include?(attribute.to_s)
      return ['refused']
    end
    without = begin
      create(more.merge(attribute => nil))
    rescue StandardError
      create(more.merge(attribute => @case[:changes].fetch(attribute)))
    end
    with == without ? [] : ['created']
  end

  def together(attribute)
    (@case[:together] || {}).fetch(attribute, {})
  end

  def read_and_change(attribute, found)
    raise 'has no getter' unless @provider.method_defined?(attribute)
    raise 'is not read from the API' unless in_sync?(together(attribute).merge(attribute => @case[:values][attribute]), attribute)
    raise 'has no setter' unless @provider.method_defined?("#{attribute}=")
    wanted = { attribute => @case[:changes].fetch(attribute) { raise 'is new: the contract has no second value for it' } }
    raise 'is always in sync' if in_sync?(together(attribute).merge(wanted), attribute)
    sent = change(together(attribute).merge(wanted), attribute)
    if sent.is_a?(String)
      raise "is refused without its name: #{sent}" unless sent.include?(attribute.to_s)
      found << 'change refused'
    else
      same = change(together(attribute).merge(attribute => @case[:values][attribute]), attribute)
      raise 'is ignored by its setter' if sent.empty? || sent == same
      found << 'changed'
    end
  end
end

# The providers that parse a file once: each inherits all from the stock one but `config`, and writes through it.
CONFIG = "[DEFAULT]\n# a comment\nold = 1\nsame = 2\nmany = a\nmany = b\n\n[section]\nother = 3\n".freeze
SETTINGS = [
  ['DEFAULT/old', { :value => '5' }], ['DEFAULT/same', { :value => '2' }], ['DEFAULT/many', { :value => ['a', 'c'] }],
  ['section/other', { :ensure => :absent }], ['fresh/new', { :value => 'x' }],
].freeze

def check_cached(name, handled)
  type = Puppet::Type.type(name)
  cached, stock = type.provider(:cached), type.provider(:openstackconfig)
  raise 'its stock provider is of another kind, and ours is not made' if cached.nil?
  raise 'the stock provider has no private method config' unless stock.private_method_defined?(:config)
  raise 'ours is not the default' unless type.defaultprovider == cached
  texts = [stock, cached].map do |provider|
    path = File.join(FOLDER, "#{name}.conf")
    File.write(path, CONFIG)
    provider.define_singleton_method(:file_path) { path }
    SETTINGS.each do |title, values|
      resource = type.new({ :title => title, :ensure => :present, :provider => provider.name }.merge(values))
      is = resource.provider.exists?
      if resource[:ensure] == :absent
        resource.provider.destroy if is
      elsif !is
        resource.provider.create
      elsif !resource.property(:value).safe_insync?(resource.provider.value)
        resource.provider.value = resource.property(:value).should
      end
      resource.provider.flush if resource.provider.respond_to?(:flush)
    end
    File.read(path)
  end
  raise 'writes another file than the stock provider' unless texts[0] == texts[1] && texts[0] != CONFIG
  (type.validproperties + type.parameters - META).each do |attribute|
    if type.validproperty?(attribute) && !(cached.method_defined?(attribute) && cached.method_defined?("#{attribute}="))
      raise "#{attribute} has no getter or no setter"
    end
    handled["#{name}.#{attribute}"] = 'as the stock provider'
  end
end

def overrides(kind)
  Dir[File.join(LIB, "puppet/provider/*/#{kind}.rb")].sort.map { |path| File.basename(File.dirname(path)).to_sym }
    .reject { |name| name.to_s.start_with?('stackwright_') }
end

handled, problems, absent = {}, [], []
if Puppet::Type.type(:keystone_config)
  Puppet::Type.type(:keystone_config).provider(:openstackconfig).define_singleton_method(:file_path) { File.join(FOLDER, 'keystone.conf') }
end
File.write(File.join(FOLDER, 'keystone.conf'), '')
overrides('rest').each do |name|
  type = Puppet::Type.type(name)
  next absent << name if type.nil?
  if (provider = type.provider(:rest)).nil? || type.defaultprovider != provider
    next problems << "#{name}: our provider is not the default"
  end
  next problems << "#{name}: the contract has no case for this type" unless CASES.key?(name)
  runner = Runner.new(name, :rest)
  attributes = (type.validproperties + type.parameters + type.key_attributes).uniq - META
  ['create', 'destroy', 'exists?'].each do |method|
    problems << "#{name}: #{method} is missing" unless provider.method_defined?(method)
  end
  attributes.sort.each do |attribute|
    handled["#{name}.#{attribute}"] = runner.check(attribute)
  rescue StandardError => e
    problems << "#{name}: #{attribute} #{e.message}"
    warn e.backtrace.first(8).join("\n") if ENV['CONTRACT_TRACE']
  end
end
overrides('cached').each do |name|
  next absent << name if Puppet::Type.type(name).nil?
  check_cached(name, handled)
rescue StandardError => e
  problems << "#{name}: #{e.message}"
end
puts JSON.generate('handled' => handled, 'problems' => problems, 'absent' => absent)
