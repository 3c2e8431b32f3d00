#!/usr/bin/python3
"""Keeps what OVN's chassis say of themselves where Neutron looks for it.

ovn-controller told its bridges, its datapath and whether it may be a gateway in two columns of the southbound
database's Chassis table: other_config and external_ids. OVN 23.03 has left the second one, and Neutron's Zed reads
nothing else. It then takes no chassis for a gateway, and schedules each router on any of them: on one without the
external network, the router's addresses are not reached.

It follows the table as long as the database is there, and ends with it; systemd starts it again.
"""

import json
import subprocess
import sys

DATABASE = sys.argv[1]
KEYS = ("datapath-type", "iface-types", "ovn-bridge-mappings", "ovn-chassis-mac-mappings", "ovn-cms-options")


def copy(row: str, values: dict[str, str]) -> None:
    """Sets these values in a chassis' external_ids, and leaves the others."""
    column = "external_ids"
    mutations = [
        [column, "delete", ["set", sorted(values)]],
        [column, "insert", ["map", sorted(map(list, values.items()))]],
    ]
    operation = {"op": "mutate", "table": "Chassis", "where": [["_uuid", "==", ["uuid", row]]], "mutations": mutations}
    transaction = json.dumps(["OVN_Southbound", operation])
    command = ["ovsdb-client", "transact", DATABASE, transaction]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    # What the database refuses is no failure of the client's. A chassis that has gone since is none either.
    if any("error" in part for part in json.loads(done.stdout)):
        sys.exit(f"chassis {row}: {done.stdout.strip()}")
    print(f"chassis {row}: " + ", ".join(f"{key}={value}" for key, value in sorted(values.items())), flush=True)


def follow(told: dict) -> None:
    """Copies what one message of the database's tells as new."""
    at = {name: number for number, name in enumerate(told["headings"])}
    row = ""
    for values in told["data"]:
        # A change is two: "old" with the chassis and the changed columns only, "new" with all but the chassis.
        row = values[at["row"]] or row
        if values[at["action"]] not in ("initial", "insert", "new"):
            continue
        config, ids = (dict(values[at[name]][1]) for name in ("other_config", "external_ids"))
        changed = {key: config[key] for key in KEYS if key in config and config[key] != ids.get(key)}
        if changed:
            copy(row, changed)


def main() -> None:
    command = ["ovsdb-client", "monitor", "--format=json", DATABASE, "OVN_Southbound", "Chassis"]
    command += ["other_config,external_ids"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as monitor:
        try:
            for line in monitor.stdout:
                follow(json.loads(line))
        finally:
            monitor.kill()
    sys.exit("the database is gone")


if __name__ == "__main__":
    main()
