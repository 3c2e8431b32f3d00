"""Jinja templates -> Puppet manifests and hieradata. Pure: the same input gives the same texts, to the byte.

A component's templates are `<service>/<name>.pp.j2` and, if it has parameters, `<service>/<name>.yaml.j2`. Class
parameters are in the hieradata; manifests are small.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import jinja2
import yaml

from stackwright.planner import assets
from stackwright.values import consumers


class RenderError(Exception):
    """A mistake in our templates: a value is missing, or two components contradict each other."""


class PlaceholderUsed(RenderError):
    """A template or step inspects a value that differs between the hosts of one class."""


@dataclass(frozen=True)
class Rendered:
    """The input of one Puppet run on one host."""

    manifest: str
    hieradata: str
    owners: Mapping[str, str]
    """The component that sets each parameter."""


class Placeholder:
    """Stands for a value that differs between hosts, while a text is rendered once for many of them.

    A template can write it through `pp` or `yaml`, which leave a place for it (see `Template`). Any other use raises
    PlaceholderUsed, because its result could differ between the hosts.
    """

    def __init__(self, name: str) -> None:
        self.place = f"\0{name}\0"

    def _inspect(self, *_: object) -> NoReturn:
        raise PlaceholderUsed("this value differs between the hosts")

    __str__ = __repr__ = __format__ = __bool__ = __len__ = __iter__ = __contains__ = _inspect
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __hash__ = _inspect
    __getitem__ = __getattr__ = __add__ = __radd__ = __mod__ = _inspect


_PLACE = re.compile(r"""\"\\u0000(\w+)\\u0000\"|'\0(\w+)\0'""")


class Template:
    """A rendered text with places for each host's own values."""

    def __init__(self, text: str) -> None:
        self._parts = _PLACE.split(text)  # a text, the name of a value for `yaml` or else for `pp`, a text...

    def filled(self, values: Mapping[str, Any]) -> str:
        """The text with these values, by name, in their places."""
        texts, in_yaml, in_pp = self._parts[::3], self._parts[1::3], self._parts[2::3]
        own = (as_yaml(values[y]) if y else as_puppet(values[p]) for y, p in zip(in_yaml, in_pp, strict=True))
        return "".join(part for pair in zip(texts, (*own, ""), strict=True) for part in pair)


def _plain(value: Any) -> Any:
    """`value` converted to the types of JSON."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Placeholder):
        return value.place
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [_plain(v) for v in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)


_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""Characters that JSON allows unescaped, but YAML forbids or reads as line ends."""


_json = json.JSONEncoder(ensure_ascii=False).encode


def as_yaml(value: Any) -> str:
    """A YAML flow value on one line of hieradata. It is JSON, which is valid YAML and quotes every string, so YAML does
    not guess types. Hiera interpolates nothing in it."""
    text = consumers.hiera(_json(_plain(value)))
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def as_puppet(value: Any) -> str:
    """A literal of the Puppet language. Strings are single-quoted, so that nothing in them is interpolated."""
    value = _plain(value)
    if value is None:
        return "undef"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(as_puppet(v) for v in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{as_puppet(k)} => {as_puppet(v)}" for k, v in value.items()) + "}"
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def ceph_fsid(secret: str) -> str:
    """The Ceph cluster's ID: a UUID derived from its secret, which it does not reveal."""
    return str(uuid.UUID(bytes=hashlib.sha256(f"ceph fsid {secret}".encode()).digest()[:16], version=4))


def ceph_key(secret: str) -> str:
    """A CephX key derived from the secret: type AES (1), creation time 0, 16 bytes (Ceph's auth/Crypto.h)."""
    key = hashlib.sha256(f"ceph key {secret}".encode()).digest()[:16]
    return base64.b64encode(struct.pack("<hiih", 1, 0, 0, len(key)) + key).decode()


@cache
def _environment(folder: Path) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
        # `auto_reload` would check the files again for each of a thousand hosts.
        auto_reload=False,
    )
    environment.filters["yaml"] = as_yaml
    environment.filters["pp"] = as_puppet
    for write in consumers.FILTERS:
        environment.filters[write.__name__] = write
    environment.filters["ceph_fsid"] = ceph_fsid
    environment.filters["ceph_key"] = ceph_key
    return environment


def _render(template: jinja2.Template, context: Mapping[str, Any]) -> str:
    """Like `template.render`, but without copying the context for each of a host's dozen templates."""
    names = {**template.environment.globals, **context}
    return "".join(template.root_render_func(template.new_context(names, shared=True)))


@cache
def _compiled(folder: Path, source: str) -> jinja2.Template:
    return _environment(folder).from_string(source)


@cache
def _paths(folder: Path) -> Mapping[str, str]:
    return assets.component_templates(folder)


@cache
def _found(folder: Path, name: str) -> jinja2.Template | None:
    """The template of that name; None if there is none."""
    try:
        return _environment(folder).get_template(_paths(folder).get(name, name))
    except jinja2.TemplateNotFound:
        return None


def text(source: str, context: Mapping[str, Any]) -> str:
    """Renders a template given as text: a component's probe."""
    return _render(_compiled(assets.templates(), source), context)


def _template(folder: Path, name: str, context: Mapping[str, Any]) -> str:
    template = _found(folder, name)
    if template is None:
        return ""
    try:
        return _render(template, context)
    except jinja2.TemplateNotFound as error:
        raise RenderError(f"{name}: includes {error.name}, which does not exist") from error
    except jinja2.UndefinedError as error:
        raise RenderError(f"{name}: {error.message}") from error
    except KeyError as error:
        raise RenderError(f"{name}: there is no answer {error}") from error


_PARAMETER = re.compile(r"([a-z]\w*(?:::\w+)*):(?: |$)")


def _parameters(name: str, rendered: str) -> Iterator[tuple[str, str]]:
    """Each parameter of a rendered `<component>.yaml.j2` with its text: its line and the indented lines below it."""
    key, begun = "", ""
    for number, line in enumerate(rendered.split("\n"), 1):
        if not line or line[0] == "#":
            continue
        if line[0] == " ":
            begun += f"{line}\n"
            continue
        if begun:
            yield key, begun
        found = _PARAMETER.match(line)
        if not found:
            # Without the line itself, which may hold a password.
            raise RenderError(f"{name}.yaml.j2: line {number} of what it makes is no parameter (class::name: value)")
        key, begun = found[1], f"{line}\n"
    if begun:
        yield key, begun


def catalog(components: Iterable[str], context: Mapping[str, Any]) -> Rendered:
    """The manifest and hieradata for these components on one host.

    The hieradata are the components' own lines, sorted by parameter. Raises RenderError if two components set one
    parameter to different values.
    """
    folder = assets.templates()
    names = tuple(components)
    manifest = [_template(folder, "global.pp.j2", {**context, "components": names})]
    data: dict[str, str] = {}
    given_by: dict[str, str] = {}
    for name in names:
        body = _template(folder, f"{name}.pp.j2", context)
        if not body:
            raise RenderError(f"component {name} has no template {name}.pp.j2")
        manifest.append(f"\n# --- {name}\n{body}")
        for key, lines in _parameters(name, _template(folder, f"{name}.yaml.j2", context)):
            if data.setdefault(key, lines) != lines and yaml.safe_load(data[key]) != yaml.safe_load(lines):
                raise RenderError(f"{key} is one thing for {given_by[key]} and another for {name}")
            given_by.setdefault(key, name)
    return Rendered("".join(manifest), "".join(data[key] for key in sorted(data)) or "{}\n", given_by)
