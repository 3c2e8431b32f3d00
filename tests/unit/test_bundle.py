"""Bundles: what is in them, that they are refused with a reason where they must be, the same plan for other hosts."""

from __future__ import annotations

import base64
import html
import ipaddress
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import golden
import runs
from golden import CASES
from stackwright import answers, bundle, cli, facts, lock, planner
from stackwright.bundle import archive, names
from stackwright.lab import Node, Size
from stackwright.lock import HostLock, Lock, Package
from stackwright.model import ExitCode, Facts, Interface, StackwrightError
from stackwright.operations import bundle as bundle_ops
from stackwright.operations import inspection
from stackwright.operations import lab as lab_command
from stackwright.operations import lock as lock_ops
from stackwright.operations.lab import node_names
from stackwright.ssh.pool import Hosts
from stackwright.state import directory

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
FILES: dict[str, bytes | Path] = {
    "answers.txt": b"x=1\n",
    "plan/h/a.sh": b"echo\n" * 999,
    "packages/p.deb": b"a package",
}


def made(tmp_path: Path, files: archive.Content = FILES, **about: Any) -> Path:
    path = tmp_path / "a.bundle"
    archive.write(path, about, files, KEY)
    return path


def test_a_packed_bundle_is_read_back(tmp_path: Path) -> None:
    path = made(tmp_path, release="zed")
    assert path.stat().st_mode & 0o777 == 0o600
    index = archive.unpack(path, tmp_path / "out")
    assert index.about == {"release": "zed"}
    found = {
        p.relative_to(tmp_path / "out").as_posix(): p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()
    }
    assert found == FILES
    assert {p.stat().st_mode & 0o777 for p in (tmp_path / "out").rglob("*") if p.is_file()} == {0o600}
    first = path.read_bytes()
    assert made(tmp_path, release="zed").read_bytes() == first, "the same content gives the same file"
    assert index.signer == archive.read(path, index.signer).signer


def raw(path: Path, change: Callable[[dict[str, Any]], None], extra: dict[str, bytes] | None = None) -> Path:
    """A bundle whose index was changed before it was signed, with entries of any name."""
    files = {name: content for name, content in FILES.items() if isinstance(content, bytes)}
    index = json.loads(archive._index_bytes({}, {name: archive._entry(c) for name, c in files.items()}))
    change(index)
    told = json.dumps(index).encode()
    public = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()
    signed = json.dumps({"key": public, "signature": base64.b64encode(KEY.sign(told)).decode()}).encode()
    with zipfile.ZipFile(path, "w") as out:
        for name, content in {archive.INDEX: told, archive.SIGNATURE: signed, **files, **(extra or {})}.items():
            out.writestr(name, content)
    return path


def listing(name: str, content: bytes = b"evil") -> Callable[[dict[str, Any]], None]:
    entry = archive._entry(content)
    return lambda index: index["files"].update({name: [entry.size, entry.sha256]})


def refusal(path: Path, tmp_path: Path, *, hint: bool = False, **more: Any) -> str:
    """Why a bundle is refused; nothing may be left of it anywhere."""
    before = set(tmp_path.rglob("*"))
    with pytest.raises(StackwrightError) as error:
        archive.unpack(path, tmp_path / "in" / "here", **more)
    left = set(tmp_path.rglob("*")) - before - {tmp_path / "in"}
    assert left == set()
    assert error.value.hint
    return error.value.hint if hint else error.value.message


@pytest.mark.parametrize(
    "name",
    ["../evil", "/tmp/evil", "plan/../../evil", "a//b", "./a", "a\\..\\b", "C:evil", "a\nb", "plan/", "x" * 600, ".."],
)
def test_paths_that_leave_the_folder_are_refused(name: str, tmp_path: Path) -> None:
    path = raw(tmp_path / "b.bundle", listing(name), {name: b"evil"})
    assert "is outside of its directory" in refusal(path, tmp_path)


