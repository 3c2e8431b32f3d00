"""The parsers of values."""

from __future__ import annotations

from typing import Any

import pytest

from stackwright import values

GIB = 1024**3

GOOD: list[tuple[Any, str, Any]] = [
    *((values.boolean, text, True) for text in ("y", "Y", "yes", "True", "TRUE", "true", "on", " y ")),
    *((values.boolean, text, False) for text in ("n", "No", "false", "FALSE", "off", "None")),
    (values.integer, "-1", -1),
    (values.port, "65535", 65535),
    (values.ratio, "16.0", 16.0),
    (values.percentage, "20", 20),
    (values.workers, "%{::processorcount}", 0),
    (values.workers, "$::processorcount", 0),
    (values.workers, "", 0),
    (values.workers, "6", 6),
    (values.hypervisor, "%{::default_hypervisor}", ""),
    (values.hypervisor, "KVM", "kvm"),
    (values.size, "20G", 20 * GIB),
    (values.size, "20", 20 * GIB),
    (values.size, "20 GB", 20 * GIB),
    (values.size, "20GiB", 20 * GIB),
    (values.size, "500M", 500 * 1024**2),
    (values.size, "1.5T", 1536 * GIB),
    (values.words, "a, b ,,c,", ("a", "b", "c")),
    (values.words, "['15b3:1004', '8086:10ca']", ("15b3:1004", "8086:10ca")),
    (values.words, '["a", "b"]', ("a", "b")),
    (values.words, "[]", ()),
    (values.words, "None", ()),
    (values.host, "[2001:2::1]", "2001:2::1"),
    (values.host, "2001:0002:0:0::1", "2001:2::1"),
    (values.host, "Compute-1.Example.ORG.", "compute-1.example.org"),
    (values.hosts, "198.18.0.1, 198.18.0.2,198.18.0.1,", ("198.18.0.1", "198.18.0.2")),
    (values.hosts, "node[08-10].example.org", ("node08.example.org", "node09.example.org", "node10.example.org")),
    (values.hosts, "['a', 'b']", ("a", "b")),
    (values.hosts, "a b", ("a", "b")),
    (values.hosts, "[a, b]", ("a", "b")),
    (values.hosts, "[2001:2::1],[2001:2::2]", ("2001:2::1", "2001:2::2")),
    (values.hosts, "[2001:2::1], 2001:2::2", ("2001:2::1", "2001:2::2")),
    (values.hosts, "[2001:2::1]", ("2001:2::1",)),
    (values.host_headers, "[2001:2::1]", ("[2001:2::1]",)),
    (values.host_headers, "2001:2::1,.example.org", ("[2001:2::1]", ".example.org")),
    (values.host_headers, "['cloud', '[2001:2::1]']", ("cloud", "[2001:2::1]")),
    (values.time_servers, "[2001:2::1],[2001:2::2]", ("2001:2::1", "2001:2::2")),
    (values.hosts, "198.18.0.[1-3]", ("198.18.0.1", "198.18.0.2", "198.18.0.3")),
    (values.network, "172.24.4.225/28", "172.24.4.224/28"),
    (values.network, "198.18.0.0/255.255.255.0", "198.18.0.0/24"),
    (values.network, "2001:2:0:4::/64", "2001:2:0:4::/64"),
    (values.network, "", ""),
    (values.networks, "198.18.0.0/24, 198.18.1.0/24", ("198.18.0.0/24", "198.18.1.0/24")),
    (values.bridge_mappings, "extnet:br-ex, physnet1:br-data", (("extnet", "br-ex"), ("physnet1", "br-data"))),
    (values.bridge_mappings, "extnet:br-ex,extnet:br-ex", (("extnet", "br-ex"),)),
    (values.bridge_interfaces, "br-ex:52:54:00:00:00:01", (("br-ex", "52:54:00:00:00:01"),)),
    (values.bridge_list, "br-ex:eth1,br-data", ("br-ex", "br-data")),
    (values.vlan_ranges, "physnet1:1:4094,ens192", (("physnet1", 1, 4094), ("ens192",))),
    (values.tunnel_id_ranges, "1:1000, 2000:3000", ((1, 1000), (2000, 3000))),
    (values.vni_ranges, "10:100", ((10, 100),)),
    (values.pools, '["start=198.18.4.10,end=198.18.4.20"]', ("start=198.18.4.10,end=198.18.4.20",)),
    (values.pools, "['start=198.18.4.10,end=198.18.4.20']", ("start=198.18.4.10,end=198.18.4.20",)),
    (values.pools, "198.18.4.10-198.18.4.20", ("start=198.18.4.10,end=198.18.4.20",)),
    (values.pools, "[]", ()),
    (values.exports, "198.18.0.20:/srv/a, [2001:2::1]:/b", ("198.18.0.20:/srv/a", "[2001:2::1]:/b")),
    (values.storages, "/dev/sdb,198.18.0.9:/dev/sdc", (("", "/dev/sdb"), ("198.18.0.9", "/dev/sdc"))),
    (values.storages, "198.18.0.9/sdb", (("198.18.0.9", "/dev/sdb"),)),
    (values.storages, "198.18.0.9", (("198.18.0.9", ""),)),
    (
        values.records,
        '[{"vendor_id": "8086", "product_id": "10ca"}]',
        ((("product_id", "10ca"), ("vendor_id", "8086")),),
    ),
    (values.records, "{'a': '1'}; {'b': '2'}", ((("a", "1"),), (("b", "2"),))),
    (values.records, "[]", ()),
    (values.records, r"[{\"a\":\"1\"}]", ((("a", "1"),),)),
    (values.properties, "hw_disk_bus=scsi, os_type=linux", (("hw_disk_bus", "scsi"), ("os_type", "linux"))),
    (values.multicast_group, "239.1.1.1", "239.1.1.1"),
    (values.checksum, "SHA256:" + "AB" * 32, "ab" * 32),
    (values.choice("FERNET"), "fernet", "FERNET"),
    (values.choices("lvm", "nfs"), "nfs, LVM,nfs", ("nfs", "lvm")),
    (values.optional, "n", ""),
    (values.url, "file:///srv/image.qcow2", "file:///srv/image.qcow2"),
    (values.dn, "ou=people,dc=example,dc=org", "ou=people,dc=example,dc=org"),
    (
        values.urls,
        "https://a.example.org/x, file:///srv/y,/srv/z",
        ("https://a.example.org/x", "file:///srv/y", "/srv/z"),
    ),
    (values.release, "Epoxy", "epoxy"),
    (values.release, "2025.1", "2025.1"),
    (values.release, "master", "master"),
    (values.release, "", ""),
    (values.trunk, "puppet-passed-ci", "puppet-passed-ci"),
    (values.trunk, "AB" * 16, "ab" * 16),
    (values.trunk, "consistent/" + "ab" * 16, "consistent/" + "ab" * 16),
]

