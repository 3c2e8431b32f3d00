# Sets the administrator's password where Keystone refuses it, before anything logs in with it.
class stackwright::admin_login {
  stackwright_admin_login { 'keystone': }
  Anchor['keystone::service::end'] -> Stackwright_admin_login['keystone']
  Stackwright_admin_login['keystone'] -> Keystone_domain <| |>
  Stackwright_admin_login['keystone'] -> Keystone_tenant <| |>
  Stackwright_admin_login['keystone'] -> Keystone_role <| |>
  Stackwright_admin_login['keystone'] -> Keystone_user <| |>
  Stackwright_admin_login['keystone'] -> Keystone_user_role <| |>
  Stackwright_admin_login['keystone'] -> Keystone_service <| |>
  Stackwright_admin_login['keystone'] -> Keystone_endpoint <| |>
}
