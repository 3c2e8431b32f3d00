"""The REST client of our Puppet module, against a server that misbehaves the way restarting services do.

The server is a real one on a socket; it answers what each test wrote down for it and nothing else. The providers
themselves are tried against a real Keystone in tests/lab/test_puppet_providers.py.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

LIB = Path(__file__).parents[2] / "puppet-templates/modules/stackwright/lib"


def has_puppet() -> bool:
    ruby = shutil.which("ruby")
    return ruby is not None and subprocess.run([ruby, "-e", "require 'puppet'"], capture_output=True).returncode == 0


pytestmark = [pytest.mark.slow, pytest.mark.skipif(not has_puppet(), reason="needs Ruby with Puppet")]

PASSWORD = "s3cr3t-pa55"

# The client uses three things of Puppet's. All of it takes a second to load: only where a provider is tried.
LIGHT = """
module Puppet
  class Error < RuntimeError; end
  def self.debug(_text) end
  def self.[](name) name == :noop && ENV['TEST_NOOP'] == '1' end
end
"""
PRELUDE = f"""
require 'json'
require '{LIB}/puppet_x/stackwright/session'
include PuppetX::Stackwright
def out(value) puts JSON.generate(value) end
def session() Session.for('project') end
"""
PROVIDER = f"""
require 'puppet'
Puppet.initialize_settings([])
require '{LIB}/puppet_x/stackwright/rest_provider'
"""


class Server:
    """`answers` by "VERB /path" are used up one after the other, the last one stays.

    Each is a status and a JSON body, or "reset": the connection is cut without an answer; "end" is the same without a
    reset, as when a process ends.
    """

    def __init__(self, address: str = "127.0.0.1", port: int = 0, context: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, list[Any]] = {}
        self.seen: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        self.tokens = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                outer.connections += 1
                super().setup()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: ARG002
                return

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                request = f"{self.command} {self.path}"
                outer.seen.append(request)
                outer.headers.append({**dict(self.headers.items()), "_body": body.decode(errors="replace")})
                queue = outer.answers.get(request)
                if queue is None and request == "POST /v3/auth/tokens":
                    return self.log_in()
                answer: Any = (queue.pop(0) if len(queue) > 1 else queue[0]) if queue else (404, {"error": "unknown"})
                if answer == "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.close_connection = True
                    self.connection.close()
                    return None
                if answer == "end":
                    self.close_connection = True
                    os.close(self.connection.detach())
                    return None
                return self.reply(*answer)

            def log_in(self) -> None:
                outer.tokens += 1
                endpoint = {"interface": "public", "region": "RegionOne", "url": outer.url}
                catalog = [{"type": "network", "endpoints": [endpoint]}]
                token = {"expires_at": "2099-01-01T00:00:00.000000Z", "catalog": catalog}
                self.reply(201, {"token": token}, {"X-Subject-Token": f"token-{outer.tokens}"})

            def reply(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        class Listener(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
                return  # a connection that was reset on purpose

        self.listener = Listener((address, port), Handler)
        if context:
            self.listener.socket = context.wrap_socket(self.listener.socket, server_side=True)
        host = f"[{address}]" if ":" in address else address
        self.url = f"{'https' if context else 'http'}://{host}:{self.listener.server_port}"
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.listener.shutdown()
        self.listener.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def start(*args: Any, **keywords: Any) -> Server:
        running.append(Server(*args, **keywords))
        return running[-1]

    yield start
    for server in running:
        server.close()


def ruby(code: str, url: str = "", environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("OS_") and not k.lower().endswith("_proxy")}
    clean["HOME"] = "/nonexistent"
    if url:
        clean |= {
            "OS_AUTH_URL": url,
            "OS_USERNAME": "admin",
            "OS_PASSWORD": PASSWORD,
            "OS_PROJECT_NAME": "admin",
            "OS_REGION_NAME": "RegionOne",
        }
    command = ["ruby", "-e", (PROVIDER if "RestProvider" in code else LIGHT) + PRELUDE + code]
    return subprocess.run(command, env=clean | (environment or {}), capture_output=True, text=True, timeout=120)


def value(code: str, url: str = "", environment: dict[str, str] | None = None) -> Any:
    done = ruby(code, url, environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_one_token_and_one_connection_for_everything(serve: Callable[..., Server]) -> None:
    api = serve()
    api.answers["GET /v3/users?domain_id=default"] = [(200, {"users": [{"id": "u1", "name": "nova"}]})]
    api.answers["PATCH /v3/users/u1"] = [(200, {"user": {"id": "u1", "name": "nova", "email": "a@b"}})]
    api.answers["GET /v2.0/networks?name=x"] = [(200, {"networks": []})]
    code = """
    users = session.collection(:identity, '/users', 'users', 'domain_id' => 'default')
    3.times { users.find { |u| u['name'] == 'nova' } }
    users.put(session.patch(:identity, '/users/u1', { 'user' => { 'email' => 'a@b' } })['user'])
    session.get(:network, '/networks', 'name' => 'x')
    out(users.find { |u| u['id'] == 'u1' }['email'])
    """
    assert value(code, api.url) == "a@b"
    assert api.seen == [
        "POST /v3/auth/tokens",
        "GET /v3/users?domain_id=default",
        "PATCH /v3/users/u1",
        "GET /v2.0/networks?name=x",
    ]
    assert api.connections == 1


def test_waits_for_an_api_that_is_starting(serve: Callable[..., Server]) -> None:
    port = free_port()

    def later() -> None:
        time.sleep(1.5)
        api = serve(port=port)
        api.answers["GET /v3/roles"] = [(503, {}), (500, {}), "reset", (200, {"roles": []})]

    thread = threading.Thread(target=later)
    thread.start()
    try:
        assert value("out(session.get(:identity, '/roles'))", f"http://127.0.0.1:{port}") == {"roles": []}
    finally:
        thread.join()


def test_a_refused_token_is_replaced(serve: Callable[..., Server]) -> None:
    api = serve()
    api.answers["GET /v3/roles"] = [(401, {"error": {"message": "no"}}), (200, {"roles": ["r"]})]
    assert value("out(session.get(:identity, '/roles'))", api.url) == {"roles": ["r"]}
    assert api.tokens == 2
    assert [h.get("X-Auth-Token") for h in api.headers] == [None, "token-1", None, "token-2"]


def test_a_token_that_stays_refused_is_an_error(serve: Callable[..., Server]) -> None:
    api = serve()
    api.answers["GET /v3/roles"] = [(401, {"error": {"message": "the answer is no"}})]
    done = ruby("session.get(:identity, '/roles')", api.url)
    assert done.returncode != 0
    assert f"GET {api.url}/v3/roles: HTTP 401: the answer is no" in done.stderr


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_post_whose_answer_is_lost_is_not_blindly_repeated(serve: Callable[..., Server], carried_out: bool) -> None:
    api = serve()
    api.answers["POST /v2.0/networks"] = ["reset", (201, {"network": {"id": "second"}})]
    api.answers["GET /v2.0/networks?name=n"] = [(200, {"networks": [{"id": "first"}] if carried_out else []})]
    code = """
    made = RestProvider.new.make(:network, '/networks', { 'network' => { 'name' => 'n' } }) do
      session.get(:network, '/networks', 'name' => 'n')['networks'].first
    end
    out(made)
    """
    expected: Any = [{"id": "first"}, False] if carried_out else [{"network": {"id": "second"}}, True]
    assert value(code, api.url) == expected
    assert api.seen.count("POST /v2.0/networks") == (1 if carried_out else 2)


def test_errors_name_the_request_and_hide_secrets(serve: Callable[..., Server]) -> None:
    api = serve()
    body = {"badRequest": {"message": f"password 'n3w-pw' and {PASSWORD} are   bad"}}
    api.answers["POST /v3/users"] = [(400, body)]
    done = ruby("session.post(:identity, '/users', { 'user' => {} }, :secrets => ['n3w-pw'])", api.url)
    assert f"POST {api.url}/v3/users: HTTP 400: password '[redacted]' and [redacted] are bad" in done.stderr
    assert PASSWORD not in done.stderr + done.stdout
    assert PASSWORD not in ruby("out(session.credentials.inspect); raise session.credentials.to_s", api.url).stderr


def test_a_wrong_password_is_said_at_once(serve: Callable[..., Server]) -> None:
    api = serve()
    api.answers["POST /v3/auth/tokens"] = [(401, {"error": {"message": "The request you have made requires auth"}})]
    done = ruby("session.get(:identity, '/roles')", api.url)
    assert f"POST {api.url}/v3/auth/tokens as admin (environment), project scope: HTTP 401" in done.stderr
    assert len(api.seen) == 1
    assert value("out(session.password_valid?('u', 'x'))", api.url) is False


def test_a_dead_api_is_given_up_and_then_not_waited_for_again() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    code = """
    messages = 2.times.map { begin; session.get(:identity, '/roles'); rescue Unreachable => e; e.message; end }
    out(messages)
    """
    messages = value(code, url, {"TEST_NOOP": "1"})
    assert len(messages) == 2
    assert all(f"POST {url}/v3/auth/tokens: no answer for" in m and "ECONNREFUSED" in m for m in messages)


def test_ipv6_literals(serve: Callable[..., Server]) -> None:
    try:
        api = serve("::1")
    except OSError:
        pytest.skip("no IPv6 loopback here")
    api.answers["GET /v3/roles"] = [(200, {"roles": []})]
    assert value("out(session.get(:identity, '/roles'))", f"{api.url}/v3/") == {"roles": []}
    assert {h["Host"] for h in api.headers} == {api.url.removeprefix("http://")}


def test_goes_through_the_proxy_of_the_environment(serve: Callable[..., Server]) -> None:
    proxy = serve()
    target = "http://keystone.example.test:5000"
    proxy.answers[f"POST {target}/v3/auth/tokens"] = [(201, {"token": {"expires_at": "2099-01-01T00:00:00Z"}})]
    proxy.answers[f"GET {target}/v3/roles"] = [(200, {"roles": []})]
    assert value("out(session.get(:identity, '/roles'))", target, {"http_proxy": proxy.url}) == {"roles": []}


def test_which_proxy() -> None:
    cases = {
        ("http://a.example.test:5000/", ""): "http://p:3128",
        ("https://a.example.test/", ""): "http://s:3128",
        ("http://a.example.test/", "*"): None,
        ("http://a.example.test/", "b.test, example.test"): None,
        ("http://a.example.test/", ".example.test"): None,
        ("http://notexample.test/", "example.test"): "http://p:3128",
        ("http://a.example.test:80/", "a.example.test:81"): "http://p:3128",
        ("http://198.18.0.7:5000/", "198.18.0.0/15"): None,
        ("http://198.18.0.7:5000/", "198.19.0.0/16"): "http://p:3128",
        ("http://[fd00::5]:5000/", "fd00::/8"): None,
        ("http://[fd00::5]:5000/", "[fd00::5]"): None,
        ("http://[fd00::5]:5000/", "198.18.0.0/15"): "http://p:3128",
        # The host itself, whatever its address is.
        ("http://127.0.0.1:5000/", ""): None,
        ("http://[::1]:5000/", ""): None,
        ("http://localhost:5000/", ""): None,
        (f"http://{socket.gethostname()}:5000/", ""): None,
        ("own", ""): None,
    }
    code = """
    out(JSON.parse(ENV['TEST_CASES']).map do |url, no_proxy|
      environment = { 'http_proxy' => 'http://p:3128', 'HTTPS_PROXY' => 's:3128', 'no_proxy' => no_proxy }
      url = "http://#{Socket.ip_address_list.select(&:ipv4?).last.ip_address}/" if url == 'own'
      Proxy.for(URI.parse(url), environment)&.to_s
    end)
    """
    found = value(code, environment={"TEST_CASES": json.dumps(list(cases))})
    assert dict(zip(cases, found, strict=True)) == cases


def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """What a server on loopback shows, and the file to trust it by."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, cert


