"""Every answer that code or a template names is an option of a service record: a misspelt key cannot go unnoticed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import stackwright
from stackwright.answers.packstack.retired import RETIRED, translated
from stackwright.answers.reading import old_names
from stackwright.planner import assets
from stackwright.services import options

PACKAGE = Path(stackwright.__file__).parent
KEY = re.compile(r"\b(?:CONFIG_[A-Z0-9_]*[A-Z0-9]|EXCLUDE_SERVERS)\b(?![_*{])")
WHOLE = re.compile(r"CONFIG_[A-Z0-9_]*|EXCLUDE_SERVERS")

OLD = frozenset({*old_names(), *RETIRED, *translated()})
"""Keys of Packstack's releases; only the records (`was`) and `answers/` name them."""

BEGINNINGS = frozenset({"CONFIG_AMQP", "CONFIG_MARIADB"})
"""Code adds _HOST and _INSTALL to these."""

EXAMPLES = frozenset({"CONFIG_X_PW", "CONFIG_A", "CONFIG_B"})
"""Keys that documentation invents."""


def docstrings(tree: ast.AST) -> set[int]:
    """The ids of texts that stand alone: documentation, which may also speak of kinds of keys."""
    return {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)}


def python_keys(text: str) -> Iterator[str]:
    """Keys in the texts of a module; for one that is put together, a pattern: CONFIG_NEUTRON_*_BRIDGE_IFACES."""
    tree = ast.parse(text)
    passed = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            passed |= {id(part) for part in node.values}
            parts = [str(p.value) if isinstance(p, ast.Constant) else "*" for p in node.values]
            yield from re.findall(r"\b(?:CONFIG_[A-Z0-9_*]*[A-Z0-9*]|EXCLUDE_SERVERS)(?![\w{])", "".join(parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed:
            yield from KEY.findall(node.value)


def known(key: str) -> bool:
    if "*" in key:
        return any(re.fullmatch(key.replace("*", ".+"), option) for option in options())
    return key in options() or key in EXAMPLES


MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if "packstack" not in path.parts]
TEMPLATES = [p for root in (assets.templates(), PACKAGE) for p in sorted(root.rglob("*")) if p.suffix in {".j2", ".sh"}]


@pytest.mark.parametrize(
    "text", ['a["CONFIG_NOVA_INSTAL"]', 'f"CONFIG_NOVA_{x}_INSTAL"', 'print("set CONFIG_NOVA_INSTAL=y")']
)
def test_a_misspelt_key_is_seen(text: str) -> None:
    keys = list(python_keys(text))
    assert keys
    assert [key for key in keys if known(key)] == []
    assert list(map(known, python_keys(text.replace("INSTAL", "INSTALL").replace("NOVA_{x}", "{x}")))) == [True]


def test_code_names_only_keys_of_records() -> None:
    found = {
        (path.relative_to(PACKAGE).as_posix(), key)
        for path in MODULES
        for key in python_keys(path.read_text(encoding="utf-8"))
        if not known(key) and key not in BEGINNINGS and not (path.parent.name in ("answers", "services") and key in OLD)
    }
    assert found == set()
    assert sum(1 for path in MODULES for _ in python_keys(path.read_text(encoding="utf-8"))) > 500


def test_templates_name_only_keys_of_records() -> None:
    assert len(TEMPLATES) > 100
    found = {(path.name, key) for path in TEMPLATES for key in KEY.findall(path.read_text(encoding="utf-8"))}
    assert {(name, key) for name, key in found if not known(key)} == set()
    assert len({key for _, key in found}) > 50


def test_answers_that_were_read_have_every_key() -> None:
    """So nothing that decides asks with `get`, which would hide a key that does not exist."""
    folders = ("planner", "preflight", "platforms", "operations", "certificates")
    found = {
        (path.relative_to(PACKAGE).as_posix(), line.strip())
        for folder in folders
        for path in (PACKAGE / folder).rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"\banswers\.get\(", line) and "lock.read(" not in line
    }
    assert found == set()
