"""A Packstack administrator, who has a file of Juno for three hosts, and follows the hints on the screen."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .conftest import Opens, recorded_hosts
from .terminal import named

JUNO = Path(__file__).resolve().parents[1] / "data" / "juno.answers"
HOSTS = [f"198.18.41.1{n}" for n in range(3)]


@pytest.mark.slow
def test_from_a_file_of_juno_to_a_plan_for_three_hosts(home: Path, terminal: Opens) -> None:
    shutil.copy(JUNO, home / "juno.answers")
    with recorded_hosts(home, [1, 2, 3], known=True):
        screen = terminal("packstack-file")
        code, text = screen.run("stackwright check -a juno.answers")
        assert code == 0, text
        assert "CONFIG_NAGIOS_INSTALL" in text
        migrate = named(text, "stackwright answers migrate juno.answers")
        assert migrate.endswith(" -o NEW.answers")
        code, text = screen.run(migrate)
        assert code == 0, text
        check = named(text, "stackwright check -a ")
        code, text = screen.run(check)
        assert code == 0, text
        code, text = screen.run(named(text, "stackwright plan "))
        assert code == 0, text
        for host in HOSTS:
            assert f"\n{host}:packages: " in text
    assert (home / "juno.answers").read_bytes() == JUNO.read_bytes()
