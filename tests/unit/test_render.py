"""Templates -> manifests and hieradata."""

from __future__ import annotations

import base64
import re
import shutil
import struct
import subprocess
import uuid
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stackwright.planner import assets, render
from stackwright.planner.render import Placeholder, PlaceholderUsed, RenderError


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of templates, in the place of ours."""
    monkeypatch.setattr(assets, "templates", lambda: tmp_path)
    (tmp_path / "global.pp.j2").write_text("# for all\n")
    return tmp_path


def component(folder: Path, name: str, manifest: str, data: str | None = None) -> None:
    own = folder / name
    own.mkdir(exist_ok=True)
    (own / f"{name}.pp.j2").write_text(manifest)
    if data is not None:
        (own / f"{name}.yaml.j2").write_text(data)


def test_a_catalog_is_the_global_part_and_its_components_in_order(templates: Path) -> None:
    component(templates, "b", "include b\n", "b::x: {{ answers['KEY'] | yaml }}\n")
    component(templates, "a", "include a\n")
    rendered = render.catalog(["b", "a"], {"answers": {"KEY": "value", "OTHER": 1}})
    assert rendered.manifest == "# for all\n\n# --- b\ninclude b\n\n# --- a\ninclude a\n"
    assert rendered.hieradata == 'b::x: "value"\n'


def test_without_parameters_the_hieradata_is_an_empty_hash(templates: Path) -> None:
    component(templates, "a", "include a\n")
    assert render.catalog(["a"], {"answers": {}}).hieradata == "{}\n"


def test_a_component_without_a_manifest_is_a_defect(templates: Path) -> None:
    assert templates.is_dir()
    with pytest.raises(RenderError, match=r"component ghost has no template ghost\.pp\.j2"):
        render.catalog(["ghost"], {"answers": {}})


def test_a_missing_answer_is_named(templates: Path) -> None:
    component(templates, "a", "x {{ answers['CONFIG_NOPE'] }}\n")
    with pytest.raises(RenderError, match=r"a\.pp\.j2: .*CONFIG_NOPE"):
        render.catalog(["a"], {"answers": {}})


def test_an_unknown_name_is_no_empty_text(templates: Path) -> None:
    component(templates, "a", "x {{ nothing }}\n")
    with pytest.raises(RenderError, match="'nothing' is undefined"):
        render.catalog(["a"], {"answers": {}})


def test_a_missing_include_is_an_error(templates: Path) -> None:
    component(templates, "a", "{% include 'partials/gone.pp.j2' %}\n")
    with pytest.raises(RenderError, match=r"a\.pp\.j2: includes partials/gone\.pp\.j2"):
        render.catalog(["a"], {"answers": {}})


def test_hieradata_are_the_components_parameters_sorted(templates: Path) -> None:
    component(
        templates, "a", "include a\n", "# why\nb::y: {{ [1] | yaml }}\n\nb::deep:\n  c:\n    # why\n    d: 1\nb::x: 2"
    )
    component(templates, "b", "include b\n", "a::z: true\nb::y: [1]\n")
    hieradata = render.catalog(["a", "b"], {"answers": {}}).hieradata
    assert hieradata == "a::z: true\nb::deep:\n  c:\n    # why\n    d: 1\nb::x: 2\nb::y: [1]\n"
    assert yaml.safe_load(hieradata) == {"a::z": True, "b::deep": {"c": {"d": 1}}, "b::x": 2, "b::y": [1]}


@pytest.mark.parametrize("line", ["- secret", "secret", "a::x:secret", "a::x secret: 1", "]", "? secret"])
def test_invalid_hieradata_are_an_error_that_does_not_show_them(templates: Path, line: str) -> None:
    component(templates, "a", "include a\n", f"a::x: 1\n{line}\n")
    with pytest.raises(RenderError, match=r"a\.yaml\.j2: line 2 .* is no parameter") as caught:
        render.catalog(["a"], {"answers": {}})
    assert "secret" not in str(caught.value)


def test_one_value_may_be_written_in_two_ways(templates: Path) -> None:
    component(templates, "a", "include a\n", 'shared::x: "word"\n')
    component(templates, "b", "include b\n", "shared::x: word\n")
    assert render.catalog(["a", "b"], {"answers": {}}).hieradata == 'shared::x: "word"\n'


def test_two_components_may_not_contradict_each_other(templates: Path) -> None:
    component(templates, "a", "include a\n", "shared::x: 1\n")
    component(templates, "b", "include b\n", "shared::x: 1\n")
    component(templates, "c", "include c\n", "shared::x: 2\n")
    assert yaml.safe_load(render.catalog(["a", "b"], {"answers": {}}).hieradata) == {"shared::x": 1}
    with pytest.raises(RenderError, match="shared::x is one thing for a and another for c"):
        render.catalog(["a", "c"], {"answers": {}})


def test_a_contradiction_does_not_tell_the_values(templates: Path) -> None:
    component(templates, "a", "include a\n", "x::password: alpha\n")
    component(templates, "b", "include b\n", "x::password: beta\n")
    with pytest.raises(RenderError) as caught:
        render.catalog(["a", "b"], {"answers": {}})
    assert "alpha" not in str(caught.value)
    assert "beta" not in str(caught.value)


WRITES = "{{ x | yaml }} {{ [x, 1] | yaml }} {{ {'k': x} | yaml }} {{ x | pp }} {{ [1, [x]] | pp }} {{ (x if y) | pp }}"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"])))
def test_a_filled_template_equals_the_text_rendered_with_the_value(value: str) -> None:
    template = render.Template(render.text(WRITES, {"x": Placeholder("x"), "y": True}))
    assert template.filled({"x": value}) == render.text(WRITES, {"x": value, "y": True})


def test_a_template_without_places_is_its_text() -> None:
    assert render.Template("a\nb").filled({}) == "a\nb"


@pytest.mark.parametrize(
    "use",
    [
        "{{ x }}",
        "{{ x ~ 'a' }}",
        "{{ [x] }}",
        "{{ [x] | join(',') }}",
        "{{ [x, 'a'] | unique | list | yaml }}",
        "{{ [x, 'a'] | sort | yaml }}",
        "{{ (x == 'a') | yaml }}",
        "{{ (x != 'a') | yaml }}",
        "{{ (x in ['a']) | yaml }}",
        "{{ ('a' in x) | yaml }}",
        "{{ (x < 'a') | yaml }}",
        "{{ x.upper() | yaml }}",
        "{{ x[0] | yaml }}",
        "{{ (x[0] is defined) | yaml }}",
        "{{ (x is iterable) | yaml }}",
        "{{ (x.upper is defined) | yaml }}",
        "{{ x | length }}",
        "{{ x | upper }}",
        "{{ x | default('a', true) | yaml }}",
        "{% if x %}a{% endif %}",
        "{{ (not x) | yaml }}",
        "{% for a in x %}{% endfor %}",
        "{{ {x: 1} | yaml }}",
        "{{ '%s' % x }}",
        "{{ x + 'a' }}",
        "{{ 'a' + x }}",
    ],
)
def test_templates_may_only_write_a_placeholder(use: str) -> None:
    """The result of any other use could differ between the hosts of one class."""
    render.text(use, {"x": "abc"})
    with pytest.raises(PlaceholderUsed):
        render.text(use, {"x": Placeholder("x")})


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**31), 2**31)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab:' %{}$", max_size=5), inner, max_size=4),
    max_leaves=12,
)


def _looked_up(value: object) -> object:
    """A value as Hiera returns it: %{literal('%')} is a per cent sign, and nothing else is interpolated."""
    if isinstance(value, str):
        return re.sub(r"%\{([^}]*)\}", lambda found: {"literal('%')": "%"}[found[1]], value)
    if isinstance(value, list):
        return [_looked_up(item) for item in value]
    if isinstance(value, dict):
        return {_looked_up(key): _looked_up(item) for key, item in value.items()}
    return value


@given(PLAIN)
def test_any_value_survives_yaml_and_hiera(value: object) -> None:
    assert _looked_up(yaml.safe_load(f"key: {render.as_yaml(value)}\n")["key"]) == value


def test_puppets_literals() -> None:
    assert render.as_puppet(None) == "undef"
    assert render.as_puppet([True, 3, "x"]) == "[true, 3, 'x']"
    assert render.as_puppet({"b": 1, "a": "c"}) == "{'b' => 1, 'a' => 'c'}"
    assert render.as_puppet("it's $HOME\\") == r"'it\'s $HOME\\'"
    assert render.as_puppet(frozenset({"b", "a"})) == "['a', 'b']"


def test_a_literal_keeps_its_value_in_puppet() -> None:
    """Everything that single-quoted strings treat in a special way, and what only double-quoted ones would."""
    ruby = shutil.which("ruby")
    if ruby is None or subprocess.run([ruby, "-e", "require 'puppet'"], capture_output=True, check=False).returncode:
        pytest.skip("Puppet is not installed; `make test` installs it")
    value = ["it's", "\\", "\\\\", "\\'", "'", "${x} $y %{z}", "a\nb", 'say "no"', "ende\\"]
    script = (
        "require 'puppet'; require 'json'; Puppet.initialize_settings([]);"
        "puts JSON.generate(Puppet::Pops::Parser::EvaluatingParser.new.evaluate_string("
        "Puppet::Parser::Scope.new(Puppet::Parser::Compiler.new(Puppet::Node.new('n', environment:"
        " Puppet::Node::Environment.create(:production, [])))), STDIN.read))"
    )
    done = subprocess.run(
        [ruby, "-e", script], input=render.as_puppet(value), capture_output=True, text=True, check=False
    )
    assert yaml.safe_load(done.stdout) == value, done.stderr


def test_cephs_names_follow_from_the_secret_and_do_not_tell_it() -> None:
    fsid, key = render.ceph_fsid("secret"), render.ceph_key("secret")
    assert uuid.UUID(fsid).version == 4
    assert fsid == render.ceph_fsid("secret") != render.ceph_fsid("other")
    kind, seconds, nanoseconds, length = struct.unpack("<hiih", base64.b64decode(key)[:12])
    assert (kind, seconds, nanoseconds, length) == (1, 0, 0, 16)
    assert len(base64.b64decode(key)) == 12 + 16
    assert key == render.ceph_key("secret") != render.ceph_key("other")
