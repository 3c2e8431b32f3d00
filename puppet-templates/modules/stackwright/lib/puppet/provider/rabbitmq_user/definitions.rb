require 'digest'
require 'etc'
require 'json'
require 'securerandom'
require 'tmpdir'

# The upstream provider passes passwords to rabbitmqctl as arguments, which every user of the host can read. rabbitmqctl
# would read them from standard input, too, but that of RabbitMQ 4.0 waits forever where there is no terminal.
Puppet::Type.type(:rabbitmq_user).provide(
  :definitions, :parent => Puppet::Type.type(:rabbitmq_user).provider(:rabbitmqctl), :source => :rabbitmqctl
) do
  desc 'Manages users as its parent does, and passes hashes of passwords to rabbitmqctl in a file of definitions.'
  defaultfor :kernel => 'linux'

  def create
    raise Puppet::Error, "password of RabbitMQ's user #{@resource[:name]} is missing" if @resource[:password].nil?

    import('name' => @resource[:name], 'tags' => [], **hashed(@resource[:password]))
    tags = @resource[:tags].dup
    tags << 'administrator' if @resource[:admin] == :true
    rabbitmqctl('set_user_tags', @resource[:name], tags) unless tags.empty?
    @property_hash[:ensure] = :present
  end

  def password=(password)
    import(exported.merge(hashed(password)))
  end

  def check_password(password)
    found = exported
    salt = found['password_hash'].to_s.unpack1('m')[0, 4]
    hashed(password, salt).all? { |key, value| found[key] == value }
  end

  private

  # The user as RabbitMQ exports it.
  def exported
    text = run('export_definitions', '-')
    users = JSON.parse(text[text.index('{')..-1])['users']
    users.find { |user| user['name'] == @resource[:name] } ||
      raise(Puppet::Error, "RabbitMQ does not export its user #{@resource[:name]}")
  end

  # Adds the user, or changes an existing one.
  def import(user)
    Dir.mktmpdir('stackwright-rabbitmq') do |folder|
      file = File.join(folder, 'definitions.json')
      File.write(file, JSON.generate('users' => [user]), :perm => 0o600)
      # rabbitmqctl becomes this user before it reads the file.
      reader = Etc.enum_for(:passwd).find { |user| user.name == 'rabbitmq' }
      File.chown(reader.uid, nil, folder, file) if reader && Process.uid.zero?
      run('import_definitions', file)
    end
  end

  # https://www.rabbitmq.com/docs/passwords#computing-password-hash
  def hashed(password, salt = SecureRandom.random_bytes(4))
    digest = Digest::SHA256.digest(salt.b + password.b)
    { 'password_hash' => [salt.b + digest].pack('m0'), 'hashing_algorithm' => 'rabbit_password_hashing_sha256' }
  end

  def run(*words)
    Puppet::Util::Execution.execute(
      [self.class.command(:rabbitmqctl), '-q', *words],
      :failonfail => true, :combine => false, :custom_environment => { :HOME => '/tmp' }
    )
  end
end
