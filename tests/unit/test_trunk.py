"""RDO's trunk by tag, against a repository tree on loopback: what a tag means, how old that is, where the files lie."""

from __future__ import annotations

import functools
import http.server
import os
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import outcome
from stackwright import answers, bundle, cli, lock, planner, preflight
from stackwright.model import Answers, ExitCode, Facts, Severity, StackwrightError, Upload
from stackwright.operations import inspection, trunk
from stackwright.planner.steps import repositories as repository_steps
from stackwright.platforms import repositories
from stackwright.services import SERVICES
from stackwright.ssh import LocalConnection, Result, pool
from stackwright.state import directory

HOST = "198.18.0.10"
CURRENT, PROMOTED = "0123456789abcdef0123456789abcdef", "8a1f8e4fe2f9daf8164f7c4b1a3f3b5c"
DAY = 86400


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """As trunk.rdoproject.org has it: `current` of today, `puppet-passed-ci` of a month ago."""
    root = tmp_path / "trunk"
    for tag, digest, age in (("current", CURRENT, 0), ("puppet-passed-ci", PROMOTED, 30 * DAY)):
        base = root / "centos9-epoxy" / tag
        place = base / digest[:2] / digest[2:4] / digest
        place.mkdir(parents=True)
        (place / "delorean.repo").write_text(f"[delorean]\nbaseurl=http://mirror.example/{digest}\n")
        (base / "delorean.repo.md5").write_text(f"{digest}")
        os.utime(base / "delorean.repo.md5", (time.time() - age,) * 2)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(root))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    here = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(repositories, "TRUNK", here)
    repodata = root / "centos9-epoxy/deps/latest/repodata"
    repodata.mkdir(parents=True)
    (repodata / "repomd.xml").write_text("of today")
    (root / "centos9-epoxy/delorean-deps.repo").write_text(
        f"[delorean-deps]\nbaseurl={here}/centos9-epoxy/deps/latest/\n"
        # Of another place, which nothing is asked of.
        "[nfv]\nbaseurl = http://mirror.invalid/9-stream/nfv/$basearch/\n"
    )
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield root
    server.shutdown()
    server.server_close()


class Hosts(pool.Hosts):
    """The host is this machine."""

    def connect(self, name: str) -> LocalConnection:  # type: ignore[override]
        return LocalConnection(name, base=str(self.state.folder))


def given(**values: str) -> Answers:
    flags = {"CONFIG_CONTROLLER_HOST": HOST, "CONFIG_OPENSTACK_RELEASE": "epoxy", **values}
    return answers.read((), flags, environ={})


def looked(tmp_path: Path, tag: str) -> tuple[Answers, dict[str, Facts]]:
    settings = given(CONFIG_RDO_TRUNK=tag)
    seen = {n: replace(f, seen_at=time.time()) for n, f in outcome.facts(settings, "centos", "9").items()}
    return settings, trunk.pinned(Hosts(directory.Access(), directory.state_dir(HOST, tmp_path)), settings, seen)


def files(settings: Answers, seen: dict[str, Facts]) -> dict[str, str]:
    """Trunk's files as they come onto the host."""
    whole = planner.cloud(settings, seen)
    found = repository_steps.of(whole, whole.hosts[HOST])
    return {**{name: urllib.request.urlopen(url).read().decode() for name, url in found.fetched.items()}, **found.kept}


@pytest.mark.parametrize(("tag", "digest"), [("current", CURRENT), ("puppet-passed-ci", PROMOTED)])
def test_a_tag_leads_to_a_pinned_hash_and_its_dependencies(tag: str, digest: str, tree: Path, tmp_path: Path) -> None:
    settings, seen = looked(tmp_path, tag)
    assert {f.extra["trunk"] for f in seen.values()} == {digest}
    there = files(settings, seen)
    assert digest in there["stackwright-trunk"]
    assert there["stackwright-trunk-deps"] == (tree / "centos9-epoxy/delorean-deps.repo").read_text()
    # Trunk moves on, and this cloud does not.
    (tree / "centos9-epoxy" / tag / "delorean.repo.md5").write_text("f" * 32)
    assert looked(tmp_path, tag)[1][HOST].extra["trunk"] == digest


