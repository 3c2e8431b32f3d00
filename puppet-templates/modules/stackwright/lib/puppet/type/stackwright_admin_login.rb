require_relative '../../puppet_x/stackwright/session'

Puppet::Type.newtype(:stackwright_admin_login) do
  desc <<-EOT
    Makes sure that Keystone accepts the administrator's password of this catalog: where it refuses it, the password was
    changed in the answers, and the command of the exec resource `keystone bootstrap` sets it. That command needs no old
    password. The resource comes before all resources that log in to Keystone.
  EOT

  newparam(:name, :namevar => true) do
    desc 'Any text.'
  end

  newproperty(:ensure) do
    desc 'Whether Keystone accepts the password.'
    newvalue(:accepted) { @resource.bootstrap }
    defaultto :accepted

    def retrieve
      @resource.accepted? ? :accepted : :refused
    end
  end

  def accepted?
    PuppetX::Stackwright::Session.for('system').token_info
    true
  rescue PuppetX::Stackwright::Unauthorized
    false
  end

  def bootstrap
    exec = catalog.resource(:exec, 'keystone bootstrap')
    raise Puppet::Error, 'the catalog has no exec resource "keystone bootstrap"' unless exec
    output, status = exec.provider.run(exec[:command])
    # Its environment holds the password; its output does not.
    raise Puppet::Error, "keystone-manage bootstrap ended with #{status.exitstatus}: #{output}" unless status.exitstatus.zero?
    PuppetX::Stackwright::Session.for('system').token_info
  end
end
