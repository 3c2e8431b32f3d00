"""Who may know whom: the rules of ARCHITECTURE.md, read from the source with `ast`."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import stackwright
from stackwright.planner import assets

PACKAGE = Path(stackwright.__file__).parent
MOST_LINES = 500

LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"records", "shell"}),
    frozenset({"model"}),
    frozenset({"untrusted"}),
    frozenset({"facts", "guest", "lab", "lock", "platforms", "state", "verify"}),
    frozenset({"ssh", "values"}),
    frozenset({"executor", "services"}),
    frozenset({"planner", "scenarios"}),
    frozenset({"certificates", "output", "preflight"}),
    frozenset({"answers", "report"}),
    frozenset({"bundle"}),
    frozenset({"operations"}),
    frozenset({"cli"}),
    frozenset({"__main__"}),
)
"""From the bottom to the top. A package imports only packages of lower layers: never one of its own layer."""

PURE = {"model", "records", "values", "services", "platforms", "planner", "preflight", "scenarios"}
"""They get values and give values: no connection, no process, no socket."""

CONNECTED = {"ssh", "executor", "operations", "cli"}
"""The only packages that may know the transport."""

VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "lib", "tools", "base_classes"}


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def room(name: str) -> str:
    """The part of the package that a module belongs to: stackwright.answers.reading is in `answers`."""
    return [*name.split("."), ""][1]


def _from(name: str, path: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    return ".".join(
        [*package[: len(package) - node.level + 1], *((node.module or "").split(".") if node.module else [])]
    )


def _is_for_types(node: ast.If) -> bool:
    return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _imports(name: str, path: Path, body: list[ast.stmt]) -> Iterator[str]:
    """What a module imports, also within functions, without what only type checkers see."""
    for statement in body:
        if isinstance(statement, ast.If) and _is_for_types(statement):
            yield from _imports(name, path, statement.orelse)
            continue
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            source = _from(name, path, statement)
            for alias in statement.names:
                full = f"{source}.{alias.name}"
                yield full if full in MODULES else source
        for field in ("body", "orelse", "finalbody"):
            yield from _imports(name, path, [s for s in getattr(statement, field, []) if isinstance(s, ast.stmt)])
        for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
            yield from _imports(name, path, part.body)


@cache
def imports(name: str) -> frozenset[str]:
    path = MODULES[name]
    return frozenset(_imports(name, path, ast.parse(path.read_text(encoding="utf-8")).body))


def ours(name: str) -> set[str]:
    return {i for i in imports(name) if i in MODULES and i != "stackwright"}


def in_rooms(rooms: set[str]) -> list[str]:
    return [name for name in MODULES if room(name) in rooms]


def reached(name: str) -> dict[str, str]:
    """Everything that a module pulls in, however far away, with who imports it."""
    found: dict[str, str] = {}
    todo = [name]
    while todo:
        here = todo.pop()
        for other in ours(here):
            if other not in found:
                found[other] = here
                todo.append(other)
    return found


def test_the_scan_sees_what_is_there() -> None:
    """All the checks below are worthless if this finds nothing."""
    assert {"stackwright.model", "stackwright.planner", "stackwright.planner.order"} <= set(MODULES)
    assert "stackwright.model" in imports("stackwright.planner.order")
    assert "stackwright.ssh" in imports("stackwright.operations.inspection")
    assert "stackwright.executor" in reached("stackwright.cli"), "imports within functions count"


def test_model_imports_nothing_of_ours_but_what_records_are_made_of() -> None:
    assert ours("stackwright.records") == set()
    assert ours("stackwright.model") == {"stackwright.records"}


def beyond(names: list[str], allowed: set[str]) -> dict[str, list[str]]:
    """By module: what it pulls in, however far away, from rooms that are not allowed."""
    assert names
    found = {name: sorted(i for i in reached(name) if room(i) not in allowed) for name in names}
    return {name: bad for name, bad in found.items() if bad}


def test_deciding_packages_do_not_reach_a_connection() -> None:
    allowed = {room(n) for n in MODULES} - CONNECTED - {"lab"}
    assert beyond(in_rooms(PURE | {"answers", "facts"}), allowed) == {}


def test_pure_packages_do_no_io() -> None:
    forbidden = {"socket", "subprocess", "paramiko", "urllib.request", "http.client", "threading", "random", "time"}
    found = {name: imports(name) & forbidden for name in in_rooms(PURE)}
    assert {name: bad for name, bad in found.items() if bad} == {}


def test_only_executing_packages_import_the_transport() -> None:
    found = {
        name: {i for i in imports(name) if room(i) in {"ssh", "executor"} or i.split(".")[0] == "paramiko"}
        for name in MODULES
        if room(name) not in CONNECTED
    }
    names_uploads = {"stackwright.output.text": {"stackwright.executor.puppet"}}
    assert {name: bad for name, bad in found.items() if bad} == names_uploads


def layer(name: str) -> int:
    """The number of a module's layer. KeyError for a package that no layer names."""
    return {package: number for number, packages in enumerate(LAYERS) for package in packages}[room(name)]