@pytest.mark.parametrize("tag", ["current", CURRENT, f"current/{CURRENT}"])
def test_the_dependencies_stay_what_they_were(tag: str, tree: Path, tmp_path: Path) -> None:
    """With a hash, too: it says nothing of them."""
    settings, seen = looked(tmp_path, tag)
    then = files(settings, seen)
    assert told(settings, seen, "trunk-dependencies") == []
    assert told(*looked(tmp_path, tag), "trunk-dependencies") == []
    (tree / "centos9-epoxy/deps/latest/repodata/repomd.xml").write_text("of tomorrow")
    (tree / "centos9-epoxy/delorean-deps.repo").write_text(then["stackwright-trunk-deps"] + "[more]\n")
    settings, later = looked(tmp_path, tag)
    assert files(settings, later) == then
    (moved,) = told(settings, later, "trunk-dependencies")
    assert moved.endswith("/centos9-epoxy/deps/latest/")
    # The plan is the same, and has the file.
    plans = [planner.plan(planner.cloud(settings, s)) for s in (seen, later)]
    assert plans[0] == plans[1]
    uploads = [a for s in plans[0].steps for a in s.actions if isinstance(a, Upload)]
    (file,) = (f for u in uploads for f in u.files if f.path == "/etc/yum.repos.d/stackwright-trunk-deps.repo")
    assert file.content.decode() == then["stackwright-trunk-deps"]
    # Another cloud begins with what is there now.
    (tmp_path / "other").mkdir()
    assert "[more]" in files(*looked(tmp_path / "other", tag))["stackwright-trunk-deps"]


