require_relative '../../../puppet_x/stackwright/identity'

# One resource represents all roles of a user on one target: a project, a domain or the system.
Puppet::Type.type(:keystone_user_role).provide(
  :rest, :parent => PuppetX::Stackwright::IdentityProvider, :source => :openstack
) do
  desc 'Manages role assignments through the Identity API.'
  takes_precedence

  # Roles that are inherited by children of a target, or assigned to groups, are not managed here.
  def self.direct
    assignments.select { |a| a['user'] && !(a['scope'] || {}).key?('OS-INHERIT:inherited_to') }
  end

  def self.instances
    role_names = names(roles.all)
    domain_names = names(domains.all)
    people = domains.all.flat_map { |d| users(d['id']).all }.map { |user| [user['id'], user] }.to_h
    places = domains.all.flat_map { |d| projects(d['id']).all }.map { |project| [project['id'], project] }.to_h
    direct.group_by { |a| [a['user']['id'], a['scope']] }.map do |(user_id, scope), group|
      user = people[user_id]
      next if user.nil?
      target = title_of(scope, places, domain_names)
      name = "#{resource_to_name(domain_names[user['domain_id']], user['name'], false)}@#{target}"
      given = group.map { |a| role_names[a['role']['id']] }.compact
      new(:name => name, :ensure => :present, :thing => { 'roles' => given, 'path' => path_of(user_id, scope) })
    end.compact
  end

  def self.names(list)
    list.map { |item| [item['id'], item['name']] }.to_h
  end

  def self.title_of(scope, places, domain_names)
    if scope['project']
      project = places[scope['project']['id']] || { 'name' => scope['project']['id'], 'domain_id' => nil }
      resource_to_name(domain_names[project['domain_id']] || project['domain_id'].to_s, project['name'], false)
    elsif scope['domain']
      "::#{domain_names[scope['domain']['id']]}"
    else
      '::::all'
    end
  end

  def self.path_of(user_id, scope)
    kind = ['project', 'domain'].find { |k| scope.key?(k) }
    base = kind ? "/#{kind}s/#{scope[kind]['id']}" : '/system'
    "#{base}/users/#{user_id}/roles"
  end

  [:user, :user_domain, :project, :project_domain, :domain, :system].each do |name|
    define_method(name) { @resource[name] }
  end

  def look
    user_id, scope = who_and_where
    return nil if scope.nil?
    names = self.class.names(self.class.roles.all)
    held = self.class.direct.select { |a| a['user']['id'] == user_id && same?(a['scope'], scope) }
    return nil if held.empty?
    { 'roles' => held.map { |a| names[a['role']['id']] }.compact, 'path' => self.class.path_of(user_id, scope) }
  end

  # Role names are compared without regard to case, like in Keystone.
  def roles
    wanted = Array(@resource[:roles])
    thing['roles'].map { |name| wanted.find { |w| w.casecmp(name).zero? } || name }
  end

  def roles=(wanted)
    wanted = Array(wanted)
    held = roles
    (wanted - held).each { |name| give(name) }
    (held - wanted).each { |name| take(name) }
  end

  def create
    Array(@resource[:roles]).each { |name| give(name) }
  end

  def destroy
    thing['roles'].each { |name| take(name) }
  end

  private

  # [user id, scope as in role assignments]; nil for each that does not exist (yet).
  def who_and_where
    user = self.class.find_user(@resource[:user], @resource[:user_domain])
    return [nil, nil] if user.nil?
    if given(:project)
      target = self.class.find_project(given(:project), @resource[:project_domain])
      [user['id'], target && { 'project' => { 'id' => target['id'] } }]
    elsif given(:domain)
      target = self.class.find_domain(given(:domain))
      [user['id'], target && { 'domain' => { 'id' => target['id'] } }]
    else
      [user['id'], { 'system' => { 'all' => true } }]
    end
  end

  def same?(one, other)
    kind = other.keys.first
    return one.key?('system') if kind == 'system'
    one[kind] && one[kind]['id'] == other[kind]['id']
  end

  def give(name)
    user_id, scope = who_and_where
    if user_id.nil?
      raise Puppet::Error, "there is no user #{@resource[:user]} in domain #{@resource[:user_domain]}"
    end
    if scope.nil?
      where = given(:project) ? "project #{given(:project)} in domain #{@resource[:project_domain]}" : "domain #{given(:domain)}"
      raise Puppet::Error, "there is no #{where}"
    end
    role = need_role(name)
    session.put(:identity, "#{self.class.path_of(user_id, scope)}/#{role['id']}")
    added = { 'user' => { 'id' => user_id }, 'role' => { 'id' => role['id'] }, 'scope' => scope }
    self.class.assignments.all << added
  end

  def take(name)
    path = thing['path']
    role = need_role(name)
    session.delete(:identity, "#{path}/#{role['id']}")
    self.class.assignments.all.reject! do |a|
      a['user'] && a['role']['id'] == role['id'] && self.class.path_of(a['user']['id'], a['scope']) == path
    end
  end

  def need_role(name)
    self.class.find_role(name) || raise(Puppet::Error, "there is no role #{name}")
  end
end
