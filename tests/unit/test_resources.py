"""Templates, our Puppet module and the examples are found, in a checkout and in a wheel."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackwright import resources
from stackwright.services import SERVICES


def test_the_checkout_has_them() -> None:
    root = Path(__file__).resolve().parents[2]
    assert resources.templates() == root / "puppet-templates"
    assert resources.puppet_module() == root / "puppet-templates" / "modules" / "stackwright"
    assert resources.answer_files() == root / "answer-files"
    assert (resources.puppet_module() / "metadata.json").is_file()


def test_every_component_has_its_manifest() -> None:
    names = {c.name for s in SERVICES for c in s.components}
    assert {n for n in names if not (resources.templates() / f"{n}.pp.j2").is_file()} == set()


def test_every_template_belongs_to_a_component() -> None:
    names = {c.name for s in SERVICES for c in s.components} | {"global"}
    found = {p.name.partition(".")[0] for p in resources.templates().glob("*.j2")}
    assert found - names == set()


def test_in_a_wheel_they_are_in_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "stackwright"
    (package / "_data" / "puppet-templates").mkdir(parents=True)
    monkeypatch.setattr(resources, "_PACKAGE", package)
    assert resources.templates() == package / "_data" / "puppet-templates"


def test_what_is_nowhere_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "a" / "stackwright")
    with pytest.raises(FileNotFoundError, match="puppet-templates/ is neither beside"):
        resources.templates()
