# Applies to everything in this catalog.
Exec { logoutput => on_failure }
# MariaDB reports "utf8" as "utf8mb3". Asked for under its own name, the database is not altered, and its services are
# not restarted, on every run.
Mysql_database <| |> { charset => 'utf8mb3', collate => 'utf8mb3_general_ci' }
class { 'stackwright::starts': modules => ['cinder', 'glance', 'heat', 'neutron', 'nova', 'swift'] }

# --- swift-proxy
include swift
include stackwright::swift_rings
include swift::proxy
include swift::proxy::cache
include swift::proxy::authtoken
include swift::proxy::keystone
include swift::proxy::catch_errors
include swift::proxy::gatekeeper
include swift::proxy::healthcheck
include swift::proxy::proxy_logging
include swift::proxy::listing_formats
include swift::proxy::bulk
include swift::proxy::copy
include swift::proxy::slo
include swift::proxy::dlo
include swift::proxy::versioned_writes
