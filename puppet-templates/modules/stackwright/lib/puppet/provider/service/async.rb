require_relative '../../../puppet_x/stackwright/async'

Puppet::Type.type(:service).provide :async, :parent => :systemd do
  desc <<-EOT
    As systemd, but nobody waits for a unit that is started or restarted, until a `stackwright_wait_services` resource asks
    whether all went well. Units of OpenStack take 3 to 15 seconds each until they say that they are ready.
  EOT

  # Never the default provider: services that use it need stackwright_wait_services.
  def self.specificity
    -1
  end

  def start
    in_background { super }
  end

  def restart
    in_background { super }
  end

  private

  def in_background
    PuppetX::Stackwright::Async.start(resource.ref) do
      yield
      ['', 0]
    rescue Puppet::Error => e
      # The error contains lines of the unit's journal.
      [e.message, 1]
    end
  end
end
