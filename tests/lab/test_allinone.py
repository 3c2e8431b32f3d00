"""The whole path with real parts: one command installs and verifies a cloud on a node; a second run changes nothing.

The cloud is that of docs/test-day.md, whose commands are run here in their order, with other tests in between. Some of
them take too long for `make test`: all of Tempest's smoke tests (a quick part of them runs here), the way back to the
snapshot with another run of all steps, the second cloud that the bundle makes, and the comparison of both
(tests/lab/test_repeat.py does that with a small cloud). The whole page, to the letter, is in
tests/lab/test_first_day.py. The screenshot, Tempest's results, the run's log, its times and what the
commands said are in test-results/allinone/ afterwards.
"""

from __future__ import annotations

import json
import resource
import shlex
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import horizon
import port_scan
import pytest
from first_day import FIRST, Day

import clouds
from process_arguments import Sampler
from stackwright import answers, bundle, lab, lock
from stackwright.lab import Lab, Node
from stackwright.model import Answers, ExitCode
from stackwright.state import directory

CLOUD = clouds.named(FIRST)
pytestmark = [pytest.mark.lab, pytest.mark.cloud(CLOUD.name)]

NAME = CLOUD.name
LONG = (
    *("stackwright test -a", "stackwright lab reset", "stackwright apply --again"),
    *("stackwright bundle reproduce", "stackwright lock diff"),
)
"""Beginnings of the commands of the page that are left to tests/lab/test_first_day.py."""
RESULTS = Path(__file__).resolve().parents[2] / "test-results" / "allinone"
MEMORY = 150 * 1024
"""KiB that the control process may take (issue: under 150 MB)."""


@dataclass(frozen=True)
class Cloud:
    """The results of the first run."""

    day: Day
    output: str
    node: Node
    peak: int
    """KiB: the largest of the control processes."""
    arguments: Sampler
    """The arguments of all processes during the run."""

    @property
    def lab(self) -> Lab:
        return self.day.lab

    @property
    def file(self) -> Path:
        return self.day.home / f"stackwright-{NAME}.answers"

    @property
    def answers(self) -> Answers:
        return answers.read([self.file])

    @property
    def place(self) -> Path:
        return self.day.state / self.node.address

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.day.run(shlex.join(["stackwright", *words]))

    def sh(self, script: str, given: str = "") -> str:
        """Runs a script on the node, as root; `given` is its standard input."""
        command = [*lab.ssh_command(NAME, self.lab), script]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, first_day_lab: Lab) -> Iterator[Cloud]:
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir(parents=True)
    day = Day(tmp_path_factory.mktemp("home"), first_day_lab, RESULTS)
    try:
        with Sampler() as sampler:
            output = day.follow(f"stackwright --allinone --lab {NAME}")
    finally:
        for kept in (*day.state.glob("*/logs/*"), *day.state.glob("*/report.*")):
            shutil.copy(kept, RESULTS)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    node = next(n for n in lab.list_nodes(day.lab) if n.name == NAME)
    return Cloud(day, output, node, peak, sampler)


