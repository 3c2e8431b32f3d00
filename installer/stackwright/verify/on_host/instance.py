"""Checks of the data plane: a temporary network, an instance on it that is reached from outside, and a volume."""

from __future__ import annotations

import re
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .api import ApiError, Failure, wait_for
from .cloud import Session
from .runner import Check, Skip


class Site:
    """What the checks have created so far in the temporary project. Each attribute is set by one check, before the
    checks that need it run."""

    def __init__(self, config: Any, name: str, folder: str) -> None:
        self.config = config
        self.name = name
        self.folder = folder
        """A private folder for the SSH key."""
        self.network = self.subnet = self.external = self.router = self.group = self.port = ""
        self.fixed_address = self.gateway = self.outside_gateway = ""
        self.floating = ""
        self.server: dict[str, Any] = {}
        self.flavor = ""
        self.others: dict[str, tuple[str, str]] = {}
        """By compute host: the id and the address of its instance; without the first instance."""
        self.volume = self.device = ""
        self.namespace = ""
        """The network namespace through which the instance is reached if there is no floating address."""
        self.console = ""
        self.console_read = 0.0
        self.console_lock = threading.Lock()

    @property
    def key(self) -> str:
        return f"{self.folder}/id"


def _command(words: Sequence[str], timeout: float, data: bytes = b"") -> tuple[int, str, str]:
    try:
        done = subprocess.run(list(words), input=data, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return 124, "", f"no answer within {timeout:.0f} s"
    except OSError as error:
        raise Failure(f"cannot run {words[0]}: {error.strerror}", "host") from None
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def key_pair(own: Session, site: Site) -> str:
    """Generates an SSH key, and imports the public key into Nova."""
    code, _, error = _command(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", site.name, "-f", site.key], 30)
    if code:
        raise Failure(f"ssh-keygen failed: {error.strip()}", "host")
    public = Path(site.key + ".pub").read_text(encoding="ascii").strip()
    own.post("compute", "/os-keypairs", {"keypair": {"name": site.name, "public_key": public}})
    return "ed25519, imported"


def network(own: Session, site: Site) -> str:
    """A network with a subnet."""
    site.network = own.post("network", "/networks", {"network": {"name": site.name}})["network"]["id"]
    about = {"name": site.name, "network_id": site.network, "ip_version": 4, "cidr": site.config.tenant_cidr}
    servers = list(site.config.nameservers)
    made = own.post("network", "/subnets", {"subnet": {**about, "dns_nameservers": servers}})["subnet"]
    site.subnet, site.gateway = made["id"], made["gateway_ip"]
    return str(site.config.tenant_cidr)


def router(admin: Session, own: Session, site: Site) -> str:
    """A router with an address on the external network."""
    name = site.config.external_network
    if not name:
        return "there is no external network"
    rows = own.get("network", f"/networks?name={name}&router:external=true")["networks"]
    if not rows:
        raise Failure(f"there is no external network called {name}", "neutron")
    site.external = rows[0]["id"]
    about = {"name": site.name, "external_gateway_info": {"network_id": site.external}}
    made = own.post("network", "/routers", {"router": about})["router"]
    site.router = made["id"]
    # Ordinary users cannot see the subnets of an external network.
    subnets = admin.get("network", f"/subnets?network_id={site.external}")["subnets"]
    gateways = [s["gateway_ip"] for s in subnets if s["gateway_ip"] and s["ip_version"] == 4]
    site.outside_gateway = gateways[0] if gateways else ""
    addresses = [ip["ip_address"] for ip in made["external_gateway_info"].get("external_fixed_ips", ())]
    return f"to {name}" + (f", as {', '.join(addresses)}" if addresses else "")


def rules(own: Session, site: Site) -> str:
    """A security group that allows ping and SSH."""
    site.group = own.post("network", "/security-groups", {"security_group": {"name": site.name}})["security_group"][
        "id"
    ]
    about = {"security_group_id": site.group, "direction": "ingress", "ethertype": "IPv4"}
    for protocol, port in (("icmp", None), ("tcp", 22)):
        rule = {**about, "protocol": protocol, "port_range_min": port, "port_range_max": port}
        own.post("network", "/security-group-rules", {"security_group_rule": rule})
    return "ping and SSH are allowed"


def port(own: Session, site: Site) -> str:
    """A port for the instance, with a fixed and a floating address."""
    about = {"name": site.name, "network_id": site.network, "security_groups": [site.group]}
    made = own.post("network", "/ports", {"port": about})["port"]
    site.port, site.fixed_address = made["id"], made["fixed_ips"][0]["ip_address"]
    if not site.router:
        return site.fixed_address
    own.call("PUT", "network", f"/routers/{site.router}/add_router_interface", {"subnet_id": site.subnet})
    floating = {"floating_network_id": site.external, "port_id": site.port}
    address = own.post("network", "/floatingips", {"floatingip": floating})["floatingip"]["floating_ip_address"]
    site.floating = address
    return f"{site.fixed_address}, floating {site.floating}"


def flavor_id(admin: Session, own: Session, name: str, spare: str) -> str:
    """The id of the flavor `name`; if there is none, of the smallest; without any flavor, creates one named `spare`."""
    rows = own.get("compute", "/flavors/detail")["flavors"]
    for row in rows:
        if row["name"] == name:
            return str(row["id"])
    fit = sorted((r["ram"], r["disk"], r["id"]) for r in rows if r["ram"] >= 128)
    if fit:
        return str(fit[0][2])
    about = {"name": spare, "ram": 192, "disk": 1, "vcpus": 1}
    return str(admin.post("compute", "/flavors", {"flavor": about})["flavor"]["id"])


def active(session: Session, server: str) -> dict[str, Any] | None:
    """The instance if it is ACTIVE, otherwise None. Raises Failure with Nova's message if it is in status ERROR."""
    seen: dict[str, Any] = session.get("compute", f"/servers/{server}")["server"]
    if seen["status"] == "ERROR":
        fault = seen.get("fault", {}).get("message", "no reason given")
        service = "neutron" if re.search(r"(?i)network|port|vif|binding", fault) else "nova"
        raise Failure(f"the instance went to ERROR: {fault}", service)
    return seen if seen["status"] == "ACTIVE" else None


def boot(admin: Session, own: Session, site: Site, image: Mapping[str, Any]) -> str:
    """The instance is ACTIVE."""
    config = site.config
    site.flavor = flavor_id(admin, own, config.flavor, site.name)
    about: dict[str, Any] = {
        "name": site.name,
        "imageRef": image["id"],
        "flavorRef": site.flavor,
        "key_name": site.name,
        "networks": [{"port": site.port}],
    }
    server = own.post("compute", "/servers", {"server": about})["server"]["id"]

    try:
        site.server = wait_for("instance not ACTIVE", lambda: active(own, server), config.boot_timeout)
    except ApiError:
        raise
    except Failure as failure:
        if not failure.service:
            task = own.get("compute", f"/servers/{server}")["server"].get("OS-EXT-STS:task_state")
            raise Failure(f"{failure.message} (task: {task})", "neutron" if task == "networking" else "nova") from None
        raise
    detail = admin.get("compute", f"/servers/{server}")["server"]
    site.server = {**site.server, **{k: v for k, v in detail.items() if k.startswith("OS-EXT-SRV-ATTR")}}
    return f"ACTIVE on {site.server.get('OS-EXT-SRV-ATTR:host', 'a host')}, flavor {config.flavor}"


def console_text(own: Session, site: Site) -> str:
    """The console log. Several checks wait for its lines, so it is read at most once in two seconds."""
    with site.console_lock:
        if time.monotonic() - site.console_read > 2.0:
            site.console = console_of(own, site.server["id"]) or site.console
            site.console_read = time.monotonic()
        return site.console


def console_of(own: Session, server: str) -> str:
    """The console log of an instance; empty if there is none yet."""
    try:
        found = own.post("compute", f"/servers/{server}/action", {"os-getConsoleOutput": {"length": 2000}})
    except ApiError as error:
        if error.status not in (404, 409):
            raise
        return ""
    return str(found["output"] or "")


def console_tail(own: Session, site: Site, count: int = 12) -> tuple[str, ...]:
    """The last lines of the console log, for a failure; empty if it cannot be read."""
    try:
        return last_lines(console_text(own, site), count)
    except Failure:
        return ()


def last_lines(text: str, count: int = 12) -> tuple[str, ...]:
    """The last lines that are not empty."""
    return tuple(line for line in text.splitlines() if line.strip())[-count:]


def console(own: Session, site: Site) -> str:
    """The console log shows that a kernel started."""

    def look() -> str | None:
        text = console_text(own, site)
        return text if re.search(r"Linux version|login:|stackwright-guest:|cirros", text) else None

    text = wait_for("no lines of a kernel in the console log", look, site.config.boot_timeout, 2.0)
    return f"{len(text.splitlines())} lines"


def dhcp(own: Session, site: Site) -> str:
    """The console log shows that the guest got the address of its port."""
    pattern = re.compile(r"(?<![\d.])" + re.escape(site.fixed_address) + r"(?![\d.])")

    def look() -> str | None:
        text = console_text(own, site)
        if pattern.search(text):
            return f"the guest has {site.fixed_address}"
        # Our guest keeps asking, like most systems, so that a late agent does not count as a failure.
        if "No lease, failing" in text:
            raise Failure(NO_LEASE, "neutron", lines=console_tail(own, site))
        return None

    try:
        return wait_for(f"no {site.fixed_address} in the console log", look, site.config.boot_timeout, 2.0)
    except ApiError:
        raise
    except Failure as failure:
        if failure.lines:
            raise
        tail = console_tail(own, site)
        asked = any("dhcp: no answer" in line for line in tail)
        raise Failure(NO_LEASE if asked else failure.message, "neutron", lines=tail) from None


NO_LEASE = "the guest got no answer to DHCP"


def metadata(own: Session, site: Site) -> str:
    """The guest got its instance id from the metadata service."""
    number = site.server.get("OS-EXT-SRV-ATTR:instance_name", "").rpartition("-")[2]

    def look() -> str | None:
        text = console_text(own, site)
        found = re.search(
            r"metadata: from metadata, instance-id i-([0-9a-f]+)|successful after \d+/\d+ tries:.*iid=i-([0-9a-f]+)",
            text,
        )
        if found:
            seen = found.group(1) or found.group(2)
            if number and int(seen, 16) != int(number, 16):
                raise Failure(
                    f"the guest got the instance id i-{seen} from the metadata service, expected: i-{number}", "nova"
                )
            return f"the guest got its instance id i-{seen}"
        if re.search(r"metadata: no answer, and no|failed to read iid from metadata", text):
            raise Failure("the guest got no answer from the metadata service", "neutron", lines=console_tail(own, site))
        # Other images print nothing about it, but request metadata before they show a login prompt.
        if re.search(r"login:", text) and "stackwright-guest" not in text and "cirros" not in text.lower():
            raise Skip(
                "this image does not print its metadata on the console; the SSH check shows whether it got the key"
            )
        return None

    try:
        return wait_for("no metadata in the guest", look, site.config.boot_timeout, 2.0)
    except ApiError:
        raise
    except Failure as failure:
        if failure.lines or failure.service:
            raise
        raise Failure(failure.message, "neutron", lines=console_tail(own, site)) from None


def address(site: Site) -> str:
    """The address at which this host reaches the instance."""
    if site.floating:
        return site.floating
    if not site.namespace:
        code, out, _ = _command(["ip", "netns", "list"], 10)
        names = [line.split()[0] for line in out.splitlines() if line.strip()] if code == 0 else []
        for candidate in (f"qdhcp-{site.network}", f"ovnmeta-{site.network}"):
            if candidate in names:
                site.namespace = candidate
        if not site.namespace:
            raise Skip("there is no external network, and this host has no namespace of the instance's network")
    return site.fixed_address


def _inside(site: Site) -> list[str]:
    return ["ip", "netns", "exec", site.namespace] if site.namespace else []


def ping(own: Session, site: Site) -> str:
    """The instance's floating address answers a ping from this host."""
    target = address(site)

    def look() -> str | None:
        code, out, _ = _command([*_inside(site), "ping", "-n", "-c", "1", "-W", "2", target], 10)
        if code:
            return None
        time = re.search(r"time=([\d.]+ ?ms)", out)
        return f"{target} answers" + (f" in {time.group(1)}" if time else "")

    try:
        return wait_for(f"no answer to ping from {target}", look, site.config.reach_timeout)
    except Failure as failure:
        up = (
            "the guest has its address"
            if site.fixed_address in "\n".join(console_tail(own, site, 400))
            else "the guest has no address"
        )
        raise Failure(f"{failure.message}; {up}", "neutron") from None


def ssh(site: Site, command: str, timeout: float = 60.0) -> tuple[int, str, str]:
    """Runs a command in the guest with the injected key: (exit code, output, errors). 255 is SSH's own failure."""
    words = [*_inside(site), "ssh", "-F", "/dev/null", "-i", site.key]
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": "10",
        "IdentitiesOnly": "yes",
        "LogLevel": "ERROR",
        "ServerAliveInterval": "10",
        # The host key of a new instance is unknown: accept it the first time, then it must not change.
        "StrictHostKeyChecking": "accept-new",
        "UserKnownHostsFile": f"{site.key}.known_hosts",
        "GlobalKnownHostsFile": "/dev/null",
    }
    for name, value in options.items():
        words += ["-o", f"{name}={value}"]
    return _command([*words, f"{site.config.ssh_user}@{address(site)}", command], timeout)


def login(own: Session, site: Site) -> str:
    """SSH with the injected key works, and the guest has its host name and address."""
    last = ""

    def look() -> str | None:
        nonlocal last
        code, out, error = ssh(site, "hostname; /sbin/ip -4 -o addr show || ip -4 -o addr show", 45)
        last = error.strip() or f"exit code {code}"
        return out if code == 0 else None

    try:
        out = wait_for("no login over SSH", look, site.config.reach_timeout, 2.0)
    except Failure as failure:
        lines = console_tail(own, site)
        refused = "the guest rejects the injected key" if "Permission denied" in last else last.splitlines()[-1]
        raise Failure(f"{failure.message} as {site.config.ssh_user}: {refused}", "neutron", lines=lines) from None
    if site.fixed_address not in out:
        raise Failure(f"the guest's own address is not {site.fixed_address}: {out.split()[1:]}", "neutron")
    return f"as {site.config.ssh_user}, hostname {out.split()[0]}"


def outbound(site: Site) -> str:
    """The guest reaches its router, and addresses outside the cloud."""
    targets = [t for t in (site.gateway if site.router else "", site.outside_gateway, *site.config.outside) if t]
    if not site.router:
        raise Skip("there is no external network")
    lost = []
    for target in targets:
        code, out, error = ssh(site, f"ping -c 2 -w 10 {shlex.quote(target)}")
        if code:
            lost.append(f"{target} ({(error or out).strip().splitlines()[-1] if (error or out).strip() else code})")
    if lost:
        raise Failure("the guest gets no answer from " + ", ".join(lost), "neutron")
    return "the guest pings " + ", ".join(targets)


def checks(
    site: Site, admin: Session, own: Callable[[], Session], image: Callable[[], Mapping[str, Any]]
) -> list[Check]:
    """The checks of the data plane. They need these checks of the control plane: project, image, cell-mapping."""
    services = tuple(site.config.services)
    if "compute" not in services or "network" not in services:
        return []

    def in_project(run: Callable[[Session, Site], str]) -> Callable[[], str]:
        return lambda: run(own(), site)

    # Needs that are not checks of this run count as met.
    neutron = ("neutron-agents", "project")
    ready = ("port", "keypair", "image", "nova-services", "cell-mapping")
    return [
        Check("keypair", "A key pair", "nova", in_project(key_pair), ("endpoint-nova", "project")),
        Check("network", "A network", "neutron", in_project(network), neutron),
        Check("router", "A router", "neutron", lambda: router(admin, own(), site), neutron),
        Check("rules", "A security group", "neutron", in_project(rules), neutron),
        Check("port", "A port with a floating address", "neutron", in_project(port), ("network", "router", "rules")),
        Check("instance", "An instance boots", "nova", lambda: boot(admin, own(), site, image()), ready),
        Check("console", "Its console log", "nova", in_project(console), ("instance",)),
        Check("dhcp", "Its address by DHCP", "neutron", in_project(dhcp), ("console",)),
        Check("metadata", "Its metadata", "neutron", in_project(metadata), ("console",)),
        Check("ping", "Its floating address answers", "neutron", in_project(ping), ("instance",)),
        Check("ssh", "SSH with the injected key", "neutron", in_project(login), ("ping",)),
        Check("outbound", "Outbound access", "neutron", lambda: outbound(site), ("ssh",)),
    ]
