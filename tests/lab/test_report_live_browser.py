"""A run in the browser while it goes on, on screens of three widths. Screenshots are in test-results/report-live/."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import horizon
import pytest
from test_report_browser import ASTRAY, CONTRAST, whole_picture

import runs
from runs import COMPUTES, CONTROLLER
from stackwright import report
from stackwright.report import server
from stackwright.report.follow import Follower
from stackwright.state.directory import StateDir

pytestmark = pytest.mark.lab

RESULTS = Path(__file__).resolve().parents[2] / "test-results" / "report-live"
WIDTHS = (320, 390, 1280)
TITLE = "document.querySelector('h1').innerText"
UPDATES = "Number(document.documentElement.dataset.updates || 0)"


@pytest.fixture(scope="module")
def view() -> Iterator[horizon.Page]:
    if not horizon.chromium():
        pytest.skip("there is no Chromium")
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir(parents=True)
    with horizon.page() as page:
        yield page


class Run:
    """A recorded run, replayed event by event, as if it had begun 200 seconds ago."""

    def __init__(self, folder: Path) -> None:
        self.place = StateDir(folder / "state")
        began = time.time() - 200
        self._later = began - runs.BEGAN
        about = {**runs.ABOUT, "began": began, "answer_files": ["/root/cloud.answers"]}
        self.record = runs.keep(self.place.folder, [], about)
        self._left = runs.good()

    def tell(self, until: float) -> None:
        """Appends the events up to this second of the run."""
        due = [e for e in self._left if e.at <= runs.BEGAN + until]
        self._left = self._left[len(due) :]
        with self.record.open("a") as file:
            file.writelines(json.dumps({**vars(e), "at": e.at + self._later}) + "\n" for e in due)

    def verify(self) -> None:
        self.place.write("verify.json", json.dumps({**runs.PROOF, "began": time.time() - 5, "at": time.time()}))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


@pytest.fixture
def site(run: Run) -> Iterator[server.Site]:
    with server.serving(Follower(run.place)) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.05,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


BROKEN = """[...document.querySelectorAll('th[scope=row]')].filter(th => {
  const range = document.createRange();
  range.selectNodeContents(th);
  return /^[\\d.]+$/.test(th.textContent) && new Set([...range.getClientRects()].map(box => box.top)).size > 1;
}).map(th => th.textContent)"""
"""Addresses that break across lines and are hard to read."""


def looks_right(view: horizon.Page, width: int, name: str) -> None:
    assert whole_picture(view, RESULTS / f"{name}-{width}.png").startswith(b"\x89PNG")
    assert view.script("document.documentElement.scrollWidth") <= width, "it has to be scrolled sideways"
    ratio, where = view.script(CONTRAST)
    assert ratio >= 4.5, where
    assert view.script(ASTRAY) == []
    assert view.script(BROKEN) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_a_run_is_shown_while_it_goes_on(width: int, run: Run, site: server.Site, view: horizon.Page) -> None:
    view.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
    view.events.clear()
    view.call("Log.enable")
    with report.at_work(run.record):
        run.tell(60)
        view.open(site.url)
        view.wait("the first answer", f"{UPDATES} > 0")
        assert view.script(TITLE) == "OpenStack zed is being installed"
        assert view.script("getComputedStyle(document.querySelector('header')).borderTopStyle") == "solid"
        looks_right(view, width, "start")

        # Clocks go on between two versions of the page.
        elapsed = "document.querySelector('dd [data-since]').innerText"
        before = view.script(elapsed)
        view.wait("a clock that goes on", f"{elapsed} !== {json.dumps(before)}", 20)

        # What a person folds or unfolds stays so when the page changes; and so does where they are.
        host = f"[...document.querySelectorAll('.gantt summary')].find(s => s.innerText.includes('{CONTROLLER}'))"
        view.script(f"{host}.parentElement.open = false")
        view.script("scrollTo(0, 200)")
        answers = "[...document.querySelectorAll('summary')].find(s => s.innerText.includes('Answers that differ'))"
        view.script(f"{answers}.parentElement.open = true")
        run.tell(230)
        view.wait("the Puppet run of the controller", "document.body.innerText.includes('7 steps done')", 30)
        assert view.script(f"{host}.parentElement.open") is False
        assert view.script(f"{answers}.parentElement.open") is True
        assert view.script("scrollY") == 200
        looks_right(view, width, "middle")

        # Selected text is not taken away.
        view.script("getSelection().selectAllChildren(document.querySelector('pre.digest'))")
        now = view.script(UPDATES)
        run.tell(1000)
        time.sleep(3)
        assert view.script(UPDATES) == now
        view.script("getSelection().removeAllRanges()")
        view.wait("the end of the run", f"{TITLE}.includes('is being verified')", 30)
    run.verify()
    view.wait("the verification", f"{TITLE} === 'OpenStack zed is installed and verified'", 30)
    looks_right(view, width, "end")

    shown = view.script("document.querySelector('main').innerText.replace(/JSON: .*/, '')")

    # A button copies a command with the real name of the file; it needs a person's click.
    button = "document.querySelector('button[data-copy^=\"stackwright bundle create -a /root/cloud.answers\"]')"
    view.call("Runtime.evaluate", expression=f"{button}.click()", userGesture=True)
    assert view.script(f"{button}.innerText") == "Copied"
    links = view.script("[...document.querySelectorAll('p.links a')].map(a => a.href)")
    assert links == [
        f"http://{CONTROLLER}/horizon", f"http://{CONTROLLER}:5000/", "https://docs.openstack.org/zed/",
    ]  # fmt: skip

    # The kept page is the same.
    assert view.trouble() == ()
    violations = [e for e in view.events if e["method"] == "Log.entryAdded"]
    assert violations == []
    asked = {e["params"]["request"]["url"] for e in view.events if e["method"] == "Network.requestWillBeSent"}
    assert {url for url in asked if not url.startswith(site.url)} == set()
    kept = report.refresh(run.place)
    assert kept
    folded = view.script("[...document.querySelectorAll('details')].map(d => d.open)")
    view.open(kept.as_uri())
    view.script(f"{json.dumps(folded)}.forEach((o, n) => document.querySelectorAll('details')[n].open = o)")
    assert view.script("document.querySelector('main').innerText.replace(/JSON: .*/, '')") == shown


def test_the_page_says_when_the_server_has_ended(run: Run, view: horizon.Page) -> None:
    with server.serving(Follower(run.place)) as site:
        thread = threading.Thread(target=site.serve_forever, args=(0.05,))
        thread.start()
        run.tell(200)
        with report.at_work(run.record):
            view.open(site.url)
            view.wait("a run", "document.querySelector('p.live').innerText.includes('follows the run')", 30)
            site.shutdown()
            thread.join()
    view.wait("that it ended", "document.querySelector('p.live.lost')", 30)
    assert "No connection to `stackwright report --serve`" in view.script("document.querySelector('p.live').innerText")
    assert view.script(TITLE) == "OpenStack zed is being installed", "the last state stays"


def test_a_failure_is_on_top_while_the_others_go_on(run: Run, site: server.Site, view: horizon.Page) -> None:
    run._left = runs.bad()[:-1]
    run.tell(1000)
    with report.at_work(run.record):
        view.call("Emulation.setDeviceMetricsOverride", width=320, height=900, deviceScaleFactor=1, mobile=True)
        view.open(site.url)
        view.wait("the failure", f"{TITLE}.includes('1 step failed so far')", 30)
        looks_right(view, 320, "failed")
        cause = view.script("document.querySelector('header p.cause').getBoundingClientRect().top")
    assert 0 < cause < 900
    assert view.script("document.querySelector('header p.hint').innerText") == "Hint: Look <there>."
    assert view.script("document.scripts.length") == 1
    assert str(COMPUTES[0]) in view.script("document.body.innerText")
