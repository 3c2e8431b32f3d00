# Migrations of databases side by side: all are started as soon as every service is configured, and each is waited for
# where the upstream module would carry it out.
#
# @param services The services of this catalog that have a database, by the names of their modules.
class stackwright::migrations (
  Array[Enum['cinder', 'glance', 'heat', 'keystone', 'neutron', 'nova', 'placement']] $services,
) {
  # The exec resources of the modules, with the creation of Nova's cell, and the anchor that the first of them comes
  # after. Each of the others comes after the one before it, and its module tells it to run whenever that one did.
  $all = {
    'keystone'  => ['dbsync', ['keystone-manage db_sync', 'keystone bootstrap']],
    'nova'      => ['dbsync_api', ['nova-db-sync-api', 'nova-cell_v2-map_cell0', 'nova-db-sync', 'Nova_cell_v2[default]']],
    'neutron'   => ['dbsync', ['neutron-db-sync']],
    'glance'    => ['dbsync', ['glance-manage db_sync', 'glance-manage db_load_metadefs']],
    'cinder'    => ['dbsync', ['cinder-manage db_sync']],
    'placement' => ['dbsync', ['placement-manage-db-sync']],
    'heat'      => ['dbsync', ['heat-dbsync']],
  }
  $chosen = $all.filter |$service, $found| { $service in $services }
  $titles = $chosen.values.map |$found| { $found[1] }.flatten
  $chosen.each |$service, $found| {
    [$phase, $execs] = $found
    $execs.each |$number, $title| {
      Exec <| title == $title |> { provider => 'async' }
      stackwright_async { $title:
        after     => $number ? { 0 => undef, default => $execs[$number - 1] },
        goes_on   => $number + 1 < length($execs),
        subscribe => Anchor["${service}::install::end", "${service}::config::end", "${service}::${phase}::begin"],
      }
    }
  }
  # None is waited for before all have been started, those of a service in their order.
  $titles.each |$title| { Stackwright_async[$titles] -> Exec <| title == $title |> }
  Stackwright_async[$titles] -> Nova_cell_v2 <| |>
  $chosen.values.each |$found| {
    $found[1].reduce |$earlier, $title| {
      Stackwright_async[$earlier] -> Stackwright_async[$title]
      $title
    }
  }
}