def test_certificates(serve: Callable[..., Server], tmp_path: Path) -> None:
    context, cert = certificate(tmp_path)
    api = serve(context=context)
    api.answers["GET /v3/roles"] = [(200, {"roles": []})]
    code = "out(session.get(:identity, '/roles'))"
    assert value(code, api.url, {"OS_CACERT": str(cert)}) == {"roles": []}
    assert value(code, api.url, {"OS_INSECURE": "true"}) == {"roles": []}
    done = ruby(code, api.url)
    assert "certificate verify failed" in done.stderr
    assert "set OS_CACERT" in done.stderr


@pytest.mark.parametrize("how", ["reset", "end"])
def test_with_tls_too_a_post_whose_answer_is_lost_is_not_blindly_repeated(
    serve: Callable[..., Server], tmp_path: Path, how: str
) -> None:
    """OpenSSL calls the end of a connection an error of its own. A second endpoint would be made by a second try."""
    context, cert = certificate(tmp_path)
    api = serve(context=context)
    api.answers["POST /v3/endpoints"] = [how, (201, {"endpoint": {"id": "second"}})]
    api.answers["GET /v3/endpoints"] = [how, (200, {"endpoints": []})]
    code = """
    begin
      session.post(:identity, '/endpoints', { 'endpoint' => {} })
    rescue Uncertain
      out(session.get(:identity, '/endpoints'))
    end
    """
    assert value(code, api.url, {"OS_CACERT": str(cert)}) == {"endpoints": []}
    assert api.seen.count("POST /v3/endpoints") == 1


