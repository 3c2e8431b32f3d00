"""The names that hosts will have after the plan was applied (CONFIG_HOST_NAMES)."""

from __future__ import annotations

from dataclasses import replace

from stackwright.model import Answers, Facts
from stackwright.values import is_address


def ours(answers: Answers) -> bool:
    """Whether Stackwright sets host names and /etc/hosts."""
    return bool(answers["CONFIG_HOST_NAMES"])


def given(name: str) -> str:
    """The full name that the answers give a host; empty for an address, or a name without a domain."""
    return name if "." in name and not is_address(name) else ""


def corrected(answers: Answers, name: str, fact: Facts) -> Facts:
    """The facts with the names that the host will have."""
    if not ours(answers):
        return fact
    full = given(name) or fact.fqdn or fact.hostname
    return replace(fact, hostname=given(name) or fact.hostname, fqdn=full)
