require 'open3'
require 'tempfile'
require 'uri'

module PuppetX
  module Stackwright
    # Nova's cells in its API database. `nova-manage` takes four seconds to start, and takes URLs with passwords as
    # arguments, which every user of the host can read; the `mysql` command gets its login in a private file and its
    # statements on standard input.
    module NovaCells
      CELL0 = '00000000-0000-0000-0000-000000000000'.freeze

      # The database returned an error.
      class Error < StandardError; end

      class << self
        # The option file of the mysql command for a SQLAlchemy URL; nil if the URL has unsupported parts.
        def login_of(url)
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

        # name, uuid, transport_url, database_connection and disabled of each cell; nil if the answer is not understood.
        # A URL may be a template, which Nova fills in from nova.conf. Raises Error.
        def read(login)
          said = ask(login, "SELECT IFNULL(name, 'None'), uuid, transport_url, database_connection, " \
                            "IF(disabled, 'True', 'False') FROM cell_mappings ORDER BY uuid;")
          rows = said.lines.map { |line| line.chomp.split("\t", -1) }
          rows.all? { |row| row.length == 5 } ? rows : nil
        end

        # Whether Nova fills in one of these values.
        def template?(values)
          values.any? { |value| value =~ /[{}]/ }
        end

        # [uuid, transport URL, database URL] of each cell whose URLs differ from nova.conf. Cells whose database has
        # another name are not managed here; templates follow nova.conf by themselves.
        def stale(rows, transport, connection)
          rows.map do |_, uuid, known_transport, known_connection, _|
            wanted = uuid == CELL0 ? ['none:///', with_suffix(connection, '_cell0')] : [transport, connection]
            next if [known_transport, known_connection] == wanted || template?([known_transport, known_connection])
            next unless database(known_connection) == database(wanted[1])
            [uuid, *wanted]
          end.compact
        end

        # Writes the URLs of cells. Raises Error.
        def update(login, cells)
          ask(login, cells.map do |uuid, transport, connection|
            "UPDATE cell_mappings SET transport_url = #{literal(transport)}, " \
              "database_connection = #{literal(connection)} WHERE uuid = #{literal(uuid)};\n"
          end.join)
        end

        private

        # Like `nova-manage cell_v2 map_cell0`.
        def with_suffix(url, suffix)
          base, mark, query = url.partition('?')
          "#{base}#{suffix}#{mark}#{query}"
        end

        def database(url)
          url.partition('?').first[%r{/([^/]*)\z}, 1]
        end

        # Hexadecimal digits need no quoting.
        def literal(text)
          "CONVERT(X'#{text.unpack1('H*')}' USING utf8mb4)"
        end

        def ask(login, statements)
          said, wrong, status = Tempfile.create('stackwright-cells') do |file|
            file.write(login)
            file.close
            Open3.capture3('mysql', "--defaults-file=#{file.path}", '--batch', '--raw', '--skip-column-names',
                           :stdin_data => statements)
          end
          raise Error, wrong.strip unless status.success?
          said
        rescue SystemCallError => e
          raise Error, e.message
        end
      end
    end
  end
end
