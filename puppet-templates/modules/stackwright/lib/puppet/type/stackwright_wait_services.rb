require_relative '../../puppet_x/stackwright/async'

Puppet::Type.newtype(:stackwright_wait_services) do
  desc <<-EOT
    Waits until the units are ready that services with the provider `async` have started so far, and fails where one is
    not. What needs them comes after this.
  EOT

  newparam(:name, :namevar => true) do
    desc 'Any text.'
  end

  newproperty(:ensure) do
    desc 'Whether all are ready.'
    newvalue(:running) do
      raise Puppet::Error, @failures.join("\n")
    end
    defaultto :running

    def retrieve
      ended = PuppetX::Stackwright::Async.pending.grep(/\AService\[/).map { |name| PuppetX::Stackwright::Async.take(name) }
      @failures = ended.compact.reject { |_, code| code.zero? }.map(&:first)
      @failures.empty? ? :running : :failed
    end
  end
end
