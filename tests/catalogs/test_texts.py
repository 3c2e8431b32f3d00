"""Any text in every secret at once: what Puppet makes of it is read as the consumers do, and is the same.

The catalogs are compiled with Puppet's own Hiera; the readers are those of tests/unit/test_consumers.py.
"""

from __future__ import annotations

import ast
import configparser
import hashlib
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import yaml
from oslo_config import cfg
from puppet_tools import compile_plan, need, need_modules, node_facts

import outcome
from stackwright import answers
from stackwright.platforms import by_id
from stackwright.services import options

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from test_consumers import NicerInterpolation, _option_file, rabbit, sqlalchemy

MODULEPATH = by_id("debian-12").modulepath
FEATURES = {
    "CONFIG_CEILOMETER_INSTALL": "y",
    "CONFIG_AODH_INSTALL": "y",
    "CONFIG_ENABLE_CEILOMETER_MIDDLEWARE": "y",
    "CONFIG_HEAT_INSTALL": "y",
    "CONFIG_HEAT_CFN_INSTALL": "y",
    "CONFIG_SWIFT_INSTALL": "y",
    "CONFIG_GLANCE_BACKEND": "swift",
    "CONFIG_KEYSTONE_ADMIN_USERNAME": "root.admin+1",
    "CONFIG_KEYSTONE_REGION": "eu-west_1.a",
    "CONFIG_AMQP_AUTH_USER": "a.b+c",
}
PARTS = {
    "references": "a$b$$c${d}\\$e",
    "interpolation": "x%{::hostname}y%(here)s%%z",
    "quotes": "'a\"b`c\\t#d;e: f'",
}
"""What each secret consists of, besides the key that it is of."""


def _oslo(value: str, folder: Path) -> str:
    (folder / "one.conf").write_text(f"[DEFAULT]\npassword={value}\n")
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.StrOpt("password"))
    conf(["--config-file", str(folder / "one.conf")], project="none")
    return str(conf.password)


def _ini(parser: configparser.ConfigParser, value: str) -> str:
    parser.read_string(f"[here]\nkey={value}\n")
    return parser.get("here", "key")


def _url(value: str, folder: Path) -> str:
    url = _oslo(value, folder)
    return (rabbit if url.startswith("rabbit:") else sqlalchemy)(url)[1]


def _hash(password: str) -> str:
    """MySQL's own, of its native passwords."""
    once = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    return "*" + hashlib.sha1(once, usedforsecurity=False).hexdigest().upper()


_AUTH = "keystone_authtoken/password"
_IN_OSLO = {
    f"Nova_config[{_AUTH}]": "NOVA_KS_PW",
    "Nova_config[service_user/password]": "NOVA_KS_PW",
    "Nova_config[neutron/password]": "NEUTRON_KS_PW",
    "Nova_config[placement/password]": "PLACEMENT_KS_PW",
    "Nova_config[cinder/password]": "CINDER_KS_PW",
    "Nova_config[neutron/metadata_proxy_shared_secret]": "NEUTRON_METADATA_PW",
    f"Neutron_config[{_AUTH}]": "NEUTRON_KS_PW",
    "Neutron_config[nova/password]": "NOVA_KS_PW",
    "Neutron_config[placement/password]": "PLACEMENT_KS_PW",
    f"Glance_api_config[{_AUTH}]": "GLANCE_KS_PW",
    f"Placement_config[{_AUTH}]": "PLACEMENT_KS_PW",
    f"Cinder_config[{_AUTH}]": "CINDER_KS_PW",
    "Cinder_config[nova/password]": "NOVA_KS_PW",
    f"Heat_config[{_AUTH}]": "HEAT_KS_PW",
    "Heat_config[trustee/password]": "HEAT_KS_PW",
    f"Aodh_config[{_AUTH}]": "AODH_KS_PW",
    "Aodh_config[service_credentials/password]": "AODH_KS_PW",
    "Ceilometer_config[publisher/telemetry_secret]": "CEILOMETER_SECRET",
    "Ceilometer_config[service_credentials/password]": "CEILOMETER_KS_PW",
    f"Gnocchi_config[{_AUTH}]": "GNOCCHI_KS_PW",
    "Heat_config[DEFAULT/stack_domain_admin_password]": "HEAT_DOMAIN_PASSWORD",
}
_URLS = {
    "Keystone_config[database/connection]": "KEYSTONE_DB_PW",
    "Nova_config[database/connection]": "NOVA_DB_PW",
    "Nova_config[api_database/connection]": "NOVA_DB_PW",
    "Neutron_config[database/connection]": "NEUTRON_DB_PW",
    "Glance_api_config[database/connection]": "GLANCE_DB_PW",
    "Placement_config[placement_database/connection]": "PLACEMENT_DB_PW",
    "Cinder_config[database/connection]": "CINDER_DB_PW",
    "Heat_config[database/connection]": "HEAT_DB_PW",
    "Aodh_config[database/connection]": "AODH_DB_PW",
    "Gnocchi_config[indexer/url]": "GNOCCHI_DB_PW",
    "Ceilometer_config[DEFAULT/transport_url]": "AMQP_AUTH_PASSWORD",
    "Nova_config[DEFAULT/transport_url]": "AMQP_AUTH_PASSWORD",
    "Neutron_config[DEFAULT/transport_url]": "AMQP_AUTH_PASSWORD",
}
_USERS = {
    "nova": "NOVA_KS_PW",
    "neutron": "NEUTRON_KS_PW",
    "glance": "GLANCE_KS_PW",
    "placement": "PLACEMENT_KS_PW",
    "cinder": "CINDER_KS_PW",
    "heat": "HEAT_KS_PW",
    "aodh": "AODH_KS_PW",
    "ceilometer": "CEILOMETER_KS_PW",
    "gnocchi": "GNOCCHI_KS_PW",
    "swift": "SWIFT_KS_PW",
    "demo": "KEYSTONE_DEMO_PW",
    "root.admin+1": "KEYSTONE_ADMIN_PW",
    "heat_admin::heat": "HEAT_DOMAIN_PASSWORD",
}