def test_logins_are_looked_for_where_upstream_looks(tmp_path: Path) -> None:
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text(
        "clouds:\n  system:\n    auth:\n      auth_url: http://k:5000\n      password: 0123\n      username: admin\n"
        "      user_domain_name: Default\n      system_scope: all\n    region_name: R1\n    interface: internal\n"
        "    verify: false\n"
    )
    (tmp_path / "openrc").write_text("export OS_USERNAME='rc'\nOS_PASSWORD=a=b\n# no\nexport OS_AUTH_URL=http://rc:5000/v3\n"
                                     'export OS_PROJECT_NAME="p"\n')  # fmt: skip
    conf = tmp_path / "nova.conf"
    conf.write_text("[DEFAULT]\npassword = no\n[keystone_authtoken]\nauth_url=http://conf:5000/\nusername = nova\n"
                    "password = 'conf$$pw\\$'\nproject_name=services\ncafile=/ca.pem\n[x]\npassword=no\n")  # fmt: skip
    show = """
    Credentials.send(:remove_const, :CLOUDS_FILES)
    Credentials.const_set(:CLOUDS_FILES, ENV['TEST_CLOUDS'].to_s.split)
    def show(c) out([c.scope, c.username, c.password, c.identity_url, c.region_name, c.interface, c.insecure]) end
    """
    files = {"TEST_CLOUDS": str(clouds), "HOME": str(tmp_path)}
    assert value(show + "show(Credentials.find('system'))", environment=files) == [
        "system", "admin", "0123", "http://k:5000/v3", "R1", "internal", True,
    ]  # fmt: skip
    # A complete environment of the wanted scope goes first; of another scope it does not.
    assert value(show + "show(Credentials.find('project'))", "http://e:5000", files)[1:4] == [
        "admin", PASSWORD, "http://e:5000/v3",
    ]  # fmt: skip
    assert value(show + "show(Credentials.find('system'))", "http://e:5000", files)[3] == "http://k:5000/v3"
    files = {"TEST_CLOUDS": "", "HOME": str(tmp_path)}
    assert value(show + "show(Credentials.find('project'))", environment=files)[:4] == [
        "project", "rc", "a=b", "http://rc:5000/v3",
    ]  # fmt: skip
    files = {"TEST_CLOUDS": "", "HOME": "/nonexistent"}
    if not Path("/root/openrc").exists():
        code = show + f"show(Credentials.find('project', '{conf}'))"
        assert value(code, environment=files)[:4] == ["project", "nova", "conf$pw$", "http://conf:5000/v3"]
        done = ruby(show + "Credentials.find('system')", environment=files)
        assert "no way to log in to Keystone" in done.stderr