def test_a_damaged_bundle_is_rejected(tmp_path: Path) -> None:
    path = made(tmp_path)
    whole = path.read_bytes()
    for cut in (0, 10, len(whole) // 2, len(whole) - 5):
        path.write_bytes(whole[:cut])
        assert "it is damaged" in refusal(path, tmp_path)
    place = whole.index(b"a package")  # within the package, which is not compressed
    path.write_bytes(whole[:place] + b"\1" + whole[place + 1 :])
    assert "it is damaged" in refusal(path, tmp_path)
    path.write_bytes(b"no zip at all")
    assert "it is damaged" in refusal(path, tmp_path)


def test_each_single_byte_that_is_flipped_is_noticed_or_does_not_matter(tmp_path: Path) -> None:
    """Whatever is unpacked is what was signed."""
    path = made(tmp_path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        try:
            archive.unpack(path, tmp_path / "out")
        except StackwrightError:
            continue
        found = {p.relative_to(tmp_path / "out").as_posix(): p.read_bytes() for p in (tmp_path / "out").rglob("*.*")}
        assert found == FILES


def test_a_bundle_changed_after_signing_is_rejected(tmp_path: Path) -> None:
    path = made(tmp_path)
    with zipfile.ZipFile(path) as bundle_file:
        content = {name: bundle_file.read(name) for name in bundle_file.namelist()}

    def again(**changed: bytes) -> str:
        with zipfile.ZipFile(path, "w") as out:
            for name, inside in {**content, **changed}.items():
                out.writestr(name, inside)
        return refusal(path, tmp_path)

    index = content[archive.INDEX].replace(b'"about"', b'"abaut"')
    assert "its signature does not match" in again(**{archive.INDEX: index})
    assert "checksum differs" in again(**{"answers.txt": b"y=1\n"})
    assert "differs from its index" in again(**{"answers.txt": b"y=12\n"})
    assert "differ from its index: more" in again(more=b"")
    assert "its signature is unreadable" in again(**{archive.SIGNATURE: b"{}"})
    del content[archive.SIGNATURE]
    assert "has no bundle.sig" in again()


def test_another_signer_than_the_wanted_one_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path)
    said = refusal(path, tmp_path, signer="SHA256:other")
    assert f"signed by {archive.read(path).signer}, not by SHA256:other" in said


def test_a_newer_one_is_refused(tmp_path: Path) -> None:
    path = raw(tmp_path / "b.bundle", lambda index: index.update({"version": "99.1.0"}))
    assert "created by Stackwright 99.1.0" in refusal(path, tmp_path)
    path = raw(tmp_path / "b.bundle", lambda index: index.update({"stackwright-bundle": 2}))
    assert "created by Stackwright 0.1.0 in format 2" in refusal(path, tmp_path)
    with zipfile.ZipFile(path) as bundle_file:
        index = bundle_file.read(archive.INDEX)
    with zipfile.ZipFile(path, "w") as out:
        out.writestr(archive.INDEX, index)
        out.writestr(archive.SIGNATURE, b"signed in a way of the future")
    assert "use that version or a newer one" in refusal(path, tmp_path, hint=True)
    path = raw(tmp_path / "b.bundle", lambda index: index.update({"version": "99.\x1b[2J"}))
    assert "\x1b" not in refusal(path, tmp_path), "a terminal would obey it"


def test_one_larger_than_the_disk_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = made(tmp_path)
    assert "has 0 MiB free" in refusal(path, tmp_path, free=lambda _: 1000)


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """An entry that grows beyond what is signed ends where that ends."""
    big = b"\0" * 50_000_000
    path = raw(tmp_path / "b.bundle", listing("bomb", b"small"), {"bomb": big})
    assert "differs from its index" in refusal(path, tmp_path)


def packed(path: Path, name: str = "", **changes: int) -> Path:
    """The same bundle, packed by somebody else; `changes` are of the entry called so."""
    with zipfile.ZipFile(path) as bundle_file:
        content = {name: bundle_file.read(name) for name in bundle_file.namelist()}
    with zipfile.ZipFile(path, "w") as out:
        for one, inside in content.items():
            info = zipfile.ZipInfo(one)
            for key, value in changes.items() if one == name else ():
                setattr(info, key, value)
            out.writestr(info, inside)
    return path


def test_unusual_entries_are_rejected(tmp_path: Path) -> None:
    """Links and the like, and ways of packing that have troubles of their own."""
    assert archive.unpack(packed(made(tmp_path)), tmp_path / "out")
    link = packed(made(tmp_path), "plan/h/a.sh", external_attr=0o120777 << 16)
    assert "plan/h/a.sh is a link" in refusal(link, tmp_path)
    device = packed(made(tmp_path), "plan/h/a.sh", external_attr=0o020666 << 16)
    assert "not a regular file" in refusal(device, tmp_path)
    for kind in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        path = packed(made(tmp_path), "plan/h/a.sh", compress_type=kind)
        assert "unsupported compression" in refusal(path, tmp_path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["answers.txt", archive.INDEX, archive.SIGNATURE])
def test_duplicate_entries_are_rejected(name: str, tmp_path: Path) -> None:
    path = made(tmp_path)
    with zipfile.ZipFile(path, "a") as out:
        out.writestr(name, b"x=2\n")
    assert f"it contains {name} twice" in refusal(path, tmp_path)


def test_a_file_that_is_a_folder_as_well_is_refused(tmp_path: Path) -> None:
    path = raw(tmp_path / "b.bundle", listing("answers.txt/x"), {"answers.txt/x": b"evil"})
    assert "answers.txt is both a file and a directory in it" in refusal(path, tmp_path)


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path)
    whole = bytearray(path.read_bytes())
    at = whole.rindex(b"PK\1\2")
    whole[at + 9] |= 8  # its name is in UTF-8
    whole[at + 46] = 0xFF
    path.write_bytes(whole)
    assert "it is damaged" in refusal(path, tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"about": {"hosts": "n1"}},
        {"about": {"hosts": [5]}},
        {"about": {"hosts": ["\x1b[2J"]}},
        {"about": {"platforms": ["debian-12"]}},
        {"about": {"memory": {"n1": "much"}}},
        {"about": {"cpus": {"n1": "many"}}},
        {"about": {"packages": 5}},
        {"about": {"release": "\x1b]0;zed"}},
        {"about": [1]},
        {"files": [1]},
        {"files": {"answers.txt": [float("inf"), ""]}},
        {"files": {"answers.txt": [-4, ""]}},
        {"files": {"answers.txt": [4, "", ""]}},
        {"version": ["9"]},
        {"version": "\x1b[2J"},
        {"stackwright-bundle": 0},
        {"stackwright-bundle": "1"},
    ],
)
def test_an_index_that_says_nonsense_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    """Whoever has a key can sign one."""
    path = raw(tmp_path / "b.bundle", lambda index: index.update(change))
    assert "is invalid" in refusal(path, tmp_path)


