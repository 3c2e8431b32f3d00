"""Services and back ends of Packstack that this version cannot install. Their options are data in a CSV file.

Every key stays known, so that answer files of any age can be read and checked, and a service that is switched on is
refused with its reason. `data/not_installable.csv` has one line per option. To make a service installable, give it a
module of its own beside this one and remove its lines there.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from stackwright import values
from stackwright.model import Option, Service
from stackwright.records import applied, changes_of

_FILE = Path(__file__).parent / "data" / "not_installable.csv"
_NOT_IMPLEMENTED = "its components are not implemented yet"

_RECORDS: tuple[tuple[str, str, str, str], ...] = (
    ("keystone_ldap", "Keystone: users from an LDAP directory", "", ""),
    ("vmware", "VMware vCenter as hypervisor", "", ""),
    ("cinder_netapp", "Cinder on NetApp and SolidFire", "", ""),
    ("manila", "Manila: shared file systems", "CONFIG_MANILA_INSTALL", _NOT_IMPLEMENTED),
    ("ironic", "Ironic: bare metal", "CONFIG_IRONIC_INSTALL", _NOT_IMPLEMENTED),
    (
        "magnum",
        "Magnum: container clusters",
        "CONFIG_MAGNUM_INSTALL",
        f"{_NOT_IMPLEMENTED}, and upstream removed the Heat driver that builds its clusters in May 2026",
    ),
    (
        "trove",
        "Trove: databases as a service",
        "CONFIG_TROVE_INSTALL",
        f"{_NOT_IMPLEMENTED}, and Debian 12 and 13 have neither its daemons nor its Puppet module",
    ),
)
"""(name, summary, switch, why it cannot be installed). Without a switch, the option that asks for it refuses the
value (`not_yet`, `not_yet_why`)."""


_NEEDS: Mapping[str, tuple[tuple[str, str, str, str], ...]] = {
    "ironic": (("CONFIG_IRONIC_INSTALL", "y", "CONFIG_NOVA_INSTALL", "Nova provides the machines to users"),),
    "magnum": (("CONFIG_MAGNUM_INSTALL", "y", "CONFIG_HEAT_INSTALL", "Magnum builds clusters with Heat"),),
    "manila": (
        ("CONFIG_MANILA_BACKEND", "generic", "CONFIG_CINDER_INSTALL", "shares are volumes of Cinder"),
        ("CONFIG_MANILA_BACKEND", "generic", "CONFIG_NOVA_INSTALL", "instances export the shares"),
    ),
    "trove": (("CONFIG_TROVE_INSTALL", "y", "CONFIG_NOVA_INSTALL", "Trove runs databases on instances"),),
}
"""Services that an answer of a service needs (`Service.needs`): key, its value, the switch to set, the reason."""


def _option(row: Mapping[str, str]) -> Option:
    """The option of one line. The columns are the fields of `Option`; lists have blanks or bars between members."""
    names = tuple(row["choices"].split("|")) if row["choices"] else ()
    parse = getattr(values, row["parse"])
    marks = row["marks"].split()
    return Option(
        key=row["key"],
        help=row["help"],
        default=row["default"],
        parse=parse(*names) if names else parse,
        choices=values.YES_NO if parse is values.boolean else names,
        secret="secret" in marks,
        generate="generate" in marks,
        was=tuple(row["was"].split()),
        when=tuple((key, value) for key, _, value in (pair.partition("=") for pair in row["when"].split())),
        flag=row["flag"],
        required="required" in marks,
        ours="ours" in marks,
        not_yet=tuple(row["not_yet"].split()),
        not_yet_why=row["not_yet_why"],
    )


def _read() -> dict[str, tuple[Option, ...]]:
    """The options of each service, in the order of the file."""
    found: dict[str, tuple[Option, ...]] = {}
    with _FILE.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            found[row["service"]] = (*found.get(row["service"], ()), _option(row))
    return found


_OPTIONS = _read()

SERVICES: Mapping[str, Service] = {
    name: Service(
        name,
        summary,
        _OPTIONS[name],
        switch=switch,
        missing=missing,
        needs=_NEEDS.get(name, ()),
        changes=changes_of((o.key for o in _OPTIONS[name]), applied("this version installs nothing that uses it")),
    )
    for name, summary, switch, missing in _RECORDS
}
