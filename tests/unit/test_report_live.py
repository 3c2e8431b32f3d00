"""A run that goes on: what is read of it, and the server that shows it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import runs
from runs import CONTROLLER, event
from stackwright import cli, report
from stackwright.model import Event, ExitCode, StackwrightError
from stackwright.report import run, server
from stackwright.report.follow import Follower
from stackwright.report.page import as_html, style
from stackwright.report.server import HEADERS, Site
from stackwright.state import journal
from stackwright.state.directory import StateDir

NOW = {**runs.ABOUT, "began": time.time() - 100.0}


@pytest.fixture
def place(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path / "state" / CONTROLLER)


def append(record: Path, *events: Event) -> None:
    with record.open("a") as file:
        file.writelines(json.dumps(vars(e)) + "\n" for e in events)


# ------------------------------------------------------------------------------------------------------------- reading


def test_only_what_was_added_is_read(place: StateDir) -> None:
    record = runs.keep(place.folder, runs.good()[:5])
    follower = Follower(place)
    assert follower.read().count("running") == 2
    # Were it read again, these lines would be missed.
    text = record.read_bytes()
    record.write_bytes(b" " * (len(text) - 1) + b"\n")
    append(record, *runs.good()[5:])
    found = follower.read()
    assert (found.state, found.count("ok")) == ("ok", 9)
    assert report.as_json(found) == report.as_json(report.collect(runs.ABOUT, runs.good()))


def test_a_line_that_is_being_written_is_read_when_it_is_complete(place: StateDir) -> None:
    record = runs.keep(place.folder, runs.good()[:-1])
    line = json.dumps(vars(runs.good()[-1]))
    follower = Follower(place)
    with record.open("a") as file:
        for part in (line[:20], line[20:]):
            file.write(part)
            file.flush()
            assert follower.read().state == "unfinished"
        file.write("\n")
    assert follower.read().state == "ok"


def test_a_new_run_takes_the_place_of_the_old_one(place: StateDir) -> None:
    old = runs.keep(place.folder, runs.good())
    follower = Follower(place)
    assert follower.read().state == "ok"
    new = runs.keep(place.folder, runs.good()[:2], {**runs.ABOUT, "began": runs.BEGAN + 5000})
    assert new != old
    os.utime(old, (1, 1))
    assert follower.read().began == runs.BEGAN + 5000


def test_a_run_goes_on_while_its_command_holds_the_record(place: StateDir) -> None:
    record = runs.keep(place.folder, runs.good()[:5], {**NOW, "began": time.time() - 100.0})
    follower = Follower(place)
    assert (follower.working(), follower.read().state) == (False, "unfinished")
    with report.at_work(record):
        found = follower.read()
        assert (follower.working(), found.state, found.proved) == (True, "running", False)
        assert found.seconds == pytest.approx(100, abs=60)
        assert follower.read(final=True).state == "unfinished"
    assert follower.read().state == "unfinished"


def test_a_killed_command_is_not_at_work(place: StateDir) -> None:
    record = runs.keep(place.folder, runs.good()[:5], NOW)
    held = "import sys\nfrom pathlib import Path\nfrom stackwright import report\n"
    held += "with report.at_work(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    path = str(Path(report.__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, "-c", held, str(record)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        assert Follower(place).read().state == "running"
        process.kill()
        process.wait()
    assert Follower(place).read().state == "unfinished"


def test_readers_do_not_keep_a_command_from_saying_that_it_is_at_work(place: StateDir) -> None:
    record = runs.keep(place.folder, runs.good()[:5], NOW)
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            Follower(place).working()

    readers = [threading.Thread(target=look) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(20):
            with report.at_work(record):
                assert Follower(place).working()
    finally:
        ended.set()
        for reader in readers:
            reader.join()


def test_the_verification_after_the_run_is_told(place: StateDir) -> None:
    record = runs.keep(place.folder, runs.good(), NOW)
    with report.at_work(record):
        found = Follower(place).read()
        assert found.verifying
        text = as_html(found)
        assert "<h1>OpenStack zed is installed, and is being verified</h1>" in text
        assert "The cloud is being verified." in text
        assert "stackwright verify" not in text
    assert not Follower(place).read().verifying


def test_a_verification_of_another_day_does_not_make_the_run_longer(place: StateDir) -> None:
    record = runs.keep(place.folder, runs.good())
    with report.at_work(record):
        found = Follower(place).read()
        assert (found.verifying, found.seconds) == (True, 283.0)


def test_texts_with_unusual_line_ends_are_one_line(place: StateDir) -> None:
    """JSON allows these characters in a text, and other programs count them as ends of lines."""
    record = runs.keep(place.folder, [])
    append(record, event("note", 1.0, message="x"))
    with record.open("a") as file:
        raw = {"kind": "note", "at": runs.BEGAN, "message": "one\u2028two\x85three"}
        file.write(json.dumps(raw, ensure_ascii=False) + "\n")
    assert report.load(place).notes[-1] == "one\u2028two\x85three"


@pytest.mark.parametrize("name", ["run", "verify.json", "tempest.json", "journal.jsonl"])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_links_and_pipes_are_not_read(name: str, kind: str, place: StateDir, tmp_path: Path) -> None:
    events = [event("kept", 4.0, s["id"]) for s in runs.STEPS]
    record = runs.keep(place.folder, events)
    path = record if name == "run" else place.folder / name
    path.unlink(missing_ok=True)
    outside = tmp_path / "outside"
    outside.write_text(json.dumps({"stackwright-run": 1, "at": 9e9, "passed": 77, "checks": [], "step": "x"}) + "\n")
    if kind == "link":
        path.symlink_to(outside)
    else:
        os.mkfifo(path)
    if name == "journal.jsonl":
        assert "This run changed nothing" not in as_html(Follower(place).read())
        return
    with pytest.raises(StackwrightError, match="no run in" if name == "run" else "cannot be read"):
        Follower(place).read()


def test_memory_depends_on_the_plan_and_not_on_the_length_of_the_record(
    place: StateDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_MOST_NOTES", 20)
    monkeypatch.setattr(run, "_MOST_RETRIES", 20)
    monkeypatch.setattr(journal, "LONGEST", 100_000)
    record = runs.keep(place.folder, runs.good()[:5], NOW)
    noise = "x" * 10_000
    for n in range(200):
        append(record, event("note", 20.0, message=f"note {n} {noise}"))
        append(record, event("retried", 20.0, f"{CONTROLLER}:packages", why=f"why {n} {noise}"))
    with record.open("a") as file:
        file.write(json.dumps(vars(event("note", 20.0, message="y" * 5_000_000))) + "\n")
    append(record, runs.good()[-1])
    follower = Follower(place)
    tracemalloc.start()
    found = follower.read()
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert record.stat().st_size > 9_000_000
    assert held < 700_000
    assert most < 1_500_000
    assert found.state == "ok", "what comes after a line that is too long is read"
    assert [note[:8] for note in found.notes][-2:] == ["note 198", "note 199"]
    assert len(as_html(found)) < 1_000_000


def test_unchanged_steps_have_the_times_of_the_journal(place: StateDir) -> None:
    step = f"{CONTROLLER}:puppet-0"
    runs.keep(place.folder, [event("kept", 4.0, s["id"]) for s in runs.STEPS])
    with journal.open_journal(place.folder) as kept:
        kept.add(
            *(journal.Record(step, "d", True, runs.BEGAN - 50, seconds, 1, CONTROLLER) for seconds in (1.0, 102.0))
        )
        kept.add(journal.Record("h:other", "d", True, runs.BEGAN, 9.0), journal.Record(step, "", False, runs.BEGAN))
    found = report.load(place)
    assert found.steps[step].seconds == 102.0
    assert "h:other" not in found.steps


# ------------------------------------------------------------------------------------------------------------ the page


def test_the_page_of_a_run_that_goes_on(place: StateDir) -> None:
    record = runs.keep(place.folder, runs.good()[:8], NOW)
    with report.at_work(record):
        found = Follower(place).read()
    text = as_html(found)
    assert "<h1>OpenStack zed is being installed</h1>" in text
    assert "interrupted" not in text
    assert text.count("<span data-since=") == 1 + found.count("running")
    assert "running, <span" in text
    assert "Wait for the end of the run." in text
    assert json.loads(report.as_json(found))["state"] == "running"


def test_a_failure_stands_on_top_while_the_run_goes_on(place: StateDir) -> None:
    record = runs.keep(place.folder, runs.bad()[:-1], NOW)
    with report.at_work(record):
        text = as_html(Follower(place).read())
    head = text.partition("<header")[2].partition("</header>")[0]
    assert head.startswith(' class="bad"')
    for said in ("is being installed; 1 step failed so far", "Service[&lt;b&gt;nova-api", "Look &lt;there&gt;."):
        assert said in head
    assert "When the run has ended, fix the problem" in text


def test_the_served_page_is_the_one_that_is_kept() -> None:
    """But for the files beside it and the line that says whether it is live."""
    found = report.collect(runs.ABOUT, runs.bad())
    kept, served = as_html(found), as_html(found, served=True)

    def inside(text: str) -> str:
        return text.partition("<main>")[2].partition("</main>")[0].partition("<footer>")[0]

    assert inside(kept) == inside(served) != ""
    assert style() in kept
    assert "<style" not in served
    assert re.findall(r"<script[^>]*>.", served) == ['<script src="page.js"><']


def test_an_address_that_was_replaced_is_no_link_and_no_file() -> None:
    found = report.collect(
        {**runs.ABOUT, "answer_files": ["/root/stackwright-public-1.answers"],
         "summary": {"release": "zed", "dashboard": "http://public-1/horizon",
                     "endpoints": {"keystone": "http://public-1:5000"}}},
        runs.good(), proof=runs.PROOF,
    )  # fmt: skip
    text = as_html(found)
    assert 'href="http://public-1' not in text
    assert "stackwright-public-1" not in text
    assert "`stackwright dashboard -a FILE` shows its address" in " ".join(json.loads(report.as_json(found))["next"])


@pytest.mark.parametrize(
    ("release", "link"),
    [
        ("zed", "https://docs.openstack.org/zed/"),
        ("epoxy", "https://docs.openstack.org/2025.1/"),
        ("master", "https://docs.openstack.org/"),
        ("nosuch", ""),
    ],
)
def test_the_page_links_to_the_documentation_of_the_release(release: str, link: str) -> None:
    found = report.collect({**runs.ABOUT, "summary": {"release": release}}, runs.bad())
    links = re.findall(r'href="(https://docs[^"]*)"', as_html(found))
    assert links == ([link] if link else [])


# ---------------------------------------------------------------------------------------------------------- the server


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@pytest.fixture
def site(place: StateDir, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(server, "_SOONEST", 0.0)
    monkeypatch.setattr(server, "_SHARE", 1e9)
    with server.serving(Follower(place)) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield made
        finally:
            made.shutdown()
            thread.join()


def ask(site: Site, path: str | None = None, method: str = "GET", **headers: str) -> Answer:
    path = f"/{site.token}/" if path is None else path.replace("TOKEN", site.token)
    connection = http.client.HTTPConnection(server.ADDRESS, site.port, timeout=20)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    got = connection.getresponse()
    answer = Answer(got.status, dict(got.getheaders()), got.read())
    connection.close()
    return answer


def raw(site: Site, request: str) -> bytes:
    """The whole answer to a request as it is written here."""
    with socket.create_connection((server.ADDRESS, site.port), 20) as connection:
        connection.sendall(request.replace("TOKEN", site.token).encode("latin-1"))
        found = b""
        while more := connection.recv(65536):
            found += more
    return found


def test_a_run_is_followed_from_before_its_start_to_its_end(site: Site, place: StateDir) -> None:
    assert "There is no run yet" in ask(site).text
    assert ask(site, "/TOKEN/report.json").status == 404
    record = runs.keep(place.folder, runs.good()[:4], NOW)
    with report.at_work(record):
        answer = ask(site)
        assert "is being installed" in answer.text
        assert answer.headers["Retry-After"] == "1"
        append(record, *runs.good()[4:])
        assert "is being verified" in ask(site).text
    place.write("verify.json", json.dumps({**runs.PROOF, "at": time.time()}))
    answer = ask(site)
    assert "OpenStack zed is installed and verified" in answer.text
    again = ask(site, If_None_Match=answer.headers["ETag"])
    assert (again.status, again.body) == (304, b"")
    assert json.loads(ask(site, "/TOKEN/report.json").body)["proved"] is True


def test_the_files_beside_the_page_and_their_kinds(site: Site) -> None:
    assert ask(site, "/TOKEN/page.css").body == style().encode()
    assert "data-copy" in ask(site, "/TOKEN/page.js").text
    assert "Retry-After" in ask(site, "/TOKEN/page.js").text
    kinds = {name: ask(site, f"/TOKEN/{name}").headers["Content-Type"] for name in ("", "page.css", "page.js")}
    assert kinds == {
        "": "text/html; charset=utf-8",
        "page.css": "text/css; charset=utf-8",
        "page.js": "text/javascript; charset=utf-8",
    }
    assert ask(site, "/TOKEN").status == 308


def test_no_inline_script_or_style_may_run(site: Site) -> None:
    for path in ("/TOKEN/", "/TOKEN/page.js", "/wrong/", "/TOKEN/nosuch"):
        headers = ask(site, path).headers
        assert HEADERS.items() <= headers.items()
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; ")


@pytest.mark.parametrize(
    "path",
    ["/", "//", "/wrong/", "/{short}/", "/{longer}/", "/TOKEN/../", "/TOKEN/../state/secrets.json", "/TOKEN/%2e%2e/x",
     "/TOKEN//etc/passwd", "/TOKEN/page.css/..", "/TOKEN/logs/", "/TOKEN/journal.jsonl", "/TOKEN/?x", "/%54OKEN/",
     "/page.css", "/report.json", "/\xe9\xff/", "http://127.0.0.1/TOKEN/"],
)  # fmt: skip
def test_anything_but_the_addresses_of_the_page_is_not_found(path: str, site: Site, place: StateDir) -> None:
    runs.keep(place.folder, runs.good())
    path = path.format(short=site.token[:-1], longer=f"{site.token}x")
    answer = raw(site, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.startswith(b"HTTP/1.0 404 ")
    assert b"OpenStack" not in answer
    assert site.token.encode() not in answer


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "evil.example#127.0.0.1", "", "127.0.0.2",
     "localhost:", "localhost:abc", "127.0.0.1:80@evil.example", "127.0.0.1 evil", "[::1]", "0.0.0.0"],
)  # fmt: skip
def test_other_hosts_are_refused(host: str, site: Site, place: StateDir) -> None:
    """A page of another site, whose name was made to mean 127.0.0.1, must not read this one, even with the token."""
    runs.keep(place.folder, runs.good())
    for request in (f"Host: {host}\r\n", "", f"Host: localhost\r\nHost: {host}\r\n"):
        answer = raw(site, f"GET /TOKEN/ HTTP/1.1\r\n{request}\r\n")
        assert answer.startswith(b"HTTP/1.0 403 "), request
        assert b"OpenStack" not in answer
    for host in (f"127.0.0.1:{site.port}", "localhost:9", "localhost"):
        assert raw(site, f"GET /TOKEN/ HTTP/1.1\r\nHost: {host}\r\n\r\n").startswith(b"HTTP/1.0 200 "), host


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "NONSENSE"])
def test_only_get_and_head_are_answered(method: str, site: Site, place: StateDir) -> None:
    runs.keep(place.folder, runs.good())
    before = {path: path.read_bytes() for path in place.folder.rglob("*") if path.is_file()}
    answer = ask(site, method=method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert answer.body == b"only GET and HEAD\n"
    head = ask(site, method="HEAD")
    assert (head.status, head.body, int(head.headers["Content-Length"])) == (200, b"", len(ask(site).body))
    assert {path: path.read_bytes() for path in place.folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("nonsense\r\n\r\n", b"Bad Request"),
        ("GET /TOKEN/ HTTP/9.9\r\nHost: localhost\r\n\r\n", b"HTTP Version Not Supported"),
        ("GET /TOKEN/ HTTP/1.1\r\n" + "X: y\r\n" * 200 + "\r\n", b"431"),
        ("GET /" + "x" * 20_000 + " HTTP/1.1\r\n\r\n", b""),
        ("GET /TOKEN/ HTTP/1.1\r\nX: " + "y" * 20_000 + "\r\n\r\n", b""),
    ],
    ids=["no request", "a version to come", "many fields", "a long path", "a long field"],
)
def test_requests_that_are_wrong_or_too_long_are_refused(request_text: str, status: bytes, site: Site) -> None:
    try:
        answer = raw(site, request_text)
    except ConnectionError:
        answer = b""
    assert status in answer.partition(b"\r\n")[0]
    assert bool(status) == bool(answer)
    assert b"<" not in answer


def test_text_of_hosts_is_text_on_the_page(site: Site, place: StateDir) -> None:
    hostile = "</main><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m\x00\ud800 javascript:alert(3)"
    events = [*runs.bad()[:-1], event("note", 160.0, message=hostile), event("note", 161.0, message=hostile)]
    told = dict.fromkeys(("cause", "hint", "title", "service"), hostile) | {"lines": [hostile], "log": [hostile]}
    events += [event("started", 162.0, "h:x", title=hostile), event("failed", 163.0, "h:x", seconds=1.0, **told)]
    record = runs.keep(place.folder, [], {**NOW, "warnings": [hostile], "answer_files": [hostile]})
    append(record, *events)
    text = ask(site).text
    assert "alert(1)" in text
    for forbidden in ("<script>", "<img", 'href="javascript'):
        assert forbidden not in text
    assert text.count("<script") == 1
    assert json.loads(ask(site, "/TOKEN/report.json").body)["ok"] is False


@pytest.mark.parametrize("content", ['{"stackwright-run": 2}\n', '{"stackwright-run": 1, "steps": 7}\n'])
def test_a_damaged_record_is_told_on_the_page(content: str, site: Site, place: StateDir) -> None:
    record = runs.keep(place.folder, [])
    record.write_text(content)
    answer = ask(site)
    assert answer.status == 200
    assert "The report cannot be shown" in answer.text
    assert "Traceback" not in answer.text
    runs.keep(place.folder, runs.good())
    assert "is installed" in ask(site).text


def test_an_error_of_ours_is_one_sentence(
    site: Site, place: StateDir, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> str:
        raise RuntimeError("broken <b>")

    runs.keep(place.folder, runs.good())
    monkeypatch.setattr(server, "as_html", broken)
    assert "internal error in stackwright: RuntimeError: broken &lt;b&gt;" in ask(site).text
    assert capfd.readouterr() == ("", "")


def test_idle_connections_are_few_and_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of those that wait says a byte now and then, which must not make it live longer."""
    monkeypatch.setattr(server, "SECONDS", 1.0)
    idle = [socket.create_connection((server.ADDRESS, site.port), 20) for _ in range(server.CONNECTIONS)]
    with socket.create_connection((server.ADDRESS, site.port), 20) as further:
        assert further.recv(10) == b"", "closed at once"
    for _ in range(100):
        try:
            idle[0].sendall(b"x")
        except OSError:
            break
        time.sleep(0.05)
    else:
        pytest.fail("a slow request was never ended")
    for one in idle[1:]:
        assert one.recv(10) == b""
    for one in idle:
        one.close()
    assert ask(site).status == 200


