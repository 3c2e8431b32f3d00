# Nova's compute hosts are discovered while networks and flavors are made.
class stackwright::discovery {
  $discovery = 'nova-cell_v2-discover_hosts'
  Exec <| title == $discovery |> { provider => 'async' }
  stackwright_async { $discovery: subscribe => Anchor['nova::service::end'] }
  Stackwright_async[$discovery] -> Neutron_network <| |> -> Exec[$discovery]
  Stackwright_async[$discovery] -> Nova_flavor <| |> -> Exec[$discovery]
  Neutron_router <| |> -> Exec[$discovery]
}