def test_one_command_installs_and_verifies_a_cloud(cloud: Cloud) -> None:
    assert "is installed and verified" in cloud.output
    assert f"http://{cloud.node.address}/horizon" in cloud.output
    assert stat.S_IMODE(cloud.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(cloud.place.stat().st_mode) == 0o700
    assert {"keystonerc_admin", "keystonerc_demo", "clouds.yaml"} <= {path.name for path in cloud.place.iterdir()}
    for path in cloud.place.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert "600 /root/keystonerc_admin" in cloud.sh("stat -c '%a %n' /root/keystonerc_*")


def test_the_control_process_needs_little_memory(cloud: Cloud) -> None:
    assert cloud.peak < MEMORY


def test_times_are_reported(cloud: Cloud) -> None:
    """Package time, Puppet's, and the slowest resources, for people; no time is asserted."""
    records = [json.loads(line) for line in (cloud.place / "journal.jsonl").read_text().splitlines()[1:]]
    steps = {r["step"].partition(":")[2]: r for r in records if r["ok"] and ":" in r["step"]}
    assert {"packages", "puppet-0", "credentials"} <= set(steps)
    report = {name: {"seconds": r["seconds"], **r.get("data", {})} for name, r in steps.items()}
    report["control process, peak KiB"] = {"seconds": cloud.peak}
    (RESULTS / "times.json").write_text(json.dumps(report, indent=1) + "\n")
    kinds = steps["puppet-0"]["data"]["profile"]["kinds"]
    assert {"facts", "catalog", "service starts", "database migrations", "API objects"} <= set(kinds)
    assert {"package unpacking", "package set-up"} <= set(steps["packages"]["data"]["profile"]["kinds"])


def test_the_report_shows_how_long_resources_took(cloud: Cloud) -> None:
    assert f"report:        {cloud.place / 'report.html'}" in cloud.output
    data = json.loads((RESULTS / "report.json").read_text())
    assert (data["ok"], data["proved"]) == (True, True)
    on_path = [link["step"].rpartition(":")[2] or link["name"] for link in data["critical_path"]]
    assert {"examine the hosts", "packages", "puppet-0"} <= set(on_path)
    assert on_path[-1] == "Verify the cloud"
    assert sum(data["by_kind"].values()) == pytest.approx(data["seconds"], rel=0.05)
    # What is told to refresh has its own time: a migration takes seconds.
    assert {"database migrations", "package set-up", "service starts", "verification"} <= set(data["by_kind"])
    assert any(slow["name"].startswith("Exec[") and slow["kind"] == "database migrations" for slow in data["slowest"])
    done = cloud.command("report", "-a", str(cloud.file), "--slowest", "10")
    (RESULTS / "slowest.txt").write_text(done.stdout)
    assert done.returncode == 0, done.stderr
    with horizon.page() as view:
        view.call("Emulation.setDeviceMetricsOverride", width=1280, height=4000, deviceScaleFactor=1, mobile=False)
        view.open((RESULTS / "report.html").as_uri())
        view.picture(RESULTS / "report.png")
        assert "verified" in view.script("document.querySelector('h1').innerText")


CHECKS = frozenset(
    [
        "instance",
        "console",
        "metadata",
        "dhcp",
        "ping",
        "ssh",
        "outbound",
        "dashboard",
        "volume-write",
        "volume-backup",
        "object",
        "image",
    ]
)


def test_verify_checks_each_service_and_cleans_up(cloud: Cloud) -> None:
    before = cloud.sh(
        ". /root/keystonerc_admin; openstack project list -f value -c Name; openstack server list --all -f value"
    )
    done = cloud.command("verify", "-a", str(cloud.file), "--json")
    (RESULTS / "verify.json").write_text(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)["verification"]
    assert result["ok"]
    assert not [c for c in result["checks"] if c["state"] != "ok"]
    assert {c["name"] for c in result["checks"]} >= CHECKS
    after = cloud.sh(
        ". /root/keystonerc_admin; openstack project list -f value -c Name; openstack server list --all -f value"
    )
    assert sorted(after.split()) == sorted(before.split())


def test_verify_names_the_broken_service(cloud: Cloud) -> None:
    cloud.sh("systemctl stop glance-api")
    try:
        done = cloud.command("verify", "-a", str(cloud.file), "--json")
    finally:
        cloud.sh("systemctl start glance-api")
    assert done.returncode == 1
    checks = {c["name"]: c for c in json.loads(done.stdout)["verification"]["checks"]}
    assert (checks["endpoint-glance"]["state"], checks["endpoint-glance"]["service"]) == ("failed", "glance")
    # What stands on the image is not tried, and says why.
    assert checks["instance"]["state"] == "skipped"
    assert "endpoint-glance" in checks["instance"]["detail"]
    assert checks["volume"]["state"] == "ok"


def _events(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["type"] for one in found[-1:]] == ["result"]
    return [one for one in found if one["type"] == "event"]


def test_the_second_run_changes_nothing(cloud: Cloud) -> None:
    done = cloud.command("apply", "-a", str(cloud.file), "--again", "--json", "--no-verify")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    finished = next(e for e in _events(done) if e["kind"] == "finished")
    puppet = [e for e in _events(done) if e["kind"] == "ok" and "puppet" in e["step"]]
    assert puppet
    assert finished["data"]["changed"] == 0, [e for e in _events(done) if e["data"].get("changed")]


def test_a_second_run_without_again_skips_all_steps(cloud: Cloud) -> None:
    done = cloud.command("apply", "-a", str(cloud.file), "--json", "--no-verify")
    assert done.returncode == 0, done.stderr
    assert {e["kind"] for e in _events(done) if e.get("step")} == {"unchanged"}


def test_status_reports_what_is_installed(cloud: Cloud) -> None:
    """`status` asks the hosts; `plan` compares with the last run."""
    file = str(cloud.file)
    done = cloud.command("status", "-a", file, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    (host,) = json.loads(done.stdout)["hosts"]
    works = {c["name"] for c in host["components"] if c["works"]}
    assert {"keystone", "nova-compute", "ovn-controller", "horizon", "mariadb"} <= works
    cloud.sh("systemctl stop memcached")
    try:
        done = cloud.command("status", "-a", file)
    finally:
        cloud.sh("systemctl start memcached")
    assert done.returncode == ExitCode.FAILED
    assert "FAILED      memcached" in done.stdout
    assert "no changes" in cloud.command("plan", "-a", file).stdout
    for words in (("plan", "-a", file), ("apply", "-a", file, "--dry-run")):
        planned = json.loads(cloud.command(*words, "--json").stdout)
        assert {step["why"] for step in planned["steps"]} == {"unchanged"}, words
    changed = cloud.command("plan", "-a", file, "--set", "CONFIG_DEBUG_MODE=y").stdout
    assert "keystone::logging::debug: false -> true" in changed
    assert not [s for s in cloud.answers.secret_texts() if len(s) > 7 and s in changed]
    said = cloud.command("logs", cloud.node.address, "packages", "-a", file)
    # The first run installed them; where the second one came before this, its log took the place.
    assert "Setting up nova-api" in said.stdout or "all packages are there" in said.stdout


def _scan_udp(cloud: Cloud, login: str, everyone: set[int]) -> None:
    """No datagram of the instance gets past the host's firewall."""
    targets = port_scan.udp_listening(cloud.sh)
    port_scan.udp_count(cloud.sh)
    try:
        sent = cloud.day.run(port_scan.udp_over_ssh(login, targets))
    finally:
        arrived, passed = port_scan.udp_counted(cloud.sh)
    assert "sent" in sent.stdout, sent.stderr
    assert arrived, "nothing arrived, so nothing is proved"
    assert {(address, port) for address, port in passed if port not in everyone} == set()


def _scan_without_floating_address(cloud: Cloud, login: str, targets: set[port_scan.Target]) -> str:
    """The same scan by an instance that has its fixed address only: its packets leave under its router's address."""
    started = cloud.day.run(port_scan.without_floating_address(login, targets))
    assert started.returncode == 0, started.stderr
    address = login.rpartition("@")[2].split()[0]
    server = ". /root/keystonerc_demo; openstack server"
    cloud.sh(f"{server} remove floating ip first {address}")
    time.sleep(60)
    cloud.sh(f"{server} add floating ip first {address}")
    found = ""
    for _ in range(30):
        found = cloud.day.run(port_scan.collected(login)).stdout
        if found:
            break
        time.sleep(5)
    (RESULTS / "port-scan-fixed-address.txt").write_text(found)
    return found


def test_a_first_instance_with_one_command(cloud: Cloud) -> None:
    """Without naming the answer file: there is one cloud."""
    done = cloud.command("launch")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "(the only cloud)" in done.stderr
    login = next(line.strip() for line in done.stdout.splitlines() if line.strip().startswith("ssh "))
    options = "ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=10"
    name = ""
    for _ in range(30):
        name = cloud.day.run(f"{login.replace('ssh', options, 1)} hostname").stdout.strip()
        if name:
            break
        time.sleep(5)
    assert name == "first"
    # It reaches nothing of the host but what is open to everyone, at whatever address, and of the metadata proxy HTTP.
    targets = port_scan.listening(cloud.sh)
    metadata = {(port_scan.METADATA, port) for _, port in targets}
    scanned = cloud.day.run(port_scan.over_ssh(login, targets | metadata))
    opened = json.loads(cloud.command("plan", "-a", str(cloud.file), "--json").stdout)["ports"][cloud.node.address]
    (RESULTS / "port-scan.txt").write_text(scanned.stdout + scanned.stderr)
    port_scan.judge(port_scan.parsed(scanned.stdout), {NAME: (targets, port_scan.open_to_everyone(opened))})
    _scan_udp(cloud, login, port_scan.open_to_everyone(opened, "udp"))
    found = _scan_without_floating_address(cloud, login, targets | metadata)
    assert port_scan.FIXED in found
    port_scan.judge(port_scan.parsed(found), {NAME: (targets, port_scan.open_to_everyone(opened))})
    again = cloud.command("launch")
    assert login in again.stdout, "the same instance is found again"
    gone = cloud.command("launch", "--delete")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert "first" not in cloud.sh(". /root/keystonerc_demo; openstack server list; openstack keypair list")
    assert "198." not in cloud.sh(". /root/keystonerc_demo; openstack floating ip list -f value")
    assert not list((cloud.place / "instances").iterdir())


def test_only_ports_that_the_plan_lists_are_reachable(cloud: Cloud) -> None:
    listed = cloud.command("plan", "-a", str(cloud.file), "--all").stdout.partition(" is open at:")[2]
    ports = {int(line.split()[1]) for line in listed.splitlines() if line.startswith("  tcp ")}
    assert {22, 80, 5000, 6080, 8774, 9292, 9696} <= ports
    inside = {int(line.split()[3].rpartition(":")[2]) for line in cloud.sh("ss -lntH").splitlines()}
    assert inside - ports, "everything that listens is open, so nothing is proved"
    for port in sorted(inside):
        try:
            socket.create_connection((cloud.node.address, port), 10).close()
            reached = True
        except OSError:
            reached = False
        only_within = not cloud.sh(f"ss -lntH 'sport = :{port}' | grep -v '127.0.0.1\\|\\[::1\\]' || true").strip()
        assert reached == (port in ports and not only_within), port


def test_the_lock_lists_installed_packages_and_a_bundle_has_the_same_plan(cloud: Cloud, tmp_path: Path) -> None:
    assert f"lock:          {cloud.place / lock.NAME}" in cloud.output
    (host,) = lock.load(cloud.place / lock.NAME).hosts.values()
    there = dict(line.split() for line in cloud.sh("dpkg-query -W -f '${binary:Package} ${Version}\\n'").splitlines())
    assert {name: p.version for name, p in host.packages.items()} == there
    assert host.packages["nova-api"].origin.startswith("Debian/")
    assert host.modules["keystone"]
    assert host.images
    again = cloud.command("lock", "-a", str(cloud.file), "-o", str(tmp_path / "now.lock"))
    assert again.returncode == 0, again.stderr
    done = cloud.command("lock", "diff", str(cloud.place / lock.NAME), str(tmp_path / "now.lock"))
    assert done.stdout == "no differences\n"
    shutil.copy(cloud.place / lock.NAME, RESULTS)
    # What is installed is what the lock asks for, so that a locked plan can be had at once.
    checked = cloud.command("check", "-a", str(cloud.file), "--locked", str(tmp_path / "now.lock"))
    assert checked.returncode == 0, checked.stderr
    made = cloud.command("bundle", "create", "-a", str(cloud.file), "-o", str(tmp_path / "a.bundle"), "--neutral")
    assert made.returncode == 0, made.stderr
    index = bundle.unpack(tmp_path / "a.bundle", tmp_path / "out")
    assert bundle.same_plan(bundle.load(tmp_path / "out", index), index) == ""
    texts = {p.name: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert not {
        n for n, text in texts.items() if any(s.encode() in text for s in cloud.answers.secret_texts() if len(s) > 7)
    }
    assert not {n for n, text in texts.items() if cloud.node.address.encode() + b":" in text}


def test_allinone_again_uses_the_same_answers(cloud: Cloud) -> None:
    before = cloud.file.read_bytes()
    done = cloud.command("--allinone", "--lab", NAME, "--no-verify")
    assert done.returncode == 0, done.stderr
    assert "of an earlier run" in done.stdout
    assert cloud.file.read_bytes() == before


def test_an_answer_file_with_other_passwords_is_refused(cloud: Cloud, tmp_path: Path) -> None:
    """Other passwords for a host that carries a cloud: refused, nothing changed."""
    other = tmp_path / "other.answers"
    answers.save(other, answers.generate(allinone_host=cloud.node.address))
    digest = cloud.sh("sha256sum /var/lib/stackwright/cloud.json /etc/nova/nova.conf")
    key, known = str(cloud.node.key), str(cloud.node.known_hosts)
    state = ("--state", str(tmp_path / "state"))
    done = cloud.command("apply", "-a", str(other), "--ssh-key", key, "--known-hosts", known, *state)
    assert done.returncode == ExitCode.PREFLIGHT, done.stdout + done.stderr
    assert "[other-cloud]" in done.stderr
    assert cloud.sh("sha256sum /var/lib/stackwright/cloud.json /etc/nova/nova.conf") == digest


def test_no_secret_is_in_any_output_or_log(cloud: Cloud) -> None:
    secrets = {s for s in cloud.answers.secret_texts() if len(s) > 7}
    assert len(secrets) > 10
    texts = {"output": cloud.output}
    for path in (
        *cloud.place.glob("logs/*"),
        *cloud.place.glob("report.*"),
        cloud.place / "journal.jsonl",
        cloud.place / "verify.json",
        cloud.place / "applied.json",
    ):
        texts[path.name] = path.read_text(errors="replace")
    texts["processes"] = cloud.sh("ps axww -o args")
    texts["left on the node"] = cloud.sh("cat /var/lib/stackwright/runs/*/log /var/log/syslog 2>/dev/null || true")
    assert not {name for name, text in texts.items() if any(secret in text for secret in secrets)}


def test_no_secret_was_in_the_arguments_of_a_process(cloud: Cloud) -> None:
    """Of the installer or of a program on the node, while the cloud was installed and verified. Every user of a host
    can read those."""
    seen = cloud.arguments.seen
    for side in ("--allinone", "puppet apply", "rabbitmqctl"):
        assert any(side in arguments for arguments in seen), side
    assert cloud.arguments.with_a_secret(s for s in cloud.answers.secret_texts() if len(s) > 7) == []


def test_no_file_that_others_can_read_holds_a_secret(cloud: Cloud) -> None:
    """Searched by a user with no rights, who finds what was put there for it. Among the secrets are those that the node
    made itself: Keystone's keys, Nova's SSH key, and the cookie of RabbitMQ."""
    planted = "planted-for-this-test"
    own = "for f in /etc/keystone/*-keys/* /var/lib/nova/.ssh/id_* /var/lib/rabbitmq/.erlang.cookie; do"
    own += " [ ! -f $f ] || { cat $f; echo; }; done"
    made = {line for line in cloud.sh(own).split() if len(line) > 18 and not line.startswith(("ssh-", "AAAA"))}
    assert len(made) > 4
    secrets = {s for s in cloud.answers.secret_texts() if len(s) > 7} | made
    places = "/etc /var/lib /var/log /var/cache /root /tmp /var/tmp /run /home /srv"
    script = f"""umask 022; echo {planted} > /tmp/planted
setpriv --reuid 64998 --regid 64998 --clear-groups grep -rlsF -D skip -f - {places} || true"""
    found = cloud.sh(script, "\n".join([planted, *sorted(secrets)])).split()
    cloud.sh("rm /tmp/planted")
    assert found == ["/tmp/planted"]
    modes = cloud.sh(
        "cd /etc/swift && stat -c '%a %U %G %n' . swift.conf *-server.conf object-expirer.conf"
    ).splitlines()
    assert modes[0] == "750 root swift ."
    assert {line.rpartition(" ")[0] for line in modes[1:]} == {"640 root swift"}


def test_the_cloud_is_compared_with_the_security_guide(cloud: Cloud) -> None:
    done = cloud.command("verify", "--security", "-a", str(cloud.file), "--json")
    (RESULTS / "security.json").write_text(done.stdout)
    items = {item["name"]: item for item in json.loads(done.stdout)["items"]}
    assert not [item for item in items.values() if not item["ok"]], done.stdout
    assert done.returncode == 0, done.stderr
    met = {name for name, item in items.items() if item["state"] == "met"}
    assert met >= {"ports", "modes", "readable-secrets", "broker-guest", "broker-tags", "database-anonymous", "iframes",
                   "password-reveal", "password-check", "password-validator", "allowed-hosts"}  # fmt: skip
    assert {name for name, item in items.items() if item["reason"]} >= {"api-tls", "dashboard-tls"}


def test_instances_of_the_demo_accept_ssh_from_the_clouds_own_networks(cloud: Cloud) -> None:
    """No rule accepts SSH from everywhere. Another test logs in from this machine."""
    listed = cloud.sh(". /root/keystonerc_demo; openstack security group rule list --ingress --ethertype IPv4 -f json")
    rules = [rule for rule in json.loads(listed) if rule["IP Protocol"]]
    assert len(rules) == 4, listed
    assert "0.0.0.0/0" not in {rule["IP Range"] for rule in rules}


def test_hieradata_and_manifests_are_deleted_from_the_node(cloud: Cloud) -> None:
    assert cloud.sh("find /var/lib/stackwright/runs -name '*.yaml' -o -name '*.pp'").strip() == ""


def test_keystones_keys_are_like_those_of_keystone_manage(cloud: Cloud) -> None:
    for kind in ("fernet", "credential"):
        there = cloud.sh(f"cd /etc/keystone/{kind}-keys && stat -c '%n %a %U %s' *").splitlines()
        assert there == ["0 600 keystone 44", "1 600 keystone 44"]
    # Among the symptoms that it looks for are an empty and an unusable repository of each.
    cloud.sh("su -s /bin/sh keystone -c 'keystone-manage doctor'")


def test_the_dashboard_in_a_browser(cloud: Cloud) -> None:
    cloud.sh(
        ". /root/keystonerc_demo; openstack server show shown >/dev/null 2>&1 ||"
        " openstack server create --wait --image cirros --flavor m1.nano --network private shown"
    )
    look = horizon.look(
        f"http://{cloud.node.address}/horizon",
        "demo",
        cloud.answers["CONFIG_KEYSTONE_DEMO_PW"],
        RESULTS,
        instance="shown",
    )
    cloud.sh(". /root/keystonerc_demo; openstack server delete --wait shown")
    assert "Instances" in look.title


SCENARIO = "interop-quick"
PARTS = ("identity", "image", "compute", "network", "volume", "object_storage")


def test_tempest_tries_every_service(cloud: Cloud) -> None:
    """A third of what the interoperability guideline requires, with some tests of each service.

    `make test-long` runs all of it, and all of Tempest's smoke tests. The snapshot boots the node again, so these tests
    also show that the cloud comes back after that.
    """
    cloud.day.follow(f"stackwright lab snapshot {NAME}")
    try:
        done = cloud.command("test", SCENARIO, "-a", str(cloud.file))
        (RESULTS / "tempest.txt").write_text(done.stdout + done.stderr)
    finally:
        if (cloud.place / "tempest").exists():
            shutil.copytree(cloud.place / "tempest", RESULTS / "tempest", dirs_exist_ok=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    results = json.loads((cloud.place / "tempest.json").read_text())
    assert results["passed"] > 90
    assert {"results.subunit", "junit.xml", "results.html"} <= {p.name for p in RESULTS.glob(f"tempest/{SCENARIO}/*")}
    ran = (RESULTS / "tempest" / SCENARIO / "junit.xml").read_text()
    assert [part for part in PARTS if f"tempest.api.{part}." not in ran] == []


def test_the_state_folder_has_the_documented_path(cloud: Cloud) -> None:
    assert directory.state_dir(cloud.node.address, cloud.day.state).folder == cloud.place
    assert str(cloud.place / "keystonerc_admin") in cloud.output


def test_the_remaining_commands_of_the_test_day_page(cloud: Cloud) -> None:
    """The report and the bundle; nothing is left behind."""
    for line in cloud.day.left():
        if line.startswith(LONG):
            cloud.day.skip(line)
        else:
            cloud.day.follow(line)
    assert not lab.list_nodes(cloud.lab)
