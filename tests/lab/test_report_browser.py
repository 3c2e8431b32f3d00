"""The report in a browser: light and dark, on a phone and in print. Screenshots are in test-results/report/."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import horizon
import pytest

import runs
from golden import CASES
from stackwright import planner, report
from stackwright.operations import apply

pytestmark = pytest.mark.lab

RESULTS = Path(__file__).resolve().parents[2] / "test-results" / "report"
SCREENS = {"light": (1280, "screen"), "dark": (1280, "screen"), "phone": (360, "screen"), "paper": (794, "print")}

# The worst contrast between text and what is behind it, of all elements that have text of their own; SVG's text is on
# its own card. WCAG 2.2, 1.4.3 wants 4.5.
CONTRAST = """(() => {
  const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
    .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b };
  const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (!/, 0\\)$|transparent/.test(c)) return c } return 'rgb(255, 255, 255)' };
  let worst = [99, ''];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.getClientRects().length) continue;
    const ink = e instanceof SVGElement ? getComputedStyle(e).fill : getComputedStyle(e).color;
    if (e.tagName === 'title') continue;
    const [a, b] = [light(ink), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < worst[0]) worst = [ratio, `${e.tagName}.${e.getAttribute('class')}: ${e.textContent.slice(0, 40)}`];
  } return worst })()"""

# Texts of the topology that leave their host's frame, and texts of one frame that lie upon each other.
ASTRAY = """[...document.querySelectorAll('svg.tile')].filter(s => s.getClientRects().length).flatMap(tile => {
  const all = [...tile.querySelectorAll('text')], box = t => t.getBoundingClientRect();
  const frame = box(tile.querySelector('.host'));
  const out = all.filter(t => box(t).right > frame.right - 8).map(t => 'out: ' + t.textContent);
  for (const a of all) for (const b of all) if (a !== b && a.compareDocumentPosition(b) & 4) {
    const [p, q] = [box(a), box(b)];
    if (p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 4 && q.top < p.bottom - 4)
      out.push('upon each other: ' + a.textContent + ' | ' + b.textContent);
  } return out })"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of a run of each sort."""
    if not horizon.chromium():
        pytest.skip("there is no Chromium")
    made = {
        "good": report.collect(runs.ABOUT, runs.good(), proof=runs.PROOF),
        "bad": report.collect(runs.ABOUT, runs.bad()),
        "refused": report.collect(runs.ABOUT, runs.good(), proof=runs.REFUSED),
        "tested": report.collect(runs.ABOUT, runs.good(), proof=runs.PROOF, later=runs.LATER),
        **{name: report.collect(known(name), []) for name in ("allinone", "roles-apart")},
        "many": report.collect(many(), []),
    }
    folder = tmp_path_factory.mktemp("pages")
    for name, one in made.items():
        (folder / f"{name}.html").write_text(report.as_html(one))
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir(parents=True)
    return {name: folder / f"{name}.html" for name in made}


def known(case: str) -> dict[str, Any]:
    """What is known before a run of a golden case."""
    return apply.about(planner.cloud(CASES[case].answers(), CASES[case].facts()), CASES[case].plan())


def many() -> dict[str, Any]:
    """Forty hosts with names that are longer than their picture is wide, and made of the widest letters."""
    names = [f"MM-WW-compute-with-a-rather-long-name-{n:02}.rack.datacentre.example.org" for n in range(40)]
    services = {"nova": ["nova-compute"], "neutron": ["ovn-controller", "ovn-metadata"]}
    hosts = {name: runs.host(name, services, address=f"198.18.1.{n}") for n, name in enumerate(names)}
    hosts[names[7]] = runs.host(names[7], services, about=["An operating system of many words that go on and on"])
    return {**runs.ABOUT, "hosts": {**runs.HOSTS, **hosts}}