def test_the_page_is_not_made_more_often_than_its_cost_allows(place: StateDir, monkeypatch: pytest.MonkeyPatch) -> None:
    record = runs.keep(place.folder, runs.good()[:4], NOW)
    made = []
    monkeypatch.setattr(server, "as_html", lambda *_, **__: made.append(1) or f"page {len(made)}")
    pages = server._Pages(Follower(place))
    with report.at_work(record):
        first = pages.page()
        assert pages.page()[:2] == first[:2]
        assert len(made) == 1
        pages._since -= pages._wait
        assert pages.page()[0] == b"page 2"


def test_nothing_is_created_for_a_run_that_has_ended(place: StateDir, monkeypatch: pytest.MonkeyPatch) -> None:
    runs.keep(place.folder, runs.good())
    pages = server._Pages(Follower(place))
    pages.page()
    monkeypatch.setattr(server, "as_html", lambda *_, **__: pytest.fail("made again"))
    pages._since -= pages._wait
    pages.page()


def test_tokens_are_long_and_compared_in_constant_time(place: StateDir) -> None:
    with server.serving(Follower(place)) as one, server.serving(Follower(place)) as other:
        assert one.token != other.token
        assert len(one.token) >= 43
        assert one.server_address[0] == "127.0.0.1"
    assert "hmac.compare_digest(token" in Path(server.__file__).read_text()


