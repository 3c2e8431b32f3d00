"""The report of a run: what it adds up to, and that it stays harmless whatever the hosts said."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import runs
from runs import COMPUTES, CONTROLLER, event, took
from stackwright import report
from stackwright.report import drawing
from stackwright.report.profile import by_kind, critical_path, slowest
from stackwright.report.run import RunReport
from stackwright.state.journal import Record


class Page(HTMLParser):
    """What a browser would make of it: tags, addresses of things it would load, and whether tags are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        loading = ("src", "srcset", "data", "xlink:href", *(["href"] if tag != "a" else []))
        self.loads += [value or "" for name, value in attrs if name in loading]
        self.links += [value or "" for name, value in attrs if (tag, name) == ("a", "href")]
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words += data


def good(proof: object = None) -> RunReport:
    return report.collect(runs.ABOUT, runs.good(), proof=proof or runs.PROOF)  # type: ignore[arg-type]


def bad() -> RunReport:
    return report.collect(runs.ABOUT, runs.bad())


REPORTS = {
    "good": good,
    "bad": bad,
    "refused": lambda: good(runs.REFUSED),
    "empty": lambda: report.collect({}, []),
    "cut off": lambda: report.collect(runs.ABOUT, runs.good()[:6]),
    "kept": lambda: report.collect(runs.ABOUT, [event("kept", 4.0, s["id"]) for s in runs.STEPS]),
}


def test_steps_come_out_of_events() -> None:
    made = bad()
    assert {step.step: step.state for step in made.steps.values()} == {
        f"{CONTROLLER}:lists": "kept",
        f"{CONTROLLER}:packages": "ok",
        f"{CONTROLLER}:puppet-0": "failed",
        **{f"{h}:lists": "waiting" for h in COMPUTES},
        **{f"{h}:packages": "ok" for h in COMPUTES},
        **{f"{h}:puppet-0": "skipped" for h in COMPUTES},
    }
    assert made.steps[f"{COMPUTES[0]}:puppet-0"].because == f"{CONTROLLER}:puppet-0"
    assert made.steps[f"{CONTROLLER}:puppet-0"].failure["log"] == ["no host & no hope"]
    assert (made.state, made.changed, made.seconds) == ("failed", 4, 171.0)


# ------------------------------------------------------------------------------------------------------ critical path


def path_of(made: RunReport) -> list[tuple[str, float]]:
    return [(link.step or link.name, link.waited) for link in critical_path(made)]


def test_the_critical_path_follows_what_was_waited_for_over_hosts() -> None:
    """The packages of compute 1 took longest, and yet nobody waited for them: its Puppet run waited for control's."""
    assert path_of(good()) == [
        ("examine the hosts", 0.5),
        ("plan", 0.0),
        (f"{CONTROLLER}:lists", 1.0),
        (f"{CONTROLLER}:packages", 0.0),
        (f"{CONTROLLER}:puppet-0", 0.0),
        (f"{COMPUTES[1]}:puppet-0", 0.5),
        ("Verify the cloud", 7.5),
    ]


def test_the_critical_path_knows_that_a_host_does_a_few_things_at_once() -> None:
    """c needs only a, and started when b made room for it."""
    steps = [{"id": f"h:{n}", "host": "h", "title": n, "needs": needs} for n, needs in
             (("a", []), ("b", []), ("c", ["h:a"]))]  # fmt: skip
    events = [*took("h:a", 0, 5), *took("h:b", 0, 50), *took("h:c", 50.1, 10), event("finished", 61, ok=True)]
    assert path_of(report.collect({"steps": steps}, events)) == [("h:b", 0.0), ("h:c", pytest.approx(0.1))]


def test_what_began_at_the_same_time_was_not_waited_for() -> None:
    """a took 0.3 s from the moment at which b began."""
    steps = [{"id": f"h:{n}", "host": "h", "title": n, "needs": []} for n in ("a", "b")]
    events = [*took("h:a", 1.0, 0.3), *took("h:b", 1.001, 20), event("finished", 21, ok=True)]
    assert path_of(report.collect({"steps": steps}, events)) == [("h:b", pytest.approx(0.001))]


