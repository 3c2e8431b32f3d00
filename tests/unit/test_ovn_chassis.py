"""What OVN's chassis say is copied to where Neutron's Zed looks for it (modules/stackwright/files/ovn-chassis.py), with
a stand-in for ovsdb-client that tells what the real one told, and refuses everything else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "puppet-templates/modules/stackwright/files/ovn-chassis.py"
SOCKET = "unix:/run/ovn/ovnsb_db.sock"
CLIENT = """#!/bin/sh
here=${0%/*}
case $1 in
monitor) [ "$*" = "monitor --format=json SOCKET OVN_Southbound Chassis other_config,external_ids" ] || exit 9
  cat "$here/told"
  # The real one follows the database for ever.
  if grep -q refused "$here/told"; then exec sleep 60; fi ;;
transact) [ "$2" = SOCKET ] && [ $# = 3 ] || exit 9
  case $3 in *refused*) echo '[{"error":"constraint violation"}]'; exit ;; esac
  echo "$3" >> "$here/done"; echo '[{"count":1}]' ;;
*) exit 9 ;;
esac
""".replace("SOCKET", SOCKET)

GATEWAY = {"datapath-type": "netdev", "ovn-bridge-mappings": "extnet:br-ex", "ovn-cms-options": "enable-chassis-as-gw"}
COMPUTE = {"datapath-type": "netdev", "ovn-bridge-mappings": "", "ovn-cms-options": ""}


def told(row: str, action: str, config: dict[str, str], ids: dict[str, str]) -> list[object]:
    return [row, action, *(["map", [list(pair) for pair in column.items()]] for column in (config, ids))]


def change(row: str, config: dict[str, str], ids: dict[str, str]) -> list[list[object]]:
    """As the database tells it: first what was, with the chassis, then what is, without."""
    return [[row, "old", "", ["map", []]], told("", "new", config, ids)]


def run(folder: Path, *updates: list[list[object]]) -> list[tuple[str, dict[str, str]]]:
    """What is set for which chassis."""
    heads = ["row", "action", "other_config", "external_ids"]
    lines = [json.dumps({"data": rows, "headings": heads}) for rows in updates]
    (folder / "told").write_text("".join(f"{line}\n" for line in lines))
    (folder / "ovsdb-client").write_text(CLIENT)
    (folder / "ovsdb-client").chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    words = [sys.executable, str(SCRIPT), SOCKET]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False, timeout=30)
    assert done.returncode != 0, "it ends only with the database"
    assert done.stderr in ("", "the database is gone\n"), done.stderr
    found = []
    path = folder / "done"
    for line in path.read_text().splitlines() if path.exists() else ():
        database, operation = json.loads(line)
        assert (database, operation["op"], operation["table"]) == ("OVN_Southbound", "mutate", "Chassis")
        ((_, _, (_, row)),) = operation["where"]
        (_, _, (_, gone)), (_, _, (_, new)) = operation["mutations"]
        assert gone == [key for key, _ in new]
        found.append((row, dict(new)))
    return found


def test_each_chassis_is_copied_once(tmp_path: Path) -> None:
    rows = [told("a", "initial", {**GATEWAY, "is-interconn": "false"}, {"own": "x"}), told("b", "initial", COMPUTE, {})]
    # Setting them is told again by the database.
    again = [*change("a", GATEWAY, {**GATEWAY, "own": "x"}), *change("b", COMPUTE, COMPUTE)]
    assert run(tmp_path, rows, again) == [("a", GATEWAY), ("b", COMPUTE)]


def test_changed_values_are_copied(tmp_path: Path) -> None:
    new = {key: GATEWAY[key] for key in ("ovn-bridge-mappings", "ovn-cms-options")}
    updates = [told("b", "insert", COMPUTE, {}), *change("a", GATEWAY, COMPUTE)]
    assert run(tmp_path, updates) == [("b", COMPUTE), ("a", new)]


def test_removed_values_are_not_copied(tmp_path: Path) -> None:
    assert run(tmp_path, [told("a", "delete", GATEWAY, {})]) == []


def test_errors_of_the_database_are_reported(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="constraint violation"):
        run(tmp_path, [told("a", "insert", {"ovn-cms-options": "refused"}, {})])
