# Migrations of databases side by side: all are started as soon as every service is configured, and each is waited for
# where the upstream module would carry it out.
#
# @param services The services of this catalog that have a database, by the names of their modules.
class stackwright::migrations (
  Array[Enum['cinder', 'glance', 'heat', 'keystone', 'neutron', 'nova', 'placement']] $services,
) {
  # The exec resources of the modules, and the anchor that each comes after.
  $all = {
    'keystone'  => { 'keystone-manage db_sync'  => 'dbsync' },
    'glance'    => { 'glance-manage db_sync'    => 'dbsync' },
    'placement' => { 'placement-manage-db-sync' => 'dbsync' },
    'nova'      => { 'nova-db-sync-api'         => 'dbsync_api', 'nova-db-sync' => 'dbsync' },
    'neutron'   => { 'neutron-db-sync'          => 'dbsync' },
    'cinder'    => { 'cinder-manage db_sync'    => 'dbsync' },
    'heat'      => { 'heat-dbsync'              => 'dbsync' },
  }
  $chosen = $all.filter |$service, $execs| { $service in $services }
  $chosen.each |$service, $execs| {
    $execs.each |$title, $phase| {
      Exec <| title == $title |> { provider => 'ahead' }
      stackwright_ahead { $title:
        subscribe => Anchor["${service}::install::end", "${service}::config::end", "${service}::${phase}::begin"],
      }
    }
  }
  # None is waited for before all have been started. Nova's second one comes after its first, and before the others'
  # end is waited for; Keystone is wanted by all, and is not kept from starting.
  $titles = $chosen.values.map |$execs| { $execs.keys }.flatten
  $first = $titles - ['nova-db-sync']
  $first.each |$title| { Stackwright_ahead[$first] -> Exec <| title == $title |> }
  if 'nova' in $services {
    ($first - ['nova-db-sync-api', 'keystone-manage db_sync']).each |$title| {
      Stackwright_ahead['nova-db-sync'] -> Exec <| title == $title |>
    }
  }
}
