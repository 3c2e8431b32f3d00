require 'tempfile'

# The upstream provider passes passwords to rabbitmqctl as arguments, which every user of the host can read.
Puppet::Type.type(:rabbitmq_user).provide(
  :stdin, :parent => Puppet::Type.type(:rabbitmq_user).provider(:rabbitmqctl), :source => :rabbitmqctl
) do
  desc 'Manages users as its parent does, and passes passwords to rabbitmqctl on standard input.'
  defaultfor :kernel => 'linux'

  def create
    raise Puppet::Error, "password of RabbitMQ's user #{@resource[:name]} is missing" if @resource[:password].nil?

    with_password('add_user', @resource[:password])
    tags = @resource[:tags].dup
    tags << 'administrator' if @resource[:admin] == :true
    rabbitmqctl('set_user_tags', @resource[:name], tags) unless tags.empty?
    @property_hash[:ensure] = :present
  end

  def password=(password)
    with_password('change_password', password)
  end

  def check_password(password)
    with_password('authenticate_user', password)
    true
  rescue Puppet::ExecutionFailure => e
    raise unless e.message =~ /failed to authenticate|refused/i
    false
  end

  private

  # Runs a command of rabbitmqctl that reads the password from standard input if it is not an argument.
  def with_password(command, password)
    Tempfile.create('stackwright-rabbitmq') do |file|
      file.write("#{password}\n")
      file.close
      Puppet::Util::Execution.execute(
        [self.class.command(:rabbitmqctl), '-q', command, @resource[:name]],
        :failonfail => true, :combine => true, :stdinfile => file.path, :custom_environment => { :HOME => '/tmp' }
      )
    end
  end
end
