"""The probe, run for real by this machine's shells, and its answers of other systems, replayed from records."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from stackwright import facts
from stackwright.model import ExitCode, Facts, StackwrightError

RECORDS = Path(__file__).parent.parent / "data" / "facts"
HOSTS = {
    "debian-12": "198.18.41.10",
    "debian-12-used": "198.18.41.10",
    "debian-13": "198.18.41.11",
    "centos-stream-9": "198.18.9.90",
    "centos-stream-10": "198.18.9.100",
}
SHELLS = [s for s in ("sh", "dash", "bash", "busybox") if shutil.which(s)]


def answer(name: str) -> str:
    return (RECORDS / f"{name}.txt").read_text()


def replay(name: str) -> Facts:
    """The record, as if it had arrived with the clocks in step."""
    text = answer(name)
    clock = next(float(line.split("\t")[1]) for line in text.splitlines() if line.startswith("clock\t"))
    return facts.parse(text, HOSTS[name], clock)


def run_here(shell: str, *names: str, image_url: str = "", path: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [shell, "sh"] if shell == "busybox" else [shell]
    env = None if path is None else {"PATH": path}
    return subprocess.run(
        [shutil.which(command[0]) or command[0], *command[1:], "-s"],
        input=facts.probe(names, image_url),
        capture_output=True,
        text=True,
        check=True,
        env=env,
    )


@pytest.mark.parametrize("shell", SHELLS)
def test_probe_of_this_machine(shell: str) -> None:
    # An address that is none needs no name server to be found wanting.
    result = run_here(shell, "localhost", "198.18.0.300")
    assert result.stderr == ""
    seen = facts.parse(result.stdout, "127.0.0.1", time.time())
    assert seen.hostname == socket.gethostname()
    assert seen.os_id
    assert seen.arch == subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True).stdout.strip()
    assert seen.cpus >= 1
    assert seen.memory > 256 * 1024**2
    assert seen.disk_free["/"] > 0
    assert seen.interface("lo") is not None
    assert {"127.0.0.1", "::1"} & set(seen.resolves["localhost"])
    assert "198.18.0.300" in seen.resolves
    odd = run_here(shell, "198.18.0.300'; exit 1; $(exit 2)")
    assert "resolve\t198.18.0.300'; exit 1; $(exit 2)" in odd.stdout, "a name is one word"
    assert abs(seen.clock_offset) < 60
    assert seen.python
    assert facts.from_json(facts.to_json(seen)) == seen


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        ({"memory.max": "max", "cpu.max": "max 100000", "memory.swap.max": "max"}, None),
        (
            {"memory.max": "201326592", "cpu.max": "50000 100000", "memory.swap.max": "0"},
            (201326592, 1, 0),
        ),
        ({"memory/memory.limit_in_bytes": "9223372036854771712", "cpu/cpu.cfs_quota_us": "-1"}, None),
        ({"memory/memory.limit_in_bytes": "201326592", "cpu/cpu.cfs_quota_us": "100000"}, (201326592, 1, None)),
        ({"lab-limits": "memory 201326592\nswap 0\ncpu 100000 100000"}, (201326592, 1, 0)),
        ({"memory.max": "1099511627776000", "lab-limits": "cpu 819200000 100000"}, None),
    ],
)
def test_probe_sees_what_a_container_is_limited_to(
    tmp_path: Path, files: Mapping[str, str], expected: tuple[int, int, int | None] | None
) -> None:
    def seen(script: str) -> Facts:
        done = subprocess.run(["sh", "-s"], input=script, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return facts.parse(done.stdout, "127.0.0.1", time.time())

    script = facts.probe().replace("/sys/fs/cgroup", str(tmp_path))
    script = script.replace("/etc/stackwright-lab-limits", f"{tmp_path}/lab-limits")
    machine = seen(script)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
        if name.endswith("quota_us"):
            (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
    limited = seen(script)
    memory, cpus, swap = expected or (machine.memory, machine.cpus, machine.swap)
    assert (limited.memory, limited.cpus) == (memory, cpus)
    assert limited.swap == (machine.swap if swap is None else swap)
    if expected:
        assert int(limited.extra["memory-available"]) <= memory


@pytest.mark.parametrize(("quota", "cpus"), [("150000 100000", 2), ("200000 100000", 2), ("0 0", 8), ("odd", 8)])
def test_part_of_a_processor_counts_as_one(quota: str, cpus: int) -> None:
    answer = f"cpus\t8\nlimit-cpu\t{quota}\nend\t1\n"
    assert facts.parse(answer, "198.18.0.1", 0).cpus == cpus


def test_probe_sees_a_listening_socket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        seen = facts.parse(run_here("sh").stdout, "127.0.0.1", time.time())
    assert ("tcp", port) in {(protocol, number) for protocol, number, _ in seen.listening}


def test_probe_shows_the_public_host_keys_of_ssh(tmp_path: Path) -> None:
    keys = {
        "ed25519": "ssh-ed25519 AAAAC3 root@n1",
        "rsa": "ssh-rsa AAAAB3",
        "dsa": "ssh-dss AAAAD0 x",
        "odd": "nonsense",
    }
    for kind, line in keys.items():
        (tmp_path / f"ssh_host_{kind}_key.pub").write_text(line + "\n")
        (tmp_path / f"ssh_host_{kind}_key").write_text("PRIVATE\n")
    script = facts.probe()
    assert script.count("/etc/ssh/") == 1
    out = subprocess.run(
        ["sh", "-s"], input=script.replace("/etc/ssh/", f"{tmp_path}/"), capture_output=True, text=True, check=True
    ).stdout
    assert "PRIVATE" not in out
    assert facts.parse(out, "127.0.0.1", time.time()).host_keys == ("ssh-ed25519 AAAAC3", "ssh-rsa AAAAB3")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[global]\n  fsid = 6f2b-77\nmon_host = 198.18.0.9\n", "6f2b-77"),
        ("[client]\nmon host=198.18.0.9\n", "unknown"),
        ("# fsid = of the package's own file\n[global]\n", None),
    ],
)
def test_probe_sees_whose_ceph_is_set_up(tmp_path: Path, text: str, expected: str | None) -> None:
    (tmp_path / "ceph.conf").write_text(text)
    script = facts.probe().replace("/etc/ceph/", f"{tmp_path}/")
    out = subprocess.run(["sh", "-s"], input=script, capture_output=True, text=True, check=True).stdout
    assert facts.parse(out, "127.0.0.1", time.time()).extra.get("ceph-fsid") == expected


def test_probe_sees_modules_that_the_host_forbids(tmp_path: Path) -> None:
    (tmp_path / "cis.conf").write_text("# install nfs /bin/true\ninstall xfs_of_nobody /bin/false\n")
    script = facts.probe().replace("/etc/modprobe.d/", f"{tmp_path}/")
    script = script.replace("'xfs=XFS_FS=/xfs[.]ko'", "'xfs_of_nobody=OF_NOBODY=/xfs_of_nobody[.]ko'")
    out = subprocess.run(["sh", "-s"], input=script, capture_output=True, text=True, check=True).stdout
    assert facts.parse(out, "127.0.0.1", time.time()).extra["modules-off"] == "xfs_of_nobody"


def test_probe_names_what_earlier_services_left(tmp_path: Path) -> None:
    """Also where they are stopped; and nothing of what is in it."""
    for name in ("mysql/mysql", "mysql/shop", "mysql/sys", "rabbitmq/mnesia/rabbit@n1"):
        (tmp_path / name).mkdir(parents=True)
    rows = [
        b'localhostmariadb.sys{"access":0,"authentication_string":"","account_locked":true}',
        b'localhostroot{"access":18446744073709551615,"plugin":"mysql_native_password","authentication_string":"*0F"}',
    ]
    (tmp_path / "rabbitmq/mnesia/rabbit@n1/cluster_nodes.config").write_text("{[rabbit@n1,rabbit@n2],\n [rabbit@n1]}.")

    def seen() -> Mapping[str, str]:
        (tmp_path / "mysql/mysql/global_priv.MAD").write_bytes(b"\x00\xfe\x01" + b"\x00\x88".join(rows) + b"\x00")
        script = facts.probe().replace("/var/lib/mysql/", f"{tmp_path}/mysql/")
        script = script.replace("/var/lib/rabbitmq/", f"{tmp_path}/rabbitmq/")
        out = subprocess.run(["sh", "-s"], input=script, capture_output=True, text=True, check=True).stdout
        assert "*0F" not in out
        return facts.parse(out, "127.0.0.1", time.time()).extra

    found = seen()
    assert (found["databases"], found["database-password"]) == ("shop", "yes")
    assert found["broker rabbit@n1"] == "{[rabbit@n1,rabbit@n2],[rabbit@n1]}."
    rows[1] = (
        b'localhostroot{"access":18446744073709551615,"plugin":"mysql_native_password","authentication_string":"invalid",'
        b'"auth_or":[{},{"plugin":"unix_socket"}]}'
    )
    assert "database-password" not in seen()


def test_probe_names_web_sites_of_other_people(tmp_path: Path) -> None:
    """Not Puppet's, and not those of the dashboard's package."""
    sites = tmp_path / "sites-available"
    sites.mkdir()
    (sites / "15-horizon_vhost.conf").write_text("# Vhost template in module puppetlabs-apache\n# Managed by Puppet\n")
    (sites / "openstack-dashboard-alias-only.conf").write_text("Alias / x\n")
    (sites / "shop.conf").write_text("Listen 8081\n")
    (tmp_path / "sites-enabled").mkdir()
    (tmp_path / "sites-enabled" / "shop.conf").symlink_to("../sites-available/shop.conf")
    script = facts.probe().replace("/etc/apache2/", f"{tmp_path}/")
    out = subprocess.run(["sh", "-s"], input=script, capture_output=True, text=True, check=True).stdout
    assert facts.parse(out, "127.0.0.1", time.time()).extra["web-files"] == f"{sites}/shop.conf"


def test_a_used_host() -> None:
    extra = replay("debian-12-used").extra
    assert (extra["port eth3"], extra["port eth4"], extra["no-carrier"]) == ("bond0 bond", "br0 bridge", "eth2")
    assert (extra["account nova"], extra["group nova"]) == ("1001 /home/nova", "1001")
    assert (extra["databases"], extra["database-password"]) == ("shop wiki", "yes")
    assert extra["web-files"] == "/etc/apache2/sites-available/shop.conf"


def test_probe_without_iproute2_reads_proc(tmp_path: Path) -> None:
    """On a host without `ss` the sockets come from /proc/net, where ports are in hexadecimal."""
    for tool in (
        "uname",
        "cat",
        "tr",
        "id",
        "sort",
        "awk",
        "grep",
        "df",
        "sed",
        "date",
        "getent",
        "hostname",
        "head",
        "cut",
    ):
        if found := shutil.which(tool):
            (tmp_path / tool).symlink_to(found)
    script = facts.probe().replace("PATH=$PATH:/usr/sbin:/sbin:/usr/bin:/bin", f"PATH={tmp_path}")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        out = subprocess.run(["/bin/sh", "-s"], input=script, capture_output=True, text=True, check=True).stdout
    seen = facts.parse(out, "127.0.0.1", time.time())
    assert ("tcp", port, "") in seen.listening
    assert seen.extra["missing"] == "ip"
    assert seen.interfaces == ()


def test_probe_says_whether_an_address_is_reachable(tmp_path: Path) -> None:
    (tmp_path / "image.img").write_text("x")
    with socket.create_server(("127.0.0.1", 0)) as unused:
        closed = unused.getsockname()[1]
    seen = facts.parse(run_here("sh", image_url=f"http://127.0.0.1:{closed}/image.img").stdout, "h", time.time())
    assert seen.extra["image_url"] == "unreachable"
    seen = facts.parse(run_here("sh", image_url=f"file://{tmp_path}/image.img").stdout, "h", time.time())
    assert seen.extra["image_url"] == "reachable"
    for path, seen_as in ((tmp_path / "image.img", "reachable"), (tmp_path / "none.img", "unreachable")):
        seen = facts.parse(run_here("sh", image_url=str(path)).stdout, "h", time.time())
        assert seen.extra["image_url"] == seen_as, "the path of a file is no URL, and curl knows nothing of it"
    assert "image_url" not in facts.parse(run_here("sh").stdout, "h", time.time()).extra


@pytest.mark.parametrize("name", sorted(HOSTS))
def test_records(name: str, update_golden: bool) -> None:
    """Each recorded answer gives the Facts that are written down beside it."""
    record = RECORDS / f"{name}.json"
    seen = replay(name)
    if update_golden:
        record.write_text(facts.to_json(seen))
    assert facts.to_json(seen) == record.read_text()
    assert facts.from_json(record.read_text()) == seen


def test_debian_node() -> None:
    node = replay("debian-12")
    assert (node.os_id, node.os_version, node.arch) == ("debian", "12", "x86_64")
    assert (node.hostname, node.fqdn) == ("f1", "f1.lab.stackwright.test")
    assert node.address == "198.18.41.10"
    assert node.resolves["f1.lab.stackwright.test"] == ("198.18.41.10",)
    assert node.extra["reverse 198.18.41.10"] == "f1.lab.stackwright.test f1"
    assert node.container
    assert node.virtualization == "systemd-nspawn"
    assert not node.kvm, "there is /dev/kvm, and a processor that has no extension for it"
    assert "vxlan" in node.kernel_modules
    assert not {"openvswitch", "dm_mod", "nfs"} & node.kernel_modules
    assert [i.name for i in node.interfaces] == ["lo", "eth0", "eth1"]
    eth1 = node.interface("eth1")
    assert eth1 is not None
    assert eth1.up
    assert eth1.mac == "02:53:57:29:02:0a"
    assert (node.default_interface, node.gateway) == ("eth0", "198.18.41.1")
    assert ("tcp", 22, "sshd") in node.listening
    assert node.repositories[0].endswith("bookworm bookworm-updates main")
    assert node.cloud == {}
    assert [key.split()[0] for key in node.host_keys] == ["ssh-ed25519"]


def test_centos_stream_9() -> None:
    node = replay("centos-stream-9")
    assert (node.os_id, node.os_version, node.os_name) == ("centos", "9", "CentOS Stream 9")
    assert node.os_like == ("rhel", "fedora")
    assert node.hostname == node.fqdn == "node9.example.org"
    assert node.uid == 1000
    assert node.sudo
    assert node.kvm
    assert node.virtualization == "kvm"
    assert not node.container
    assert {"openvswitch", "geneve", "dm_mod", "nfs"} <= node.kernel_modules, "loadable is enough outside a container"
    assert node.selinux == "enforcing"
    assert node.disk_free == {"/": 58112332 * 1024, "/var": 88112332 * 1024}
    assert node.swap == 2097148 * 1024
    assert "epel" in node.repositories
    assert node.installed["epel-release"] == "9-10.el9"
    assert node.extra["volume-group cinder-volumes"] == "21470642176"
    assert node.extra["network"] == "NetworkManager"
    assert node.extra["firewall"] == "firewalld"
    assert all(protocol != "udp" for protocol, _, _ in node.listening), "chronyd's loopback sockets are in nobody's way"


def test_centos_stream_10() -> None:
    node = replay("centos-stream-10")
    assert (node.os_id, node.os_version) == ("centos", "10")
    assert node.python == "3.12.11"
    assert "epel" not in node.repositories


def test_loadable_modules_do_not_count_in_a_container() -> None:
    text = answer("centos-stream-9").replace("container\t", "container\tyes")
    inside = facts.parse(text, "198.18.9.90", 0.0)
    assert "openvswitch" not in inside.kernel_modules
    assert {"dm_mod", "tun"} <= inside.kernel_modules, "loaded and built-in ones do"


def test_cut_off_answer() -> None:
    with pytest.raises(StackwrightError, match=r"node7: .*cut off after") as caught:
        facts.parse(answer("debian-12")[:700], "node7", 0.0)
    assert caught.value.hint
    assert caught.value.code is ExitCode.UNREACHABLE


def test_banner_and_odd_lines_are_ignored() -> None:
    text = "Welcome to node 9!\nos\nlink\tnonsense\naddress\tx\nsocket\t\npackage\talone\n" + answer("centos-stream-9")
    assert facts.parse(text, HOSTS["centos-stream-9"], replay("centos-stream-9").seen_at) == replay("centos-stream-9")


def test_clock_offset() -> None:
    text = answer("debian-12")
    clock = next(float(line.split("\t")[1]) for line in text.splitlines() if line.startswith("clock\t"))
    assert facts.parse(text, "h", clock - 90).clock_offset == pytest.approx(90, abs=0.01)
    assert facts.parse(text, "h", clock + 90).clock_offset == pytest.approx(-90, abs=0.01)


def test_cloud_record() -> None:
    base = answer("debian-12")
    with_cloud = base.replace("end\t1", 'cloud\t{"id": "198.18.41.10", "hosts": ["a", "b"]}\nend\t1')
    assert facts.parse(with_cloud, "h", 0.0).cloud["id"] == "198.18.41.10"
    broken = facts.parse(base.replace("end\t1", "cloud\t{nonsense\nend\t1"), "h", 0.0)
    assert broken.cloud, "somebody was here, even if the record is damaged"
    assert "unreadable" in broken.cloud


def test_address_is_no_loopback_where_there_is_another() -> None:
    text = answer("centos-stream-9")
    assert facts.parse(text, "198.18.9.90", 0.0).address == "198.18.9.90"
    assert facts.parse(text, "node9.example.org", 0.0).address == "198.18.9.90"
    assert facts.parse(text, "localhost", 0.0).address == "198.18.9.90"
    assert facts.parse(text, "127.0.0.1", 0.0).address == "198.18.9.90"


@pytest.mark.parametrize(
    ("routes", "wanted"),
    [
        (["default via fd00::1 dev a", "default via 198.18.0.1 dev b metric 200"], ("198.18.0.1", "b")),
        (["default via 198.18.0.1 dev a metric 200", "default via 198.18.1.1 dev b metric 100"], ("198.18.1.1", "b")),
        (["default via fe80::1 dev a proto ra metric 1024"], ("fe80::1", "a")),
        (["default dev ppp0 scope link"], ("", "ppp0")),
        ([], ("", "")),
    ],
)
def test_default_route(routes: list[str], wanted: tuple[str, str]) -> None:
    """IPv4 before IPv6, and the lowest metric."""
    text = "".join(f"route\t{r}\n" for r in routes) + "end\t1\n"
    seen = facts.parse(text, "h", 0.0)
    assert (seen.gateway, seen.default_interface) == wanted


def test_json_of_another_version_and_of_nothing() -> None:
    text = facts.to_json(replay("debian-12"))
    newer = text.replace("{", '{"something_new": 1,', 1)
    assert facts.from_json(newer) == replay("debian-12")
    for wrong in ("", "[]", "{}", '{"host": "h", "interfaces": [1]}'):
        with pytest.raises(StackwrightError, match="invalid recorded facts"):
            facts.from_json(wrong)