# --------------------------------------------------------------------------------------------------------- the command


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: StateDir, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("STACKWRIGHT_STATE", str(place.folder.parent))
    path = tmp_path / "cloud.answers"
    assert cli.main(["--gen-answer-file", str(path), "--install-hosts", CONTROLLER]) == ExitCode.OK
    capsys.readouterr()
    return str(path)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--serve", "70000"), ExitCode.USAGE, "from 1 to 65535"),
        (("--serve", "here"), ExitCode.USAGE, "from 1 to 65535"),
        (("--serve", "--html", "x.html"), ExitCode.USAGE, "--serve and --html exclude each other"),
        (("--serve", "--slowest"), ExitCode.USAGE, "--serve and --slowest exclude each other"),
    ],
)
def test_wrong_words(
    words: tuple[str, ...], code: ExitCode, said: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["report", "-a", file, *words]) == code
    assert said in capsys.readouterr().err


def test_a_port_that_is_in_use_is_told(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server((server.ADDRESS, 0)) as other:
        port = other.getsockname()[1]
        assert cli.main(["report", "-a", file, "--serve", str(port)]) == ExitCode.ENVIRONMENT
    said = capsys.readouterr().err
    assert f"cannot listen on port {port} of 127.0.0.1: another program uses it" in said
    assert "hint: choose another port" in said
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.parametrize("form", ["text", "json"])
def test_the_command_shows_its_address_and_ends_with_ctrl_c(form: str, file: str, place: StateDir) -> None:
    runs.keep(place.folder, runs.good())
    words = [
        sys.executable,
        "-m",
        "stackwright",
        "report",
        "-a",
        file,
        "--serve",
        *(["--json"] if form == "json" else []),
    ]
    env = {**os.environ, "PYTHONPATH": str(Path(report.__file__).parents[2])}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout
        line = process.stdout.readline()
        if form == "json":
            said: dict[str, Any] = json.loads(line)
            assert (said["type"], said["kind"]) == ("event", "note")
            line = said["message"]
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/([\w-]{43})/", line.strip())
        assert found
        connection = http.client.HTTPConnection(server.ADDRESS, int(found[1]), timeout=20)
        connection.request("GET", f"/{found[2]}/")
        assert connection.getresponse().status == 200
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=20)
    assert process.returncode == ExitCode.OK
    assert "Traceback" not in error
    assert found[2] not in error
    assert out == "" if form == "text" else json.loads(out)["exit"] == 0
    written = [path for path in place.folder.rglob("*") if path.is_file() and found[2] in path.read_text()]
    assert written == []
