"""Where the templates, our Puppet module and the example answer files are: in a checkout or in an installed wheel."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


@cache
def _find(package: Path, name: str) -> Path:
    """The folder `name`: beside `installer/` in a checkout, in the package's `_data` in a wheel."""
    for place in (package.parent.parent / name, package / "_data" / name):
        if place.is_dir():
            return place
    raise FileNotFoundError(f"{name}/ is neither beside {package.parent} nor in {package / '_data'}")


def templates() -> Path:
    """The folder of templates: one folder per service, with `<component>.pp.j2` and `<component>.yaml.j2`."""
    return _find(_PACKAGE, "puppet-templates")


def component_templates(folder: Path) -> Mapping[str, str]:
    """The components' templates below `folder`: file name to path within it. Names that begin with _ are partials."""
    return {
        path.name: path.relative_to(folder).as_posix()
        for path in sorted(folder.glob("*/*.j2"))
        if not path.name.startswith("_") and path.parent.name != "partials"
    }


def puppet_module() -> Path:
    """Our own Puppet module, `stackwright`."""
    return templates() / "modules" / "stackwright"


def answer_files() -> Path:
    """The examples."""
    return _find(_PACKAGE, "answer-files")


@cache
def digest() -> str:
    """SHA-256 over the templates and our Puppet module: their paths and contents."""
    whole = hashlib.sha256()
    for path in sorted(p for p in templates().rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{content} {path.relative_to(templates()).as_posix()}\n".encode())
    return f"sha256:{whole.hexdigest()}"
