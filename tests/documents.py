"""The generated parts of the documents: what the code knows better than a person who writes.

    .venv/bin/python tests/documents.py               # `make documents`: rewrite these parts
    .venv/bin/python tests/documents.py --screenshot  # `make screenshot`: also take the picture of the README

A generated part stands between two comments. `tests/unit/test_documents.py` compares it with what is returned here.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "installer"), str(ROOT / "tests" / "lab")]

from stackwright import report, verify  # noqa: E402
from stackwright.answers import checking, secrets, syntax, texts  # noqa: E402
from stackwright.certificates import pem  # noqa: E402
from stackwright.model import Event, ExitCode, Option, Plan  # noqa: E402
from stackwright.output import live, text  # noqa: E402
from stackwright.services import SERVICES, change_of, options  # noqa: E402
from stackwright.values import addressing  # noqa: E402
from stackwright.verify import security  # noqa: E402

RECORDED = ROOT / "tests" / "data" / "recorded-run"
"""An all-in-one run on a node of the lab, recorded by Stackwright 0.1.0 on two cores on 2026-11-30. To replace it, copy
logs/<run>.jsonl and verify.json from the state directory of a cloud, and look for names that should not be public."""

SCREENSHOT = ROOT / "docs" / "images" / "report.png"
WIDTH = 1000
"""Pixels."""

CROP = """(() => {
  const titled = title => [...document.querySelectorAll('h2')].find(h => h.innerText === title);
  titled('What to do next')?.closest('section').remove();
  return [...document.querySelectorAll('h3')].find(h => h.innerText === 'Critical path').getBoundingClientRect().top;
})()"""
"""Leaves the result, the hosts and the timeline on the page; returns where the screenshot ends, in pixels."""

NAMES = {"amqp": "RabbitMQ", "cache": "memcached", "mariadb": "MariaDB", "provision": "Demo project", "ssl": "TLS"}
"""Names that are not simply those of the record with a capital letter."""

SHOWN = ("instance", "ping", "ssh", "volume-write")
"""The checks of the recorded verification that the README shows."""


def shown_name(service: str) -> str:
    """The name of a service as the documents write it."""
    return NAMES.get(service, service.replace("_", " ").capitalize())


def recorded() -> tuple[dict[str, Any], list[Event], dict[str, Any]]:
    """The recorded run: what was known before it, its events, and the result of its verification."""
    first, *lines = (RECORDED / "run.jsonl").read_text(encoding="utf-8").splitlines()
    proof = json.loads((RECORDED / "verify.json").read_text(encoding="utf-8"))
    return json.loads(first), [Event(**json.loads(line)) for line in lines], proof


def output() -> str:
    """The last lines of the recorded run, written by today's code."""
    about, events, proof = recorded()
    result = _result(proof)
    checks = [line for check in result.checks if check.name in SHOWN for line in verify.check_text(check)]
    state = Path("~/.local/state/stackwright") / about["summary"]["endpoints"]["keystone"].split("/")[2].split(":")[0]
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(about["began"]))
    files = [state / name for name in ("keystonerc_admin", "keystonerc_demo", "clouds.yaml", "stackwright.lock")]
    plan = Plan((), summary=about["summary"])
    end = text.summary(plan, files, state / "logs" / f"{stamp}.log", state / "report.html", proved=result.ok)
    lines = [live.summary_line(events[-1].data), *checks, verify.text(result)[-1], *end.strip().splitlines()]
    return "\n".join(["```", *(line.rstrip() for line in lines), "```"])


def _result(proof: Mapping[str, Any]) -> verify.VerifyResult:
    checks = tuple(verify.CheckResult(**{**check, "lines": tuple(check["lines"])}) for check in proof["checks"])
    return verify.VerifyResult(checks, seconds=proof["seconds"], complete=proof["complete"])


def missing_services() -> str:
    """The services that an answer file can name and this version cannot install."""
    rows = [
        f"| {shown_name(s.name)} | `{s.switch}=y` is an error | {s.missing} |"
        for s in sorted(SERVICES, key=lambda s: s.name)
        if s.missing
    ]
    return "\n".join(["| service | answer | reason |", "|---|---|---|", *rows])


def missing_values() -> str:
    """The values that are refused, and the answers that are accepted without effect."""
    rows = []
    for option in sorted((o for s in SERVICES if not s.missing for o in s.options), key=lambda o: o.key):
        if option.not_yet:
            rows.append(f"| `{option.key}` | {_values(option)} | an error: this version cannot install it |")
        if option.not_done:
            rows.append(f"| `{option.key}` | any value but the default | a warning: {option.not_done} |")
    return "\n".join(["| key | value | what happens |", "|---|---|---|", *rows])


