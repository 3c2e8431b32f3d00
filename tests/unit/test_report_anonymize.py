"""What a report leaves out: public addresses, keys, and what looks like a credential."""

from __future__ import annotations

import pytest

from stackwright.report.anonymize import neutralizer

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIJ0p1Zs0Zq1m8v8yq4H3e9d1JmWZC0Xo7oOe7hGQ2r1X"


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("from 8.8.8.8 to 8.8.4.4 and 8.8.8.8", "from public-1 to public-2 and public-1"),
        ("8.8.8.8:puppet-0", "public-1:puppet-0"),
        ("http://8.8.8.8:5000/v3.", "http://public-1:5000/v3."),
        ("at 8.8.8.8.", "at public-1."),
        ("http://[2a00:1450:4001:81b::200e]:5000", "http://[public-1]:5000"),
        ("2a00:1450::200e:puppet-0: done", "public-1:puppet-0: done"),
        ("2a00:1450::5:credentials", "public-1:credentials"),
        ("no route to 2a00:1450::200e: timed out", "no route to public-1: timed out"),
        ("ec2-8-8-8-8.compute.example", "ec2-public-1.compute.example"),
        ("peer:2a02:26f0:1::5 node:2a02:26f0::9", "peer:public-1 node:public-2"),
        ("inet6 2a02:26f0::1/64, 2A02:26F0::1%eth0", "inet6 public-1/64, public-1%eth0"),
        ("::ffff:8.8.8.8", "::ffff:public-1"),
        ("nova_8.8.8.8_x", "nova_public-1_x"),
        ("8-8-8-8.example.com and static.8-8-4-4.isp.example", "public-1.example.com and static.public-2.isp.example"),
        # not public, not addresses
        ("198.18.0.10, 10.0.0.1, 127.0.0.1, 192.168.1.1, 203.0.113.9", None),
        ("fd00::1, ::1, fe80::1, 2001:db8::7", None),
        ("erlang (1:25.2.3.1+dfsg-1), 25.2.3.1~rc1", None),
        ("at 2026:11:22 12:34:56, nova::db::sync, Class[Nova::Api]", None),
        ("999.8.8.8 and 1.2.3.4.5", None),
        # keys
        (f"host key ssh-ed25519 {KEY} has changed", "host key [key] has changed"),
        ("is SHA256:uNiVztksCsDhcc0u9e8BxrDsZ1GYhHbAIxdQ4rIKaQE.", "is [key]."),
        ("MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48", "[key]"),
        ("x -----BEGIN OPENSSH PRIVATE KEY-----\nb3Blb\nnNz\n-----END OPENSSH PRIVATE KEY----- y", "x [key] y"),
        ("-----BEGIN RSA PRIVATE KEY-----\nb3Blb", "[key]"),
        (f"known {KEY} root@n1", "known [key] root@n1"),
        # credentials
        ("Authorization: Basic YWRtaW46Z2VoZWlt", "Authorization: Basic ********"),
        ("openstack --os-password hunter22 x", "openstack --os-password ******** x"),
        ("mysql --password=hunter22", "mysql --password=********"),
        ("CREATE USER x IDENTIFIED BY 'hunter22';", "CREATE USER x IDENTIFIED BY '********';"),
        ("set --password -x, the password given", None),
        ("mysql+pymysql://nova:hunter22@198.18.0.10/nova", "mysql+pymysql://nova:********@198.18.0.10/nova"),
        ("admin_password=hunter22, x", "admin_password=********, x"),
        ("'password': 'hunter22'", "'password': '********'"),
        ('{"token": "abcd1234"}', '{"token": "********"}'),
        ("token gAAAAABlZm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA== refused", "token ******** refused"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer ********"),
        ("password: ********", None),
        ("Keystone_config[token/expiration] and 5 tokens", None),
        ("Keystone_config[DEFAULT/admin_password]/value: changed", None),
    ],
)
def test_neutral(text: str, made: str | None) -> None:
    assert neutralizer()(text) == (text if made is None else made)


def test_one_name_for_an_address_wherever_it_stands() -> None:
    neutral = neutralizer()
    data = {"8.8.4.4": ["8.8.8.8", ("at 8.8.4.4", 7, None)]}
    assert neutral(data) == {"public-1": ["public-2", ("at public-1", 7, None)]}
    assert neutral("8.8.8.8") == "public-2"


def test_a_key_on_several_lines_is_removed() -> None:
    body = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2g"
    lines = [
        "before",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        body,
        "Nov 22 node sshd: QyNTUxOQAAACCdKdWbNGatZvL",
        "-----END X-----",
        "after",
    ]
    assert neutralizer()(lines) == ["before", "[key]", "after"]
    assert neutralizer()(["-----BEGIN RSA PRIVATE KEY-----", body, "no more of it"]) == ["[key]", "no more of it"]
    assert neutralizer()([body, "c" * 64, "the end"]) == ["[key]", "c" * 64, "the end"]
