"""What hosts are made ready with: who gets what. The scripts themselves run on real nodes."""

from __future__ import annotations

import hashlib
import select
import subprocess
from dataclasses import replace
from pathlib import Path

import golden
import outcome
import typed
from stackwright import answers, planner
from stackwright.model import Answers, Facts, Plan, Run, Step
from stackwright.planner.steps import packages as package_steps
from stackwright.planner.steps.packages import apt_install
from stackwright.services import provision

HOST, COMPUTE = "198.18.0.10", "198.18.0.31"


def given(**settings: str) -> Answers:
    flags = {"CONFIG_CONTROLLER_HOST": HOST, "CONFIG_COMPUTE_HOSTS": COMPUTE, "CONFIG_PROVISION_DEMO": "n", **settings}
    return answers.read([], flags, {}, local_host=HOST, remembered=golden.secrets())


def facts(settings: Answers, os_id: str = "centos", container: bool = False) -> dict[str, Facts]:
    seen = outcome.facts(settings, os_id, "9" if os_id == "centos" else "12")
    return {name: replace(f, container=container) for name, f in seen.items()}


def plan(os_id: str = "centos", container: bool = False, **settings: str) -> Plan:
    wanted = given(**settings)
    return planner.plan(planner.cloud(wanted, facts(wanted, os_id, container)))


def scripts(found: Plan, step_id: str) -> dict[str, str]:
    """By name, each as a shell reads it; none where there is no such step."""
    steps = {s.id: s for s in found.steps}
    if step_id not in steps:
        return {}
    out = {a.name: a.script for a in steps[step_id].actions if isinstance(a, Run)}
    for script in out.values():
        subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    return out


def puppet_run(found: Plan, host: str) -> Step:
    return next(s for s in found.steps if s.id.startswith(f"{host}:puppet-"))


def test_selinux_stays_enforcing() -> None:
    found = plan()
    controller = scripts(found, f"{HOST}:prepare")["selinux"]
    assert "setsebool -P httpd_can_network_connect on" in controller
    assert "rsync_export_all_ro" in controller
    everything = "".join(a.script for s in found.steps for a in s.actions if isinstance(a, Run))
    assert "setenforce" not in everything
    assert "SELINUX=" not in everything
    assert scripts(found, f"{COMPUTE}:prepare") == {}, "a compute host has no Apache"
    nfs = plan(CONFIG_CINDER_BACKEND="nfs", CONFIG_CINDER_NFS_MOUNTS="198.18.0.9:/a")
    assert "virt_use_nfs" in scripts(nfs, f"{COMPUTE}:prepare")["selinux"]
    assert scripts(plan("debian"), f"{HOST}:prepare") == {}


def test_puppet_waits_for_the_preparation() -> None:
    found = plan()
    assert f"{HOST}:prepare" in puppet_run(found, HOST).needs
    assert found.step(f"{HOST}:prepare").needs == (f"{HOST}:packages",)


def test_time_servers() -> None:
    for os_id, path in {"centos": "/etc/chrony.conf", "debian": "/etc/chrony/chrony.conf"}.items():
        found = plan(os_id, CONFIG_NTP_SERVERS="198.18.0.1,time.example.org")
        for host in (HOST, COMPUTE):
            script = scripts(found, f"{host}:prepare")["clock"]
            assert "\nserver 198.18.0.1 iburst\nserver time.example.org iburst\n" in script
            assert f"keep {path}" in script
            (install,) = found.step(f"{host}:packages").actions
            assert isinstance(install, Run)
            assert " chrony " in install.script
    assert scripts(plan("debian", container=True, CONFIG_NTP_SERVERS="198.18.0.1"), f"{HOST}:prepare") == {}


def test_linuxbridge_sees_what_its_bridges_pass_on() -> None:
    settings = {
        "CONFIG_NEUTRON_L2_AGENT": "linuxbridge",
        "CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS": "linuxbridge",
        "CONFIG_NEUTRON_ML2_TYPE_DRIVERS": "vxlan,flat",
        "CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES": "vxlan",
        "CONFIG_OPENSTACK_RELEASE": "zed",
    }
    assert "modprobe br_netfilter" in scripts(plan(**settings), f"{COMPUTE}:prepare")["kernel"]
    assert "kernel" not in scripts(plan(), f"{COMPUTE}:prepare")


