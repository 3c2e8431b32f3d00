require_relative '../../../puppet_x/stackwright/async'
require_relative '../../../puppet_x/stackwright/nova_cells'

# Nova has no API for its cells, and `nova-manage`, which lists them in every run, takes four seconds to start. This
# provider reads them from the database and prints them as `nova-manage` does. Everything else, and what it cannot read,
# is left to `nova-manage`.
Puppet::Type.type(:nova_cell_v2).provide(
  :database, :parent => Puppet::Type.type(:nova_cell_v2).provider(:nova_manage), :source => :nova_manage
) do
  desc "Lists Nova's cells from its API database, and leaves changes to nova-manage."
  defaultfor :kernel => 'linux'

  # Waits for a cell whose creation was started in the background. If that failed, it is created again here, which
  # reports the error.
  def self.prefetch(resources)
    resources.each_value { |resource| PuppetX::Stackwright::Async.take(resource.ref) }
    super
  end

  # The value that it compares with is an instance variable of the parent.
  def self.is_cell0(uuid)
    superclass.is_cell0(uuid)
  end

  def self.nova_manage_request(*args)
    (args.flatten == ['cell_v2', 'list_cells', '--verbose'] && cells_as_told) || super
  end

  # The table that `nova-manage cell_v2 list_cells --verbose` prints; nil if that is left to it.
  def self.cells_as_told
    login = PuppetX::Stackwright::NovaCells.login_of(nova_conf['api_database']['connection'].to_s.strip)
    rows = login && PuppetX::Stackwright::NovaCells.read(login)
    # | would break the table.
    return nil if rows.nil? || rows.any? { |row| PuppetX::Stackwright::NovaCells.template?(row) || row.join.include?('|') }
    line = '+--+'
    [line, '| Name | UUID | Transport URL | Database Connection | Disabled |', line,
     *rows.map { |row| "| #{row.join(' | ')} |" }, line].join("\n") + "\n"
  rescue StandardError => e
    Puppet.debug("the cells were not read from the database: #{e.class}")
    nil
  end
end
