"""Shell scripts are files beside the modules that use them; this reads them and fills in their placeholders.

A file `NAME.sh` begins with a header: `#!/bin/sh`, comments for readers and directives for shellcheck, up to the first
empty line. The header is not part of the script. In the script,

* `@NAME@` is a placeholder. Values are quoted for the shell when they are filled in, except those marked `Raw`.
* `. ./other.sh` in a line of its own includes the script of another file, relative to the file's folder.
* `# shellcheck disable=RULE # reason` in a line of its own is removed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_PLACEHOLDER = re.compile(r"@([A-Z][A-Z_]*)@")
_INCLUDE = re.compile(r"^\. (\.\.?/[a-z_./]+\.sh)\n", re.MULTILINE)
_DIRECTIVE = re.compile(r"^ *# shellcheck [^#\n]*# .*\n", re.MULTILINE)
_TOKEN = re.compile(rf"^(?: *# )?{_PLACEHOLDER.pattern}\n|{_PLACEHOLDER.pattern}", re.MULTILINE)


@dataclass(frozen=True)
class Raw:
    """Text that is filled in as it is: generated shell code, or a value inside quotes or a here-document.

    Where its placeholder is a line of its own, the text is that many whole lines; an empty text removes the line. Such
    a line may be a comment (`# @NAME@`), where no command may stand.
    """

    text: str


Value = Raw | str | int | float | Sequence[str]
"""A sequence becomes words, each of them quoted."""


def fill(file: str, **values: Value) -> str:
    """The script in `file`, a path within the package, with a value for each of its placeholders.

    Raises ValueError when a placeholder has no value, or a value has no placeholder.
    """
    script = _script(_PACKAGE / file)
    names = {match[1] for match in _PLACEHOLDER.finditer(script)}
    if names != set(values):
        raise ValueError(f"{file}: placeholders {sorted(names)}, values {sorted(values)}")

    def one(match: re.Match[str]) -> str:
        value = values[match[1] or match[2]]
        text = _text(value)
        if not match[1]:
            return text
        # A placeholder in a line of its own.
        if isinstance(value, Raw):
            return text if not text or text.endswith("\n") else text + "\n"
        return text + "\n"

    return _TOKEN.sub(one, script) if names else script


def without_directives(script: str) -> str:
    """A script without the lines that tell shellcheck to ignore something, with a reason."""
    return _DIRECTIVE.sub("", script)


def _text(value: Value) -> str:
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, str):
        return shlex.quote(value)
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    return " ".join(shlex.quote(word) for word in value)


@cache
def _script(path: Path) -> str:
    """The script of a file without header and directives, with what it includes."""
    header, _, script = path.read_text(encoding="utf-8").partition("\n\n")
    if not header.startswith("#!"):
        raise ValueError(f"{path}: the first line is not #!/bin/sh")
    return _INCLUDE.sub(lambda match: _script((path.parent / match[1]).resolve()), without_directives(script))
