# Updates the URLs of Nova's cells before its databases are migrated.
class stackwright::nova_cell_urls {
  stackwright_nova_cell_urls { 'nova': }
  Anchor['nova::db::end'] -> Stackwright_nova_cell_urls['nova'] -> Anchor['nova::dbsync_api::begin']
}
