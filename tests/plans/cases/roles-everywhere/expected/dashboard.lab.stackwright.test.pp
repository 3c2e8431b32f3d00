# Applies to everything in this catalog.
Exec { logoutput => on_failure }
# MariaDB reports "utf8" as "utf8mb3". Asked for under its own name, the database is not altered, and its services are
# not restarted, on every run.
Mysql_database <| |> { charset => 'utf8mb3', collate => 'utf8mb3_general_ci' }
class { 'stackwright::starts': modules => ['aodh', 'ceilometer', 'cinder', 'glance', 'heat', 'neutron', 'nova', 'swift'] }

# --- horizon
include apache
class { 'apache::mod::wsgi':
  package_name => 'libapache2-mod-wsgi-py3',
  mod_path     => '/usr/lib/apache2/modules/mod_wsgi.so',
}
include horizon
# It compresses in four threads, but its style sheet compiler is not thread-safe and sometimes fails.
Exec <| title == 'refresh_horizon_django_compress' |> { tries => 3 }