@pytest.fixture(scope="module")
def view() -> Iterator[horizon.Page]:
    if not horizon.chromium():
        pytest.skip("there is no Chromium")
    with horizon.page() as page:
        yield page


def show(view: horizon.Page, path: Path, screen: str) -> None:
    width, media = SCREENS[screen]
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if screen in ("dark", "paper") else "light"}]
    view.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
    view.call("Emulation.setEmulatedMedia", media=media, features=scheme)
    view.events.clear()
    view.open(f"{path.as_uri()}?{screen}")


def whole_picture(view: horizon.Page, path: Path) -> bytes:
    height = view.script("document.documentElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": view.script("innerWidth"), "height": height, "scale": 1}
    data = view.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
    path.write_bytes(base64.b64decode(data))
    return path.read_bytes()


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("name", ["good", "bad", "refused", "tested", "allinone", "roles-apart", "many"])
def test_the_page_is_easy_to_read(name: str, screen: str, pages: dict[str, Path], view: horizon.Page) -> None:
    show(view, pages[name], screen)
    picture = whole_picture(view, RESULTS / f"{name}-{screen}.png")
    assert picture.startswith(b"\x89PNG")
    assert view.script("document.documentElement.scrollWidth") <= SCREENS[screen][0], "it has to be scrolled sideways"
    ratio, where = view.script(CONTRAST)
    assert ratio >= 4.5, where
    assert view.script(ASTRAY) == []
    assert view.trouble() == ()
    asked: list[Any] = [
        e["params"]["request"]["url"] for e in view.events if e["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in asked if not url.startswith("file:")] == []


def test_the_dark_theme_is_dark_and_print_is_white(pages: dict[str, Path], view: horizon.Page) -> None:
    seen = {}
    for screen in SCREENS:
        show(view, pages["good"], screen)
        background = "getComputedStyle(document.querySelector('section')).backgroundColor.match(/\\d+/g).map(Number)"
        seen[screen] = max(view.script(background)[:3])
    # What is not painted has the colour of the scheme.
    assert view.script("getComputedStyle(document.documentElement).colorScheme") == "light"
    assert seen["dark"] < 60
    assert min(seen["light"], seen["phone"], seen["paper"]) == 255


def test_bars_are_at_the_position_of_their_time(pages: dict[str, Path], view: horizon.Page) -> None:
    """The controller's Puppet run began at 110 s of 350 s, and took 102 s."""
    show(view, pages["good"], "light")
    found = view.script(
        "(() => { const lane = document.querySelectorAll('.gantt details')[0].querySelectorAll('svg.lane')[2],"
        " all = lane.getBoundingClientRect(), bar = lane.querySelector('.bar').getBoundingClientRect();"
        " return [(bar.left - all.left) / all.width, bar.width / all.width] })()"
    )
    assert found == pytest.approx([110 / 350, 102 / 350], abs=0.002)


# How much higher than its summary each folded part is: first those that repeat themselves for each of many hosts. What
# is folded away has a height of its own, which does not count into that of its part.
FOLDED = """[true, false].map(much => [...document.querySelectorAll('details:not([open])')]
  .filter(e => e.classList.contains('much') === much && e.getClientRects().length)
  .map(e => e.offsetHeight - e.querySelector('summary').offsetHeight))"""


def test_details_are_unfolded_in_print_unless_repeated(pages: dict[str, Path], view: horizon.Page) -> None:
    show(view, pages["good"], "light")
    assert max(view.script(FOLDED)[1]) < 5
    show(view, pages["good"], "paper")
    many, others = view.script(FOLDED)
    assert many == []
    assert min(others) > 10
    pdf = base64.b64decode(view.call("Page.printToPDF", printBackground=True)["data"])
    assert pdf.startswith(b"%PDF")
    (RESULTS / "good.pdf").write_bytes(pdf)
    show(view, pages["many"], "paper")
    many, others = view.script(FOLDED)
    assert max(many) < 5
    assert min(others) > 10
