"""Every answer as a flag of the command line, with Packstack's name: --os-neutron-l2-agent=ovn.

The 300 flags are removed from the arguments before argparse sees them, and only `--help-all` lists them: `--help` stays
short, and this module is loaded only if such a flag is used.
"""

from __future__ import annotations

import difflib
import functools
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence

from stackwright.answers.packstack.flags import old_flags
from stackwright.answers.packstack.retired import RETIRED, translated
from stackwright.answers.reading import flag_name, old_names, suggest
from stackwright.answers.writing import explanation
from stackwright.model import ExitCode, Option, StackwrightError
from stackwright.services import all_services, options

_ALIASES = {
    "--mysql-host": "CONFIG_MARIADB_HOST",
    "--mysql-pw": "CONFIG_MARIADB_PW",
    "--novacompute-hosts": "CONFIG_COMPUTE_HOSTS",
    "--provision-all-in-one-ovs-bridge": "CONFIG_PROVISION_OVS_BRIDGE",
}
"""Flags of earlier Packstack releases whose keys were only renamed."""

_METAVARS = {
    "host": "HOST", "hosts": "HOST,...", "path": "FILE", "url": "URL", "port": "PORT", "size": "SIZE",
    "network": "CIDR", "networks": "CIDR,...", "words": "A,B,...", "integer": "N", "natural": "N", "count": "N",
    "workers": "N", "time_servers": "HOST,...",
    "ratio": "X.Y", "bridge": "BRIDGE", "bridge_list": "BRIDGE,...", "bridge_mappings": "NET:BRIDGE,...",
    "bridge_interfaces": "BRIDGE:IF,...", "address": "ADDRESS", "vlan_ranges": "NET:A:B,...",
}  # fmt: skip


@functools.cache
def by_flag() -> dict[str, str]:
    """Every flag, with its dashes, and its key."""
    found = {f"--{flag_name(option)}": key for key, option in options().items()}
    return {**_ALIASES, **found}


def metavar(option: Option) -> str:
    """The placeholder for the value in the help."""
    if option.metavar:
        return option.metavar
    if option.choices and option.parse.__name__ in ("one_of", "boolean"):
        return "{" + ",".join(option.choices) + "}"
    if option.secret:
        return "SECRET"
    return _METAVARS.get(option.parse.__name__, "TEXT")


def take(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Split arguments into answers (texts by key) and the rest, which keeps its order.

    Accepts --flag=value and --flag value; words after `--` are not changed. The last of repeated flags counts. Flags of
    earlier releases set the keys of those releases. Raises StackwrightError for a flag without a value.
    """
    found: dict[str, str] = {}
    rest: list[str] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word == "--":
            rest += [word, *queue]
            break
        name, equals, value = word.partition("=")
        key = (by_flag().get(name) or old_flags().get(name)) if name.startswith("--") else None
        if key is None:
            rest.append(word)
        elif equals:
            found[key] = value
        elif queue and not queue[0].startswith("--"):
            found[key] = queue.pop(0)
        else:
            shape = metavar(options()[key]) if key in options() else "VALUE"
            raise StackwrightError(f"{name} needs a value", f"use {name}={shape} to set {key}", ExitCode.USAGE)
    return found, rest


def settings(presets: Mapping[str, str], pairs: Iterable[str]) -> dict[str, str]:
    """Answers by key: from flags (`presets`) and from the KEY=VALUE pairs of `--set`, which take precedence.

    Accepts key names of earlier releases. Raises StackwrightError for an unknown key.
    """
    found = dict(presets)
    for pair in pairs:
        key, sign, value = pair.partition("=")
        key = key.strip().upper()
        if not sign or not (key in options() or key in old_names() or key in RETIRED or key in translated()):
            near = suggest(key)
            raise StackwrightError(
                f"--set {key}: " + ("unknown key" if sign else "must be KEY=VALUE"),
                f"did you mean {near}?" if near else "list the keys with `stackwright answers explain`",
                ExitCode.USAGE,
            )
        found[key] = value
    return found


def nearest(flag: str, more: Iterable[str] = ()) -> str:
    """The flag in `known` or `more` that is most similar to a misspelt one; empty if none is similar."""
    name = flag.partition("=")[0]
    if not name.startswith("--"):
        return ""
    close = difflib.get_close_matches(name, [*more, *by_flag()], n=1, cutoff=0.75)
    return close[0] if close else ""


def help_all() -> str:
    """All flags by service, for `--help-all`."""
    width = shutil.get_terminal_size().columns
    parts = []
    for service in all_services():
        if not service.options:
            continue
        parts.append(f"\n{service.summary}:\n")
        for option in service.options:
            parts.append(f"  --{flag_name(option)} {metavar(option)}\n")
            parts.append(textwrap.indent(textwrap.fill(option.help, max(width, 40) - 8), "      ") + "\n")
    return "".join(parts)


def about(key: str) -> str:
    """The explanation of one key as plain lines."""
    return "\n".join(line.removeprefix("# ") for line in explanation(options()[key]))
