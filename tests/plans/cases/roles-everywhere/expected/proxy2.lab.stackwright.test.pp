# Applies to everything in this catalog.
Exec { logoutput => on_failure }
# MariaDB reports "utf8" as "utf8mb3". Asked for under its own name, the database is not altered, and its services are
# not restarted, on every run.
Mysql_database <| |> { charset => 'utf8mb3', collate => 'utf8mb3_general_ci' }
class { 'stackwright::starts': modules => ['aodh', 'ceilometer', 'cinder', 'glance', 'heat', 'neutron', 'nova', 'swift'] }

# --- swift-proxy
include swift
include stackwright::swift_files
include stackwright::swift_rings
include swift::proxy
include swift::objectexpirer
include swift::proxy::cache
include swift::proxy::authtoken
include swift::proxy::keystone
include swift::proxy::catch_errors
include swift::proxy::gatekeeper
include swift::proxy::healthcheck
include swift::proxy::proxy_logging
include swift::proxy::listing_formats
include swift::proxy::bulk
include swift::proxy::tempurl
include swift::proxy::ratelimit
include swift::proxy::crossdomain
include swift::proxy::s3api
include swift::proxy::s3token
include swift::proxy::formpost
include swift::proxy::staticweb
include swift::proxy::copy
include swift::proxy::container_quotas
include swift::proxy::account_quotas
include swift::proxy::slo
include swift::proxy::dlo
include swift::proxy::versioned_writes
include swift::proxy::symlink
# The module has no parameter for it. S3's versions of objects are made with it.
swift_proxy_config { 'filter:versioned_writes/allow_object_versioning': value => true }
# Older modules leave the modes of these to the packages, and there everybody may read them.
['proxy-server', 'object-expirer'].each |String $name| {
  unless defined(File["/etc/swift/${name}.conf"]) {
    file { "/etc/swift/${name}.conf":
      ensure  => file,
      owner   => 'root',
      group   => $swift::params::group,
      mode    => '0640',
      require => Anchor['swift::install::end'],
      before  => Anchor['swift::config::begin'],
    }
  }
}
