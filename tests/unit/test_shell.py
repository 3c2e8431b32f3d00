"""Shell scripts are files: how they are filled in, and that no script is kept in a Python string."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
from pathlib import Path

import pytest

import stackwright
from stackwright import shell
from stackwright.shell import Raw

PACKAGE = Path(stackwright.__file__).parent
MOST_LINES = 2
"""Lines of shell that a Python string may hold."""

COMMAND = re.compile(
    r"^\s*(?:if |then\b|fi\b|do\b|done\b|case |esac|set -|for |while |until |else\b|trap |exec |export |\w+=\$|"
    r"\[ |(?:cat|cp|echo|exit|grep|install|mkdir|mv|printf|rm|sed|systemctl)\b)"
    r"|\|\| |&& |\bdone$|\$\(\w+ "
)


def filled(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch, **values: shell.Value) -> str:
    (folder / "some.sh").write_text(text)
    monkeypatch.setattr(shell, "_PACKAGE", folder)
    shell._script.cache_clear()
    return shell.fill("some.sh", **values)


def test_values_are_quoted_when_they_are_filled_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "#!/bin/sh\n# What it does.\n\nprintf '%s\\n' @WORD@ @WORDS@ @NUMBER@ @TIME@ @RAW@\n"
    script = filled(tmp_path, text, monkeypatch, WORD="a 'b'", WORDS=["c $d", "e"], NUMBER=5, TIME=0.5, RAW=Raw("f g"))
    output = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert output.splitlines() == ["a 'b'", "c $d", "e", "5", "0.5", "f", "g"]


def test_a_value_that_looks_like_a_placeholder_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = filled(tmp_path, "#!/bin/sh\n\necho @A@ @B@\n", monkeypatch, A="@B@", B="b")
    assert script == "echo @B@ b\n"


@pytest.mark.parametrize("line", ["@LINES@", "  # @LINES@"])
@pytest.mark.parametrize(
    ("text", "result"), [("", "one\ntwo\n"), ("x y", "one\nx y\ntwo\n"), ("x\ny\n", "one\nx\ny\ntwo\n")]
)
def test_raw_text_in_a_line_of_its_own_is_that_many_lines(
    text: str, result: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert filled(tmp_path, f"#!/bin/sh\n\none\n{line}\ntwo\n", monkeypatch, LINES=Raw(text)) == result


@pytest.mark.parametrize("values", [{}, {"A": "a"}, {"A": "a", "B": "b", "C": "c"}])
def test_missing_and_unknown_values_are_refused(
    values: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=r"some\.sh: placeholders \['A', 'B'\]"):
        filled(tmp_path, "#!/bin/sh\n\necho @A@ @B@\n", monkeypatch, **values)


def test_header_and_directives_are_left_out_and_includes_are_put_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other.sh").write_text("#!/bin/sh\n# Other.\n\nother @A@\n")
    text = "#!/bin/sh\n# Some.\n\n. ./other.sh\n# shellcheck disable=SC2086 # words\necho $x\n# a comment\n"
    assert filled(tmp_path, text, monkeypatch, A="a") == "other a\necho $x\n# a comment\n"


def test_a_file_without_a_first_line_for_the_shell_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="first line"):
        filled(tmp_path, "# What it does.\n\necho\n", monkeypatch)


def test_every_script_of_the_package_is_used() -> None:
    sources = [p.read_text(encoding="utf-8") for p in PACKAGE.rglob("*.py")]
    named = {m for text in sources for m in re.findall(r'"([a-z_]+/[a-z_/]+\.sh)"', text)}
    named |= {f"bundle/gather_{manager}.sh" for manager in ("apt", "dnf")}
    files = {p.relative_to(PACKAGE).as_posix() for p in PACKAGE.rglob("*.sh")} - {"guest/build.sh"}
    included = {
        (PACKAGE / name).parent.joinpath(m).resolve().relative_to(PACKAGE).as_posix()
        for name in files
        for m in re.findall(r"^\. (\.\S+\.sh)$", (PACKAGE / name).read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert len(files) > 50
    assert named | included == files


def strings(source: str) -> list[tuple[int, str]]:
    """The strings of a module that are no docstrings, with their lines; of an f-string its text."""
    tree = ast.parse(source)
    # A string that is a statement is documentation.
    seen = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    out = []
    for node in ast.walk(tree):
        if id(node) in seen:
            continue
        if isinstance(node, ast.JoinedStr):
            parts = [part for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            seen |= {id(part) for part in parts}
            out.append((node.lineno, "".join(str(part.value) for part in parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            out.append((node.lineno, node.value))
    return out


def shell_lines(text: str) -> int:
    if text.count("\n") < MOST_LINES:
        return 0
    lines = [line for line in text.splitlines() if line.strip()]
    found = [line for line in lines if COMMAND.search(line)]
    return len(lines) if len(found) > len(lines) / 3 and len(found) > 1 else 0


def test_shell_in_a_string_is_recognized() -> None:
    sample = "import x\nscript = f'''\\\ncd {x.y} || exit 1\nfound=\nfor run in a b; do\n  echo $run\ndone\n'''\n"
    (only,) = [text for _, text in strings(sample) if len(text.splitlines()) > 1]
    assert shell_lines(only) == 5


def test_no_python_string_holds_a_shell_script() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line}: {text.strip()[:60]!r}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line, text in strings(path.read_text(encoding="utf-8"))
        if "set -eu" in text or shell_lines(text) > MOST_LINES
    ]
    assert found == [], "move the script into a file NAME.sh beside the module; stackwright.shell reads it"


def test_the_text_of_a_script_is_quoted_in_one_place_only() -> None:
    """`shlex.quote` of a value that is filled in by its name would be quoted twice."""
    assert shell.fill("ssh/list_files.sh", PATHS=["/a b"]).splitlines()[0] == f"set -- {shlex.quote('/a b')}"
