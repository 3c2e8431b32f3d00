# Services of OpenStack started side by side: nobody waits for one to be ready before the next one is started, and what
# needs any of them waits for all. Keystone's is waited for, because all ask for its tokens as they start, and so is
# Placement's, which Nova asks for.
class stackwright::starts {
  stackwright_wait_services { 'services': }
  ['cinder', 'glance', 'heat', 'neutron', 'nova', 'swift'].each |$module| {
    # Apache's is several services' own.
    Service <| tag == "${module}-service" and title != 'httpd' |> { provider => 'async' }
    Service <| tag == "${module}-service" |> -> Stackwright_wait_services['services'] -> Anchor <| title == "${module}::service::end" |>
  }
}