# -------------------------------------------------------------------------------------------------------------- setups

CASE = "three-hosts"


def lock_of(case: str) -> Lock:
    hosts = {
        name: HostLock("debian-12", "apt", "x86_64", packages={p: Package("1.0-1", "Debian/x/main") for p in wanted})
        for name, wanted in CASES[case].packages().items()
    }
    return Lock("0.1.0", "", "zed", answers=answers.public(CASES[case].answers()), hosts=hosts)


def setup(case: str = CASE) -> bundle.Setup:
    key = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0",)
    seen = {name: replace(CASES[case].facts()[name], host_keys=key) for name in golden.hosts(CASES[case])}
    return bundle.Setup(bundle.shared_answers(CASES[case].answers()), seen, lock_of(case))


def elsewhere(seen: dict[str, Facts], mine: dict[str, str]) -> dict[str, Facts]:
    """Facts of other machines, with names, addresses and hardware of their own."""
    out = {}
    for number, (theirs, own) in enumerate(mine.items(), start=70):
        fact = seen[theirs]
        address = f"198.18.9.{number}"
        interfaces = tuple(
            replace(
                i,
                mac=f"02:00:00:00:09:{number}",
                addresses=tuple(a.replace(fact.address, address) for a in i.addresses),
            )
            for i in fact.interfaces
        )
        out[own] = replace(
            fact, host=own, hostname=own.partition(".")[0], fqdn=own, address=address, interfaces=interfaces,
            machine_id=f"{number}", host_keys=("ssh-ed25519 AAAAother",), cpus=8, memory=fact.memory * 2,
            resolves={own: (address,)},
        )  # fmt: skip
    return out


@pytest.mark.parametrize("case", ["three-hosts", "tls", "roles-apart", "allinone"])
def test_the_same_plan_comes_of_it_on_other_hosts(case: str) -> None:
    """To the byte, with other names, addresses, keys, processors and memory; secrets aside."""
    theirs = setup(case)
    _, files = bundle.files(theirs)
    mine = {name: f"node-{chr(97 + n)}.else.example" for n, name in enumerate(theirs.facts)}
    seen = elsewhere(dict(theirs.facts), mine)
    pinned = bundle.Setup({**theirs.answers, **bundle.pinned(theirs)}, theirs.facts, theirs.lock)
    rename = bundle.renamer(bundle.between(seen, theirs.facts, [(own, name) for name, own in mine.items()]))
    back = bundle.rename_facts(seen, rename, {own: name for name, own in mine.items()})
    own = bundle.plan_files(pinned.plan(back))
    plan = {name: content for name, content in files.items() if name.startswith("plan/")}
    assert len(plan) > 10
    assert bundle.compare(plan, own) == []
    # Without the pins, more processors would make another plan; so the comparison can fail.
    unpinned = bundle.plan_files(theirs.plan(back))
    assert any("workers" in line for line in bundle.compare(plan, unpinned))


