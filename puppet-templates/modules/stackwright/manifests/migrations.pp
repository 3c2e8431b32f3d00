# Runs the migrations of databases in parallel: all are started as soon as every service is configured, and each is waited
# for where the upstream module would run it.
#
# @param services
#   The services of this catalog that have a database, by the names of their Puppet modules, those that take longest
#   first. `phase` is the anchor of the module that the first resource comes after. `resources` are titles of the
#   module's exec resources, or references to resources of other types (Nova's cell). Each comes after the one before,
#   and its module tells it to run whenever that one did.
class stackwright::migrations (
  Hash[String[1], Struct[{ phase => String[1], resources => Array[String[1], 1] }]] $services,
) {
  $titles = $services.values.map |$migration| { $migration['resources'] }.flatten
  $services.each |$service, $migration| {
    $execs = $migration['resources']
    $execs.each |$number, $title| {
      Exec <| title == $title |> { provider => 'async' }
      stackwright_async { $title:
        after     => $number ? { 0 => undef, default => $execs[$number - 1] },
        goes_on   => $number + 1 < length($execs),
        subscribe => Anchor["${service}::install::end", "${service}::config::end", "${service}::${migration['phase']}::begin"],
      }
    }
  }
  # Puppet starts all of them, those of one service in order, before it waits for the first.
  $titles.each |$title| { Stackwright_async[$titles] -> Exec <| title == $title |> }
  Stackwright_async[$titles] -> Nova_cell_v2 <| |>
  $services.values.each |$migration| {
    $migration['resources'].reduce |$earlier, $title| {
      Stackwright_async[$earlier] -> Stackwright_async[$title]
      $title
    }
  }
}
