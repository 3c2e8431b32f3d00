"""Packages of the installer itself: an RPM and a Debian package, built by the distributions' own tools and used from
where they would be installed; and the recipe of an image. What they hold is what the wheel holds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from stackwright import __version__

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
ABOUT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def run(*words: str | Path, cwd: Path) -> str:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV", "STACKWRIGHT"))}
    done = subprocess.run([*words], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def test_the_packages_say_what_the_project_says() -> None:
    spec = (PACKAGING / "stackwright.spec").read_text(encoding="utf-8")
    fields = dict(re.findall(r"^(\w+): +(.+)$", spec, re.MULTILINE))
    assert (fields["Summary"], fields["License"]) == (ABOUT["description"], ABOUT["license"]["text"])
    assert re.search(rf"stackwright_version {re.escape(__version__)}\}}", spec)
    # Each format breaks lines in its own way.
    control = (PACKAGING / "debian" / "control").read_text(encoding="utf-8")
    for description in (spec, control):
        assert "It reads Packstack's answer files." in " ".join(description.split())


def test_an_image_has_the_version_of_python_and_the_programs_that_are_needed() -> None:
    """No image was ever built from it here: none can be downloaded."""
    recipe = (PACKAGING / "Containerfile").read_text(encoding="utf-8")
    instructions = re.findall(r"^([A-Z]+) ", recipe, re.MULTILINE)
    assert instructions == ["FROM", "RUN", "COPY", "RUN", "USER", "WORKDIR", "VOLUME", "ENTRYPOINT", "CMD"]
    assert "openssh-client python3 python3-venv" in recipe
    assert "USER stackwright" in recipe


def used(root: Path, command: str, tmp_path: Path) -> None:
    """The command of a package that was unpacked below `root` works, with templates, and the package is complete."""
    library = root / "usr" / "lib" / "stackwright"
    script = (root / "usr" / "bin" / "stackwright").read_text(encoding="utf-8")
    assert script.startswith(f"#!{command}\n")
    assert '"/usr/lib/stackwright"' in script
    (tmp_path / "stackwright").write_text(script.replace("/usr/lib/stackwright", str(library)))
    # Isolated: nothing of the environment of the tests is found.
    words = [command, "-I", str(tmp_path / "stackwright")]
    assert run(*words, "--version", cwd=tmp_path) == f"stackwright {__version__}\n"
    run(*words, "answers", "generate", "cloud.answers", "--allinone", "198.18.0.10", cwd=tmp_path)
    assert "0 errors" in run(*words, "answers", "check", "cloud.answers", cwd=tmp_path)
    files = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    ours = {path for path in files if path.startswith("usr/lib/stackwright/stackwright/") and "__pycache__" not in path}
    names = {path.removeprefix("usr/lib/stackwright/stackwright/") for path in ours}
    source = ROOT / "installer" / "stackwright"
    assert {str(p.relative_to(source)) for p in source.rglob("*.py")} <= names
    templates = ROOT / "puppet-templates"
    wanted = {
        f"_data/puppet-templates/{p.relative_to(templates)}"
        for p in templates.rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    assert wanted <= names
    for path in (
        "usr/share/man/man1/stackwright.1.gz",
        "usr/share/bash-completion/completions/stackwright",
        "usr/share/fish/vendor_completions.d/stackwright.fish",
        "usr/share/doc/stackwright/answer-files/all-in-one.txt",
    ):
        assert path in files
    assert any(path.startswith("usr/share/zsh/") for path in files)
    assert not [path for path in root.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o022]
    compiled = library / "stackwright" / "__pycache__"
    assert [path for path in compiled.iterdir() if str(root).encode() in path.read_bytes()] == []


@pytest.mark.slow
def test_an_rpm_is_built_and_its_command_works(tmp_path: Path) -> None:
    """For this machine's Python; EL 9 was not available."""
    python = Path(sys.executable).resolve()
    run(PACKAGING / "rpm", tmp_path / "out", python, cwd=tmp_path)
    (package,) = (tmp_path / "out").glob("stackwright-*.rpm")
    root = tmp_path / "root"
    root.mkdir()
    run("sh", "-c", f"rpm2cpio {package} | cpio -idm --quiet", cwd=root)
    used(root, str(python), tmp_path)
    requires = run("rpm", "-qp", "--requires", package, cwd=tmp_path).split("\n")
    assert {str(python), "openssh-clients"} <= set(requires)


@pytest.mark.slow
def test_a_debian_package_is_built_and_its_command_works(tmp_path: Path) -> None:
    run(PACKAGING / "deb", tmp_path / "out", cwd=tmp_path)
    (package,) = (tmp_path / "out").glob("stackwright_*.deb")
    root = tmp_path / "root"
    run("dpkg-deb", "-x", package, root, cwd=tmp_path)
    used(root, "/usr/bin/python3", tmp_path)
    depends = run("dpkg-deb", "-f", package, "Depends", cwd=tmp_path)
    assert re.search(r"python3 \(>= 3\.\d+\), python3 \(<< 3\.\d+\), openssh-client", depends)