def sizes() -> str:
    """How large answer files and what they name may be."""
    rows = [
        ("an answer file", f"{syntax.MOST_BYTES // 1024**2} MiB, {syntax.MOST_LINES:,} lines"),
        ("a value", f"{syntax.MOST_CHARACTERS // 1024} KiB"),
        ("a password, or another secret", f"{texts.LONGEST_SECRET:,} characters"),
        ("a file in place of a disk (volumes, Swift, Ceph)", f"{checking.LARGEST // 1024**4}T"),
        ("hosts of one answer, also those of `node[1-99]`", f"{addressing.MOST_HOSTS:,}"),
        ("a file that `!file:` names", f"{secrets.MOST_BYTES // 1024} KiB; regular files only"),
        ("a command that `!cmd:` names", f"{secrets.SECONDS} seconds, {secrets.MOST_BYTES // 1024} KiB of output"),
        ("a file with certificates, or a key", f"{pem.MOST_BYTES // 1024} KiB"),
    ]
    return "\n".join(["| what | at most |", "|---|---|", *(f"| {what} | {most} |" for what, most in rows)])


def fixed_answers() -> str:
    """The answers that cannot change in an installed cloud, or only by adding to them."""
    rows = []
    for key in sorted(options()):
        change = change_of(key)
        if change.can != "yes":
            until = " or ".join(f"`{name}`" for name in change.until) or "anything"
            what = "no" if change.can == "no" else "entries can be added"
            rows.append(f"| `{key}` | {what} | {until} | {change.why} |")
    return "\n".join(["| key | can change | once installed | reason |", "|---|---|---|---|", *rows])


def _values(option: Option) -> str:
    return ", ".join("any value" if value == "*" else f"`{value}`" for value in option.not_yet)


_DERIVED = {
    "ceph-key": "a client's key of Ceph: it reaches the pools of its service",
    "id_ed25519": "nova's SSH key, made of CONFIG_NOVA_MIGRATION_SECRET: compute hosts move instances with it",
}
"""What secrets that follow from others are for."""


def guide_reasons() -> str:
    """Items of the OpenStack Security Guide that this version does not meet by default, and why."""
    rows = [f"| {name} | {why} |" for name, why in security.REASONS.items()]
    return "\n".join(["| item | not met, because |", "|---|---|", *rows])


def role_secrets() -> str:
    """The secrets that hosts of each role get, from the records: why they are there, and who needs them."""
    known = {option.key: option for service in SERVICES for option in service.options}
    users: dict[tuple[str, str], list[str]] = {}
    for service in SERVICES:
        for component in service.components:
            for secret in (*component.secrets, *component.derived_secrets):
                users.setdefault((component.role, secret), []).append(component.name)
    rows = []
    for (role, secret), components in sorted(users.items()):
        own = _DERIVED.get(secret, "private key of the certificate that its server shows")
        why = known[secret].help.partition(". ")[0].rstrip(".") if secret in known else own
        name = f"`{secret}`" if secret in known else secret
        rows.append(f"| {role} | {name} | {why} | {', '.join(sorted(components))} |")
    return "\n".join(["| role | secret | what it is | components that need it |", "|---|---|---|---|", *rows])


def exit_codes() -> str:
    """The exit codes of the command."""
    rows = [f"| {int(code)} | {code.name} | {code.meaning} |" for code in ExitCode]
    return "\n".join(["| code | name | meaning |", "|---|---|---|", *rows])


PARTS: Mapping[tuple[str, str], Callable[[], str]] = {
    ("README.md", "output"): output,
    ("docs/commands.md", "exit-codes"): exit_codes,
    ("docs/limits.md", "services"): missing_services,
    ("docs/limits.md", "values"): missing_values,
    ("docs/limits.md", "sizes"): sizes,
    ("docs/limits.md", "changes"): fixed_answers,
    ("docs/security.md", "secrets"): role_secrets,
    ("docs/security.md", "reasons"): guide_reasons,
}
"""By file and name of the part."""


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- generated: {name} [^>]*-->\n).*?(<!-- end of {name} -->)", re.DOTALL)


def part(page: str, name: str) -> str:
    """What stands there now. ValueError where the page has no such part."""
    found = _pattern(name).search(page)
    if not found:
        raise ValueError(f"no generated part {name}")
    return found[0].removeprefix(found[1]).removesuffix(found[2]).strip("\n")


def rewrite() -> None:
    """Writes all parts anew."""
    for (file, name), make in PARTS.items():
        path = ROOT / file
        page = path.read_text(encoding="utf-8")
        part(page, name)
        content = make()
        path.write_text(_pattern(name).sub(lambda m, new=content: f"{m[1]}{new}\n{m[2]}", page), encoding="utf-8")


def screenshot() -> None:
    """The head of the recorded run's report page, as Chromium shows it."""
    import horizon

    about, events, proof = recorded()
    SCREENSHOT.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, horizon.page() as view:
        page = Path(folder) / "report.html"
        page.write_text(report.as_html(report.collect(about, events, proof=proof)), encoding="utf-8")
        view.call("Emulation.setDeviceMetricsOverride", width=WIDTH, height=900, deviceScaleFactor=1, mobile=False)
        scheme = [{"name": "prefers-color-scheme", "value": "light"}]
        view.call("Emulation.setEmulatedMedia", media="screen", features=scheme)
        view.open(page.as_uri())
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": view.script(CROP) - 12, "scale": 1}
        data = view.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
    SCREENSHOT.write_bytes(base64.b64decode(data))
    print(f"{SCREENSHOT.relative_to(ROOT)}: {SCREENSHOT.stat().st_size // 1000} kB")


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    rewrite()
    if "--screenshot" in sys.argv[1:]:
        screenshot()
