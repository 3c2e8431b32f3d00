"""Which hosts the answers name: shared by the roles of several services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CONTROLLER = "CONFIG_CONTROLLER_HOST"


def first(answers: Mapping[str, Any], *keys: str) -> tuple[str, ...]:
    """The hosts named by the first of these keys that has a value; empty if none has."""
    for key in keys:
        if value := answers.get(key):
            return (str(value),) if isinstance(value, str) else tuple(str(host) for host in value)
    return ()


def unique(*hosts: str) -> tuple[str, ...]:
    """These hosts, each once."""
    return tuple(dict.fromkeys(hosts))


def storage(answers: Mapping[str, Any]) -> tuple[str, ...]:
    """The hosts of volumes and objects. As in Packstack, CONFIG_STORAGE_HOST is used only with CONFIG_UNSUPPORTED=y."""
    named = first(answers, "CONFIG_STORAGE_HOST") if answers.get("CONFIG_UNSUPPORTED") else ()
    return named or first(answers, CONTROLLER)
