"""Templates, our Puppet module and the examples are found, in a checkout and in a wheel."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackwright.planner import assets
from stackwright.services import SERVICES


def test_the_checkout_has_them() -> None:
    root = Path(__file__).resolve().parents[2]
    assert assets.templates() == root / "puppet-templates"
    assert assets.puppet_module() == root / "puppet-templates" / "modules" / "stackwright"
    assert assets.answer_files() == root / "answer-files"
    assert (assets.puppet_module() / "metadata.json").is_file()


def test_every_component_has_its_manifest() -> None:
    names = {c.name for s in SERVICES for c in s.components}
    assert {n for n in names if f"{n}.pp.j2" not in assets.component_templates(assets.templates())} == set()


def test_every_template_belongs_to_a_component() -> None:
    """Each stands in the folder of its service."""
    known = {(s.name, c.name) for s in SERVICES for c in s.components}
    paths = map(Path, assets.component_templates(assets.templates()).values())
    assert {(p.parent.name, p.name.partition(".")[0]) for p in paths} - known == set()
    assert [p.name for p in assets.templates().glob("*.j2")] == ["global.pp.j2"]


def test_in_a_wheel_they_are_in_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "stackwright"
    (package / "_data" / "puppet-templates").mkdir(parents=True)
    monkeypatch.setattr(assets, "_PACKAGE", package)
    assert assets.templates() == package / "_data" / "puppet-templates"


def test_a_missing_folder_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "_PACKAGE", tmp_path / "a" / "stackwright")
    with pytest.raises(FileNotFoundError, match="puppet-templates/ is neither beside"):
        assets.templates()
