"""Puppet without a server: compiling, validating; for the tests of catalogs."""

from __future__ import annotations

import atexit
import gzip
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from golden import Case, last_runs
from stackwright.model import Facts, Plan
from stackwright.planner import assets

HERE = Path(__file__).parent
FACTS = HERE.parent / "data" / "puppet-facts"
KEPT = HERE.parents[1] / ".pytest_cache" / "catalogs"
"""Catalogs by content. Removing the folder is always safe."""


def need(*programs: str) -> None:
    """Skips the test where one of these programs is not installed."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed; `make test` installs it")


def need_modules(modulepath: str) -> None:
    """Skips the test where the OpenStack modules are not installed there."""
    if not (Path(modulepath) / "nova").exists():
        pytest.skip(f"the Puppet modules are not in {modulepath}; `make test` installs them")


@dataclass(frozen=True)
class Catalog:
    """What compiling one host's manifest gave."""

    host: str
    ok: bool
    error: str
    warnings: tuple[str, ...]
    resources: dict[str, dict[str, str]]


def check_order(catalog: Catalog) -> None:
    """What no module orders by itself. Puppet takes such resources in the order of the manifest, which any change of
    shape changes."""
    _check_migrations(catalog)
    for ref in catalog.resources:
        ours = catalog.resources.get(f"Service[stackwright-bridge-{ref[len('Vs_bridge[') : -1]}.service]")
        if ref.startswith("Vs_bridge[") and ours is not None:
            assert f'"{ref}"' in ours.get("before", ""), f"{catalog.host}: {ref}"


def _check_migrations(catalog: Catalog) -> None:
    """Each migration that is to be started before its turn is there under that name, and waits for its end."""
    titles = [
        ref.removeprefix("Stackwright_async[").removesuffix("]")
        for ref in catalog.resources
        if ref.startswith("Stackwright_async[")
    ]
    for title in titles:
        if title.endswith("]"):
            assert title in catalog.resources, f"{catalog.host}: {title}"
        else:
            assert catalog.resources.get(f"Exec[{title}]", {}).get("provider") == "async", f"{catalog.host}: {title}"
    migrations = "Class[Stackwright::Migrations]" in catalog.resources
    assert migrations == bool(set(titles) - {"nova-cell_v2-discover_hosts"}), catalog.host


def node_facts(name: str, fqdn: str, address: str) -> dict[str, Any]:
    """Recorded facts of a platform, as those of a host of this name and address."""
    record: dict[str, Any] = json.loads((FACTS / f"{name}.json").read_text())
    network = address.rpartition(".")[0] + ".0"
    binding = {"address": address, "netmask": "255.255.255.0", "network": network}
    hostname, _, domain = fqdn.partition(".")
    return record | {
        "fqdn": fqdn,
        "hostname": hostname,
        "domain": domain,
        "ipaddress": address,
        "ipaddress_eth0": address,
        "netmask": "255.255.255.0",
        "netmask_eth0": "255.255.255.0",
        "interfaces": "eth0,eth1,lo",
        "networking": {
            "fqdn": fqdn,
            "hostname": hostname,
            "domain": domain,
            "ip": address,
            "netmask": "255.255.255.0",
            "network": network,
            "primary": "eth0",
            "interfaces": {
                "eth0": {"bindings": [binding], "mtu": 1500, **binding, "ip": address},
                "eth1": {"mtu": 1500},
            },
        },
    }


def job(name: str, manifest: str, hieradata: str, facts: dict[str, Any], **more: bool) -> dict[str, Any]:
    """One catalog to be compiled, as compile.rb reads it."""
    return {"name": name, "manifest": manifest, "hieradata": hieradata, "facts": facts, **more}


def compile_case(case: Case, platform: str, modulepath: str) -> list[Catalog]:
    """Compiles the manifest of every host of a golden case."""
    return compile_plan(case.plan(), case.facts(), partial(node_facts, platform), modulepath)


