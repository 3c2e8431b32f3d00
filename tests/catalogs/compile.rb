# Compiles catalogs with the real Puppet and the real modules, without a server, root or anything in /etc.
#
#   ruby compile.rb MODULEPATH
#
# Reads one job per line from standard input, as JSON: {name, manifest, hieradata, facts, applied}. Answers each with one
# line: {name, ok, error, warnings, resources: {"Type[title]": {parameter: value}}}. A setting of a configuration file
# also has `stackwright_file`, the file that its provider writes. With `applied`, the resources are those that Puppet
# would apply, with the values that their types make of them and without a mask for secrets. Converting to the RAL finds dangling
# references and bad values that compiling lets pass; the graph of it finds rings.
#
# The first catalog takes most of its time to parse modules and to load types. They are kept, so that a later one takes a
# third; hence one process per module path, which answers job after job.
require 'json'
require 'tmpdir'
require 'puppet'

# Puppet hands its messages to a destination of this name, by name. They are kept, and never printed: they may quote
# hieradata.
module Puppet::Test
  class LogCollector
    attr_reader :messages

    def initialize
      @messages = []
    end

    def <<(message)
      @messages << message
      self
    end
  end
end

ROOTS = ARGV[0].split(':').freeze

# No module changes while this runs, and all catalogs have the same. So what Puppet looks for again and again, in each
# catalog and for each resource, is looked for once: half of the time went there.
module OnceOnly
  # The files of types and templates.
  Files = Module.new do
    define_method(:exist?) do |path|
      text = path.to_s
      next super(path) unless text.start_with?(*ROOTS)

      @seen ||= {}
      @seen.fetch(text) { @seen[text] = super(path) }
    end
  end

  # It is asked for the type of each resource by each collector, and looks for its environment first.
  module Types
    def type(name)
      @by_name ||= {}
      @by_name[name] || super.tap { |found| @by_name[name] = found if found }
    end
  end

  # A name that no Ruby type has, so that of every define, is looked for in every module each time.
  module BuiltIn
    def find_builtin_resource_type(scope, name)
      @by_name ||= {}
      @by_name.fetch(name) { @by_name[name] = super }
    end
  end

  # Templates, which are parsed each time they are used.
  module Templates
    def parse_file(path)
      PARSED[path] ||= super
    end
    PARSED = {}
  end
end

# A collector goes through all resources of its catalog for those of one type, in every round.
module ByType
  module Catalog
    def of_type(type)
      @by_type ||= Hash.new { |all, name| all[name] = [] }
      @sorted ||= 0
      resources.drop(@sorted).each { |resource| @by_type[resource.type] << resource }
      @sorted = resources.size
      @by_type.fetch(type, [])
    end
  end

  module Collector
    def collect
      scope.compiler.of_type(@type).select { |resource| @query ? @query.call(resource) : true }
    end
  end
end

require 'puppet/parser'
unless ENV['PLAIN_PUPPET'] # a test compares
  Puppet::FileSystem.singleton_class.prepend(OnceOnly::Files)
  Puppet::Type.singleton_class.prepend(OnceOnly::Types)
  Puppet::Pops::Evaluator::Runtime3ResourceSupport.singleton_class.prepend(OnceOnly::BuiltIn)
  Puppet::Pops::Parser::EvaluatingParser::EvaluatingEppParser.prepend(OnceOnly::Templates)
  Puppet::Parser::Compiler.prepend(ByType::Catalog)
  Puppet::Pops::Evaluator::Collectors::CatalogCollector.prepend(ByType::Collector)
end

base = Dir.mktmpdir('compile')
at_exit { FileUtils.remove_entry(base) }
%w[code conf var data].each { |d| Dir.mkdir(File.join(base, d)) }
hiera = File.join(base, 'hiera.yaml')
# A file of its own for each job: Puppet keeps what it has read of one.
layer = { 'name' => 'all', 'path' => '%{facts.compiled_job}.yaml' }
defaults = { 'datadir' => File.join(base, 'data'), 'data_hash' => 'yaml_data' }
File.write(hiera, { 'version' => 5, 'hierarchy' => [layer], 'defaults' => defaults }.to_yaml)
Puppet.initialize_settings(['--confdir', "#{base}/conf", '--vardir', "#{base}/var", '--codedir', "#{base}/code", '--hiera_config', hiera])
Puppet[:strict_variables] = false
Puppet[:node_terminus] = 'plain'

