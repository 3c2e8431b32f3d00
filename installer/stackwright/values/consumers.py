"""Escapes a text so that the program that reads it gets it unchanged. The syntax of each consumer is known only here.

Each function takes a text without control characters and returns its form in the consumer's file. Templates use the
functions as filters (planner/render.py).
"""

from __future__ import annotations

import re
from urllib.parse import quote

_QUOTES = "\"'"


def oslo(text: str) -> str:
    """A value of an oslo.config file.

    oslo.config reads `$name` as a reference to another option, and `$$` and `\\$` as a dollar sign (cfg.py,
    `_substitute`); its parser drops one pair of quotes round a value (iniparser.py, `_get_value`). Puppet's types of
    such files write true and false with a capital letter, which the quotes prevent.
    """
    # A backslash before `$$` would be taken for an escape together with the first dollar sign.
    text = re.sub(r"(\\)?\$", lambda found: r"\\$" if found[1] else "$$", text)
    quoted = len(text) > 0 and text[0] == text[-1] and text[0] in _QUOTES
    return f'"{text}"' if quoted or text.casefold() in ("true", "false") else text


def configparser(text: str) -> str:
    """A value of a file that Python's ConfigParser reads with interpolation, such as swift.conf."""
    return text.replace("%", "%%")


def paste(text: str) -> str:
    """A value of Swift's paste files, where only `%(` starts an interpolation (swift.common.utils,
    `NicerInterpolation`)."""
    return configparser(text) if "%(" in text else text


def glance_store(text: str) -> str:
    """A value of glance-swift.conf: ConfigParser, and quotes round a value are dropped (glance_store's
    `SwiftConfigParser`)."""
    text = configparser(text)
    return f'"{text}"' if text[:1] in ('"', "'") or text.casefold() in ("true", "false") else text


def hiera(text: str) -> str:
    """A text in hieradata: `%{` begins an interpolation (Puppet's documentation, "Interpolate values")."""
    return text.replace("%{", "%{literal('%')}{")


def python(text: str) -> str:
    """A text between the single quotes of a Python string literal."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


def option_file(text: str) -> str:
    """A text between single or double quotes in an option file of MySQL or MariaDB (mysys/my_default.c)."""
    return re.sub(r"([\\\"'])", r"\\\1", text)


def yaml_scalar(text: str) -> str:
    """A double-quoted YAML scalar, for a template that copies text into YAML unchanged."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._-]*", re.ASCII)
_YAML_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})


def is_plain(text: str) -> bool:
    """Whether every consumer reads the text as it is, without quotes or escapes."""
    return bool(_PLAIN.fullmatch(text)) and text.casefold() not in _YAML_WORDS


def userinfo(text: str) -> str:
    """A user or password in a URL."""
    return quote(text, safe="")


def migrated_userinfo(text: str) -> str:
    """A password in the URL of Keystone's database, without `%` and `@` (see answers/texts.py).

    Keystone gives this URL to Alembic as it is (keystone.common.sql.upgrades, `_find_alembic_conf`, in every release
    so far). Alembic keeps it in a ConfigParser, which rejects the `%` of a quoted character. SQLAlchemy reads all
    characters but these two unquoted (sqlalchemy.engine.url, `_parse_url`).
    """
    return text


FILTERS = (oslo, configparser, paste, glance_store, python, option_file, yaml_scalar, userinfo, is_plain)
"""The filters that templates use by these names. `yaml` and `pp` are in planner/render.py."""


def forms(secret: str) -> tuple[str, ...]:
    """Every escaped form that a secret can have in a file of a host."""
    written = (oslo, configparser, paste, glance_store, hiera, python, option_file, userinfo)
    return tuple(dict.fromkeys(form for write in written if (form := write(secret)) != secret))


def control_character(text: str) -> str:
    """The first control character of a text, as Python writes it; empty if there is none. No service's file can contain
    one unchanged."""
    found = re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", text)
    return repr(found[0])[1:-1] if found else ""


def outside(text: str, allowed: str) -> str:
    """The first character of a text that is not in `allowed`, the inside of a regular expression's [...]; empty if all
    are."""
    found = re.search(f"[^{allowed}]", text)
    return found[0] if found else ""
