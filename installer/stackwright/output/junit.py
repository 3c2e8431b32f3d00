"""The result of a verification as JUnit XML, which CI systems show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from stackwright.model import ExitCode, StackwrightError

if TYPE_CHECKING:
    from stackwright.verify import VerifyResult


def document(result: VerifyResult) -> str:
    """One test case for each check; what was left behind, and a verification that did not end, are cases, too."""
    suite = ElementTree.Element("testsuite", name="stackwright verify", time=f"{result.seconds:.3f}")
    failed = skipped = 0
    for check in result.checks:
        case = ElementTree.SubElement(
            suite, "testcase", classname=_plain(check.service), name=_plain(check.title), time=f"{check.seconds:.3f}"
        )
        if check.state in ("failed", "unknown"):
            failed += 1
            detail = check.detail or "the check has no result"
            ElementTree.SubElement(case, "failure", message=_plain(detail)).text = _plain("\n".join(check.lines))
        elif check.state == "skipped":
            skipped += 1
            ElementTree.SubElement(case, "skipped", message=_plain(check.detail))
    extra = [] if result.complete else [("verification", "the verification did not finish", result.other[-10:])]
    extra += [("cleanup", f"could not be removed: {thing}", ()) for thing in result.left]
    for name, message, lines in extra:
        failed += 1
        case = ElementTree.SubElement(suite, "testcase", classname="stackwright", name=name, time="0.000")
        ElementTree.SubElement(case, "failure", message=_plain(message)).text = _plain("\n".join(lines))
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(failed))
    suite.set("skipped", str(skipped))
    suite.set("errors", "0")
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _plain(text: str) -> str:
    """The text without characters that XML cannot have."""
    return "".join(char if char.isprintable() or char in "\n\t" else "?" for char in text)


def write(path: Path, result: VerifyResult) -> None:
    """Writes the document. Raises StackwrightError if that is not possible."""
    try:
        path.write_text(document(result), encoding="utf-8")
    except OSError as error:
        raise StackwrightError(
            f"cannot write {path}: {error.strerror}", "choose another file", ExitCode.ENVIRONMENT
        ) from None
