"""The contract of our providers with the upstream types they serve, for every set of modules that can be had here.

`provider_contract.rb` has the details. One Ruby process checks one set of modules; no node and no API is needed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import rdo
import trixie

from stackwright.platforms import by_id

MODULE = Path(__file__).parents[2] / "puppet-templates/modules/stackwright"
OVERRIDDEN = {
    path.parent.name for kind in ("rest", "cached") for path in MODULE.glob(f"lib/puppet/provider/*/{kind}.rb")
}
OVERRIDDEN -= {"stackwright_security_group_rule"}  # our own type
NEWER = {"keystone_implied_role"}
"""Types that the modules have since release 24."""
RDO = ("antelope", "bobcat", "caracal", "epoxy", "master")
"""Releases whose modules Debian does not have. STACKWRIGHT_<RELEASE>_MODULES names a folder with them."""

pytestmark = pytest.mark.skipif(shutil.which("puppet") is None, reason="needs Puppet")


def modulepath(name: str) -> str:
    if name == "debian-13":
        return trixie.modulepath()
    path = by_id("debian-12").modulepath if name == "debian-12" else rdo.given(name)
    if not path or not (Path(path.split(":")[0]) / "nova").exists():
        pytest.skip(f"the modules of {name} are not here")
    return path


@cache
def contract(path: str, lib: str, folder: str) -> dict[str, Any]:
    script = Path(__file__).with_name("provider_contract.rb")
    done = subprocess.run(
        ["ruby", str(script), path, lib, folder],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"], "HOME": folder},
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def sets() -> list[Any]:
    """Debian 12's modules are installed, Debian 13's are fetched. RDO's are checked where a folder is given."""
    given = [release for release in RDO if rdo.given(release)]
    return ["debian-12", *(pytest.param(name, marks=pytest.mark.slow) for name in ("debian-13", *given))]


@pytest.mark.slow
@pytest.mark.parametrize("name", sets())
def test_every_attribute_is_handled_or_refused_by_name(name: str, tmp_path: Path) -> None:
    path = modulepath(name)
    found = contract(path, str(MODULE / "lib"), str(tmp_path))
    assert found["problems"] == []
    assert set(found["absent"]) == (NEWER if major(path, "keystone") < 24 else set())
    checked = {key.partition(".")[0] for key in found["handled"]}
    assert checked == OVERRIDDEN - set(found["absent"])


DEFECTS = [
    ("neutron_network", "changeable :admin_state_up, :shared,", "changeable :admin_state_up,", "shared has no setter"),
    ("neutron_network", "attributes['mtu'] = @resource[:mtu] if @resource[:mtu]", "", "mtu is ignored by create"),
    ("glance_image", "def min_ram", "def min_ram_of", "min_ram has no getter"),
    ("keystone_user", "attributes[name.to_s] = @changes[name]", "@changes[name]", "email is ignored by its setter"),
    ("nova_aggregate", "wanted &= known_hosts", "wanted = wanted", "filter_hosts makes no difference"),
    ("neutron_security_group", "raise Puppet::Error, 'id of a", "warning 'id of a", "id is ignored by create"),
]
"""A provider, a text in it, what takes its place, and the problem that the contract has to find."""


@pytest.mark.slow
def test_the_contract_finds_defects(tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    shutil.copytree(MODULE / "lib", lib)
    wanted = set()
    for name, old, new, problem in DEFECTS:
        file = lib / "puppet/provider" / name / "rest.rb"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
        wanted.add(f"{name}: {problem}")
    assert set(contract(modulepath("debian-12"), str(lib), str(tmp_path))["problems"]) >= wanted


# ------------------------------------------------------------------------------------------------------ metadata.json

METADATA = json.loads((MODULE / "metadata.json").read_text())


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def installed(path: str, module: str) -> tuple[str, tuple[int, ...]]:
    """Full name and version of a module of the path."""
    folder = next(folder for root in path.split(":") if (folder := Path(root, module)).is_dir())
    told = json.loads((folder / "metadata.json").read_text())
    return str(told["name"]).replace("-", "/", 1), version(told["version"])


def major(path: str, module: str) -> int:
    return installed(path, module)[1][0]


@pytest.mark.parametrize("name", sets())
def test_the_metadata_allows_the_modules_that_the_contract_was_checked_with(name: str) -> None:
    path = modulepath(name)
    for dependency in METADATA["dependencies"]:
        full, found = installed(path, dependency["name"].partition("/")[2])
        low, high = re.fullmatch(r">= (\S+) < (\S+)", dependency["version_requirement"]).groups()  # type: ignore[union-attr]
        assert full == dependency["name"]
        assert version(low) <= found < version(high), f"{full} {found} is not {dependency['version_requirement']}"


def test_the_metadata_names_the_module_of_every_overridden_type() -> None:
    named = {dependency["name"].partition("/")[2] for dependency in METADATA["dependencies"]}
    assert {name.partition("_")[0] for name in OVERRIDDEN} | {"openstacklib"} <= named