ENVIRONMENT = Puppet::Node::Environment.create(:production, ROOTS)
# As `puppet apply` does.
ENVIRONMENT.each_plugin_directory { |dir| $LOAD_PATH << dir unless $LOAD_PATH.include?(dir) }
LOADERS = Puppet::Pops::Loaders.new(ENVIRONMENT)

def shown(value)
  value.is_a?(Puppet::Pops::Types::PSensitiveType::Sensitive) ? '(sensitive)' : value.to_s
end

# A value as JSON knows it: texts, and lists and tables of them.
def plain(value)
  case value
  when Array then value.map { |one| plain(one) }
  when Hash then value.to_h { |k, v| [k.to_s, plain(v)] }
  when Puppet::Pops::Types::PSensitiveType::Sensitive then plain(value.unwrap)
  else value.to_s
  end
end

# A resource as Puppet applies it. The type of files keeps a checksum in the place of their content.
def applied(resource)
  resource.to_hash.to_h do |name, value|
    parameter = resource.parameter(name)
    value = parameter.actual_content if parameter.respond_to?(:actual_content)
    [name.to_s, plain(value)]
  end
end

# The file that the providers of a type write their settings to, if they have one for all.
def written_file(name)
  FILES.fetch(name) do
    type = Puppet::Type.type(name)
    providers = type ? type.providers.map { |provider| type.provider(provider) } : []
    FILES[name] = providers.filter_map { |provider| provider.file_path if provider.respond_to?(:file_path) }.first
  end
end
FILES = {}

# The manifest becomes the environment's main class, in the place of the one before it.
def import(manifest)
  known = ENVIRONMENT.known_resource_types
  known.instance_variable_get(:@hostclasses).delete('')
  parser = Puppet::Parser::ParserFactory.parser
  parser.string = manifest
  known.import_ast(parser.parse, '')
end

# Types that a manifest defined itself go with it: loaders keep what they have, and take no second one of that name.
def forget(loader)
  loader.instance_variable_get(:@named_values).delete_if { |_, entry| entry.origin.to_s.start_with?('string:') }
end

def compile(job)
  environments = Puppet::Environments::Static.new(ENVIRONMENT)
  Puppet.override(current_environment: ENVIRONMENT, environments: environments, loaders: LOADERS) do
    forget(LOADERS.private_environment_loader)
    forget(LOADERS.public_environment_loader)
    import(job['manifest'])
    facts = Puppet::Node::Facts.new(job['name'], job['facts'])
    node = Puppet::Node.new(job['name'], facts: facts, environment: ENVIRONMENT)
    node.merge(facts.values)
    node.add_server_facts({})
    node.trusted_data = { 'authenticated' => 'local', 'certname' => job['name'], 'extensions' => {} }
    catalog = Puppet::Parser::Compiler.compile(node)
    ral = catalog.to_ral
    # Each fragment of a file asks for all of them, and gets a new list.
    all = ral.resources.freeze
    ral.define_singleton_method(:resources) { all } unless ENV['PLAIN_PUPPET']
    graph = Puppet::Graph::RelationshipGraph.new(Puppet::Graph::SequentialPrioritizer.new)
    graph.populate_from(ral)
    # It logs what it finds, and raises nothing.
    raise Puppet::Error, 'the catalog has a dependency cycle' if graph.report_cycles_in_graph
    if job['applied']
      return all.grep_v(Puppet::Type::Component).to_h { |r| [r.ref, applied(r)] }
    end
    catalog.resources.reject { |r| r.type.to_s == 'Stage' }.to_h do |r|
      file = written_file(r.type.to_s.downcase)
      [r.ref, r.to_hash.to_h { |k, v| [k.to_s, shown(v)] }.merge(file ? { 'stackwright_file' => file } : {})]
    end
  end
end

$stdin.each_line.with_index do |line, number|
  job = JSON.parse(line)
  job['facts']['compiled_job'] = "job-#{number}"
  File.write(File.join(base, 'data', "job-#{number}.yaml"), job['hieradata'])
  log = Puppet::Test::LogCollector.new
  Puppet::Util::Log.close_all
  Puppet::Util::Log.newdestination(log)
  # Puppet says some things only once.
  Puppet.clear_deprecation_warnings
  begin
    out = { name: job['name'], ok: true, resources: compile(job) }
  rescue StandardError, ScriptError => e
    out = { name: job['name'], ok: false, error: e.message }
  end
  out[:warnings] = log.messages.select { |m| %i[warning err alert crit emerg].include?(m.level) }.map { |m| m.message.to_s }.uniq
  puts JSON.generate(out)
  $stdout.flush
end
