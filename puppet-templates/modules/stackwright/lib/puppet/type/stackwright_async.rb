require_relative '../../puppet_x/stackwright/async'

Puppet::Type.newtype(:stackwright_async) do
  desc <<-EOT
    Starts the command of an exec resource with the provider `async` as soon as it is told to: when what it subscribes
    to has changed. Puppet goes on meanwhile, and waits for the command's end where the exec resource's turn comes. Of
    another resource it is the creation; the resource's provider waits for it.
  EOT

  newparam(:name, :namevar => true) do
    desc 'The title of the exec resource, or the reference of another resource. If there is none, nothing happens.'
  end

  newparam(:after) do
    desc 'The title of the previous stackwright_async in a chain: the command starts when that one has succeeded.'
  end

  newparam(:goes_on) do
    desc 'Whether another one follows in the chain.'
    newvalues(true, false)
  end

  def refresh
    resource = named(self[:name])
    return unless resource

    after = self[:after] && named(self[:after])&.ref
    PuppetX::Stackwright::Async.start(resource.ref, after: after, goes_on: self[:goes_on] == :true) do
      resource.type == :exec ? command(resource) : creation(resource)
    end
  end

  private

  def named(name)
    catalog.resource(:exec, name) || (name =~ /\A[A-Z]\w+\[.+\]\z/ && catalog.resource(name)) || nil
  end

  def command(exec)
    output, status = exec.provider.run_now(exec[:command])
    [output, status.exitstatus]
  end

  def creation(resource)
    resource.provider.class.prefetch(resource.name => resource)
    resource.provider.create unless resource.provider.exists?
    ['', 0]
  end
end
