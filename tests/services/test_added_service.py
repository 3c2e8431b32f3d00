"""A service is added by its record, its templates and its checks alone: everything else follows from the record.

`vault/` is a service that does not exist. It is passed in, and found everywhere, with no other file changed.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

import golden
import outcome
from stackwright import answers, planner, preflight, services, verify
from stackwright.answers import completion, layers, reference, typed
from stackwright.answers import flags as answer_flags
from stackwright.answers.explain import explain
from stackwright.cli.answers import values as cli_values
from stackwright.model import Answers, Facts, Plan, Service
from stackwright.operations import apply
from stackwright.operations import verify as verify_operation
from stackwright.planner import assets
from stackwright.planner.topology import Cloud
from stackwright.platforms import PLATFORMS, by_id
from stackwright.preflight.situation import GIB

HERE = Path(__file__).parent / "vault"
CONTROL, OTHER = "198.18.0.10", "198.18.0.20"
SETTINGS = {"CONFIG_VAULT_INSTALL": "y", "CONFIG_VAULT_HOST": OTHER, "CONFIG_CINDER_INSTALL": "n"}
CACHES = (services.options, services.service_of, answer_flags.by_flag, layers.old_names, layers._known, typed._default)


def record() -> Service:
    spec = importlib.util.spec_from_file_location("vault_record", HERE / "vault.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.SERVICE
    assert isinstance(found, Service)
    return found


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service beside all others, with its templates and checks beside theirs."""
    folder = tmp_path_factory.mktemp("vault")
    templates, program = folder / "puppet-templates", folder / "on_host"
    shutil.copytree(assets.templates(), templates)
    shutil.copytree(HERE / "templates", templates, dirs_exist_ok=True)
    shutil.copytree(verify.program(), program, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(HERE / "on_host", program, dirs_exist_ok=True)
    service = record()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "SERVICES", (*services.SERVICES, service))
        patch.setattr(assets, "templates", lambda: templates)
        patch.setattr(verify, "program", lambda: program)
        _forget()
        yield service
    _forget()


def _forget() -> None:
    for cached in CACHES:
        cached.cache_clear()


@dataclass(frozen=True)
class Installed:
    """A cloud with the service on a host of its own."""

    answers: Answers
    facts: dict[str, Facts]
    cloud: Cloud
    plan: Plan


def read(**more: str) -> answers.Reading:
    files = [golden.FOLDER / "base.txt"]
    return answers.load(files, SETTINGS | more, {}, local_host=CONTROL, files=False)


@pytest.fixture(scope="module")
def installed(added: Service) -> Installed:
    assert added in services.all_services()
    reading = read()
    assert not reading.errors
    seen = outcome.facts(reading.answers)
    return Installed(reading.answers, seen, planner.cloud(reading.answers, seen), outcome.plan(reading.answers, seen))


def test_without_the_fixture_there_is_no_such_service() -> None:
    assert "vault" not in {service.name for service in services.all_services()}


def test_the_record_is_complete(added: Service) -> None:
    from test_records import lacking

    assert {c.name: lacking(c) for c in added.components} == {c.name: set() for c in added.components}


def test_the_plan_has_its_components_packages_and_probe(installed: Installed) -> None:
    runs = golden.last_runs(installed.plan)
    assert {"vault-database", "vault-identity"} <= set(runs[CONTROL].components)
    assert runs[OTHER].components == ("vault-api",)
    wanted = planner.packages(installed.cloud, installed.cloud.hosts[OTHER])
    assert {"vault-api", "python3-pymysql"} <= set(wanted)
    (puppet,) = (s for s in installed.plan.steps if s.id == f"{OTHER}:puppet-0")
    assert any(f"http://{OTHER}:9311/" in getattr(action, "script", "") for action in puppet.actions)
    assert any(need.startswith(f"{CONTROL}:puppet") for need in puppet.needs), "it waits for Keystone"


def test_the_firewall_lets_clients_in_and_the_host_to_the_database(installed: Installed) -> None:
    ports = installed.plan.summary["ports"]
    assert "tcp 9311 key manager API: everyone" in ports[OTHER]
    assert any(line.startswith("tcp 3306 ") and OTHER in line for line in ports[CONTROL])


def test_the_summary_names_its_endpoint(installed: Installed) -> None:
    assert installed.plan.summary["endpoints"]["vault-api"] == f"http://{OTHER}:9311"
    assert installed.plan.summary["hosts"][OTHER] == ["vault-api"]


