"""Module paths as RDO's packages make them: Debian's modules, and what Debian's packages of them leave out.

Debian packages a module's manifests, templates and libraries, and mostly neither its data (hiera.yaml, data/) nor its
types. RDO packages modules whole. What is needed here of the missing parts is made again, for CentOS only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

import trixie
from puppet_tools import KEPT, need_modules

from stackwright.platforms import by_id

_RSYNC = {
    "rsync::server::package_name": "rsync-daemon",
    "rsync::server::servicename": "rsyncd",
    "rsync::server::conf_file": "/etc/rsyncd.conf",
}
_OVN = {
    "ovn::controller::environment_file_path": "/etc/sysconfig/ovn-controller",
    "ovn::controller::opts_envvar_name": "OVN_CONTROLLER_OPTS",
    "ovn::controller::package_name": "openvswitch-ovn-host",
    "ovn::controller::service_name": "ovn-controller",
    "ovn::northd::environment_file_path": "/etc/sysconfig/ovn-northd",
    "ovn::northd::opts_envvar_name": "OVN_NORTHD_OPTS",
    "ovn::northd::package_name": "openvswitch-ovn-central",
    "ovn::northd::service_name": "ovn-northd",
}
_VSWITCH = {"vswitch::ovs::package_name": "openvswitch", "vswitch::ovs::service_name": "openvswitch"}

_DATA = {"21": {"rsync": _RSYNC}, "25": {"rsync": _RSYNC, "ovn": _OVN, "vswitch": _VSWITCH}}
"""By version of the OpenStack modules, and by module: values for the family RedHat."""


def given(release: str) -> str:
    """The folder that STACKWRIGHT_<RELEASE>_MODULES names: RDO's own modules, to see whether a release is ready."""
    return os.environ.get(f"STACKWRIGHT_{release.upper()}_MODULES", "")


@cache
def modulepath(release: str) -> str:
    """The modules of Zed (21), as Debian 12 has them; those of Dalmatian (25.0), as Debian 13 has them; those that are
    given for any other. Skips the test where they cannot be had."""
    if own := given(release):
        return own
    if release == "zed":
        installed = by_id("debian-12").modulepath
        need_modules(installed)
        return f"{_completed(installed, '21')}:{installed}"
    assert release == "dalmatian", release
    fetched = trixie.modulepath()
    return f"{_completed(fetched, '25')}:{fetched}"


def _completed(modules: str, version: str) -> Path:
    """A folder with copies of the modules that are to be completed; it stands before the others."""
    own = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]  # what is completed, and how
    made = KEPT.with_name(f"rdo-{version}-{Path(modules).name}-{own}")
    if made.exists():
        return made
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=KEPT.parent))
    for name, data in _DATA[version].items():
        copy = work / name
        shutil.copytree(Path(modules, name), copy, ignore=shutil.ignore_patterns("spec", "data", "hiera.yaml"))
        (copy / "data").mkdir()
        (copy / "data/RedHat.yaml").write_text("".join(f"{key}: {value}\n" for key, value in data.items()))
        (copy / "hiera.yaml").write_text(
            "version: 5\nhierarchy: [{name: family, path: '%{facts.os.family}.yaml', data_hash: yaml_data}]\n"
        )
    for name, text in by_id("debian-13").default_release.module_types.items():
        if version == "25":
            module, _, short = name.partition("::")
            (work / module.lower() / "types").mkdir(exist_ok=True)
            (work / module.lower() / "types" / f"{short.lower()}.pp").write_text(f"type {name} = {text}\n")
    try:
        work.rename(made)
    except OSError:  # another process was faster
        shutil.rmtree(work)
    return made
