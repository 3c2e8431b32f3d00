"""The guest's sources: what goes to the node, that its shell is POSIX, and that the build leaves an image alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from stackwright import guest
from stackwright.model import Run, Upload


def test_all_sources_go_to_the_node_in_an_order_that_does_not_change() -> None:
    upload, run = guest.actions("/srv/a b/guest.raw")
    assert isinstance(upload, Upload)
    assert isinstance(run, Run)
    names = [file.path.removeprefix(guest.SOURCES + "/") for file in upload.files]
    assert names[0] == "build.sh"
    assert names[1:] == sorted(names[1:])
    assert {
        "root/etc/rc",
        "root/etc/inittab",
        "root/etc/shadow",
        "root/usr/bin/sudo",
        "root/etc/acpi/PWRF/00000080",
    } <= set(names)
    modes = {name: file.mode for name, file in zip(names, upload.files, strict=True)}
    assert modes["root/etc/rc"] == 0o755
    assert modes["root/etc/passwd"] == 0o644
    assert "'/srv/a b/guest.raw'" in run.script
    assert run.retries > 0


@pytest.mark.parametrize("name", ["build.sh", "root/etc/rc", "root/etc/udhcpc.script", "root/usr/bin/sudo"])
def test_the_shell_is_read_without_complaint(name: str) -> None:
    content = next(file.content for file in guest.files("/x") if file.path == f"/x/{name}")
    done = subprocess.run(["sh", "-n"], input=content, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def put(folder: Path) -> Path:
    for file in guest.files(str(folder)):
        path = Path(file.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    return folder / "build.sh"


def test_an_image_that_is_there_is_left_alone(tmp_path: Path) -> None:
    script, image = put(tmp_path / "sources"), tmp_path / "guest.raw"
    image.write_bytes(b"made before")
    (tmp_path / "guest.raw.packages").write_text("linux 1\n")
    done = subprocess.run(
        ["sh", str(script), str(image)], capture_output=True, text=True, check=False, env={"PATH": "/bin:/usr/bin"}
    )
    assert done.returncode == 0, done.stderr
    assert "is there" in done.stdout
    assert "changed" not in done.stdout
    assert image.read_bytes() == b"made before"


@pytest.mark.parametrize(
    ("architecture", "packages", "code", "said"), [("arm64", "", 1, "amd64 only"), ("amd64", "", 75, "no kernel")]
)
def test_a_node_that_cannot_build_the_image_fails_with_the_reason(
    tmp_path: Path, architecture: str, packages: str, code: int, said: str
) -> None:
    script, image = put(tmp_path / "sources"), tmp_path / "guest.raw"
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, prints in (("dpkg", architecture), ("apt-cache", packages)):
        (programs / name).write_text(f"#!/bin/sh\necho '{prints}'\n")
        (programs / name).chmod(0o755)
    environment = {"PATH": f"{programs}:/bin:/usr/bin", "TMPDIR": str(tmp_path)}
    done = subprocess.run(["sh", str(script), str(image)], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == code
    assert said in done.stderr
    assert not image.exists()
    assert not list(tmp_path.glob("stackwright-guest.*")), "the work folder was left behind"


@pytest.mark.parametrize(
    ("given", "wget"),
    [
        (["http://h/x"], ["-q", "-O", "-", "http://h/x"]),
        (["-X", "POST", "-d", "a b", "http://h/x"], ["-q", "--post-data", "a b", "-O", "-", "http://h/x"]),
        (["-s", "-H", "A: b", "-o", "f", "http://h/x"], ["-q", "--header", "A: b", "-O", "f", "http://h/x"]),
    ],
)
def test_the_guest_s_curl_asks_wget(given: list[str], wget: list[str], tmp_path: Path) -> None:
    """Tempest asks for and posts metadata with curl, which the image has no room for."""
    (tmp_path / "wget").write_text('#!/bin/sh\nfor word; do echo "$word"; done\n')
    (tmp_path / "wget").chmod(0o755)
    script = Path(guest.__file__).parent / "root/usr/bin/curl"
    done = subprocess.run(
        ["sh", script, *given], capture_output=True, text=True, check=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}
    )
    assert done.stdout.splitlines() == wget