def test_dependencies_that_cannot_be_had(tree: Path, tmp_path: Path) -> None:
    settings, seen = looked(tmp_path, CURRENT)
    path = tree / "centos9-epoxy/delorean-deps.repo"
    path.unlink()
    assert files(settings, looked(tmp_path, CURRENT)[1]) == files(settings, seen), "they are known"
    with pytest.raises(StackwrightError, match=r"cannot fetch .*/centos9-epoxy/delorean-deps\.repo") as caught:
        looked(tmp_path / "new", CURRENT)
    assert caught.value.code == ExitCode.UNREACHABLE
    path.write_text("<html>Maintenance</html>")
    with pytest.raises(StackwrightError, match="cannot fetch"):
        looked(tmp_path / "new", CURRENT)
    (kept,) = tmp_path.rglob("trunk-deps.json")
    for garbage in ("{", "[]", '{"a": 1}'):
        kept.write_text(garbage)
        with pytest.raises(StackwrightError, match=r"trunk-deps\.json is damaged"):
            looked(tmp_path, CURRENT)
        assert kept.read_text() == garbage


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize("answer", ["[delorean-deps]\nbaseurl=http://mirror.invalid/\n", ""])
def test_no_host_chooses_the_repositories_of_the_others(
    answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of one host goes to all, so it is compared with what the others get."""
    settings = given(CONFIG_RDO_TRUNK=CURRENT, CONFIG_COMPUTE_HOSTS="198.18.0.31")
    seen = outcome.facts(settings, "centos", "9")
    assert len(seen) == 2
    ask = trunk._ask

    def lies(hosts: pool.Hosts, name: str, file: str, url: str, proxy: str, timeout: float) -> Result:
        said = ask(hosts, name, file, url, proxy, timeout)
        text = "".join(f"file\t{line}\n" for line in answer.splitlines())
        return replace(said, out=text) if name == "198.18.0.31" else said

    def pinned(folder: str) -> dict[str, Facts]:
        (tmp_path / folder).mkdir()
        hosts = Hosts(directory.Access(), directory.state_dir(HOST, tmp_path / folder))
        return trunk.pinned(hosts, settings, seen)

    assert all(f.extra["trunk_deps"] for f in pinned("honest").values())
    monkeypatch.setattr(trunk, "_ask", lies)
    with pytest.raises(StackwrightError, match=r"198\.18\.0\.\d+ and 198\.18\.0\.\d+ get different files"):
        pinned("lying")


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    "garbage", ["{", "[]", "null", '{"a": 1}', '{"a": {"hash": "x; reboot", "moved": ""}}', "\x00"]
)
def test_what_a_tag_meant_is_not_looked_up_anew_where_it_cannot_be_read(tmp_path: Path, garbage: str) -> None:
    looked(tmp_path, "current")
    (path,) = tmp_path.rglob("trunk.json")
    path.write_text(garbage)
    with pytest.raises(StackwrightError, match=r"trunk\.json is damaged") as caught:
        looked(tmp_path, "current")
    assert caught.value.code == ExitCode.ENVIRONMENT
    assert path.read_text() == garbage


def told(settings: Answers, seen: dict[str, Facts], name: str) -> list[str]:
    """What a check warns of."""
    placed = planner.place(settings, SERVICES)
    found = [p for p in preflight.check(settings, seen, placed) if p.name == name]
    assert {p.severity for p in found} <= {Severity.WARNING}
    return [p.seen for p in found]


@pytest.mark.usefixtures("tree")
def test_a_tag_that_has_gone_stale_is_warned_of(tmp_path: Path) -> None:
    old = ["puppet-passed-ci of RDO's trunk was not moved for 30 days"]
    assert told(*looked(tmp_path, "puppet-passed-ci"), "trunk-age") == old
    assert told(*looked(tmp_path, "current"), "trunk-age") == []


@pytest.mark.usefixtures("tree")
def test_a_missing_tag_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StackwrightError, match=r"cannot resolve the tag consistent.*404") as error:
        looked(tmp_path, "consistent")
    assert error.value.code == ExitCode.UNREACHABLE


@pytest.mark.usefixtures("tree")
def test_lock_and_bundle_have_the_hash_of_the_tag(tmp_path: Path) -> None:
    settings, seen = looked(tmp_path, "puppet-passed-ci")
    meant = f"puppet-passed-ci/{PROMOTED}"
    assert trunk.meaning(settings, seen) == meant
    assert trunk.meaning(given(CONFIG_RDO_TRUNK=CURRENT), {}) == f"current/{CURRENT}"
    assert trunk.meaning(given(), seen) == ""
    made = lock.Lock("1", "", "epoxy", trunk=meant)
    assert lock.read(lock.write(made)) == made
    assert lock.text(lock.differences(made, lock.Lock("1", "", "epoxy"))) == f"OpenStack:\n  trunk: {meant} -> (none)"
    with pytest.raises(StackwrightError, match="is not a tag and hash of trunk"):
        lock.read(lock.write(lock.Lock("1", "", "epoxy", trunk="current/x; reboot")))
    # Elsewhere, and when the tag has moved on, it is still the same.
    held = trunk.held(settings, meant)
    assert held["CONFIG_RDO_TRUNK"] == meant
    assert files(held, seen) == files(settings, seen)
    assert PROMOTED in files(held, {HOST: replace(seen[HOST], extra={})})["stackwright-trunk"]
    assert trunk.held(given(), meant)["CONFIG_RDO_TRUNK"] == ""
    assert trunk.held(given(CONFIG_RDO_TRUNK=CURRENT), meant)["CONFIG_RDO_TRUNK"] == CURRENT
    setup = bundle.Setup(bundle.shared_answers(settings), seen, made)
    assert bundle.pinned(setup)["CONFIG_RDO_TRUNK"] == meant
    pinned = replace(setup, answers={**setup.answers, "CONFIG_RDO_TRUNK": meant})
    assert bundle.digest(pinned.plan()) == bundle.digest(setup.plan())


def test_with_a_lock_the_command_takes_what_the_tag_meant_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Up to the hosts, everything is the real command."""
    monkeypatch.setenv("STACKWRIGHT_STATE", str(tmp_path / "state"))
    file, held = tmp_path / "a.txt", tmp_path / "stackwright.lock"
    file.write_text(f"CONFIG_CONTROLLER_HOST={HOST}\n")
    held.write_text(lock.write(lock.Lock("1", "", "epoxy", trunk=f"current/{CURRENT}")))
    asked: list[object] = []

    def look(_hosts: object, _names: object, answers: Answers, *_: object) -> dict[str, Facts]:
        asked.append(answers["CONFIG_RDO_TRUNK"])
        raise StackwrightError("no further", "", ExitCode.UNREACHABLE)

    monkeypatch.setattr(inspection, "look", look)
    for words in (["--trunk", "current"], ["--trunk", "current", "--locked", str(held)], ["--locked", str(held)]):
        assert cli.main(["apply", "-a", str(file), *words]) == ExitCode.UNREACHABLE
    assert asked == ["current", f"current/{CURRENT}", ""]
    capsys.readouterr()


def test_the_lock_has_the_hash_from_the_repositorys_address() -> None:
    said = (
        f"arch\tx86_64\npackage\ta.noarch 1-1\nrepo-id\tdelorean\nrepo-revision\t7\n"
        f"repo-baseurl\thttps://trunk.example/centos9-epoxy/current/01/23/{CURRENT}\nend\t1\n"
    )
    assert lock.parse(said, HOST, "centos-stream-9", "dnf").host.repositories["delorean"].snapshot == CURRENT