def compile_plan(
    plan: Plan, seen: Mapping[str, Facts], facts: Callable[[str, str], dict[str, Any]], modulepath: str, **more: bool
) -> list[Catalog]:
    """Compiles the manifest of each host's last run. `facts` makes Puppet's facts from a host's FQDN and address."""
    runs = last_runs(plan)
    jobs = [job(h, r.manifest, r.hieradata, facts(seen[h].fqdn, seen[h].address), **more) for h, r in runs.items()]
    return compile_jobs(jobs, modulepath)


def compile_jobs(jobs: list[dict[str, Any]], modulepath: str) -> list[Catalog]:
    """Compiles catalogs, our own module before those of the path. What was compiled before is remembered, between
    runs as well: by the job, and by what the modules and this code are."""
    path = f"{assets.puppet_module().parent}:{modulepath}"
    out = []
    for one in jobs:
        question = json.dumps(one, sort_keys=True)
        kept = KEPT / f"{hashlib.sha256(f'{_identity(path)} {question}'.encode()).hexdigest()}.gz"
        if kept.exists():
            answer = gzip.decompress(kept.read_bytes()).decode()
        else:
            answer = _ask(_compiler(path), question)
            KEPT.mkdir(parents=True, exist_ok=True)
            partial_file = kept.with_suffix(f".{os.getpid()}")
            partial_file.write_bytes(gzip.compress(answer.encode(), 3))
            partial_file.replace(kept)
        out.append(_catalog(json.loads(answer)))
    assert [c.host for c in out] == [j["name"] for j in jobs]
    return out


def compile_apart(jobs: list[dict[str, Any]], path: str, **environment: str) -> list[Catalog]:
    """Compiles catalogs in a Ruby of their own; nothing is kept of it."""
    done = subprocess.run(
        [*_ruby(), str(HERE / "compile.rb"), path],
        input="".join(json.dumps(one) + "\n" for one in jobs),
        capture_output=True,
        text=True,
        env={**os.environ, **_ROOMY, **environment},
        check=True,
    )
    return [_catalog(json.loads(line)) for line in done.stdout.splitlines()]


_ROOMY = {
    "RUBY_GC_HEAP_INIT_SLOTS": "3000000",
    "RUBY_GC_MALLOC_LIMIT": "200000000",
    "RUBY_GC_MALLOC_LIMIT_MAX": "400000000",
    "RUBY_GC_OLDMALLOC_LIMIT": "400000000",
    "RUBY_GC_OLDMALLOC_LIMIT_MAX": "800000000",
}
"""A tenth of Ruby's time for a tenth of its memory: less collecting of what a catalog leaves behind."""


@cache
def _compiler(path: str) -> subprocess.Popen[str]:
    """A Ruby that answers for one module path, until this process ends."""
    process = subprocess.Popen(
        [*_ruby(), str(HERE / "compile.rb"), path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **_ROOMY},
    )
    atexit.register(_end, process)
    return process


@cache
def _ruby() -> tuple[str, ...]:
    """With its compiler where it has one: a quarter of the time."""
    asked = subprocess.run(["ruby", "--yjit", "-e", "0"], capture_output=True, check=False)
    return ("ruby", "--yjit") if asked.returncode == 0 and not asked.stderr else ("ruby",)


def _end(process: subprocess.Popen[str]) -> None:
    process.communicate()


def _ask(process: subprocess.Popen[str], question: str) -> str:
    assert process.stdin
    assert process.stdout
    process.stdin.write(question + "\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    assert answer, "compile.rb ended; what it said is above"
    return answer


@cache
def _identity(path: str) -> str:
    """Changes with whatever decides what a catalog becomes, besides its manifest, hieradata and facts."""
    parts = [(HERE / "compile.rb").read_text(), subprocess.run(["ruby", "-v"], capture_output=True, text=True).stdout]
    for root in path.split(":"):
        for folder, _, names in sorted(os.walk(root, followlinks=True)):
            for name in sorted(names):
                seen = Path(folder, name).stat()
                parts.append(f"{folder}/{name} {seen.st_size} {seen.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _catalog(result: dict[str, Any]) -> Catalog:
    return Catalog(
        host=result["name"],
        ok=result["ok"],
        error=result.get("error", ""),
        warnings=tuple(result["warnings"]),
        resources=result.get("resources", {}),
    )