@pytest.mark.slow
@pytest.mark.xdist_group("texts")
@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_every_secret_arrives_as_it_was_given(part: str, tmp_path: Path) -> None:
    need("ruby", "puppet")
    need_modules(MODULEPATH)
    secret = {
        key.removeprefix("CONFIG_"): f"{part}{number}{part[-1]}"
        for number, (key, option) in enumerate(options().items())
        if option.secret and option.generate and not key.endswith(("_ENC_KEY", "_REDIS_PW"))
    }
    secret["KEYSTONE_ADMIN_PW"] += " €"
    secret["KEYSTONE_DB_PW"] = secret["KEYSTONE_DB_PW"].replace("%", "/")
    flags = {f"CONFIG_{key}": value for key, value in secret.items()} | FEATURES
    given = answers.read([], flags, {}, local_host="198.18.0.10")
    seen = outcome.facts(given)
    (catalog,) = compile_plan(outcome.plan(given, seen), seen, partial(node_facts, "debian-12"), MODULEPATH)
    assert catalog.ok, catalog.error
    found = catalog.resources
    oslo = partial(_oslo, folder=tmp_path)
    readers: list[tuple[dict[str, str], str, Callable[[str], str]]] = [
        (_IN_OSLO, "value", oslo),
        (_URLS, "value", partial(_url, folder=tmp_path)),
        ({f"Keystone_user[{name}]": key for name, key in _USERS.items()}, "password", str),
        (
            {
                "Swift_proxy_config[filter:authtoken/password]": "SWIFT_KS_PW",
                "Swift_proxy_config[filter:ceilometer/password]": "SWIFT_KS_PW",
                "Swift_proxy_config[filter:s3token/password]": "SWIFT_KS_PW",
            },
            "value",
            lambda value: _ini(configparser.ConfigParser(interpolation=NicerInterpolation()), value),
        ),
        (
            {"Swift_config[swift-hash/swift_hash_path_suffix]": "SWIFT_HASH"},
            "value",
            lambda value: _ini(configparser.ConfigParser(), value),
        ),
    ]
    for rows, parameter, read in readers:
        for ref, key in rows.items():
            assert ref in found, sorted(r for r in found if r.partition("[")[0] == ref.partition("[")[0])
            shown = found[ref][parameter]
            if shown != "(sensitive)":
                assert read(shown.removeprefix('["').removesuffix('"]')) == secret[key], ref
    key = _ini(configparser.ConfigParser(), found["Glance_swift_config[ref1/key]"]["value"])
    assert (key[1:-1] if key[0] in "\"'" else key) == secret["GLANCE_KS_PW"]
    accounts = yaml.safe_load(found["File[/etc/openstack/puppet/admin-clouds.yaml]"]["content"])["clouds"]
    assert {a["auth"]["password"] for a in accounts.values()} == {secret["KEYSTONE_ADMIN_PW"]}
    login = found["File[/root/.my.cnf]"]["content"]
    passwords = {_option_file(line) for line in login.splitlines() if line.startswith("password=")}
    assert passwords == {secret["MARIADB_PW"]}
    settings = next(p["content"] for ref, p in found.items() if "SECRET_KEY = " in p.get("content", ""))
    written = re.search(r"^SECRET_KEY = (.*)$", settings, re.MULTILINE)
    assert written
    assert ast.literal_eval(written[1]) == secret["HORIZON_SECRET_KEY"]
    hashes = {ref: p.get("password_hash", "") for ref, p in found.items() if ref.startswith("Mysql_user[")}
    assert hashes["Mysql_user[root@localhost]"] in (_hash(secret["MARIADB_PW"]), "(sensitive)")
