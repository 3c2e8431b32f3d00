"""Our REST providers and the upstream ones on one real Keystone: each accepts what the other has made.

Long: the upstream providers start `openstack` for each question, so this takes minutes.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import re
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from conftest import Shell
from stackwright import lab as rooms
from stackwright.planner.steps import puppet_module

pytestmark = [pytest.mark.lab, pytest.mark.long]

RELEASES = os.environ.get("STACKWRIGHT_TEST_RELEASES", "bookworm").split()
PACKAGES = (
    "puppet-agent puppet-module-keystone puppet-module-puppetlabs-mysql mariadb-server keystone "
    "python3-openstackclient python3-pymysql curl"
)
ADMIN = "adm1nPW"

# The part that every cloud has, by the upstream classes; its users and endpoints are the first work of the providers.
CLOUD = f"""
$url = "http://${{facts['networking']['ip']}}:5000"
Exec {{ logoutput => on_failure }}
Mysql_database <| |> {{ charset => 'utf8mb3', collate => 'utf8mb3_general_ci' }}
class {{ 'mysql::server': root_password => 'r00t' }}
class {{ 'keystone::client': }}
class {{ 'keystone::db::mysql': password => 'dbpw', allowed_hosts => ['%'] }}
class {{ 'keystone::db': database_connection => 'mysql+pymysql://keystone:dbpw@127.0.0.1/keystone?charset=utf8' }}
class {{ 'keystone': public_endpoint => $url }}
class {{ 'keystone::bootstrap': password => '{ADMIN}', email => 'admin@example.test', public_url => $url }}
"""

# One of each kind and of each shape; the stock providers are asked about these.
SAMPLE = """
keystone_domain { 'heat': ensure => present, enabled => true, description => 'stacks' }
keystone_role { 'service': ensure => present }
keystone_tenant { 'services': ensure => present, enabled => true }
keystone_tenant { 'inner::heat': ensure => present, enabled => false, description => 'a project' }
keystone_user { 'nova': ensure => present, enabled => true, password => 'n0va-pw', email => 'nova@localhost' }
keystone_user { 'off': ensure => present, enabled => false, password => 'off-pw' }
keystone_user { 'heat_admin::heat': ensure => present, enabled => true, password => 'he4t-pw' }
keystone_user_role { 'nova@services': ensure => present, roles => ['admin', 'service'] }
keystone_user_role { 'nova@::::all': ensure => present, roles => ['admin'] }
keystone_user_role { 'heat_admin::heat@::heat': ensure => present, roles => ['admin'] }
keystone_service { 'nova::compute': ensure => present, description => 'Nova Compute Service' }
keystone_endpoint { 'RegionOne/nova::compute':
  ensure       => present,
  public_url   => 'http://h:8774/v2.1',
  internal_url => 'http://h:8774/v2.1',
  admin_url    => 'http://h:8774/v2.1',
}
"""

MORE = """
keystone_role { 'member': ensure => present }
keystone_role { 'swiftoperator': ensure => present }
keystone_tenant { 'demo': ensure => present, enabled => true, description => 'a demo' }
keystone_user { 'demo': ensure => present, enabled => true, password => 'dem0-pw', description => 'a person' }
keystone_user { 'keep': ensure => present, password => 'first-pw', replace_password => false }
keystone_user_role { 'demo@demo': ensure => present, roles => ['member'] }
keystone_user_role { 'heat_admin::heat@inner::heat': ensure => present, roles => ['member'] }
keystone_service { 'placement::placement': ensure => present }
keystone_endpoint { 'RegionTwo/placement::placement':
  ensure       => present,
  public_url   => 'http://h:8778',
  internal_url => 'http://h:8778',
  admin_url    => 'http://h:8778',
}
"""

THINGS = SAMPLE + MORE

CHANGES = {
    "'stacks'": "'changed stacks'",
    "'a project'": "'a changed project'",
    "'a demo'": "'a changed demo'",
    "'n0va-pw'": "'n3w-n0va-pw'",
    "nova@localhost": "nova@example.test",
    "'a person'": "'another person'",
    "'first-pw'": "'never-used-pw'",
    "enabled => false, password => 'off-pw'": "enabled => true, password => 'on-pw'",
    "['admin', 'service']": "['service']",
    "'Nova Compute Service'": "'Compute'",
    "public_url   => 'http://h:8774/v2.1'": "public_url   => 'http://public:8774/v2.1'",
}


def changed(manifest: str) -> str:
    """Every property that can be changed, changed."""
    for old, new in CHANGES.items():
        manifest = manifest.replace(old, new)
    return manifest


BY_STOCK = """
keystone_domain { 'other': ensure => present, description => 'made by the stock providers' }
keystone_tenant { 'team::other': ensure => present }
keystone_role { 'auditor': ensure => present }
keystone_user { 'sue::other': ensure => present, password => 'su3-pw', email => 'sue@example.test' }
keystone_user_role { 'sue::other@team::other': ensure => present, roles => ['auditor'] }
keystone_service { 'glance::image': ensure => present, description => 'Images' }
keystone_endpoint { 'RegionOne/glance::image':
  ensure       => present,
  public_url   => 'http://h:9292',
  internal_url => 'http://h:9292',
  admin_url    => 'http://h:9292',
}
"""

SECRETS = (ADMIN, "n0va-pw", "dem0-pw", "first-pw", "off-pw", "he4t-pw", "n3w-n0va-pw", "on-pw", "never-used-pw")


def absent(manifest: str) -> str:
    """The same resources with `ensure => absent`, except those that the cloud needs and the role that Keystone
    protects."""
    stays = "keystone_tenant { 'services'", "keystone_role { 'member'"
    kept = "\n".join(line for line in manifest.splitlines() if not line.startswith(stays))
    # In the other direction than Puppet's own relationships, which yield only to a direct one between the same two.
    kinds = ["endpoint", "service", "user_role", "role", "user", "tenant", "domain"]
    order = "".join(f"Keystone_{a} <| |> -> Keystone_{b} <| |>\n" for a, b in itertools.combinations(kinds, 2))
    return re.sub(r"ensure( *)=> present", r"ensure\1=> absent", kept) + order


@dataclass(frozen=True)
class Cloud:
    shell: Shell

    def write(self, path: str, content: bytes) -> None:
        command = [*rooms.ssh_command(self.shell.node.name, self.shell.lab), f"cat > {path}"]
        subprocess.run(command, input=content, check=True)

    def apply(self, manifest: str, *, stock: bool = False, options: str = "", environment: str = "") -> tuple[int, str]:
        """Puppet's detailed exit code and its debug log. `stock`: with the module that CONFIG_PUPPET_PROVIDERS=upstream
        puts on a host.

        The stock providers of Zed find admin-clouds.yaml, but not the URL in it when they try out a password: without
        OS_AUTH_URL they take every password for wrong.
        """
        self.write("/root/site.pp", manifest.encode())
        path = f"/root/{'upstream' if stock else 'fast'}:/usr/share/puppet/modules"
        if stock:
            environment += f" OS_AUTH_URL=http://{self.shell.node.address}:5000"
        log = self.shell(
            f"cd /; {environment} puppet apply --debug --color false --detailed-exitcodes {options} "
            f"--modulepath {path} /root/site.pp; echo exit=$?"
        )
        return int(log.rpartition("exit=")[2]), log

    def unchanged(self, manifest: str, *, stock: bool = False) -> str:
        """A noop run that finds nothing to do; returns its log."""
        code, log = self.apply(manifest, stock=stock, options="--noop")
        assert code == 0, brief(log)
        assert "(noop)" not in log, brief(log)
        return log

    def login(self, user: str, password: str, domain: str = "Default") -> bool:
        """Whether a login to Keystone works, tested without the code under test."""
        who = {"name": user, "password": password, "domain": {"name": domain}}
        identity = {"methods": ["password"], "password": {"user": who}}
        body = json.dumps({"auth": {"identity": identity}})
        code = self.shell(
            f"curl -s -o /dev/null -w '%{{http_code}}' -H 'Content-Type: application/json' -d '{body}' "
            f"http://{self.shell.node.address}:5000/v3/auth/tokens"
        )
        return code.strip() == "201"


def brief(log: str) -> str:
    """A debug log without unimportant lines."""
    return "\n".join(line for line in log.splitlines() if not line.startswith(("Debug: ", "Info: ")))


def requests(log: str) -> list[str]:
    """The requests of our client to the API: "GET /v3/users..."."""
    return [f"{m[1]} {m[2]}" for m in re.finditer(r"Debug: (\w+) http://[^/]+(\S+): \d+ in", log)]


@pytest.fixture(scope="module", params=RELEASES)
def cloud(request: pytest.FixtureRequest, make_node: Callable[..., Shell]) -> Cloud:
    release = str(request.param)
    # Debian 12's packages are there already, where other tests need them, too.
    snapshot = request.getfixturevalue("with_packages") if release == "bookworm" else ""
    shell = make_node(f"providers-{release}", release=release, snapshot=snapshot)
    shell(
        "export DEBIAN_FRONTEND=noninteractive; printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d; "
        "chmod 755 /usr/sbin/policy-rc.d; apt-get -qq update "
        "&& apt-get -qq install -y --no-install-recommends eatmydata "
        f"&& eatmydata apt-get -qq install -y --no-install-recommends {PACKAGES}; code=$?; rm /usr/sbin/policy-rc.d; "
        "systemctl reload dbus || true; rm -f /etc/hiera.yaml /etc/puppet/hiera.yaml; exit $code"
    )
    cloud = Cloud(shell)
    for providers in ("fast", "upstream"):
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for file in puppet_module.files(providers):
                entry = tarfile.TarInfo(file.path.removeprefix(f"{puppet_module.MODULE_DIR}/"))
                entry.size = len(file.content)
                tar.addfile(entry, io.BytesIO(file.content))
        cloud.write("/root/modules.tar", archive.getvalue())
        shell(f"mkdir -p /root/{providers} && tar -C /root/{providers} -xf /root/modules.tar")

    # The API is not there while the catalog starts, and comes up in the middle of it.
    code, log = cloud.apply(CLOUD)
    assert code == 2, brief(log)
    code, log = cloud.apply(THINGS)
    assert code == 2, brief(log)
    return cloud


def test_an_unchanged_run_needs_few_requests(cloud: Cloud) -> None:
    cloud.unchanged(CLOUD)
    log = cloud.unchanged(THINGS)
    asked = requests(log)
    assert not [r for r in asked if not r.startswith("GET ")], asked
    # One list per kind, users and projects by domain, which is read again after a minute; passwords are tried out, and
    # not in this log.
    assert len(set(asked)) <= 10, asked
    assert "/usr/bin/openstack" not in log


def test_the_stock_providers_accept_what_ours_created(cloud: Cloud) -> None:
    log = cloud.unchanged(SAMPLE, stock=True)
    assert "/usr/bin/openstack" in log
    assert requests(log) == []
    assert cloud.login("nova", "n0va-pw")
    assert cloud.login("heat_admin", "he4t-pw", "heat")
    assert not cloud.login("off", "off-pw")


def test_ours_find_what_the_stock_providers_made_in_order(cloud: Cloud) -> None:
    code, log = cloud.apply(BY_STOCK, stock=True)
    assert code == 2, brief(log)
    cloud.unchanged(BY_STOCK)
    code, log = cloud.apply(absent(BY_STOCK))
    assert code == 2, brief(log)


def test_changes_are_applied_and_passwords_stay_secret(cloud: Cloud) -> None:
    code, log = cloud.apply(changed(THINGS))
    assert code == 2, brief(log)
    assert cloud.login("nova", "n3w-n0va-pw")
    assert not cloud.login("nova", "n0va-pw")
    assert cloud.login("keep", "first-pw")
    assert cloud.login("off", "on-pw")
    cloud.unchanged(changed(THINGS))
    cloud.unchanged(changed(SAMPLE), stock=True)

    kept = cloud.shell("cat /var/cache/puppet/state/*.yaml /var/lib/puppet/state/*.yaml 2>/dev/null", check=False)
    assert "Keystone_user[nova]" in kept
    for secret in SECRETS:
        assert secret not in log.replace("/root/site.pp", ""), secret
        assert secret not in kept, secret

    code, log = cloud.apply(THINGS)
    assert code == 2, brief(log)
    assert cloud.login("nova", "n0va-pw")


def test_the_providers_wait_while_keystone_restarts(cloud: Cloud) -> None:
    restart = (
        "exec { '/bin/sh -c \"systemctl stop keystone; (sleep 6; systemctl start keystone) >/dev/null 2>&1 &\"': }\n"
    )
    first = "keystone_role { 'before': } -> Exec <| |> -> keystone_role { 'after': ensure => present }\n"
    code, log = cloud.apply(restart + first + "Keystone_role['before'] -> Exec <| |> -> Keystone_user <| |>\n" + THINGS)
    assert code == 2, brief(log)
    assert "trying again" in log
    assert "Keystone_role[after]/ensure: created" in log


def test_a_region_and_an_interface_are_added(cloud: Cloud) -> None:
    one = "keystone_endpoint { 'RegionThree/placement::placement': ensure => present, public_url => 'http://a'%s }\n"
    assert cloud.apply(one % "")[0] == 2
    assert cloud.apply(one % "")[0] == 0
    assert cloud.apply(one % ", internal_url => 'http://b', admin_url => ''")[0] == 2
    assert cloud.apply(one % ", internal_url => 'http://b', admin_url => ''")[0] == 0
    assert cloud.apply(one.replace("present", "absent") % "")[0] == 2
    assert cloud.apply(one.replace("present", "absent") % "")[0] == 0


def test_errors_name_the_request(cloud: Cloud) -> None:
    code, log = cloud.apply("keystone_user_role { 'nobody@services': ensure => present, roles => ['admin'] }")
    assert code == 4, brief(log)
    assert "there is no user nobody in domain Default" in log
    wrong = (
        f"OS_AUTH_URL=http://{cloud.shell.node.address}:5000 OS_USERNAME=admin OS_PASSWORD=wr0ng OS_SYSTEM_SCOPE=all"
    )
    code, log = cloud.apply("keystone_role { 'x': ensure => present }", environment=wrong)
    assert code == 4
    assert "/v3/auth/tokens as admin (environment), system scope: HTTP 401" in log
    assert "wr0ng" not in log


def test_puppet_resource_lists_all_and_all_can_be_removed(cloud: Cloud) -> None:
    listed = cloud.shell("puppet resource --modulepath /root/fast:/usr/share/puppet/modules keystone_user_role")
    assert "keystone_user_role { 'heat_admin::heat@inner::heat':" in listed
    assert "keystone_user_role { 'admin::Default@::::all':" in listed
    code, log = cloud.apply(absent(THINGS))
    assert code == 2, brief(log)
    cloud.unchanged(absent(THINGS))
    cloud.unchanged(CLOUD)
