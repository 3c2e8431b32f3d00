require_relative '../../../puppet_x/stackwright/identity'

# The type exists since release 24 of the modules; with older ones, this file is not loaded.
Puppet::Type.type(:keystone_implied_role).provide(
  :rest, :parent => PuppetX::Stackwright::IdentityProvider, :source => :openstack
) do
  desc 'Manages implied roles through the Identity API.'
  takes_precedence

  def self.instances
    inferences.all.flat_map do |inference|
      (inference['implies'] || []).map do |implied|
        new(:name => "#{inference['prior_role']['name']}@#{implied['name']}", :ensure => :present,
            :thing => { 'id' => [inference['prior_role']['id'], implied['id']] })
      end
    end
  end

  def self.inferences
    session.collection(:identity, '/role_inferences', 'role_inferences')
  end

  def look
    prior = self.class.find_role(@resource[:role])
    implied = self.class.find_role(@resource[:implied_role])
    return nil unless prior && implied
    inference = self.class.inferences.find { |i| i['prior_role']['id'] == prior['id'] }
    return nil unless inference && inference['implies'].any? { |i| i['id'] == implied['id'] }
    { 'id' => [prior['id'], implied['id']] }
  end

  def create
    pair = [@resource[:role], @resource[:implied_role]].map do |name|
      self.class.find_role(name) || raise(Puppet::Error, "there is no role #{name}")
    end
    session.put(:identity, path(pair.map { |role| role['id'] }))
    self.class.inferences.expire
  end

  def destroy
    session.delete(:identity, path(id))
    self.class.inferences.expire
  end

  private

  def path(ids)
    "/roles/#{ids[0]}/implies/#{ids[1]}"
  end
end