def test_a_verification_of_another_day_is_not_on_the_path() -> None:
    late = {**runs.PROOF, "began": runs.BEGAN + 90_000.0, "at": runs.BEGAN + 90_060.0}
    made = good(late)
    assert (made.proved, made.seconds) == (True, 283.0)
    assert path_of(made)[-1] == (f"{COMPUTES[1]}:puppet-0", 0.5)
    assert "Verify the cloud" not in Page(report.as_html(made)).words


def test_a_verification_of_an_earlier_run_does_not_count() -> None:
    made = good({**runs.PROOF, "at": runs.BEGAN - 1.0})
    assert (made.proof, made.proved, made.checks) == (None, False, ())
    assert "was not verified" in report.digest(made)


@pytest.mark.parametrize("name", ["good", "bad", "refused", "cut off"])
def test_time_by_kind_adds_up_to_the_whole_path(name: str) -> None:
    made = REPORTS[name]()
    links = critical_path(made)
    assert all(link.waited >= 0 for link in links)
    if name != "bad":  # there the profile is that of a run that went on
        assert sum(by_kind(made).values()) == pytest.approx(sum(link.seconds + link.waited for link in links))


def test_what_was_slowest_has_no_phase_twice() -> None:
    found = [(slow.name, slow.seconds) for slow in slowest(good()) if slow.host == CONTROLLER]
    assert found == [
        ("Exec[<nova>-db-sync]", 20.0),
        ("download", 20.0),
        ("catalog", 15.0),
        ("openstack-dashboard", 13.0),
        ("Service[rabbitmq-server]", 12.5),
        ("Ruby starts and collects facts", 10.0),
        ("identity answers", 2.0),
    ]
    assert len(slowest(good(), 3)) == 3


def test_kept_steps_tell_what_they_once_took() -> None:
    step = f"{CONTROLLER}:puppet-0"
    data = {"profile": runs.PUPPET["profile"]}
    records = [Record(step, "d", True, runs.BEGAN - 5000.0, 102.0, 3, CONTROLLER, data)]
    events = [event("kept", 4.0, s["id"]) for s in runs.STEPS] + [event("finished", 5.0, ok=True)]
    made = report.collect(runs.ABOUT, events, records=records)
    assert made.steps[step].seconds == 102.0
    assert made.steps[step].ended == 0.0
    assert slowest(made)[0].name == "Exec[<nova>-db-sync]"
    assert "This run changed nothing" in report.slowest_table(made, 5)
    assert "nothing to do" in report.digest(made)


# -------------------------------------------------------------------------------------------------------------- forms


@pytest.mark.parametrize("name", REPORTS)
def test_the_page_is_whole_and_loads_nothing(name: str) -> None:
    text = report.as_html(REPORTS[name]())
    page = Page(text)
    assert page.open == []
    assert page.loads == []
    assert not {"link", "iframe", "img", "object", "base"} & set(page.tags)
    assert page.tags.count("script") == 1, "what copies text"
    assert "url(" not in text
    assert "@import" not in text


def test_no_other_script_may_run() -> None:
    """The policy has the hash of the page's own script, so that markup of a host is not obeyed."""
    text = report.as_html(good())
    script = text.partition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src &#x27;sha256-{digest}&#x27;" in text
    assert "default-src &#x27;none&#x27;" in text
    assert text.index("Content-Security-Policy") < text.index("<style>")


def test_the_failure_and_its_explanation_stand_above_all_else() -> None:
    text = report.as_html(bad())
    head = text.partition("<header")[2].partition("</header>")[0]
    (first, *_) = bad().failures
    assert html.escape(str(first.failure["cause"]).removeprefix(f"{first.host}: ")) in head
    assert html.escape(str(first.failure["hint"])) in head
    refused = report.as_html(good(runs.REFUSED)).partition("<header")[2].partition("</header>")[0]
    assert "Connection refused" in refused or "glance" in refused
    assert 'class="cause"' not in report.as_html(good())


def test_the_addresses_of_the_cloud_are_links() -> None:
    made = good()
    links = Page(report.as_html(made)).links
    assert made.summary["dashboard"] in links
    assert set(made.summary["endpoints"].values()) <= set(links)
    hostile = good()
    hostile.about = {**hostile.about, "summary": {"dashboard": "javascript:alert(1)", "endpoints": {"x": "http://a b"}}}
    assert Page(report.as_html(hostile)).links == []