def test_the_image_that_was_fetched_is_wanted_again() -> None:
    """A URL may give another one tomorrow."""
    theirs = setup("allinone")
    files = {f"cirros.{CASES['allinone'].answers()['CONFIG_PROVISION_IMAGE_FORMAT']}": "ab" * 32}
    held = {name: replace(host, images=files) for name, host in theirs.lock.hosts.items()}
    fetched = replace(
        theirs,
        answers={**theirs.answers, "CONFIG_PROVISION_IMAGE_SOURCE": "url"},
        lock=replace(theirs.lock, hosts=held),
    )
    assert bundle.pinned(fetched)["CONFIG_PROVISION_IMAGE_CHECKSUM"] == "ab" * 32
    built = replace(fetched, answers={**theirs.answers, "CONFIG_PROVISION_IMAGE_SOURCE": "build"})
    assert "CONFIG_PROVISION_IMAGE_CHECKSUM" not in bundle.pinned(built)


def test_no_secret_is_in_it() -> None:
    for case in ("three-hosts", "tls", "everything" if "everything" in CASES else "heat"):
        _, files = bundle.files(setup(case))
        secrets = [s for s in CASES[case].answers().secret_texts() if len(s) > 7]
        assert secrets
        assert [(name, s) for name, content in files.items() for s in secrets if s.encode() in content] == []


def test_neutral_names_leave_no_other(tmp_path: Path) -> None:
    theirs = setup()
    about, files = bundle.files(theirs, bundle.renamer(bundle.neutral(theirs.facts)))
    assert about["hosts"] == ["host1.example.org", "host2.example.org", "host3.example.org"]
    told = {a for f in theirs.facts.values() for a in (f.fqdn, f.address, f.gateway)} | set(theirs.facts)
    assert {name for name, content in files.items() for one in told if one.encode() in content} == set()
    path = tmp_path / "n.bundle"
    index = bundle.write(path, about, files, KEY)
    bundle.unpack(path, tmp_path / "out")
    assert bundle.same_plan(bundle.load(tmp_path / "out", index), index) == ""


def test_another_process_makes_the_same_plan_of_it(tmp_path: Path) -> None:
    """With another hash seed, home, clock zone and folder, as on another machine."""
    about, files = bundle.files(setup())
    path = tmp_path / "a.bundle"
    bundle.write(path, about, files, KEY)
    code = (
        "import sys; from pathlib import Path; from stackwright import bundle\n"
        "index = bundle.unpack(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "setup = bundle.load(Path(sys.argv[2]), index)\n"
        "assert bundle.same_plan(setup, index) == '', bundle.same_plan(setup, index)\n"
        "own = bundle.plan_files(setup.plan())\n"
        "for name, content in own.items(): assert (Path(sys.argv[2]) / name).read_bytes() == content, name\n"
        "print(len(own))\n"
    )
    environment = {
        **os.environ, "PYTHONHASHSEED": "77", "HOME": str(tmp_path), "TZ": "Asia/Tokyo",
        "PYTHONPATH": str(Path(bundle.__file__).parents[2]),
    }  # fmt: skip
    words = [sys.executable, "-c", code, str(path), str(tmp_path / "out")]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, cwd="/", check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == sum(name.startswith("plan/") for name in files)


def test_another_version_of_the_templates_is_reported(tmp_path: Path) -> None:
    about, files = bundle.files(setup("allinone"))
    path = tmp_path / "a.bundle"
    index = bundle.write(path, {**about, "plan": "0" * 64, "templates": "sha256:other"}, files, KEY)
    bundle.unpack(path, tmp_path / "out")
    assert "other templates" in bundle.same_plan(bundle.load(tmp_path / "out", index), index)


@pytest.mark.parametrize(
    "line", ["CONFIG_KEYSTONE_ADMIN_PW=!cmd: touch evil", "CONFIG_REPO=!file: /etc/shadow", "CONFIG_NO_SUCH=1"]
)
def test_answers_that_are_no_answers_of_a_bundle_are_refused(line: str, tmp_path: Path) -> None:
    """A bundle comes from anybody; a secret in an answer file may be a command."""
    about, files = bundle.files(setup("allinone"))
    files["answers.txt"] += f"{line}\n".encode()
    index = bundle.write(tmp_path / "a.bundle", about, files, KEY)
    bundle.unpack(tmp_path / "a.bundle", tmp_path / "out")
    with pytest.raises(StackwrightError, match=f"it contains unexpected keys: {line.partition('=')[0]}"):
        bundle.load(tmp_path / "out", index)


