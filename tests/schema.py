"""Validates JSON against the part of JSON Schema that docs/output.schema.json uses. An unknown keyword is an error: it
would look as if it were checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OUTPUT: dict[str, Any] = json.loads((Path(__file__).parents[1] / "docs/output.schema.json").read_text(encoding="utf-8"))

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,), "number": (int, float),
    "integer": (int,), "null": (type(None),),
}  # fmt: skip
_KNOWN = {
    "$schema", "$defs", "$ref", "title", "type", "required", "properties", "additionalProperties", "items", "enum",
    "const", "oneOf",
}  # fmt: skip


def errors(value: Any, schema: dict[str, Any], whole: dict[str, Any] = OUTPUT, at: str = "$") -> Iterator[str]:
    """What is wrong with a value."""
    assert set(schema) <= _KNOWN, set(schema) - _KNOWN
    if "$ref" in schema:
        yield from errors(value, whole["$defs"][schema["$ref"].removeprefix("#/$defs/")], whole, at)
    if "oneOf" in schema:
        found = [list(errors(value, one, whole, at)) for one in schema["oneOf"]]
        if sum(not each for each in found) != 1:
            yield f"{at}: fits {sum(not each for each in found)} of {len(found)}: {min(found, key=len)}"
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is not in {schema['enum']}"
    if "type" in schema:
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        kinds = tuple(kind for name in names for kind in _TYPES[name])
        if not isinstance(value, kinds) or (isinstance(value, bool) and "boolean" not in names):
            yield f"{at}: {type(value).__name__} is not {' or '.join(names)}"
            return
    if isinstance(value, dict):
        yield from (f"{at}: {name} is missing" for name in schema.get("required", ()) if name not in value)
        known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        for name, inner in value.items():
            if name in known:
                yield from errors(inner, known[name], whole, f"{at}.{name}")
            elif others is False:
                yield f"{at}: {name} is unknown"
            elif isinstance(others, dict):
                yield from errors(inner, others, whole, f"{at}.{name}")
    if isinstance(value, list) and "items" in schema:
        for number, inner in enumerate(value):
            yield from errors(inner, schema["items"], whole, f"{at}[{number}]")


def lines(text: str) -> list[dict[str, Any]]:
    """The objects of an output, each of which fits the schema; the last one ends it."""
    found = [json.loads(line) for line in text.splitlines()]
    assert [problem for one in found for problem in errors(one, OUTPUT)] == []
    assert [one["type"] in ("result", "error") for one in found] == [False] * (len(found) - 1) + [True]
    return found
