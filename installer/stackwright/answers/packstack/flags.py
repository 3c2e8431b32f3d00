"""Flags of earlier Packstack releases that no current answer has. They keep their meaning, so that old scripts work.

They were read from Packstack's plug-ins, Folsom to 2025.1, like the keys in history.py.
"""

from __future__ import annotations

import functools

_KEYS = """
amqp-nss-certdb-pw AMQP_NSS_CERTDB_PW amqp-ssl-cacert-file AMQP_SSL_CACERT_FILE amqp-ssl-cert-file AMQP_SSL_CERT_FILE
amqp-ssl-key-file AMQP_SSL_KEY_FILE amqp-ssl-port AMQP_SSL_PORT amqp-ssl-self-signed AMQP_SSL_SELF_SIGNED
ceilometer-events-backend CEILOMETER_EVENTS_BACKEND ceilometer-metering-backend CEILOMETER_METERING_BACKEND
ceilometer-service-name CEILOMETER_SERVICE_NAME cinder-gluster-mounts CINDER_GLUSTER_MOUNTS heat-api-cfn-host
HEAT_CFN_HOST heat-api-cloudwatch-host HEAT_CLOUDWATCH_HOST heat-ks-passwd HEAT_KS_PW heat-mysql-password HEAT_DB_PW
keystone-admin-token KEYSTONE_ADMIN_TOKEN keystone-db-purge-enable KEYSTONE_DB_PURGE_ENABLE
keystone-ldap-group-allow-create KEYSTONE_LDAP_GROUP_ALLOW_CREATE keystone-ldap-group-allow-delete
KEYSTONE_LDAP_GROUP_ALLOW_DELETE keystone-ldap-group-allow-update KEYSTONE_LDAP_GROUP_ALLOW_UPDATE
keystone-ldap-user-allow-create KEYSTONE_LDAP_USER_ALLOW_CREATE keystone-ldap-user-allow-delete
KEYSTONE_LDAP_USER_ALLOW_DELETE keystone-ldap-user-allow-update KEYSTONE_LDAP_USER_ALLOW_UPDATE keystone-service-name
KEYSTONE_SERVICE_NAME mongodb-host MONGODB_HOST mysql-user MYSQL_USER nagios-host NAGIOS_HOST nagios-install
NAGIOS_INSTALL nagios-passwd NAGIOS_PW neutron-db-password NEUTRON_DB_PW neutron-fwaas NEUTRON_FWAAS
neutron-ks-password NEUTRON_KS_PW neutron-l2-agent NEUTRON_L2_AGENT neutron-l2-plugin NEUTRON_L2_PLUGIN
neutron-l3-ext-bridge NEUTRON_L3_EXT_BRIDGE neutron-lb-interface-mappings NEUTRON_LB_INTERFACE_MAPPINGS
neutron-lb-tenant-network-type NEUTRON_LB_TENANT_NETWORK_TYPE neutron-lb-vlan-ranges NEUTRON_LB_VLAN_RANGES
neutron-lbaas-hosts NEUTRON_LBAAS_HOSTS neutron-metadata-pw NEUTRON_METADATA_PW neutron-ml2-flat-networks
NEUTRON_ML2_FLAT_NETWORKS neutron-ml2-mechanism-drivers NEUTRON_ML2_MECHANISM_DRIVERS neutron-ml2-tenant-network-types
NEUTRON_ML2_TENANT_NETWORK_TYPES neutron-ml2-tunnel-id-ranges NEUTRON_ML2_TUNNEL_ID_RANGES neutron-ml2-type-drivers
NEUTRON_ML2_TYPE_DRIVERS neutron-ml2-vlan-ranges NEUTRON_ML2_VLAN_RANGES neutron-ml2-vni-ranges NEUTRON_ML2_VNI_RANGES
neutron-ml2-vxlan-group NEUTRON_ML2_VXLAN_GROUP neutron-ovs-bridge-interfaces NEUTRON_OVS_BRIDGE_IFACES
neutron-ovs-bridge-mappings NEUTRON_OVS_BRIDGE_MAPPINGS neutron-ovs-tenant-network-type
NEUTRON_OVS_TENANT_NETWORK_TYPE neutron-ovs-tunnel-if NEUTRON_OVS_TUNNEL_IF neutron-ovs-tunnel-ranges
NEUTRON_OVS_TUNNEL_RANGES neutron-ovs-vlan-ranges NEUTRON_OVS_VLAN_RANGES neutron-ovs-vxlan-udp-port
NEUTRON_OVS_VXLAN_UDP_PORT nova-compute-manager NOVA_COMPUTE_MANAGER novaapi-host NOVA_API_HOST novacert-host
NOVA_CERT_HOST novacompute-privif NOVA_COMPUTE_PRIVIF novaconductor-host NOVA_CONDUCTOR_HOST
novanetwork-auto-assign-floating-ip NOVA_NETWORK_AUTOASSIGNFLOATINGIP novanetwork-default-floating-pool
NOVA_NETWORK_DEFAULTFLOATINGPOOL novanetwork-fixed-range NOVA_NETWORK_FIXEDRANGE novanetwork-floating-range
NOVA_NETWORK_FLOATRANGE novanetwork-host NOVA_NETWORK_HOST novanetwork-hosts NOVA_NETWORK_HOSTS novanetwork-manager
NOVA_NETWORK_MANAGER novanetwork-network-size NOVA_NETWORK_SIZE novanetwork-num-networks NOVA_NETWORK_NUMBER
novanetwork-privif NOVA_NETWORK_PRIVIF novanetwork-pubif NOVA_NETWORK_PUBIF novanetwork-vlan-start
NOVA_NETWORK_VLAN_START novasched-host NOVA_SCHED_HOST novavncproxy-hosts NOVA_VNCPROXY_HOST ntp-severs NTP_SERVERS
os-gnocchi-install GNOCCHI_INSTALL os-heat-cloudwatch-install HEAT_CLOUDWATCH_INSTALL os-heat-using-trusts
HEAT_USING_TRUSTS os-horizon-host HORIZON_HOST os-mysql-install MYSQL_INSTALL os-neutron-l2-plugin NEUTRON_L2_PLUGIN
os-neutron-lb-tenant-network-type NEUTRON_LB_TENANT_NETWORK_TYPE os-neutron-lb-vlan-ranges NEUTRON_LB_VLAN_RANGES
os-neutron-lbaas-install LBAAS_INSTALL os-neutron-ml2-sriov-agent-required NEUTRON_ML2_SRIOV_AGENT_REQUIRED
os-neutron-ml2-supported-pci-vendor-devs NEUTRON_ML2_SUPPORTED_PCI_VENDOR_DEVS os-neutron-ovs-tenant-network-type
NEUTRON_OVS_TENANT_NETWORK_TYPE os-neutron-ovs-tunnel-ranges NEUTRON_OVS_TUNNEL_RANGES os-neutron-ovs-vlan-ranges
NEUTRON_OVS_VLAN_RANGES os-panko-install PANKO_INSTALL os-quantum-install QUANTUM_INSTALL os-sahara-host SAHARA_HOST
os-sahara-install SAHARA_INSTALL os-swift-proxy SWIFT_PROXY_HOSTS os-swift-storage SWIFT_STORAGE_HOSTS panko-db-passwd
PANKO_DB_PW panko-ks-passwd PANKO_KS_PW provision-cirros-url PROVISION_CIRROS_URL provision-tempest-repo-revision
PROVISION_TEMPEST_REPO_REVISION provision-tempest-repo-uri PROVISION_TEMPEST_REPO_URI provision-uec-disk-url
PROVISION_UEC_IMAGE_DISK_URL provision-uec-image-name PROVISION_UEC_IMAGE_NAME provision-uec-kernel-url
PROVISION_UEC_IMAGE_KERNEL_URL provision-uec-ramdisk-url PROVISION_UEC_IMAGE_RAMDISK_URL qpid-auth-password
QPID_AUTH_PASSWORD qpid-auth-user QPID_AUTH_USER qpid-enable-auth QPID_ENABLE_AUTH qpid-enable-ssl QPID_ENABLE_SSL
qpid-host QPID_HOST qpid-nss-certdb-pw QPID_NSS_CERTDB_PW qpid-ssl-cert-file QPID_SSL_CERT_FILE qpid-ssl-key-file
QPID_SSL_KEY_FILE qpid-ssl-port QPID_SSL_PORT qpid-ssl-self-signed QPID_SSL_SELF_SIGNED quantum-db-password
QUANTUM_DB_PW quantum-dhcp-hosts QUANTUM_DHCP_HOSTS quantum-ks-password QUANTUM_KS_PW quantum-l2-plugin
QUANTUM_L2_PLUGIN quantum-l3-ext-bridge QUANTUM_L3_EXT_BRIDGE quantum-l3-hosts QUANTUM_L3_HOSTS
quantum-lb-interface-mappings QUANTUM_LB_INTERFACE_MAPPINGS quantum-lb-tenant-network-type
QUANTUM_LB_TENANT_NETWORK_TYPE quantum-lb-vlan-ranges QUANTUM_LB_VLAN_RANGES quantum-metadata-hosts
QUANTUM_METADATA_HOSTS quantum-metadata-pw QUANTUM_METADATA_PW quantum-ovs-bridge-interfaces QUANTUM_OVS_BRIDGE_IFACES
quantum-ovs-bridge-mappings QUANTUM_OVS_BRIDGE_MAPPINGS quantum-ovs-tenant-network-type
QUANTUM_OVS_TENANT_NETWORK_TYPE quantum-ovs-tunnel-if QUANTUM_OVS_TUNNEL_IF quantum-ovs-tunnel-ranges
QUANTUM_OVS_TUNNEL_RANGES quantum-ovs-vlan-ranges QUANTUM_OVS_VLAN_RANGES quantum-server-host QUANTUM_SERVER_HOST
quantum-use-namespaces QUANTUM_USE_NAMESPACES redis-ha REDIS_HA redis-master-host REDIS_MASTER_HOST
redis-sentinel-contact REDIS_SENTINEL_CONTACT_HOST redis-sentinel-master-name REDIS_MASTER_NAME redis-sentinel-port
REDIS_SENTINEL_PORT redis-sentinel-quorum REDIS_SENTINEL_QUORUM redis-sentinels REDIS_SENTINEL_HOSTS redis-slaves
REDIS_SLAVE_HOSTS rh-beta-repo RH_BETA_REPO sahara-db-passwd SAHARA_DB_PW sahara-ks-passwd SAHARA_KS_PW
selfsign-cacert-subject-common-name SELFSIGN_CACERT_SUBJECT_CN selfsign-cacert-subject-country
SELFSIGN_CACERT_SUBJECT_C selfsign-cacert-subject-email SELFSIGN_CACERT_SUBJECT_MAIL selfsign-cacert-subject-location
SELFSIGN_CACERT_SUBJECT_L selfsign-cacert-subject-organization SELFSIGN_CACERT_SUBJECT_O
selfsign-cacert-subject-organizational-unit SELFSIGN_CACERT_SUBJECT_OU selfsign-cacert-subject-state
SELFSIGN_CACERT_SUBJECT_ST use-epel USE_EPEL vcenter-cluster VCENTER_CLUSTER_NAME
"""
"""Alternately a flag without dashes, and its key without CONFIG_."""


@functools.cache
def old_flags() -> dict[str, str]:
    """Maps every such flag, with its dashes, to its key of that time."""
    words = _KEYS.split()
    return {f"--{flag}": f"CONFIG_{key}" for flag, key in zip(words[::2], words[1::2], strict=True)}