def test_commands_have_the_real_file_and_can_be_copied() -> None:
    made = good()
    made.about = {**made.about, "answer_files": ["/home/me/my cloud.answers"]}
    text = report.as_html(made)
    assert "stackwright bundle create -a &#x27;/home/me/my cloud.answers&#x27;" in text
    assert 'data-copy="stackwright bundle create -a ' in text
    assert "-a FILE" not in text
    assert "stackwright apply -a 'my cloud.answers'" in report.digest(made)
    assert "/home/me" not in report.digest(made), "that is for others"
    made.about = {**made.about, "answer_files": ["a`b"]}
    assert "-a FILE" in report.as_html(made)


def test_the_page_says_what_failed_and_what_to_do() -> None:
    words = Page(report.as_html(bad())).words
    for wanted in ("1 step failed", "Service[<b>nova-api</b>]", "</pre><script>alert(1)</script>", "no host & no hope",
                   "Look <there>.", f"{COMPUTES[1]}:puppet-0", "run the same command again"):  # fmt: skip
        assert wanted in words


def test_the_page_shows_log_lines_of_a_failed_check() -> None:
    words = Page(report.as_html(good(runs.REFUSED))).words
    for wanted in ("1 check failed", "Connection refused", "ERROR glance: database is <gone>", "/var/log/glance"):
        assert wanted in words


def test_the_page_marks_the_critical_path() -> None:
    text = report.as_html(good())
    assert text.count('class="row critical"') == 6  # preparation, four steps, the verification
    assert text.count('class="critical"') == 7  # as that, with both parts of the preparation


def test_the_page_says_where_everything_is() -> None:
    text = report.as_html(good())
    for wanted in (
        "control.lab.example",
        "2 identical hosts",
        "br-ex: 198.19.0.0/24",
        "nova-compute",
        "CONFIG_CINDER_BACKEND",
        "Puppet 7.23.0: 1608 resources, 2 changed; the catalog was compiled in 14.1 s",
        "3.5 GiB of memory",
        "0123456789abcdef",
    ):
        assert wanted in text


def test_equal_hosts_are_drawn_once() -> None:
    hosts = {f"c{n:03}": runs.host(f"c{n}.example", {"nova": ["nova-compute"]}) for n in range(100)}
    assert drawing.alike({**runs.HOSTS, **hosts}) == [[CONTROLLER], list(COMPUTES), list(hosts)]
    picture = drawing.topology(hosts)
    assert len(picture) < 10_000
    shown = sum(f">{name}" in picture or f"· {name}" in picture for name in hosts)
    assert f">and {100 - shown} more<" in picture


def test_of_many_hosts_the_machines_and_what_puppet_changed_are_folded() -> None:
    hosts = {f"c{n}": runs.host(f"c{n}.example", {"nova": ["nova-compute"]}) for n in range(40)}
    steps = [{"id": f"{h}:puppet-0", "host": h, "title": "Puppet", "needs": []} for h in hosts]
    events = [e for h in hosts for e in took(f"{h}:puppet-0", 5, 40, resources=["File[/a]"])]
    text = report.as_html(report.collect({**runs.ABOUT, "hosts": hosts, "steps": steps}, events))
    environment = text.partition("<h2>Environment</h2>")[2].partition("</section>")[0]
    table, folded, rest = environment.partition('<details class="much"><summary>40 hosts</summary>')
    assert folded
    assert "c39</th>" not in table
    assert "c39</th>" in rest
    assert "<summary>Changed Puppet resources</summary>" in rest
    assert rest.count("1 Puppet resources changed") == 40


def many(failed: str = "") -> RunReport:
    """Forty hosts that wait for nobody; the slowest one, and one that may fail, are of interest."""
    hosts = [f"198.18.1.{n}" for n in range(1, 41)]
    steps = [{"id": f"{h}:puppet-0", "host": h, "title": "Puppet", "needs": []} for h in hosts]
    events = []
    for h in hosts:
        how = "failed" if h == failed else "ok"
        events += took(f"{h}:puppet-0", 5, 50 if h == hosts[6] else 40, how, puppet={"warnings": ["old syntax"]})
    return report.collect({**runs.ABOUT, "steps": steps, "warnings": []}, [*events, event("finished", 60, ok=True)])


