# Starts OpenStack's services in parallel: Puppet does not wait for one to be ready before it starts the next, and what
# needs any of them waits for all. Keystone and Placement are not among them: the others ask Keystone for tokens as they
# start, and Nova asks Placement.
#
# @param modules
#   The Puppet modules of these services.
class stackwright::starts (
  Array[String[1]] $modules,
) {
  stackwright_wait_services { 'services': }
  $modules.each |$module| {
    # httpd runs several services, and is started as usual.
    Service <| tag == "${module}-service" and title != 'httpd' |> { provider => 'async' }
    Service <| tag == "${module}-service" |> -> Stackwright_wait_services['services'] -> Anchor <| title == "${module}::service::end" |>
  }
}
