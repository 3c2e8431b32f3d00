require_relative '../../../puppet_x/stackwright/identity'

Puppet::Type.type(:keystone_domain).provide(
  :rest, :parent => PuppetX::Stackwright::IdentityProvider, :source => :openstack
) do
  desc 'Manages domains through the Identity API.'
  takes_precedence
  changeable :enabled, :description, :is_default
  shown :description => 'description'

  def self.instances
    domains.all.map { |domain| new(:name => domain['name'], :ensure => :present, :thing => domain) }
  end

  # The id in identity/default_domain_id of keystone.conf, otherwise 'default'.
  def self.default_domain_id
    entry = Puppet::Resource.indirection.find('Keystone_config/identity/default_domain_id')
    return 'default' unless entry && entry[:ensure] == :present
    Array(entry[:value]).first || 'default'
  rescue StandardError
    'default'
  end

  def look
    self.class.find_domain(@resource[:name])
  end

  def enabled
    symbol(thing['enabled'] != false)
  end

  def is_default
    symbol(id == self.class.default_domain_id)
  end

  def create
    attributes = { 'name' => @resource[:name], 'enabled' => @resource[:enabled] != :false }
    attributes['description'] = @resource[:description] if @resource[:description]
    make_in(self.class.domains, '/domains', 'domain', attributes)
    forget
    default_in_configuration(true) if @resource[:is_default] == :true
  end

  # Keystone deletes only disabled domains.
  def destroy
    was_default = is_default == :true
    session.patch(:identity, "/domains/#{id}", { 'domain' => { 'enabled' => false } })
    session.delete(:identity, "/domains/#{id}")
    self.class.domains.drop(id)
    self.class.assignments.expire
    default_in_configuration(false) if was_default
  end

  def flush
    return if @changes.empty?
    attributes = {}
    attributes['enabled'] = @changes[:enabled] == :true if @changes[:enabled]
    attributes['description'] = @changes[:description] if @changes[:description]
    change_in(self.class.domains, "/domains/#{id}", 'domain', attributes) unless attributes.empty?
    default_in_configuration(@changes[:is_default] == :true) if @changes[:is_default]
    @changes.clear
    forget
  end

  private

  # Written like upstream does: with the provider of keystone_config.
  def default_in_configuration(present)
    setting = Puppet::Type.type(:keystone_config).new(:title => 'identity/default_domain_id', :value => id)
    entry = Puppet::Type.type(:keystone_config).provider(:openstackconfig).new(setting)
    current = self.class.default_domain_id
    if present
      entry.create unless current == id
    elsif current == id
      unless entry.exists?
        raise Puppet::Error, "is_default of domain #{id} cannot be changed to false, because it is Keystone's default domain"
      end
      entry.destroy
    end
  end
end