def test_of_many_hosts_those_that_say_something_come_first() -> None:
    text = report.as_html(many(failed="198.18.1.30"))
    shown, folded, rest = text.partition("<summary><b>38 more hosts</b></summary>")
    assert folded
    for host in ("198.18.1.7", "198.18.1.30"):
        assert f"<summary><b>{host}</b>" in shown
    assert rest.count("<summary><b>198.18.1.") == 38


def test_a_warning_of_many_hosts_is_one_line() -> None:
    assert many().warnings == ["40 hosts: Puppet: old syntax"]
    assert good().warnings[1:] == [
        f"{CONTROLLER}: Puppet: mariadb, keystone and 30 more: retried, because a package mirror answered 503",
        f"{CONTROLLER}: Puppet: old syntax",
    ]


@pytest.mark.parametrize("seconds", [0.0, 0.4, 1, 59, 61, 600, 3599, 7200, 90_000])
def test_the_axis_has_few_round_ticks_within_the_run(seconds: float) -> None:
    found = drawing.ticks(seconds)
    assert 1 <= len(found) <= 8
    assert found[0] == 0
    assert all(tick <= seconds for tick in found)


@pytest.mark.parametrize("name", REPORTS)
def test_json_for_machines(name: str) -> None:
    made = REPORTS[name]()
    data = json.loads(report.as_json(made))
    assert data["stackwright-report"] == 1
    assert (data["ok"], data["state"]) == (made.state == "ok", made.state)
    assert [step["state"] for step in data["steps"]] == [step.state for step in made.steps.values()]
    assert [bool(step["critical"]) for step in data["steps"]] == [
        step in {link.step for link in critical_path(made)} for step in made.steps
    ]
    assert data["next"]
    assert data["verdict"] in report.digest(made)


@pytest.mark.parametrize("name", REPORTS)
def test_the_text_for_a_bug_report(name: str) -> None:
    text = report.digest(REPORTS[name]())
    heads = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert [h for h in heads if h not in ("Logs:",)] == [
        heads[0],
        "Steps to repeat:",
        "Expected:",
        "Seen:",
        "Environment:",
    ]
    assert heads[0].startswith("Title: OpenStack")
    assert len(text) < 5000


def test_the_text_has_the_cause_in_its_title_and_the_log() -> None:
    text = report.digest(bad())
    assert text.splitlines()[0].endswith(": Service[<b>nova-api</b>]")
    assert "    no host & no hope\n" in text
    assert "    CONFIG_CINDER_BACKEND=ceph\n" in text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("good", "OpenStack zed is installed and verified"),
        ("bad", "OpenStack zed is not installed: 1 step failed"),
        ("refused", "OpenStack zed is installed, but 1 check failed"),
        ("cut off", "OpenStack zed is not installed: the run did not finish"),
    ],
)
def test_the_verdict(name: str, said: str) -> None:
    assert f"<h1>{said}</h1>" in report.as_html(REPORTS[name]())


def test_an_interrupted_run_and_a_cut_off_verification() -> None:
    made = report.collect(runs.ABOUT, [event("finished", 5, ok=False, failed=0, left=3)])
    assert made.state == "interrupted"
    assert "interrupted" in report.digest(made)
    cut: dict[str, Any] = {**runs.PROOF, "ok": False, "complete": False}
    assert "did not finish" in report.digest(good(cut))


def test_a_step_that_was_cut_off_is_drawn_up_to_the_last_sign_of_life() -> None:
    made = report.collect(
        runs.ABOUT, [*took(f"{CONTROLLER}:lists", 5, 5), event("started", 10, f"{CONTROLLER}:packages")]
    )
    assert made.steps[f"{CONTROLLER}:packages"].state == "running"
    assert "unfinished" in Page(report.as_html(made)).words


def test_the_style_knows_every_kind_of_work() -> None:
    style = (Path(report.__file__).parent / "page.css").read_text()
    assert [kind for kind in drawing.KINDS if f".{drawing.kind_class(kind)}" not in style] == []