BAD: list[tuple[Any, str]] = [
    (values.urls, "https://a.example.org/x, rdo-extra"),
    (values.release, "flamingo"),
    (values.release, "2025"),
    (values.trunk, "latest"),
    (values.trunk, "ab" * 20),
    (values.trunk, "latest/" + "ab" * 16),
    (values.boolean, "maybe"),
    (values.boolean, ""),
    (values.port, "65536"),
    (values.port, "0"),
    (values.port, "４７"),
    (values.ratio, "0"),
    (values.percentage, "101"),
    (values.size, "big"),
    (values.size, "0G"),
    (values.size, "-5G"),
    (values.host, "CONTROLLER_IP"),
    (values.host, "<controller>"),
    (values.host, "300.1.1.1"),
    (values.host, "10.0.0"),
    (values.host, "a host"),
    (values.host, "-bad"),
    (values.host, "xxxx"),
    (values.host, "192.168.x.x"),
    (values.host, "{{ controller }}"),
    (values.host, "${HOST}"),
    (values.hosts, "198.18.0.1;198.18.0.2"),
    (values.hosts, "node[10-1]"),
    (values.hosts, "node[1-99999]"),
    (values.network, "198.18.0.0"),
    (values.network, "198.18.0.0/33"),
    (values.network, "198.18/24"),
    (values.network, "2001:2::/129"),
    (values.bridge_mappings, "br-ex"),
    (values.bridge_mappings, "extnet:br-ex,extnet:br-other"),
    (values.host, "0.0.0.0"),
    (values.host, "::"),
    (values.host, "255.255.255.255"),
    (values.host, "::ffff:198.18.0.10"),
    (values.host, "0xC612000A"),
    (values.hosts, "198.18.0.1,224.0.0.1"),
    (values.host, "fe80::1"),
    (values.bridge_mappings, "extnet:br-ex:eth1"),
    (values.bridge_mappings, "extnet:a-bridge-too-long"),
    (values.bridge_interfaces, "br-ex:eth1:eth2"),
    (values.interface_mappings, "physnet1:br-ex:eth1"),
    (values.vlan_ranges, "physnet1:0:10"),
    (values.vlan_ranges, "physnet1:20:10"),
    (values.vlan_ranges, "physnet1:1:5000"),
    (values.tunnel_id_ranges, "1"),
    (values.vni_ranges, "1:16777216"),
    (values.pools, "198.18.4.20-198.18.4.10"),
    (values.pools, "everything"),
    (values.exports, "198.18.0.20"),
    (values.exports, "NFS_IP_ADDRESS:/home"),
    (values.storages, "http://x"),
    (values.storages, "/etc"),
    (values.storages, "/dev/../etc/passwd"),
    (values.storages, "198.18.0.9:/srv/node"),
    (values.records, "{vendor"),
    (values.records, "[1, 2]"),
    (values.multicast_group, "198.18.0.1"),
    (values.checksum, "abc"),
    (values.choices("lvm", "nfs"), "lvm,gluster"),
    (values.ldap_url, "http://x"),
    (values.dn, "people"),
    (values.url, "cirros"),
]


@pytest.mark.parametrize(("parse", "text", "expected"), GOOD)
def test_good_values(parse: values.Parser, text: str, expected: Any) -> None:
    value = parse(text)
    assert value == expected
    hash(value)


@pytest.mark.parametrize(("parse", "text"), BAD)
def test_errors_of_parsers_say_what_is_expected(parse: values.Parser, text: str) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+") as caught:
        parse(text)
    assert not str(caught.value).endswith(".")


def test_list_parsers_return_an_empty_tuple_for_empty_text() -> None:
    for parse in (values.words, values.hosts, values.networks, values.pools, values.exports, values.storages,
                  values.records, values.properties, values.bridge_mappings, values.vlan_ranges):  # fmt: skip
        assert parse("") == ()


def test_options_of_chrony_are_no_time_servers() -> None:
    from stackwright.values import time_servers

    assert time_servers("10.0.0.1 iburst, ntp.example.org") == ("10.0.0.1", "ntp.example.org")
    assert time_servers("") == ()
    for text in ("10.0.0.1 prefer", "10.0.0.1 minpoll 4", "ntp.example.org iburst maxpoll 10"):
        with pytest.raises(ValueError, match="is an option of chrony"):
            time_servers(text)
