"""The sampler of arguments that the node test of the whole path uses."""

from __future__ import annotations

import subprocess
import time

from process_arguments import Sampler


def test_a_secret_in_arguments_is_found_and_not_shown() -> None:
    with Sampler(0.02) as sampler:
        process = subprocess.Popen(["sleep", "1000.00066"])
        try:
            end = time.monotonic() + 30
            while not sampler.with_a_secret(["1000.00066"]) and time.monotonic() < end:
                time.sleep(0.02)
        finally:
            process.kill()
            process.wait()
    assert sampler.with_a_secret(iter(["in-no-arguments", "1000.00066"])) == ["sleep *** "]
    assert sampler.with_a_secret(iter(["in-no-arguments"])) == []
