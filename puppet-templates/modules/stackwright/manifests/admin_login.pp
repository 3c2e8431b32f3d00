# Sets the admin's password if Keystone refuses it, before anything uses it to log in.
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