def test_hosts_that_are_not_described_are_refused(tmp_path: Path) -> None:
    about, files = bundle.files(setup("allinone"))
    index = bundle.write(tmp_path / "a.bundle", {**about, "hosts": ["../../../etc/passwd"]}, files, KEY)
    bundle.unpack(tmp_path / "a.bundle", tmp_path / "out")
    with pytest.raises(StackwrightError, match="some hosts have no facts"):
        bundle.load(tmp_path / "out", index)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("answers.txt", "[general]", "[general]\nCONFIG_COMPUTE_HOSTS=router.example", "answers and its facts"),
        ("stackwright.lock", '[hosts."198.18.0.10"', '[hosts."198.18.0.77"', "lock and its facts"),
        ("facts/198.18.0.10.json", '"memory": ', '"memory": "much", "was": ', "memory is a str"),
        ("facts/198.18.0.10.json", '"kernel_modules": [', '"kernel_modules": 5, "was": [', "invalid recorded facts"),
    ],
)
def test_hosts_that_were_not_named_are_rejected(file: str, old: str, new: str, said: str, tmp_path: Path) -> None:
    """Answers that lead to a host which the bundle does not describe would lead to one that is nobody's to touch."""
    about, files = bundle.files(setup("allinone"))
    changed = files[file].decode().replace(old, new)
    assert changed != files[file].decode()
    index = bundle.write(tmp_path / "a.bundle", about, {**files, file: changed.encode()}, KEY)
    bundle.unpack(tmp_path / "a.bundle", tmp_path / "out")
    with pytest.raises(StackwrightError, match=said):
        bundle.load(tmp_path / "out", index)


@pytest.mark.parametrize(
    ("old", "new"),
    [('"mtu": 1500', '"mtu": "much"'), ('"198.18.0.10/', '"nowhere/'), ('"arch": "x86_64"', '"arch": "pdp11"')],
)
def test_hosts_that_cannot_be_planned_for_are_rejected(old: str, new: str, tmp_path: Path) -> None:
    about, files = bundle.files(setup("allinone"))
    name = "facts/198.18.0.10.json"
    changed = files[name].decode().replace(old, new)
    assert changed != files[name].decode()
    index = bundle.write(tmp_path / "a.bundle", about, {**files, name: changed.encode()}, KEY)
    bundle.unpack(tmp_path / "a.bundle", tmp_path / "out")
    with pytest.raises(StackwrightError, match=r"its hosts cannot be planned|is not supported|unacceptable interfaces"):
        bundle.same_plan(bundle.load(tmp_path / "out", index), index)


def test_names_are_exchanged_where_they_stand_for_themselves() -> None:
    rename = bundle.renamer({"n1": "m7", "n1.lab": "m7.else", "198.18.0.1": "10.0.0.9"})
    assert rename("n1 n10 n1.lab n1-x http://198.18.0.1:5000/ 198.18.0.10 x.n1 n1, 198.18.0.1/24") == (
        "m7 n10 m7.else n1-x http://10.0.0.9:5000/ 198.18.0.10 x.n1 m7, 10.0.0.9/24"
    )
    assert rename({"n1": ["n1", 1, ("n1",)]}) == {"m7": ["m7", 1, ("m7",)]}


def test_hosts_are_matched_in_order_or_by_name() -> None:
    assert bundle.matched(["a", "b"], ["x", "y"]) == {"a": "x", "b": "y"}
    assert bundle.matched(["a", "b"], ["b=x", "y"]) == {"a": "y", "b": "x"}
    for given in (["x"], ["x", "x"], ["c=x", "y"], ["x", "y", "z"], ["a=x", "b=x"]):
        with pytest.raises(StackwrightError, match="2 hosts"):
            bundle.matched(["a", "b"], given)


def test_what_is_only_one_machines_own_is_not_in_the_facts() -> None:
    (name, fact), *_ = setup().facts.items()
    known = names.impersonal({name: replace(fact, host_keys=("ssh-ed25519 AAAAreal",), machine_id="abc")})[name]
    text = facts.to_json(known)
    assert "AAAAreal" not in text
    assert "abc" not in known.machine_id
    fact = replace(fact, repositories=("https://me:geheim@mirror.example/debian x main",))
    known = names.impersonal({name: fact})[name]
    assert known.repositories == ("https://mirror.example/debian x main",)


# ------------------------------------------------------------------------------------------------------- the command


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STACKWRIGHT_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state"


@pytest.fixture
def applied(state: Path) -> Path:
    """An answer file of a cloud that was applied."""
    case = CASES["allinone"]
    path = state.parent / "cloud.answers"
    secrets = "".join(f"{k}={v}\n" for k, v in golden.secrets().items() if k in case.answers().entries)
    texts = bundle.shared_answers(case.answers())
    path.write_text("[general]\n" + "".join(f"{k}={v}\n" for k, v in texts.items()) + secrets)
    path.chmod(0o600)
    place = directory.state_dir(str(case.answers()["CONFIG_CONTROLLER_HOST"]))
    bundle_ops.keep_facts(place, case.facts())
    lock_ops.keep(lock_ops.Taken(lock_of("allinone")), place, None, "")
    secret = case.answers()["CONFIG_KEYSTONE_ADMIN_PW"]
    runs.keep(place.make(), runs.good())
    (place.folder / "logs" / "20260101-000000.log").write_text(f"12:00:00 a: the password is {secret}\n")
    return path


