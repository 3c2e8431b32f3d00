"""What people and machines see of a run."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from stackwright.model import Event, EventKind, StackwrightError
from stackwright.output import live, machine

NOW = 1_790_000_000.0


def event(kind: EventKind, step: str = "", host: str = "", message: str = "", at: float = NOW, **data: Any) -> Event:
    return Event(kind, at, step, host, message, data)


FAILED = event(
    "failed",
    "h1.nova",
    "h1",
    title="Nova",
    cause="Service[nova-api]",
    lines=["would not start"],
    service="nova-api",
    log=["Address in use"],
    hint="Free port 8774.",
    seconds=61,
)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59.4, "59 s"), (60, "1 min"), (80, "1 min 20 s"), (7500, "2 h 5 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert live.duration(seconds) == text


@pytest.mark.parametrize(
    ("what", "text"),
    [
        (event("started", "s", "h1", title="Nova", estimate=90), "h1: Nova ... (took 1 min 30 s before)"),
        (event("ok", "s", "h1", title="Nova", changed=3, seconds=12), "h1: Nova: done in 12 s, 3 changed"),
        (event("ok", "s", "h1", title="Nova", changed=0, seconds=12), "h1: Nova: done in 12 s, nothing changed"),
        (event("kept", "s", "h1"), "h1: s: unchanged"),
        (FAILED, "h1: Nova: FAILED after 1 min 1 s: Service[nova-api]"),
        (event("skipped", "s", "h1", because="h0.db"), "h1: s: skipped, because h0.db failed"),
        (event("retried", "s", "h1", why="lock is held", wait=10), "h1: lock is held; next try in 10 s"),
        (event("note", message="hello"), "hello"),
        (
            event("finished", ok=False, done=3, failed=1, skipped=2, kept=0, changed=9, seconds=70),
            "Failed after 1 min 10 s: 1 failed, 2 skipped, 3 done, 9 changes",
        ),
    ],
)
def test_a_plain_line_per_event(what: Event, text: str) -> None:
    line = live.plain_line(what)
    assert line
    assert line.split(" ", 1)[1] == text


def test_long_work_is_seen_to_be_alive_without_a_terminal() -> None:
    out = io.StringIO()
    with live.Screen(out, "plain") as screen:
        screen(event("started", "h1:puppet", "h1", title="Puppet"))
        screen(event("progress", "h1:puppet", "h1", at=NOW + 5, done=1, total=9, what="File[/a]"))
        screen(event("progress", "h1:puppet", "h1", at=NOW + 40, done=3, total=9, what="Package[nova]"))
        screen(event("progress", "h1:puppet", "h1", at=NOW + 90, done=3, total=9, what="Package[nova]", **{"for": 50}))
        screen(event("progress", "h1:x", "h1", at=NOW + 95, done=0, total=0, what="", **{"for": 50}))
    lines = [line.split(" ", 1)[1] for line in out.getvalue().splitlines()]
    assert lines == [
        "h1: Puppet ...",
        "h1: puppet: 3 of 9, Package[nova]",
        "h1: puppet: 3 of 9, Package[nova] (for 50 s)",
        "h1: x: still running (for 50 s)",
    ]


def test_progress_prints_no_line() -> None:
    assert live.plain_line(event("progress", "s", "h1", done=1, total=2, what="x")) is None


def test_a_failure_in_full_with_its_hint_after_a_blank_line() -> None:
    assert live.failure_block(FAILED) == (
        "h1: Nova failed: Service[nova-api]\n"
        "    would not start\n"
        "  nova-api wrote:\n"
        "    Address in use\n"
        "\n"
        "hint: Free port 8774."
    )


def test_an_error() -> None:
    assert live.error_block(StackwrightError("a is b", "Do c.")) == "error: a is b\n\nhint: Do c."
    assert live.error_block(StackwrightError("a is b")) == "error: a is b"


def test_json_lines_for_machines() -> None:
    out = io.StringIO()
    with live.Screen(out, "json") as screen:
        screen(event("note", message="hello"))
        screen(FAILED)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert lines[0] == {"kind": "note", "at": NOW, "message": "hello"}
    assert lines[1]["data"]["cause"] == "Service[nova-api]"
    assert len(lines) == 2


def test_plain_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    with live.Screen(out) as screen:
        assert screen.kind == "plain"
        screen(FAILED)
        screen(event("finished", ok=False, done=0, failed=1, skipped=0, kept=0, changed=0, seconds=61))
    text = out.getvalue()
    assert "\x1b" not in text
    assert "hint: Free port 8774." in text
    assert text.count("would not start") == 1


def test_a_screen_without_unicode_does_not_fail() -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with live.Screen(out, "plain") as screen:
        screen(event("note", message="größer"))
    out.seek(0)
    assert "gr??er" in out.read()


def test_a_full_disk_below_the_output_ends_no_run() -> None:
    with contextlib.suppress(OSError), Path("/dev/full").open("w") as full:  # closing it tries once more
        with live.Screen(full, kind="plain") as screen:
            taken = [screen(event("note", message=str(number))) for number in range(3)]
        assert len(taken) == 3
        reached = True
    assert reached


def test_only_the_live_view_loads_rich() -> None:
    code = (
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        "from stackwright.output import live\nfrom stackwright.model import Event\n"
        "with live.Screen(kind='plain') as s: s(Event('note', 1.0, message='x'))\n"
        "sys.exit(any(m.split('.')[0] == 'rich' for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def board(events: Sequence[Event]) -> live.Board:
    made = live.Board()
    for one in events:
        made.take(one)
    return made


def rendered(made: live.Board, width: int, height: int, now: float = NOW + 100) -> list[str]:
    from rich.console import Console

    console = Console(file=io.StringIO(), width=width, height=height, color_system=None, force_terminal=False)
    for part in live.draw(made, now, width, height):
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_a_host_line_says_where_it_is() -> None:
    made = board(
        [
            event("note", hosts={"h1": 3}),
            event("ok", "a", "h1", title="A", changed=0, seconds=1),
            event("started", "b", "h1", title="Puppet", estimate=120),
            event("progress", "b", "h1", done=123, total=1608, what="Service[nova-api]"),
        ]
    )
    host = made.hosts["h1"]
    assert live.host_cells(host, NOW + 30) == (
        "h1",
        "1/3",
        "Puppet  123 of 1608  Service[nova-api]",
        "0:30 of ~2:00",
    )
    assert "Service[nova-api] (for 1 min 40 s)" in live.host_cells(host, NOW + 100)[2]
    text = "\n".join(rendered(made, 100, 24))
    assert "123 of 1608" in text
    assert "1 of 3 steps" in text


def test_what_takes_longer_than_before_is_not_measured_by_it() -> None:
    """`2:32 of ~0:34` reads like a mistake."""
    made = board([event("note", hosts={"h1": 1}), event("started", "b", "h1", title="Puppet", estimate=34)])
    assert live.host_cells(made.hosts["h1"], NOW + 30)[3] == "0:30 of ~0:34"
    assert live.host_cells(made.hosts["h1"], NOW + 152)[3] == "2:32, longer than usual"


def test_packages_are_counted_in_percent() -> None:
    out = io.StringIO()
    with live.Screen(out, "plain") as screen:
        screen(event("started", "h1:packages", "h1", title="Install 103 packages"))
        screen(event("progress", "h1:packages", "h1", at=NOW + 40, done=22, total=100, what="libxmu6"))
    assert out.getvalue().splitlines()[-1].split(" ", 1)[1] == "h1: packages: 22 % (libxmu6)"
    assert live.portion(22, 101) == "22 of 101"


def test_trouble_is_shown_until_the_next_sign_of_life() -> None:
    events = [event("started", "b", "h1", title="Puppet"), event("retried", "b", "h1", why="no answer", wait=1)]
    made = board(events)
    assert "no answer" in live.host_cells(made.hosts["h1"], NOW)[2]
    made.take(event("progress", "b", "h1", done=1, total=2, what="x"))
    assert "no answer" not in live.host_cells(made.hosts["h1"], NOW)[2]


def test_progress_has_room_where_the_step_has_a_long_title() -> None:
    title = "Puppet: clients, mariadb, cinder-database and 30 more"
    events = [event("note", hosts={"h1": 3}), event("started", "b", "h1", title=title)]
    assert live.host_cells(board(events).hosts["h1"], NOW)[2] == title
    events.append(event("progress", "b", "h1", done=123, total=1608, what="Service[nova-api]"))
    assert live.host_cells(board(events).hosts["h1"], NOW)[2] == "Puppet  123 of 1608  Service[nova-api]"


def test_long_titles_are_cut_to_leave_room_for_the_result() -> None:
    done = event("ok", "b", "h1", title="Puppet: external-bridge, nova-compute, ovn-controller", changed=2, seconds=1)
    assert board([done]).last[-1].endswith(" h1: Puppet: external-bridge, nova-c…: done in 1 s, 2 changed")


def test_a_failed_host_shows_its_cause_and_its_name_once() -> None:
    events = [
        event("note", hosts={"h1": 3, "h2": 1}),
        event("failed", "h1:a", "h1", title="A", cause="h1: nobody answers", seconds=3),
        event("skipped", "h1:b", "h1", title="B", because="h1:a"),
        event("retried", "h2:a", "h2", why="h2: the connection was lost", wait=1),
    ]
    made = board(events)
    assert live.host_cells(made.hosts["h1"], NOW)[2] == "FAILED  nobody answers  1 skipped"
    assert made.hosts["h2"].trouble == "the connection was lost"
    assert [line.split(" ", 1)[1] for line in made.last] == [
        "h1: A: FAILED after 3 s: nobody answers",
        "h1: B: skipped, because h1:a failed",
        "h2: the connection was lost; trying again",
    ]


def test_slow_hosts_come_before_busy_ones_and_ties_follow_the_plan() -> None:
    """Slow is what takes longer than it took before, or does the same for a long time. Who others wait for is first in
    the plan, however short a time it has been at its present step."""
    names = ["controller", "c1", "c2", "c3", "c4", "done"]
    made = board(
        [
            event("note", hosts=dict.fromkeys(names, 1)),
            event("ok", "done:x", "done", title="x", changed=0, seconds=1),
            event("started", "c1:x", "c1", title="x", at=NOW, estimate=300),
            event("started", "c2:x", "c2", title="x", at=NOW, estimate=60),
            event("started", "c3:x", "c3", title="x", at=NOW),
            event("progress", "c3:x", "c3", at=NOW + 30, done=1, total=2, what="Package[nova]"),
            event("started", "controller:x", "controller", title="x", at=NOW + 195),
        ]
    )
    ordered = [host.name for host in live.visible(made, NOW + 200, 5)[0]]
    assert ordered == ["c3", "c2", "controller", "c1"]
    assert "and 2 more hosts: 1 waiting, 1 done" in "\n".join(rendered(made, 80, 12, NOW + 200))


def test_starts_are_no_events_where_there_are_many_hosts() -> None:
    for count, told in ((3, True), (100, False)):
        made = board([event("note", hosts={f"h{n}": 1 for n in range(count)}), event("started", "a", "h1", title="A")])
        assert any("A ..." in line for line in made.last) == told


def test_equal_failures_of_many_hosts_are_shown_once() -> None:
    out = io.StringIO()
    with live.Screen(out, "plain") as screen:
        for n in range(5):
            cause = f"h{n}: no answer"
            screen(
                event("failed", f"h{n}:x", f"h{n}", title="X", cause=cause, lines=["same"], hint="Do it.", seconds=1)
            )
        screen(event("failed", "h9:x", "h9", title="X", cause="other", seconds=1))
    told = out.getvalue().partition("\n\n")[2]
    assert told == (
        "h0, h1, h2 and 2 more hosts: X failed: no answer\n    same\n\nhint: Do it.\n\nh9: X failed: other\n"
    )


def test_it_may_be_drawn_while_it_changes() -> None:
    made = board([event("note", hosts={f"h{n}": 50 for n in range(50)})])
    ended = threading.Event()
    wrong: list[Exception] = []

    def draw() -> None:
        from rich.console import Console

        console = Console(file=io.StringIO(), width=80, height=24)
        while not ended.is_set():
            try:
                console.print(live._View(made))
            except Exception as error:
                wrong.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        drawing = threading.Thread(target=draw)
        drawing.start()
        for n in range(20_000):
            host = f"h{n % 50}"
            made.take(event("started", f"{host}:{n}", host, title="x"))
            made.take(event("ok", f"{host}:{n - 2000}", host, title="x", changed=0, seconds=1))
        ended.set()
        drawing.join()
    finally:
        sys.setswitchinterval(before)
    assert not wrong


@pytest.mark.parametrize("height", [10, 24, 50])
@pytest.mark.parametrize("width", [40, 80, 200])
def test_two_hundred_hosts_fit_and_those_that_matter_come_first(width: int, height: int) -> None:
    names = [f"compute-{n:03}" for n in range(200)]
    events = [event("note", hosts=dict.fromkeys(names, 2))]
    events += [event("ok", f"{n}.a", n, title="A", changed=0, seconds=1) for n in names[:60]]
    events += [event("ok", f"{n}.b", n, title="B", changed=0, seconds=1) for n in names[:60]]
    events += [event("started", f"{n}.a", n, title="A", at=NOW - int(n[-3:])) for n in names[60:150]]
    events.append(event("failed", "compute-199.a", "compute-199", title="A", cause="x" * 300, seconds=1))
    made = board(events)
    lines = rendered(made, width, height)
    assert len(lines) < height, "\n".join(lines)
    assert lines[0].lstrip().startswith("compute-1") or "compute-199"[: width // 4 - 1] in lines[0]
    shown, hidden = live.visible(made, NOW + 100, 5)
    assert [h.name for h in shown] == ["compute-199", "compute-149", "compute-148", "compute-147"]
    assert len(hidden) == 196
    assert "more hosts" in "\n".join(lines)


@pytest.mark.parametrize(("hosts", "height"), [(3, 24), (3, 40), (200, 24), (200, 50)])
def test_the_live_view_shows_a_failure_while_other_hosts_continue(hosts: int, height: int) -> None:
    names = [f"n{n}" for n in range(hosts)]
    events = [event("note", hosts=dict.fromkeys(names, 2))]
    events += [event("started", f"{n}.a", n, title="A") for n in names]
    told = {"title": "Nova", "cause": "Exec[db sync] failed", "seconds": 1, "service": "nova-api", "hint": "start it"}
    lines, log = [f"line {n}" for n in range(9)], [f"log {n}" for n in range(9)]
    events.append(event("failed", "n1.a", "n1", lines=lines, log=log, **told))
    events.append(event("failed", "n2.a", "n2", **{**told, "cause": "later"}))
    seen = rendered(board(events), 80, height)
    assert len(seen) < height, "\n".join(seen)
    at = next(n for n, text in enumerate(seen) if text.startswith("n1: Nova failed: Exec[db sync] failed"))
    assert seen[at + 1 : at + 3] == ["    line 0", "    line 1"]
    assert "hint: start it" in seen
    whole = "    log 8" in seen
    assert whole == (hosts == 3 and height == 40)
    assert ("    ..." in seen) == (not whole)
    assert any("later" in text for text in seen)


def test_on_a_small_screen_the_hosts_come_first() -> None:
    events = [event("note", hosts={f"n{n}": 2 for n in range(30)}), FAILED]
    seen = rendered(board(events), 60, 12)
    assert len(seen) < 12
    assert not [text for text in seen if "hint" in text]


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["a.dc1.example.org", "b.dc1.example.org"], ["a", "b"]),
        (["a.dc1.example.org", "a.dc2.example.org"], ["a.dc1", "a.dc2"]),
        (["a.org", "b.org", "org"], ["a.org", "b.org", "org"]),
        (["198.18.0.1", "198.18.1.1"], ["198.18.0.1", "198.18.1.1"]),
        (["a.example.org"], ["a.example.org"]),
        (["a.example.org", "fd00::1"], ["a.example.org", "fd00::1"]),
    ],
)
def test_the_common_domain_of_hosts_is_not_shown(names: list[str], shown: list[str]) -> None:
    events = [event("note", hosts=dict.fromkeys(names, 2))]
    events.append(event("ok", "s", names[0], title="A", changed=0, seconds=1))
    seen = rendered(board(events), 80, 24)
    assert [text.split()[0] for text in seen[: len(names)]] == shown
    assert any(f" {shown[0]}: A: done" in text for text in seen)


def test_the_live_view_runs_on_a_terminal(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    script = tmp_path / "run.py"
    script.write_text(
        f"import sys, time; sys.path[:0] = {sys.path!r}\n"
        "from stackwright.output import live\nfrom stackwright.model import Event\n"
        "with live.Screen() as s:\n"
        "    assert s.kind == 'live', s.kind\n"
        "    s(Event('note', time.time(), data={'hosts': {'h1': 1}}))\n"
        "    s(Event('started', time.time(), 'a', 'h1', data={'title': 'Nova'}))\n"
        "    time.sleep(0.6)\n"
        "    s(Event('failed', time.time(), 'a', 'h1', data={'title': 'Nova', 'cause': 'oh no', 'hint': 'do it'}))\n"
        "    s(Event('finished', time.time(), data={'failed': 1, 'seconds': 1}))\n"
    )
    chunks: list[bytes] = []

    def read(handle: int) -> bytes:
        chunks.append(os.read(handle, 65536))
        return chunks[-1]

    before = os.environ.get("TERM"), os.environ.get("NO_COLOR")
    os.environ["TERM"], os.environ["NO_COLOR"] = "xterm", "1"
    try:
        status = pty.spawn([sys.executable, str(script)], read, lambda _handle: b"")
    finally:
        for name, value in zip(("TERM", "NO_COLOR"), before, strict=True):
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    text = b"".join(chunks).decode()
    assert status == 0, text
    assert "Nova" in text
    assert "hint: do it" in text
    assert "\x1b[31m" not in text


@pytest.mark.parametrize("kind", ["plain", "json"])
def test_a_run_continues_after_its_output_is_closed(kind: str) -> None:
    """As with `| head`, and with `| tee`, which ends at the first Ctrl-C: that one only asks to stop."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as out:
        with live.Screen(out, kind) as screen:
            for _ in range(3):
                screen(event("note", message="hello"))
            screen(FAILED)
            screen(event("finished", ok=False, seconds=1))
        print("and what comes after it", file=out, flush=True)


def test_the_log_of_a_run_is_private(tmp_path: Path) -> None:
    path = tmp_path / "state" / "events.jsonl"
    seen: list[Event] = []
    emit = live.both(machine.event_log(path), seen.append)
    emit(event("note", message="hello"))
    emit(FAILED)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [json.loads(line)["kind"] for line in path.read_text().splitlines()] == ["note", "failed"]
    assert len(seen) == 2
