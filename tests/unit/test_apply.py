"""The way of a run, without a host."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

import typed
from stackwright.model import ExitCode, StackwrightError
from stackwright.operations import inspection
from stackwright.ssh import Result
from stackwright.ssh.pool import Hosts


@dataclass
class Looked:
    """Stands for all connections, and answers as the probe of a host would. Keeps the scripts."""

    scripts: dict[str, str] = field(default_factory=dict)

    def connect(self, name: str) -> Any:
        @dataclass
        class Connection:
            looked: Looked

            def run(self, script: str, *, timeout: float, most: int = 0) -> Result:
                assert timeout
                assert most >= 0
                self.looked.scripts[name] = script
                return Result(0, f"hostname\t{name}\nend\t1\n", "")

        return Connection(self)


def test_a_host_is_not_asked_about_all_the_others() -> None:
    """Each of a thousand hosts asking its name server for a thousand names takes longer than a probe may."""
    looked = Looked()
    found = inspection.look(cast(Hosts, looked), ["a", "b", "c"], typed.answers())
    assert {name: facts.hostname for name, facts in found.items()} == {"a": "a", "b": "b", "c": "c"}
    for name, script in looked.scripts.items():
        asked = next(line for line in script.splitlines() if line.startswith("set -- "))
        assert shlex.split(asked) == ["set", "--", name]


def test_a_hint_that_many_hosts_have_in_common_is_given_once() -> None:
    class Lost:
        def connect(self, name: str) -> Any:
            why = "is off" if name == "h7" else "refuses"
            raise StackwrightError(f"{name}: it {why}", f"Look at {name}: it {why}.", ExitCode.UNREACHABLE)

    names = [f"h{n}" for n in range(100, 300)] + ["h7"]
    with pytest.raises(StackwrightError) as caught:
        inspection.look(cast(Hosts, Lost()), names, typed.answers())
    assert caught.value.code == ExitCode.UNREACHABLE
    assert len(caught.value.message.splitlines()) == 201
    assert caught.value.hint == "Look at h100: it refuses.\nLook at h7: it is off."