def test_network_manager_makes_the_bridges_that_have_interfaces() -> None:
    settings = {"CONFIG_NEUTRON_OVN_BRIDGE_IFACES": "br-ex:eth1", "CONFIG_NETWORK_HOSTS": HOST}
    found = plan(**settings)
    change, kept = scripts(found, f"{HOST}:bridges").values()
    assert change.endswith("\n")
    assert "bridge br-ex system eth1\n" in change
    assert "CheckpointCreate aouu 0 120 6" in change
    assert "CheckpointDestroy" in kept
    assert "CheckpointDestroy" not in change, "it must come through a connection of its own"
    assert f"{HOST}:bridges" in puppet_run(found, HOST).needs
    manifest = golden.last_runs(found)[HOST].manifest
    assert "interfaces    => []," in manifest, "the unit of ours leaves them alone"
    assert scripts(plan(), f"{HOST}:bridges") == {}
    assert scripts(plan("debian", **settings), f"{HOST}:bridges") == {}


def test_the_progress_of_packages_is_not_buffered() -> None:
    """apt's status, line by line: a reader that waits for more leaves the screen minutes behind."""
    script = apt_install(["nova-api"])
    told, _, rest = script[script.index("told=") :].partition("\n")
    command = f"{told}\n{rest.partition(' <')[0]}"
    with subprocess.Popen(["sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        for said, told in (
            ("pmstatus:nova-api:74.3333:Configuring nova-api (amd64)", "74 100 nova-api"),
            ("pmstatus:libc6:amd64:9:Unpacking libc6:amd64", "9 100 libc6:amd64"),
        ):
            process.stdin.write(f"dlstatus:1:2.0:Retrieving\n{said}\n")
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], 20)
            assert ready, "nothing was told"
            assert process.stdout.readline() == f"stackwright: progress {told}\n"


def test_the_default_image_has_a_checksum() -> None:
    """An image of another URL has the one of the answer, or none."""
    url, name = "https://mirror.example/x.img", "198.18.0.10"
    hosts = {"CONFIG_CONTROLLER_HOST": name, "CONFIG_COMPUTE_HOSTS": (name,), "CONFIG_NETWORK_HOSTS": (name,)}
    for changed, checksum in (
        ({}, provision.KNOWN_IMAGES[str(typed.DEFAULTS["CONFIG_PROVISION_IMAGE_URL"])]),
        ({"CONFIG_PROVISION_IMAGE_URL": url}, ""),
        ({"CONFIG_PROVISION_IMAGE_CHECKSUM": "ab" * 32}, "ab" * 32),
    ):
        given = typed.answers({**hosts, "CONFIG_PROVISION_IMAGE_SOURCE": "url"}, **changed)
        plan = outcome.plan(given, outcome.facts(given))
        (script,) = [a.script for s in plan.steps for a in s.actions if getattr(a, "name", "") == "image"]
        assert f"echo {checksum}' ' " in script if checksum else "sha256sum -c" not in script


def test_another_image_under_the_same_name_is_fetched(tmp_path: Path) -> None:
    """What is there is of use only where it came from the same place, and is what the checksum says."""
    there = tmp_path / "images" / "cirros.qcow2"
    first, second = tmp_path / "first.img", tmp_path / "second.img"
    first.write_text("one")
    second.write_text("two")

    def fetch(source: str, checksum: str = "") -> tuple[int, bool]:
        script = package_steps.fetch_image(source, checksum, str(there))
        done = subprocess.run(["sh"], input=script, capture_output=True, text=True, check=False)
        return done.returncode, "stackwright: changed" in done.stdout

    assert fetch(str(first)) == (0, True)
    assert fetch(str(first)) == (0, False)
    assert fetch(f"file://{second}") == (0, True)
    assert there.read_text() == "two"
    wrong, right = "0" * 64, hashlib.sha256(b"two").hexdigest()
    assert fetch(f"file://{second}", wrong)[0] == 1
    assert fetch(f"file://{second}", right) == (0, True)
    assert fetch(f"file://{second}", right) == (0, False)
