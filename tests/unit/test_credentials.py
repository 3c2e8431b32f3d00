"""The files to log in with, as a shell reads them."""

from __future__ import annotations

import subprocess

from stackwright.planner.steps import credentials


def sourced(text: str, before: dict[str, str]) -> dict[str, str]:
    """The clients' variables after a shell with these has read the file."""
    done = subprocess.run(
        ["bash", "-c", '. /dev/stdin && env -0'], input=text.encode(), env={"PATH": "/usr/bin:/bin", **before},
        capture_output=True, check=True,
    )  # fmt: skip
    pairs = (item.partition("=") for item in done.stdout.decode().split("\0"))
    return {name: value for name, _, value in pairs if name.startswith("OS_")}


def test_nothing_of_another_clouds_file_is_left() -> None:
    """What its file has set and ours does not name, the clients would heed as well: a project of another cloud."""
    text = credentials.keystonerc("http://198.18.0.10:5000/v3", "RegionOne", "admin", "it's $(a) `b` \\", "admin")
    stale = (
        "OS_PROJECT_ID",
        "OS_USER_DOMAIN_ID",
        "OS_TENANT_NAME",
        "OS_TOKEN",
        "OS_CACERT",
        "OS_AUTH_TYPE",
        "OS_CLOUD",
    )
    found = sourced(text, dict.fromkeys(stale, "theirs"))
    assert "theirs" not in found.values()
    assert found["OS_PASSWORD"] == "it's $(a) `b` \\"
    assert found["OS_PROJECT_NAME"] == "admin"
    assert found == sourced(text, {})