def test_a_bundle_of_a_cloud_is_made_and_shown(applied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bundle", "create", "-a", str(applied), "-o", "my.bundle"]) == 0
    said = capsys.readouterr().out
    assert "wrote my.bundle" in said
    assert "stackwright bundle reproduce my.bundle --lab" in said
    assert cli.main(["bundle", "show", "my.bundle"]) == 0
    assert "hosts:      198.18.0.10 (debian-12)" in capsys.readouterr().out
    index = bundle.unpack(Path("my.bundle"), Path("out"))
    assert {"answers.txt", "stackwright.lock", "facts/198.18.0.10.json", "plan/plan.txt", "run/report.html"} <= {
        *index.files
    }
    secret = CASES["allinone"].answers()["CONFIG_KEYSTONE_ADMIN_PW"]
    assert (Path("out/run/log.txt")).read_text() == "12:00:00 a: the password is ********\n"
    assert [p for p in Path("out").rglob("*") if p.is_file() and secret.encode() in p.read_bytes()] == []


def test_answers_that_were_edited_since_make_no_bundle(applied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It would say that they were seen to fail, or to work."""
    flags = ["--set", "CONFIG_HEAT_INSTALL=y", "--set", "CONFIG_CINDER_BACKEND=lvm"]
    assert cli.main(["bundle", "create", "-a", str(applied), "-o", "my.bundle", *flags]) == ExitCode.ANSWERS
    said = capsys.readouterr().err
    assert "  CONFIG_CINDER_BACKEND: ceph -> (the default)\n  CONFIG_HEAT_INSTALL: (the default) -> y\n" in said
    assert not Path("my.bundle").exists()


def test_a_password_that_is_a_common_word_does_not_prevent_a_bundle(applied: Path) -> None:
    """It is taken out of what was said, and stands in package names all the same."""
    text = applied.read_text()
    (line,) = [one for one in text.splitlines() if one.startswith("CONFIG_KEYSTONE_ADMIN_PW=")]
    applied.write_text(text.replace(line, "CONFIG_KEYSTONE_ADMIN_PW=openstack"))
    place = directory.state_dir("198.18.0.10")
    (place.folder / "logs" / "20260101-000000.log").write_text("12:00:00 a: the password is openstack\n")
    assert cli.main(["bundle", "create", "-a", str(applied), "-o", "my.bundle"]) == 0
    bundle.unpack(Path("my.bundle"), Path("out"))
    assert Path("out/run/log.txt").read_text() == "12:00:00 a: the password is ********\n"


@pytest.mark.parametrize(
    "write",
    [
        str,
        lambda secret: base64.b64encode(f"admin:{secret}".encode()).decode(),
        lambda secret: quote(secret, safe="").lower(),
        lambda secret: json.dumps(secret),
        html.escape,
    ],
)
def test_a_last_look_finds_a_secret_however_it_is_written(write: Callable[[str], str]) -> None:
    flags = {"CONFIG_CONTROLLER_HOST": "198.18.0.10", "CONFIG_KEYSTONE_ADMIN_PW": 'ge"h<ei>/m1'}
    given = answers.read((), flags, environ={})
    bundle_ops._refuse_secrets(given, {"a": b"nothing of it"})
    with pytest.raises(StackwrightError, match="a would contain a password"):
        bundle_ops._refuse_secrets(given, {"a": f"x{write(flags['CONFIG_KEYSTONE_ADMIN_PW'])}y".encode()})


def test_a_file_of_a_persons_own_is_not_written_over(applied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = applied.read_text()
    assert cli.main(["bundle", "create", "-a", str(applied), "-o", str(applied)]) == ExitCode.USAGE
    assert cli.main(["report", "-a", str(applied), "--html", str(applied)]) == ExitCode.USAGE
    assert cli.main(["lock", "-a", str(applied), "--out", str(applied)]) == ExitCode.USAGE
    assert capsys.readouterr().err.count("it was not changed") == 3
    assert applied.read_text() == before
    for _ in range(2):
        assert cli.main(["bundle", "create", "-a", str(applied), "-o", "my.bundle"]) == 0, "one of ours is written anew"


def test_before_anything_was_applied_there_is_nothing_to_make_one_of(
    applied: Path, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (state / "198.18.0.10" / bundle_ops.FACTS).unlink()
    assert cli.main(["bundle", "create", "-a", str(applied)]) == ExitCode.USAGE
    assert "nothing was applied yet" in capsys.readouterr().err


@pytest.mark.parametrize("old", [False, True])
def test_a_run_that_failed_has_a_bundle_too(
    old: bool, applied: Path, state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It wrote no lock; the one that may be there is of an earlier run. The hosts are asked."""
    path = state / "198.18.0.10" / lock.NAME
    path.unlink()
    if old:
        path.write_text("of an earlier run")
        os.utime(path, (1, 1))
    asked: list[str] = []

    def take(whole: planner.Cloud, hosts: Hosts) -> lock_ops.Taken:
        asked.extend(whole.hosts)
        assert isinstance(hosts, Hosts)
        assert whole.answers["CONFIG_CONTROLLER_HOST"] == "198.18.0.10"
        return lock_ops.Taken(lock_of("allinone"))

    monkeypatch.setattr(lock_ops, "take", take)
    for _ in range(2):
        assert cli.main(["bundle", "create", "-a", str(applied), "-o", "my.bundle"]) == 0
    assert asked == ["198.18.0.10"], "once: then there is a lock"
    assert "asking the hosts what is installed" in capsys.readouterr().err
    bundle.unpack(Path("my.bundle"), Path("out"))
    assert lock.load(Path("out") / lock.NAME) == lock_of("allinone")


def test_reproduce_says_what_it_needs(applied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bundle", "create", "-a", str(applied), "-o", "my.bundle"]) == 0
    assert cli.main(["bundle", "reproduce", "my.bundle"]) == ExitCode.USAGE
    assert "none of yours were given" in capsys.readouterr().err
    assert cli.main(["bundle", "reproduce", "my.bundle", "--hosts", "a,b"]) == ExitCode.USAGE
    assert cli.main(["bundle", "reproduce", "none.bundle", "--hosts", "a"]) == ExitCode.USAGE
    assert cli.main(["bundle", "reproduce", "my.bundle", "--hosts", "a", "--signer", "SHA256:x"]) == ExitCode.USAGE
    assert ", not by SHA256:x" in capsys.readouterr().err


def test_reproduce_makes_its_own_secrets_and_refuses_another_platform(
    applied: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["bundle", "create", "-a", str(applied), "-o", "my.bundle"]) == 0
    mine = "198.18.9.9"
    fact = replace(CASES["allinone"].facts()["198.18.0.10"], host=mine, address=mine, os_version="13")
    monkeypatch.setattr(inspection, "look", lambda *_: {mine: fact})
    assert cli.main(["bundle", "reproduce", "my.bundle", "--hosts", mine, "--dry-run"]) == ExitCode.PREFLIGHT
    assert "the host has debian-13" in capsys.readouterr().err
    own = answers.read([Path.home() / f"stackwright-{mine}.answers"], environ={})
    theirs = CASES["allinone"].answers()
    assert own["CONFIG_KEYSTONE_ADMIN_PW"] != theirs["CONFIG_KEYSTONE_ADMIN_PW"]
    assert own["CONFIG_CONTROLLER_HOST"] == mine


def test_reproduce_compares_the_plans(
    applied: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With hosts that look like the bundle's: every step but the connection is the real one."""
    assert cli.main(["bundle", "create", "-a", str(applied), "-o", "my.bundle"]) == 0
    mine = "198.18.9.9"
    fact = elsewhere(dict(CASES["allinone"].facts()), {"198.18.0.10": mine})[mine]
    moved = [replace(i, addresses=tuple(a.replace("198.18.9.70", mine) for a in i.addresses)) for i in fact.interfaces]
    resolves = {"else": (mine,), "else.example.org": (mine,)}
    fact = replace(fact, hostname="else", fqdn="else.example.org", address=mine, resolves=resolves, cpus=16)
    fact = replace(fact, interfaces=tuple(moved))
    monkeypatch.setattr(inspection, "look", lambda *_: {mine: fact})
    monkeypatch.setattr(lock_ops, "problems", lambda *_, **__: [])
    capsys.readouterr()
    code = cli.main(["bundle", "reproduce", "my.bundle", "--hosts", mine, "--dry-run"])
    said = capsys.readouterr()
    assert code == 0, said.err
    assert "equals that of the bundle, to the byte" in said.err
    assert f"{mine}:packages" in said.out
    assert "packages, as locked" in said.out
    assert list((directory.state_root() / "bundles").iterdir()) == [], "what was unpacked is of no use afterwards"


# ------------------------------------------------------------------------------------------------------------- nodes


def test_nodes_have_the_names_of_the_bundles_hosts() -> None:
    assert node_names(["Control.example.org", "198.18.0.10", "compute.a", "compute.b", "localhost"]) == [
        "control", "n2", "compute", "n4", "n5",
    ]  # fmt: skip


def test_nodes_are_of_the_platform_that_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[tuple[str, ...], str]] = []
    large = Size(2**60)

    def up(names: list[str], *, release: str, size: Mapping[str, Size], say: Callable[[str], None]) -> list[Node]:
        say(f"up: {names}")
        assert size == {name: large if name == "x" else Size() for name in names}
        asked.append((tuple(names), release))
        return [replace(_NODE, name=name) for name in names]

    monkeypatch.setattr(lab_command, "up", up)
    said: list[str] = []
    nodes = lab_command.up_for(["a", "b"], {"a": "debian-13", "b": "debian-12"}, {"a": large}, ["x", "y"], said.append)
    assert [node.name for node in nodes] == ["x", "y"]
    assert asked == [(("x",), "trixie"), (("y",), "bookworm")]
    # A bundle of somebody else is installed on such nodes.
    assert "root in a node is root on this machine" in said[0]
    assert "which they share" in said[1]
    with pytest.raises(StackwrightError, match="no nodes of centos-stream-9"):
        lab_command.up_for(["a"], {"a": "centos-stream-9"}, {}, [], said.append)
    with pytest.raises(StackwrightError, match="there are 2 hosts, but 1 nodes"):
        lab_command.up_for(["a", "b"], {}, {}, ["x"], said.append)


_NODE = Node("x", "x", "198.18.9.9", "bookworm", "running", "root", Path("k"), Path("h"), Path("c"), "", "")


def test_nodes_for_an_answer_file_get_one_of_their_own(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert state.parent == Path.cwd()
    nodes = {"control": "198.18.9.1", "compute": "198.18.9.2"}
    monkeypatch.setattr(lab_command, "up", lambda names, **_: [replace(_NODE, name=n, address=nodes[n]) for n in names])
    text = "CONFIG_CONTROLLER_HOST=control.example.org\nCONFIG_COMPUTE_HOSTS=compute.example.org\n"
    Path("my.txt").write_text(f"{text}CONFIG_NETWORK_HOSTS=control.example.org\n")
    assert cli.main(["lab", "up", "--from", "my.txt"]) == 0
    assert "next: stackwright apply -a my-lab.answers" in capsys.readouterr().out
    own = answers.load([Path("my-lab.answers")], environ={}, files=False).answers
    assert (own["CONFIG_CONTROLLER_HOST"], own["CONFIG_COMPUTE_HOSTS"]) == ("198.18.9.1", ("198.18.9.2",))
    assert '"user": "root"' in directory.state_dir("198.18.9.1").read("access.json")
    assert cli.main(["lab", "up", "--from", "my.txt"]) == 0, "its own file is written anew"
    Path("my-lab.answers").write_text("mine")
    assert cli.main(["lab", "up", "--from", "my.txt"]) == ExitCode.ANSWERS, "a person's is not"


def test_nodes_for_a_bundle_are_of_its_platform(
    applied: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["bundle", "create", "-a", str(applied), "-o", "my.bundle"]) == 0
    asked: list[tuple[list[str], str]] = []
    (fact,) = CASES["allinone"].facts().values()

    def up(names: list[str], *, release: str, size: Mapping[str, Size], say: Callable[[str], None]) -> list[Node]:
        asked.append((names, release))
        assert size == {"n1": Size(fact.memory, fact.cpus)}
        say("up")
        return [replace(_NODE, name=name) for name in names]

    monkeypatch.setattr(lab_command, "up", up)
    assert cli.main(["lab", "up", "--from", "my.bundle"]) == 0
    assert asked == [(["n1"], "bookworm")]
    said = capsys.readouterr().out
    assert "198.18.0.10 -> n1 " in said
    assert "next: stackwright bundle reproduce my.bundle --lab n1" in said
    Path("my.bundle").write_bytes(Path("my.bundle").read_bytes()[:900])
    assert cli.main(["lab", "up", "--from", "my.bundle"]) == ExitCode.USAGE
    assert "it is damaged" in capsys.readouterr().err


def test_neutral_addresses_are_of_the_same_kind() -> None:
    """They stand with the same prefix lengths; of the link alone are those that every interface has."""
    interface = Interface("eth0", addresses=("198.18.0.10/24", "fe80::53:57ff:fe2e:10a/64", "fd00::5/64", "::1/128"))
    fact = next(iter(setup().facts.values()))
    out = bundle.neutral({"n1": replace(fact, address="198.18.0.10", interfaces=(interface,))})
    rename = bundle.renamer(out)
    one, two, three, loop = (ipaddress.ip_interface(rename(a)) for a in interface.addresses)
    assert (one.version, two.is_link_local, three.version, three.is_link_local) == (4, True, 6, False)
    assert loop.is_loopback
    assert "198.18." not in str(one)
