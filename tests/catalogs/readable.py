"""Which files of a host get secrets from its catalog, and who can read them."""

from __future__ import annotations

import re

from puppet_tools import Catalog

OF_PACKAGES = {
    f"/etc/{service}/{name}"
    for service, names in {
        "aodh": ("aodh.conf",),
        "ceilometer": ("ceilometer.conf",),
        "cinder": ("cinder.conf",),
        "glance": ("glance-api.conf",),
        "gnocchi": ("gnocchi.conf",),
        "heat": ("heat.conf",),
        "keystone": ("keystone.conf",),
        "neutron": ("neutron.conf", "metadata_agent.ini"),
        "nova": ("nova.conf",),
        "placement": ("placement.conf",),
    }.items()
    for name in names
}
"""Files that their packages install with mode 0640 and the group of the service; Puppet's providers keep a file's mode.
tests/lab/test_allinone.py looks at the files of a node."""


def private(mode: str) -> bool:
    """Whether a mode, as Puppet takes it, gives nothing to others. Symbolic modes are not used here."""
    return re.fullmatch(r"0?[0-7]{2}0", mode) is not None


def readable_by_others(catalog: Catalog) -> list[str]:
    """The files that get a secret, and whose mode neither the catalog nor their package restricts."""
    found = set()
    for ref, parameters in catalog.resources.items():
        kind, _, title = ref.rstrip("]").partition("[")
        if not any(".secret" in text or "(sensitive)" in text for text in parameters.values()):
            continue
        if kind in ("File", "Concat"):
            path = parameters.get("path") or title
        elif kind == "Concat::Fragment":
            path = parameters["target"]
        elif "stackwright_file" in parameters:
            path = parameters["stackwright_file"]
        elif kind.endswith(("_config", "_setting")):
            assert "path" in parameters, f"{ref}: which file does it write?"
            path = parameters["path"]
        else:
            continue
        if path not in OF_PACKAGES and not private(_mode(catalog, path)):
            found.add(path)
    return sorted(found)


def _mode(catalog: Catalog, path: str) -> str:
    """The mode of a file in the catalog, empty if it has none."""
    for ref, parameters in catalog.resources.items():
        kind, _, title = ref.rstrip("]").partition("[")
        if kind in ("File", "Concat") and path in (title, parameters.get("path")):
            return parameters.get("mode", "")
    return ""
