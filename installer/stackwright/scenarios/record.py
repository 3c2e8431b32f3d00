"""Scenarios as data files: answers, tests, manual tests, and where to look for problems."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from stackwright.model import ExitCode, StackwrightError
from stackwright.services import tempest_groups

_DATA = Path(__file__).resolve().parent / "data"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
USUAL = "smoke"
"""The scenario that is used by default."""


@dataclass(frozen=True)
class Scenario:
    """One data file."""

    name: str
    title: str
    after: str
    """The scenario of another project that it is based on; empty: none."""
    answers: Mapping[str, str]
    """The answers of its cloud."""
    left_out: tuple[str, ...]
    """Services of the other project's scenario that this one does not have."""
    tempest: tuple[str, ...]
    """Groups of Tempest tests; see `groups`."""
    by_hand: tuple[str, ...]
    look_at: tuple[str, ...]


def _lines(name: str) -> list[str]:
    """The lines of a file in the data folder, without comments."""
    return [line for line in (_DATA / name).read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]


_RENAMED = ("tempest.api.network.admin.test_routers.RoutersAdminTest.test_update_router_unset_gateway",)
"""Present names of required tests: Tempest moved them, with their ids, after the guideline was written."""


@cache
def _required() -> dict[str, str]:
    """The tests that the interoperability guideline requires, as one expression for each class of tests."""
    classes: dict[str, list[str]] = {}
    for test in (*_lines("interop-2020.06.txt"), *_RENAMED):
        owner, _, method = test.rpartition(".")
        classes.setdefault(owner, []).append(method)
    return {owner: rf"{re.escape(owner)}\.({'|'.join(methods)})(\[|$)" for owner, methods in classes.items()}


def groups() -> dict[str, tuple[str, ...]]:
    """Regular expressions for tests of Tempest by group: those of the services, the required tests of the
    interoperability guideline (`interop`), and about a third of these (`interop-quick`)."""
    required = _required()
    quick = tuple(required[owner] for owner in _lines("interop-quick.txt"))
    return {**tempest_groups(), "interop": tuple(required.values()), "interop-quick": quick}


def names() -> tuple[str, ...]:
    """The names of the built-in scenarios."""
    return tuple(sorted(path.stem for path in _DATA.glob("*.toml")))


def find(name: str) -> Scenario:
    """The built-in scenario of that name, or the one in that file (*.toml). Raises StackwrightError."""
    if name.endswith(".toml"):
        return _read(Path(name))
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=1)
        raise StackwrightError(
            f"unknown scenario {name}",
            f"did you mean {near[0]}?" if near else f"choose one of {', '.join(names())}",
            ExitCode.USAGE,
        )
    return _read(_DATA / f"{name}.toml")


_LISTS = ("tempest", "by_hand", "look_at", "left_out")


def _read(path: Path) -> Scenario:
    """Reads a data file: title, tempest and [answers] are required."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        if unknown := sorted({*data} - {"title", "after", "answers", *_LISTS}):
            raise ValueError(f"unknown keys: {', '.join(unknown)}")
        for key in _LISTS:
            told = data.setdefault(key, [])
            if not isinstance(told, list) or not all(isinstance(one, str) for one in told):
                raise ValueError(f"{key} is not a list of strings")
        known = groups()
        if strange := [group for group in data["tempest"] if group not in known]:
            raise ValueError(f"unknown test group {strange[0]}; groups: {', '.join(known)}")
        if not data["tempest"] or not _NAME.fullmatch(path.stem):
            raise ValueError(
                "tempest is empty" if not data["tempest"] else f"{path.stem!r} is not a valid scenario name"
            )
        _refuse_odd(data)
        return Scenario(
            name=path.stem,
            title=str(data["title"]),
            after=str(data.get("after", "")),
            answers={str(key): str(value) for key, value in data["answers"].items()},
            **{key: tuple(data[key]) for key in _LISTS},
        )
    except OSError as error:
        raise StackwrightError(
            f"cannot read {path}: {error.strerror}", f"give a file or one of {', '.join(names())}", ExitCode.USAGE
        ) from None
    except (ValueError, KeyError, AttributeError) as error:
        missing = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise StackwrightError(
            f"{path} is not a scenario: {missing}",
            "add title, tempest and [answers], as in the built-in scenarios",
            ExitCode.USAGE,
        ) from None


def _refuse_odd(data: Mapping[str, Any]) -> None:
    """Raises ValueError for values that a scenario must not contain, because it may come from a stranger: commands,
    files of this machine, and anything other than lines of text."""
    for key, value in {**data["answers"], "title": data["title"], "after": data.get("after", "")}.items():
        if not str(value).isprintable():
            raise ValueError(f"{key} is not one printable line")
        if re.match(r"\s*!\s*(cmd|file|env)\b", str(value)):
            raise ValueError(f"{key} names a command, file or variable of this machine")
        if key in data["answers"] and not re.fullmatch(r"(CONFIG|EXCLUDE)_[A-Z0-9_]+", str(key)):
            raise ValueError(f"{key!r} is not a key of an answer file")


def describe(scenario: Scenario) -> str:
    """A scenario as text for people."""
    out = [f"{scenario.name}: {scenario.title}"]
    if scenario.after:
        out.append(
            f"after {scenario.after}" + (", without " + ", ".join(scenario.left_out) if scenario.left_out else "")
        )
    for head, lines in (
        (
            "what is enabled",
            [f"{k}={v}" for k, v in scenario.answers.items()] or ["nothing: the existing cloud is tested"],
        ),
        ("what Tempest tests", scenario.tempest),
        ("what you do by hand", scenario.by_hand),
        ("what you check", scenario.look_at),
    ):
        if lines:
            out += [f"\n{head}:", *(f"  {line}" for line in lines)]
    return "\n".join(out)


# ------------------------------------------------------------------------------------------------------ known failures


@dataclass(frozen=True)
class Known:
    """A test that is known to fail."""

    test: str
    """The test's name, or the part of it before a dot."""
    why: str
    link: str

    def is_about(self, test: str) -> bool:
        """Whether a test is this one, or belongs to it."""
        return test == self.test or test.startswith((f"{self.test}.", f"{self.test}["))


def known_failures(more: Iterable[Path] = ()) -> tuple[Known, ...]:
    """Our list, and the lists in `files`. Raises StackwrightError if one cannot be read."""
    out: list[Known] = []
    for path in (Path(__file__).resolve().parent / "known-failures.txt", *more):
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not text"
            raise StackwrightError(f"cannot read {path}: {why}", "use another file", ExitCode.USAGE) from None
        out += _known(text, path)
    return tuple(out)


def _known(text: str, path: Path) -> Iterable[Known]:
    for paragraph in re.split(r"\n\s*\n", text):
        lines = [line for line in paragraph.splitlines() if line.strip() and not line.startswith("#")]
        found = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        if not found:
            continue
        if len(lines) != len(found) or set(found) != {"test", "why", "link"} or not all(found.values()):
            raise StackwrightError(
                f"{path}: a known failure needs test, why and link, each once; this has "
                + ", ".join(line.partition(":")[0].strip() for line in lines),
                "write each as `name: text` on a line of its own, with an empty line between failures",
                ExitCode.USAGE,
            )
        yield Known(found["test"], found["why"], found["link"])
