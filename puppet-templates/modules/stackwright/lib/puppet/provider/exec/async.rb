require_relative '../../../puppet_x/stackwright/async'

Puppet::Type.type(:exec).provide :async, :parent => :posix do
  desc <<-EOT
    As posix, for a command that a `stackwright_async` resource may have started: its end is waited for then. It is run
    where none was started, and where it is tried again.
  EOT
  has_feature :umask

  alias_method :run_now, :run

  def run(command, check = false)
    output, code = PuppetX::Stackwright::Async.take(resource.ref) unless check
    return super unless code

    ended = Puppet::Util::Execution::ProcessOutput.new(output, code)
    [ended, ended]
  end
end
