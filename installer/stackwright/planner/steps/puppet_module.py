"""Uploads our Puppet module: with all its providers, or without those that replace upstream ones."""

from __future__ import annotations

from collections.abc import Iterator

from stackwright import shell
from stackwright.model import File, Run, Upload
from stackwright.planner import assets

MODULE_DIR = "/var/lib/stackwright/modules"
"""The folder of our module on each host, the first one in Puppet's module path."""

UPSTREAM_TIMEOUT = 7200.0
"""Seconds for a Puppet run with the upstream providers: they need several times as long as ours."""

# Providers of our own types, and the one that keeps RabbitMQ's passwords out of process arguments.
_KEPT = ("lib/puppet/provider/stackwright_", "lib/puppet/provider/rabbitmq_user/")


def is_override(path: str) -> bool:
    """Whether a file of our module, by its path in the module, replaces an upstream provider or fact."""
    if path == "lib/facter/disabled_facts.rb":
        return True
    return path.startswith("lib/puppet/provider/") and not path.startswith(_KEPT)


def files(providers: str) -> Iterator[File]:
    """The files of our module, for CONFIG_PUPPET_PROVIDERS `fast` or `upstream`."""
    root = assets.puppet_module()
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and not (providers == "upstream" and is_override(name)):
            yield File(f"{MODULE_DIR}/stackwright/{name}", path.read_bytes())


def actions(providers: str, record: File) -> tuple[Upload, Run]:
    """Uploads the module and `record`, the file with the cloud's ID, and removes module files of other versions."""
    uploaded = tuple(files(providers))
    folder = f"{MODULE_DIR}/stackwright"
    names = "\n".join("." + file.path.removeprefix(folder) for file in uploaded)
    script = shell.fill("planner/steps/puppet_module.sh", FOLDER=folder, NAMES=names)
    return Upload((record, *uploaded)), Run("old module files", script, timeout=60)