def test_every_package_has_a_layer_and_every_layer_its_packages() -> None:
    assert {room(name) for name in MODULES if name != "stackwright"} == frozenset().union(*LAYERS)


def test_imports_lead_downward_only() -> None:
    upward = {
        (name, other)
        for name in MODULES
        if name != "stackwright"
        for other in ours(name)
        if room(other) != room(name) and layer(other) >= layer(name)
    }
    assert upward == set()


def test_only_the_command_line_knows_argparse() -> None:
    assert {room(n) for n in MODULES if "argparse" in imports(n)} == {"cli"}


def test_arguments_are_read_and_never_written() -> None:
    """What the parser returns is no place for commands to leave values for each other."""

    def writes(tree: ast.AST) -> Iterator[str]:
        for node in ast.walk(tree):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            yield from (
                ast.unparse(t) for t in targets if isinstance(t, ast.Attribute) and ast.unparse(t.value) == "arguments"
            )
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "setattr":
                yield from (ast.unparse(node) for a in node.args[:1] if ast.unparse(a) == "arguments")

    assert list(writes(ast.parse("arguments.file = 1\narguments.x += 1\nsetattr(arguments, 'y', 2)"))) == [
        "arguments.file", "arguments.x", "setattr(arguments, 'y', 2)",
    ]  # fmt: skip
    texts = {name: MODULES[name].read_text(encoding="utf-8") for name in in_rooms({"cli"})}
    assert {name: found for name, text in texts.items() if (found := list(writes(ast.parse(text))))} == {}
    below = {name: path.read_text(encoding="utf-8") for name, path in MODULES.items() if room(name) != "cli"}
    assert [name for name, text in below.items() if re.search(r"\bNamespace\b|\bvars\(arguments\)", text)] == []


def test_only_render_knows_jinja() -> None:
    assert {n for n in MODULES if "jinja2" in imports(n)} == {"stackwright.planner.render"}


def test_scripts_on_hosts_use_only_the_standard_library() -> None:
    """It is uploaded without the package."""
    there = [n for n in MODULES if n.startswith("stackwright.verify.on_host")]
    assert there
    own = {MODULES[n].stem for n in there} | {"on_host"}
    found = {
        name: {
            i
            for i in imports(name) - set(there)
            if i.split(".")[0] not in own and i.split(".")[0] not in sys.stdlib_module_names
        }
        for name in there
    }
    assert {name: bad for name, bad in found.items() if bad} == {}


def test_modules_have_names_that_say_something() -> None:
    """A module that is called helpers attracts everything."""
    assert [n for n in MODULES if VAGUE & set(n.split("."))] == []


def test_modules_stay_small() -> None:
    """What outgrows this becomes a folder with a front door."""
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in MODULES.items()}
    assert {name: n for name, n in lines.items() if n > MOST_LINES} == {}


def test_modules_say_what_they_are_for() -> None:
    texts = {n: path.read_text(encoding="utf-8") for n, path in MODULES.items()}
    assert [n for n, text in texts.items() if not ast.get_docstring(ast.parse(text))] == []


def test_imports_make_no_ring() -> None:
    """A front door (`__init__.py`) and its own modules may know each other."""
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path, name])
        if name in done:
            return
        for other in ours(name):
            if not (MODULES[other].name == "__init__.py" and name.startswith(f"{other}.")):
                visit(other, (*path, name))
        done.add(name)

    for name in MODULES:
        visit(name, ())


def test_no_host_key_is_taken_blindly() -> None:
    """SSH's own words for that, in whatever file and way of writing."""
    roots = [PACKAGE, assets.templates()]
    blind = re.compile(r"StrictHostKeyChecking\W{1,6}(no|off)\b|AutoAddPolicy|WarningPolicy", re.IGNORECASE)
    texts = [path for root in roots for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert len(texts) > 200
    assert [path for path in texts if blind.search(path.read_text(errors="replace"))] == []
    assert blind.search('"StrictHostKeyChecking": "no"')
    assert blind.search("-o StrictHostKeyChecking=no")