def test_a_login_file_that_changes_during_the_run_is_read_again(tmp_path: Path) -> None:
    clouds = tmp_path / "clouds.yaml"
    code = f"""
    Credentials.send(:remove_const, :CLOUDS_FILES)
    Credentials.const_set(:CLOUDS_FILES, ['{clouds}'])
    def write(password)
      auth = "{{auth_url: 'http://k', username: a, project_name: p, password: #{{password}}}}"
      File.write('{clouds}', "clouds:\\n  project:\\n    auth: #{{auth}}")
    end
    write('one')
    first = Session.for('project')
    same = Session.for('project')
    write('three')
    out([first.equal?(same), Session.for('project').credentials.password])
    """
    assert value(code) == [True, "three"]


def _rules(*found: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    return 200, {"security_group_rules": [{"id": str(n), "port_range_min": 22, **one} for n, one in enumerate(found)]}


def test_a_rule_of_a_security_group_is_that_of_its_network(serve: Callable[..., Server]) -> None:
    """What is for everyone is no rule for a network, and Neutron may keep everyone's without one."""
    api = serve()
    api.answers["GET /v3/projects?name=demo"] = [(200, {"projects": [{"id": "p1", "domain_id": "default"}]})]
    groups = (200, {"security_groups": [{"id": "g1"}]})
    api.answers["GET /v2.0/security-groups?name=default&project_id=p1"] = [groups]
    asked = "GET /v2.0/security-group-rules?security_group_id=g1&direction=ingress&ethertype="
    everyone, near = {"remote_ip_prefix": None}, {"remote_ip_prefix": "198.18.0.0/24"}
    api.answers[f"{asked}IPv4&protocol=tcp"] = [_rules(everyone), _rules(everyone), _rules(near), _rules(near)]
    api.answers[f"{asked}IPv6&protocol=ipv6-icmp"] = [_rules()]
    api.answers["POST /v2.0/security-group-rules"] = [(201, {"security_group_rule": {"id": "r1"}})]
    code = f"""
    $LOAD_PATH.unshift('{LIB}')
    require 'puppet_x/stackwright/rest_provider'
    type = Puppet::Type.type(:stackwright_security_group_rule)
    one = lambda {{ |name| type.new(:name => name).provider }}
    networks = %w[198.18.0.0/24 0.0.0.0/0 198.18.0.0/24 0.0.0.0/0]
    found = networks.map {{ |network| one.call("demo:default:tcp:22@#{{network}}").exists? }}
    ping = one.call('demo:default:icmp@2001:2::/48')
    ping.create unless ping.exists?
    out([found, type.defaultprovider.name, PuppetX::Stackwright::RestProvider.name])
    """
    found = value(code, api.url)
    assert found[:2] == [[False, True, True, False], "rest"]
    (made,) = [
        json.loads(h["_body"]) for h, r in zip(api.headers, api.seen, strict=True) if "-rules" in r and "POST" in r
    ]
    assert made["security_group_rule"] == {
        "security_group_id": "g1",
        "direction": "ingress",
        "ethertype": "IPv6",
        "protocol": "ipv6-icmp",
        "port_range_min": None,
        "port_range_max": None,
        "remote_ip_prefix": "2001:2::/48",
    }