def test_memory_and_disk_are_estimated(installed: Installed) -> None:
    assert preflight.estimate_memory(["vault-api"], 4) - preflight.estimate_memory([]) == (50 + 4 * 90) * 2**20
    before, after = preflight.estimate_disk([]), preflight.estimate_disk(["vault-api"])
    assert (after[0] - before[0], after[1] - before[1]) == (1.5 * GIB, 2.5 * GIB)
    seen = {name: Facts(**{**vars(f), "memory": GIB // 2}) for name, f in installed.facts.items()}
    found = preflight.check(installed.answers, seen, planner.place(installed.answers))
    (problem,) = (p for p in found if p.name == "memory" and p.host == OTHER)
    assert "CONFIG_VAULT_INSTALL=n" in problem.hint


def test_answers_are_written_checked_and_explained(installed: Installed) -> None:
    assert "\nCONFIG_VAULT_HOST=" in answers.generate(install_hosts=[CONTROL])
    found = explain(installed.answers, "CONFIG_VAULT_HOST")
    assert found.service == "Vault: secrets"
    assert found.ends_up.places == ("vault-api",)
    assert found.ends_up.hosts == (OTHER,)
    secret = explain(installed.answers, "CONFIG_VAULT_DB_PW").ends_up
    assert "vault-api: vault::api::database" in secret.settings
    assert answers.named_hosts(installed.answers)[OTHER] == ("CONFIG_VAULT_HOST",)
    (problem,) = (p for p in read(CONFIG_GLANCE_INSTALL="n", CONFIG_NOVA_INSTALL="n").problems if p.name == "needs"
                  and "CONFIG_VAULT_INSTALL" in p.seen)  # fmt: skip
    assert "its secrets sign images" in problem.wanted


@pytest.mark.usefixtures("added")
def test_reference_and_completion_know_its_keys() -> None:
    assert "### Vault: secrets\n" in reference.reference()
    assert "`CONFIG_VAULT_DB_PW`" in reference.reference()
    assert "--vault-host=" in completion.script(
        "bash", {"": ("apply",), "apply": ("--again",)}, cli_values(), "/nosuch"
    )
    assert "--vault-install" in answer_flags.by_flag()


def test_only_its_hosts_get_its_secrets(installed: Installed) -> None:
    secret = str(installed.answers["CONFIG_VAULT_KS_PW"])
    assert secret in installed.plan.secrets
    runs = golden.last_runs(installed.plan)
    assert secret in runs[CONTROL].manifest, "Keystone's host makes its user"
    assert secret not in runs[OTHER].manifest + runs[OTHER].hieradata
    assert str(installed.answers["CONFIG_VAULT_DB_PW"]) in runs[OTHER].hieradata


def test_catalogs_have_its_parameters_migration_and_parallel_start(installed: Installed) -> None:
    run = golden.last_runs(installed.plan)[OTHER]
    assert yaml.safe_load(run.hieradata)["vault::api::workers"] == 2
    assert run.owners["vault::api::workers"] == "vault-api"
    assert "'swift', 'vault'] }" in run.manifest, "its service is not started in parallel"
    together = outcome.plan((reading := read(CONFIG_VAULT_HOST=CONTROL)).answers, outcome.facts(reading.answers))
    manifest = golden.last_runs(together)[CONTROL].manifest
    assert "    'vault' => {'phase' => 'dbsync', 'resources' => ['vault-db-sync']},\n" in manifest
    assert f"public_url   => 'http://{CONTROL}:9311/v1'" in manifest


def test_verify_asks_its_api_and_runs_its_checks(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> None:
    config = verify_operation.config(installed.cloud)
    assert "key-manager" in config.services
    assert config.apis["key-manager"]["ask"] == "/secrets?limit=1"
    assert "vault" in config.modules
    assert config.logs["vault"] == (("/var/log/vault/*.log",), ("vault-api",))
    assert str(installed.answers["CONFIG_VAULT_DB_PW"]) in config.secrets, "its password could be shown"
    assert f"{verify.FOLDER}/on_host/vault.py" in {file.path for file in verify.files()}
    session = Session()
    # As on the host, where the program's folder is a package of its own.
    monkeypatch.syspath_prepend(str(verify.program().parent))
    for name in [name for name in sys.modules if name.partition(".")[0] == "on_host"]:
        monkeypatch.delitem(sys.modules, name)
    (check,) = importlib.import_module("on_host.vault").checks(
        importlib.import_module("on_host.runner").Context(config, None, lambda: session, "mine")
    )
    assert check.needs == ("endpoint-vault", "project")
    assert check.run() == "stored, read back the same, deleted"
    assert session.left == {}


class Session:
    """An API that keeps what it is given."""

    def __init__(self) -> None:
        self.left: dict[str, Any] = {}

    def post(self, _kind: str, _path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.left["/secrets/1"] = body
        return {"id": "1"}

    def get(self, _kind: str, path: str) -> Any:
        return self.left[path]

    def delete(self, _kind: str, path: str) -> None:
        del self.left[path]


def test_the_report_of_a_run_names_it_on_its_host(installed: Installed) -> None:
    told = apply.about(installed.cloud, installed.plan)
    assert told["hosts"][OTHER]["services"] == {"vault": ["vault-api"]}
    assert told["hosts"][CONTROL]["services"]["vault"] == ["vault-database", "vault-identity"]


@pytest.mark.usefixtures("added")
def test_tempest_knows_its_tests() -> None:
    assert services.tempest_groups()["key-manager"] == (r"vault_tempest_plugin\.",)


@pytest.mark.usefixtures("added")
@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda p: p.id)
def test_its_packages_and_units_are_those_of_the_family(platform: Any) -> None:
    name = {"debian": "vault-api", "redhat": "openstack-vault-api"}[platform.family]
    assert name in services.packages_for(platform, ["vault-api"])
    assert services.units("vault-api", platform) == (name,)


@pytest.mark.slow
@pytest.mark.usefixtures("added")
def test_puppet_compiles_its_catalogs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(golden.__file__).parent / "catalogs"))
    from puppet_tools import compile_plan, need, need_modules, node_facts

    need("ruby", "puppet")
    need_modules(by_id("debian-12").modulepath)
    reading = read(CONFIG_VAULT_HOST=CONTROL)
    seen = outcome.facts(reading.answers)
    plan = outcome.plan(reading.answers, seen)
    (catalog,) = compile_plan(plan, seen, partial(node_facts, "debian-12"), by_id("debian-12").modulepath)
    assert catalog.ok, catalog.error
    assert "workers = 2" in catalog.resources["File[/etc/vault/vault.conf]"]["content"]
    assert "Stackwright_async[vault-db-sync]" in catalog.resources
    assert catalog.resources["Service[vault-api]"]["provider"] == "async"
    assert "Mysql_database[vault]" in catalog.resources
    assert json.dumps(catalog.resources).count("key-manager")
