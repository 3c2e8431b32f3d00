"""A bundle makes a second cloud: the same plan to the byte, the same packages, the same configuration.

Long: two clouds. They are small (tests/clouds); tests/lab/test_first_day.py repeats one with all services.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from first_day import REPEATED, Day, the_repeated_one_is_the_same

import clouds
from stackwright.lab import Lab

CLOUD = clouds.named("small")
pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.cloud(CLOUD.name)]

RESULTS = Path(__file__).resolve().parents[2] / "test-results" / CLOUD.name


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, first_day_lab: Lab) -> Iterator[Day]:
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir(parents=True)
    made = Day(tmp_path_factory.mktemp("home"), first_day_lab, RESULTS)
    yield made
    for kept in (*made.state.glob("*/logs/*"), *made.state.glob("*/report.*")):
        shutil.copy(kept, RESULTS)


def run(day: Day, *words: str) -> str:
    done = day.run(shlex.join(["stackwright", *words]))
    with (RESULTS / "output.txt").open("a") as log:
        log.write(f"$ {shlex.join(words)}\n{done.stdout}{done.stderr}")
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done.stdout + done.stderr


def test_a_cloud_of_identity_and_images_only_is_installed(day: Day) -> None:
    said = run(day, "--allinone", "--lab", CLOUD.name, "--release", CLOUD.release, *CLOUD.settings)
    assert "is installed and verified" in said


def test_its_bundle_makes_the_same_cloud_again(day: Day) -> None:
    file = f"{day.home}/stackwright-{CLOUD.name}.answers"
    run(day, "bundle", "create", "--neutral", "-a", file, "-o", "small.bundle")
    said = run(day, "bundle", "reproduce", "small.bundle", "--lab", REPEATED)
    assert "equals that of the bundle, to the byte" in said
    assert "is installed and verified" in said
    the_repeated_one_is_the_same(day, CLOUD.name, files=2)
    locks = [str(path) for path in sorted(day.state.glob("*/stackwright.lock"))]
    run(day, "lock", "diff", *locks)
