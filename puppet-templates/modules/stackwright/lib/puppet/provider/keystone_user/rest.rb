require_relative '../../../puppet_x/stackwright/identity'
require_relative '../../../puppet_x/stackwright/password_checks'

Puppet::Type.type(:keystone_user).provide(
  :rest, :parent => PuppetX::Stackwright::IdentityProvider, :source => :openstack
) do
  desc 'Manages users through the Identity API.'
  takes_precedence
  changeable :enabled, :password, :description, :email
  shown :email => 'email'

  def self.instances
    domains.all.flat_map do |domain|
      users(domain['id']).all.map do |user|
        new(:name => resource_to_name(domain['name'], user['name']), :ensure => :present, :thing => user)
      end
    end
  end

  def self.prefetch(resources)
    # From the catalog, because Puppet's hash is keyed by names, which users of two domains may share.
    type = resource_type
    @managed = resources.values.first.catalog.resources.select { |resource| resource.is_a?(type) }
    @managed.each { |resource| hide_password(resource) }
    @checks = nil
  end

  # Whether a password is correct. The first call tests the passwords of all users in parallel.
  def self.password_valid?(user_id, password)
    @checks ||= PuppetX::Stackwright::PasswordChecks.new(session, passwords_to_try)
    valid = @checks.take(user_id, password)
    valid.nil? ? session.password_valid?(user_id, password) : valid
  end

  # [user id, password] of all managed users that exist and whose passwords matter.
  def self.passwords_to_try
    (@managed || []).map do |resource|
      next if resource[:ensure] == :absent || !tells?(resource)
      user = find_user(resource[:name], resource[:domain])
      user && [user['id'], resource[:password]]
    end.compact
  end

  # Disabled users cannot log in with any password, and some passwords are only initial ones.
  def self.tells?(resource)
    resource[:password] && resource[:enabled] != :false && resource[:replace_password] != :false
  end

  # Without this, Puppet writes a new password in plain text to its report and its transaction store.
  def self.hide_password(resource)
    property = resource.parameter(:password)
    property.sensitive = true if property
  end

  def look
    self.class.find_user(@resource[:name], @resource[:domain])
  end

  def exists?
    self.class.hide_password(@resource)
    super
  end

  # LDAP drivers may not return it.
  def enabled
    symbol(thing['enabled'] != false)
  end

  def description
    thing['description'] || ''
  end

  # Keystone never returns a password, so it is tested with a login.
  def password
    wanted = @resource[:password]
    return nil if wanted.nil?
    return wanted unless self.class.tells?(@resource)
    self.class.password_valid?(id, wanted) ? wanted : nil
  end

  def create
    domain = need_domain(@resource[:domain])
    attributes = { 'name' => @resource[:name], 'domain_id' => domain['id'],
                   'enabled' => @resource[:enabled] != :false }
    [:password, :description, :email].each do |name|
      attributes[name.to_s] = @resource[name] if @resource[name]
    end
    make_in(self.class.users(domain['id']), '/users', 'user', attributes, :secrets => secrets)
  end

  def destroy
    session.delete(:identity, "/users/#{id}")
    self.class.users(thing['domain_id']).drop(id)
    self.class.assignments.expire
  end

  def flush
    return if @changes.empty?
    attributes = {}
    attributes['enabled'] = @changes[:enabled] == :true if @changes[:enabled]
    [:password, :description, :email].each do |name|
      attributes[name.to_s] = @changes[name] if @changes[name]
    end
    change_in(self.class.users(thing['domain_id']), "/users/#{id}", 'user', attributes, :secrets => secrets)
    @changes.clear
    forget
  end

  private

  def secrets
    [@resource[:password]].compact
  end
end
