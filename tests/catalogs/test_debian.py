"""What is rendered for Debian 12, checked by Puppet itself with the modules that Debian 12 has.

Compiling takes a second or two of processor time per host, and some more for the first: the largest case belongs to
`make check`, all to `make test`.
"""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import bookworm
import pytest
from puppet_tools import Catalog, check_order, compile_case, compile_jobs, job, need, need_modules, node_facts
from readable import readable_by_others

import golden
from golden import CASES
from stackwright.planner import assets
from stackwright.platforms import by_id

MODULEPATH = by_id("debian-12").modulepath

ALLOWED_WARNINGS = {"linuxbridge": {"Support for the linuxbridge mechanism driver has been deprecated."}}
"""By case. The agent is what was asked for; upstream has let it go."""


def _on(platform_id: str) -> list[str]:
    """The names of the cases whose hosts have this system."""
    return [
        name
        for name, case in CASES.items()
        if all(f"{f.os_id}-{f.os_version}" == platform_id for f in case.facts().values())
    ]


DEBIAN_12 = _on("debian-12")


@cache
def catalogs(name: str) -> tuple[Catalog, ...]:
    """Compiled once for all tests of this process."""
    need("ruby", "puppet")
    need_modules(MODULEPATH)
    return tuple(compile_case(CASES[name], "debian-12", MODULEPATH))


EACH = [pytest.param(n, marks=[pytest.mark.xdist_group(n), pytest.mark.slow]) for n in DEBIAN_12]
"""All cases as parameters. The tests of one stay in one process, so that it is compiled once."""


@pytest.mark.parametrize("name", EACH)
def test_every_catalog_compiles_without_a_warning(name: str) -> None:
    found = catalogs(name)
    assert {c.host for c in found} == set(golden.hosts(CASES[name]))
    for catalog in found:
        assert catalog.ok, f"{catalog.host}: {catalog.error}"
        assert set(catalog.warnings) <= ALLOWED_WARNINGS.get(name, set()), catalog.host
        check_order(catalog)


@pytest.mark.parametrize("name", EACH)
def test_no_secret_is_in_a_command_line(name: str) -> None:
    for catalog in catalogs(name):
        for ref, parameters in catalog.resources.items():
            if ref.startswith(("Exec[", "Cron[")):
                shown = " ".join(parameters.get(k, "") for k in ("command", "unless", "onlyif", "refresh"))
                assert ".secret" not in shown, f"{catalog.host}: {ref}"


@pytest.mark.parametrize("name", EACH)
def test_no_file_with_a_secret_is_readable_by_others(name: str) -> None:
    for catalog in catalogs(name):
        assert readable_by_others(catalog) == [], catalog.host


@pytest.mark.slow
@pytest.mark.parametrize("name", EACH)
def test_puppet_finds_all_its_packages_installed(name: str) -> None:
    """A package that Puppet has to install by itself starts its service unconfigured, and costs a transaction."""
    case = CASES[name]
    for catalog in catalogs(name):
        wanted = {p.get("name", ref[8:-1]) for ref, p in catalog.resources.items() if ref.startswith("Package[")}
        brought = bookworm.transaction(case.packages()[catalog.host])
        assert wanted - brought == set(), f"{catalog.host}: these are not in its package transaction"


@pytest.mark.slow
@pytest.mark.xdist_group("existing-servers")
def test_an_existing_database_server_is_not_touched() -> None:
    """The upstream classes of the services' databases include the server's own."""
    found = {c.host: c.resources for c in catalogs("existing-servers")}
    control = found["control.lab.stackwright.test"]
    assert "Mysql_database[keystone]" in control
    touched = ("Package[mysql-server]", "Service[mysqld]", "Mysql_user[root@localhost]", "File[mysql-config-file]")
    assert not [ref for host in found.values() for ref in host if ref in touched or "my.cnf" in ref]


@pytest.mark.slow
def test_all_manifests_are_valid_puppet(tmp_path: Path) -> None:
    need("puppet")
    for name, case in CASES.items():
        for path in case.expected.glob("*.pp"):
            (tmp_path / f"{name}-{path.name}").write_bytes(path.read_bytes())
    files = [*tmp_path.glob("*.pp"), *assets.puppet_module().rglob("*.pp")]
    assert len(files) > len(CASES)
    done = subprocess.run(["puppet", "parser", "validate", *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_epp_templates_are_valid() -> None:
    need("puppet")
    files = [*assets.puppet_module().rglob("*.epp")]
    assert files
    done = subprocess.run(["puppet", "epp", "validate", *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_ruby_of_our_module_is_valid() -> None:
    need("ruby")
    files = [*assets.puppet_module().rglob("*.rb")]
    assert files
    script = "ARGV.each { |f| RubyVM::InstructionSequence.compile_file(f) }"
    done = subprocess.run(["ruby", "-w", "-e", script, *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_errors_in_a_catalog_are_found() -> None:
    """The checks above are only worth something if they can fail. The ring is something that compiling lets pass."""
    need("ruby", "puppet")
    manifests = {
        "ring": "notify { 'a': before => Notify['b'] } notify { 'b': before => Notify['a'] }",
        "dangling": "notify { 'a': require => Notify['nowhere'] }",
        "bad-value": "file { 'not/absolute': }",
        "fail": "fail('no')",
        "warning": "warning('look here')",
        "fine": "notify { 'a': }",
    }
    facts = node_facts("debian-12", "n1.test", "198.18.0.10")
    found = {c.host: c for c in compile_jobs([job(n, m, "{}", facts) for n, m in manifests.items()], MODULEPATH)}
    assert {n for n, c in found.items() if c.ok} == {"warning", "fine"}
    assert "cycle" in found["ring"].error
    assert found["warning"].warnings == ("look here",)
    assert found["fine"].warnings == ()
