require 'open3'
require 'tempfile'
require 'uri'
require_relative '../../../puppet_x/stackwright/async'

# Nova has no API for its cells, and `nova-manage` takes four seconds to start. That is asked for in every run; so the
# cells are read where it reads them, and told in its words. All else, and whatever cannot be read here, is left to it.
Puppet::Type.type(:nova_cell_v2).provide(
  :database, :parent => Puppet::Type.type(:nova_cell_v2).provider(:nova_manage), :source => :nova_manage
) do
  desc "Lists Nova's cells from its API database, and leaves changes to nova-manage."
  defaultfor :kernel => 'linux'

  # A cell whose creation was started in the background is there once that has ended; else it is created in its turn, and what is
  # wrong is told.
  def self.prefetch(resources)
    resources.each_value { |resource| PuppetX::Stackwright::Async.take(resource.ref) }
    super
  end

  # What it compares with is a variable of the parent's own.
  def self.is_cell0(uuid)
    superclass.is_cell0(uuid)
  end

  def self.nova_manage_request(*args)
    (args.flatten == ['cell_v2', 'list_cells', '--verbose'] && cells_as_told) || super
  end

  # The table that `nova-manage cell_v2 list_cells --verbose` prints; nil where the database cannot be asked.
  def self.cells_as_told
    login = login_of(nova_conf['api_database']['connection'].to_s.strip)
    rows = login && cells(login)
    return nil if rows.nil?
    line = '+--+'
    [line, '| Name | UUID | Transport URL | Database Connection | Disabled |', line,
     *rows.map { |row| "| #{row.join(' | ')} |" }, line].join("\n") + "\n"
  rescue StandardError => e
    Puppet.debug("the cells were not read from the database: #{e.class}")
    nil
  end

  # What the mysql command reads for a SQLAlchemy URL; nil for one with anything that is not understood.
  def self.login_of(url)
    found = url.match(
      %r{\Amysql(?:\+pymysql)?://([^:@/]+):([^@/]*)@(\[[^\]]+\]|[^:@/\[\]]+)(?::(\d+))?/(\w+)(?:\?charset=\w+)?\z}
    )
    return nil if found.nil?
    user, password = [found[1], found[2]].map { |text| URI::DEFAULT_PARSER.unescape(text) }
    values = { 'user' => user, 'password' => password, 'host' => found[3].delete('[]'), 'port' => found[4] || '3306',
               'database' => found[5], 'protocol' => 'tcp', 'connect_timeout' => '10' }
    return nil if values.values.any? { |value| value =~ /[\r\n]/ }
    "[mysql]\n" + values.map { |key, value| "#{key}=\"#{value.gsub(/["\\]/) { |one| "\\#{one}" }}\"\n" }.join
  end

  # name, uuid, transport_url, database_connection and disabled of each cell; nil for what only Nova can read.
  def self.cells(login)
    query = "SELECT IFNULL(name, 'None'), uuid, transport_url, database_connection, IF(disabled, 'True', 'False') " \
            'FROM cell_mappings ORDER BY uuid'
    said, status = Tempfile.create('stackwright-cells') do |file|
      file.write(login)
      file.close
      Open3.capture2('mysql', "--defaults-file=#{file.path}", '--batch', '--raw', '--skip-column-names',
                     '--execute', query, :err => File::NULL)
    end
    return nil unless status.success?
    rows = said.lines.map { |line| line.chomp.split("\t", -1) }
    # A URL may be a template that Nova fills from its own settings; and a table has bars of its own.
    rows.all? { |row| row.length == 5 && row.none? { |value| value =~ /[{}|]/ } } ? rows : nil
  end
end
