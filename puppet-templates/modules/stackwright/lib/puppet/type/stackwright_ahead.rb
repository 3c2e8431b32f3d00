require_relative '../../puppet_x/stackwright/ahead'

Puppet::Type.newtype(:stackwright_ahead) do
  desc <<-EOT
    Starts the command of an exec resource with the provider `ahead` as soon as it is told to: when what it subscribes
    to has changed. Puppet goes on meanwhile, and waits for the command's end where the exec resource's turn comes.
  EOT

  newparam(:name, :namevar => true) do
    desc 'The title of the exec resource. Nothing happens where there is none.'
  end

  newparam(:after) do
    desc 'The title of another one, which was started: the command begins when that one has ended well.'
  end

  def refresh
    exec = catalog.resource(:exec, self[:name])
    return unless exec

    PuppetX::Stackwright::Ahead.start(exec.ref, self[:after] && "Exec[#{self[:after]}]") do
      output, status = exec.provider.run_now(exec[:command])
      [output, status.exitstatus]
    end
  end
end
