require 'puppet/util/inifile'
require_relative '../../puppet_x/stackwright/nova_cells'

Puppet::Type.newtype(:stackwright_nova_cell_urls) do
  desc <<-EOT
    Writes the URLs of the database and of the message broker, which Nova keeps for each of its cells, as nova.conf has
    them. `nova-manage db sync` reads them, and fails where one still has an old password; it cannot update them itself.
  EOT

  newparam(:name, :namevar => true) do
    desc 'Any text.'
  end

  newparam(:conf) do
    desc "Path of Nova's configuration file."
    defaultto '/etc/nova/nova.conf'
  end

  newproperty(:ensure) do
    desc 'Whether the URLs are those of the configuration file.'
    newvalue(:current) { @resource.update }
    defaultto :current

    def retrieve
      @resource.stale.empty? ? :current : :stale
    end

    # The values hold passwords.
    def change_to_s(_is, _should)
      "updated the URLs of #{@resource.stale.length} cells"
    end
  end

  def stale
    @stale ||= find_stale
  end

  def update
    PuppetX::Stackwright::NovaCells.update(@login, stale)
  rescue PuppetX::Stackwright::NovaCells::Error => e
    raise Puppet::Error, "the URLs of Nova's cells cannot be written: #{e.message}"
  end

  private

  def find_stale
    return [] unless File.exist?(self[:conf])
    settings = Puppet::Util::IniConfig::File.new
    settings.read(self[:conf])
    transport, connection, api = [['DEFAULT', 'transport_url'], ['database', 'connection'], ['api_database', 'connection']]
                                 .map { |section, name| settings[section] && settings[section][name].to_s.strip }
    @login = api && PuppetX::Stackwright::NovaCells.login_of(api)
    return [] unless @login && transport && connection
    rows = PuppetX::Stackwright::NovaCells.read(@login)
    rows ? PuppetX::Stackwright::NovaCells.stale(rows, transport, connection) : []
  rescue PuppetX::Stackwright::NovaCells::Error => e
    # Before the first migration there are no cells. Other errors are reported by the migration that follows.
    Puppet.debug("the URLs of Nova's cells were not read: #{e.message}")
    []
  end
end
