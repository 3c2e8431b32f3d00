"""Checks that look at one host at a time: its system, access, processor, kernel, and what is on it already."""

from __future__ import annotations

from stackwright import platforms
from stackwright.model import Facts, Problem, Severity, StackwrightError
from stackwright.planner import render
from stackwright.preflight.situation import Problems, Situation, listing

_CHASSIS = ("ovn-controller", "openvswitch-agent", "linuxbridge-agent")


def seen_all(situation: Situation) -> Problems:
    """Every host that is to get something has been looked at."""
    for host in situation.placement:
        if host not in situation.facts:
            yield Problem("facts", "the host was not examined", "", "check that it can be reached", host)


def system(situation: Situation) -> Problems:
    """The operating system is one that is supported, on this architecture."""
    for host, facts in situation.facts.items():
        try:
            platforms.find(facts.os_id, facts.os_version, facts.arch)
        except StackwrightError as error:
            name = facts.os_name or "a system that /etc/os-release does not name"
            yield Problem(
                "os", f"{name} on {facts.arch or 'an unknown processor'} is not supported", "", error.hint, host
            )


def release(situation: Situation) -> Problems:
    """The OpenStack release can be installed on every host, the same one on all."""
    asked = situation.answers["CONFIG_OPENSTACK_RELEASE"]
    found: dict[str, list[str]] = {}
    for host, facts in situation.facts.items():
        platform = situation.platform(facts)
        if platform is None:
            continue
        try:
            chosen = platforms.release_of(platform, asked, bool(situation.answers["CONFIG_RDO_TRUNK"]))
        except StackwrightError as error:
            yield Problem(
                "release",
                error.message,
                "",
                error.hint,
                host,
                where="CONFIG_OPENSTACK_RELEASE",
            )
            continue
        found.setdefault(chosen.name, []).append(host)
        elsewhere = ("CONFIG_ENABLE_RDO_TESTING", "CONFIG_RDO_TRUNK", "CONFIG_OFFLINE_REPO", "CONFIG_REPO")
        if not chosen.released and not any(situation.answers[key] for key in elsewhere):
            yield Problem(
                "release",
                f"RDO has not released OpenStack {chosen.name} for {platform.name} yet",
                "another source is needed",
                "set CONFIG_ENABLE_RDO_TESTING=y for its unsigned test packages, or use --trunk",
                host,
                where="CONFIG_ENABLE_RDO_TESTING",
            )
        if "linuxbridge-agent" in situation.components(host) and not chosen.linuxbridge:
            yield Problem(
                "release",
                f"OpenStack {chosen.name} has no linuxbridge agent any more",
                "",
                "set CONFIG_NEUTRON_L2_AGENT=ovn (or openvswitch)",
                host,
                where="CONFIG_NEUTRON_L2_AGENT",
            )
    if len(found) > 1:
        yield Problem(
            "release",
            "; ".join(f"{name} on {listing(hosts)}" for name, hosts in sorted(found.items())),
            "all hosts need the same OpenStack release",
            "use the same operating system on all hosts, or set CONFIG_OPENSTACK_RELEASE to one that all of them have",
        )


def access(situation: Situation) -> Problems:
    """Root, by login or through sudo without a password."""
    for host, facts in situation.facts.items():
        if facts.uid != 0 and not facts.sudo:
            user = facts.extra.get("user") or f"user {facts.uid}"
            missing = facts.extra.get("sudo") == "missing"
            yield Problem(
                "sudo",
                f"{user} is not root, and " + ("there is no sudo" if missing else "sudo asks for a password"),
                "the installation needs root",
                "log in as root, or install sudo"
                if missing
                else f"on the host, put this line into /etc/sudoers.d/stackwright: {user} ALL=(ALL) NOPASSWD: ALL",
                host,
            )


def systemd(situation: Situation) -> Problems:
    """systemd runs the host's services."""
    for host, facts in situation.facts.items():
        init = facts.extra.get("init", "systemd")
        if init != "systemd":
            yield Problem(
                "systemd",
                f"process 1 is {init}",
                "the services need systemd",
                "use a machine that boots with systemd; `stackwright lab up NAME` makes one here",
                host,
            )


def locale(situation: Situation) -> Problems:
    """A UTF-8 locale, which Puppet and the databases' tools need."""
    for host, facts in situation.facts.items():
        names = facts.extra.get("locales", "C.utf8").lower().replace("utf-8", "utf8")
        if "utf8" not in names:
            yield Problem(
                "locale",
                f"there is no UTF-8 locale (only {facts.extra['locales'] or 'none'})",
                "Puppet and the tools of databases need one",
                "install it: glibc-langpack-en on CentOS, the package locales on Debian",
                host,
                Severity.WARNING,
            )


def virtualization(situation: Situation) -> Problems:
    """Compute hosts can run instances the way the answers ask for."""
    asked = situation.answers["CONFIG_NOVA_LIBVIRT_VIRT_TYPE"]
    for facts in situation.having("nova-compute"):
        if facts.kvm and not facts.container:
            continue
        why = "container" if facts.container else "no /dev/kvm, vmx or svm"
        seen = f"no hardware virtualization here ({why})"
        hint = "switch virtualization on in the firmware, or nested virtualization on its hypervisor"
        if asked == "kvm":
            yield Problem(
                "kvm",
                seen,
                "CONFIG_NOVA_LIBVIRT_VIRT_TYPE=kvm needs it",
                f"{hint}; or set CONFIG_NOVA_LIBVIRT_VIRT_TYPE=qemu",
                facts.host,
                where="CONFIG_NOVA_LIBVIRT_VIRT_TYPE",
            )
        elif asked != "qemu":
            yield Problem(
                "kvm",
                f"{seen}: instances use slow emulation",
                "",
                hint,
                facts.host,
                Severity.WARNING,
            )


def image(situation: Situation) -> Problems:
    """The demo image is available where the answers say."""
    answers = situation.answers
    source, url = answers["CONFIG_PROVISION_IMAGE_SOURCE"], answers["CONFIG_PROVISION_IMAGE_URL"]
    if source == "build" or not (answers["CONFIG_PROVISION_DEMO"] and answers["CONFIG_GLANCE_INSTALL"]):
        return
    for host, facts in situation.facts.items():
        if facts.extra.get("image_url") != "unreachable":
            continue
        is_file = url.startswith(("/", "file:"))
        # Whoever names a file of theirs wants that one, and no other.
        must = is_file or source == "url"
        yield Problem(
            "image",
            f"there is no file {url} on the host" if is_file else f"{url} cannot be reached",
            "the demo needs this image" if must else "a small demo image is built from the host's own kernel instead",
            "CONFIG_PROVISION_IMAGE_URL takes a URL, or the path of a file on this host"
            + ("; CONFIG_PROVISION_IMAGE_SOURCE=build makes one there" if must else ""),
            host,
            Severity.ERROR if must else Severity.WARNING,
            "CONFIG_PROVISION_IMAGE_URL",
        )


def _modules(facts: Facts, *names: str) -> list[str]:
    """Those of the names that the kernel lacks; none where nothing is known of its modules."""
    return [n for n in names if n not in facts.kernel_modules] if facts.kernel_modules else []


_OTHER_KERNEL = "optional: use a kernel with these modules"


def kernel(situation: Situation) -> Problems:
    """Kernel modules for the chosen network, volume and object back ends."""
    agent, datapath = situation.agent(), situation.answers["CONFIG_NEUTRON_DATAPATH"] or "auto"
    backends = situation.answers["CONFIG_CINDER_BACKEND"] if situation.answers["CONFIG_CINDER_INSTALL"] else ()

    def lacking(facts: Facts, names: list[str], what: str, hint: str, severity: Severity = Severity.ERROR) -> Problem:
        off = sorted(set(names) & set(facts.extra.get("modules-off", "").split()))
        many = len(names) > 1
        seen = f"kernel module{'s' * many} {listing(names)} {'are' if many else 'is'} missing"
        seen += f" (/etc/modprobe.d forbids {listing(off)})" if off else ""
        wanted = what.format("them" if many else "it")
        return Problem("kernel-module", seen, wanted, hint, facts.host, severity)

    for facts in situation.having(*_CHASSIS):
        if agent == "linuxbridge":
            if names := _modules(facts, "vxlan", "br_netfilter"):
                yield lacking(facts, names, "the linuxbridge agent needs {}", "set CONFIG_NEUTRON_L2_AGENT=ovn")
            continue
        names = _modules(facts, "openvswitch", *(["geneve"] if agent == "ovn" else ["vxlan"]))
        if not names or datapath == "netdev":
            continue
        if datapath == "system":
            hint = "set CONFIG_NEUTRON_DATAPATH=auto: Open vSwitch then works in user space where it has to"
            yield lacking(facts, names, "CONFIG_NEUTRON_DATAPATH=system needs {}", hint)
        else:
            hint = "optional: load these modules on the container's host" if facts.container else _OTHER_KERNEL
            what = "Open vSwitch works in user space without {}, which is slower"
            yield lacking(facts, names, what, hint, Severity.WARNING)
    for facts in situation.facts.values() if situation.answers["CONFIG_FIREWALL"] else ():
        if names := _modules(facts, "nf_tables"):
            yield lacking(facts, names, "the firewall needs {}", "set CONFIG_FIREWALL=n")
    for facts in situation.having("cinder-volume"):
        if "lvm" in backends and (names := _modules(facts, "dm_mod")):
            yield lacking(
                facts, names, "LVM volumes need {}", "set CONFIG_CINDER_BACKEND=ceph, or nfs with a server of yours"
            )
    for facts in situation.having("cinder-volume", "nova-compute"):
        if "nfs" in backends and (names := _modules(facts, "nfs")):
            yield lacking(
                facts, names, "mounting CONFIG_CINDER_NFS_MOUNTS needs {}", "set CONFIG_CINDER_BACKEND=ceph or lvm"
            )
    for facts in situation.having("swift-storage"):
        if situation.answers["CONFIG_SWIFT_STORAGE_FSTYPE"] == "xfs" and (names := _modules(facts, "xfs")):
            yield lacking(facts, names, "Swift's storage needs {}", "set CONFIG_SWIFT_STORAGE_FSTYPE=ext4")


def volume_group(situation: Situation) -> Problems:
    """The LVM group is there, where it is not to be made."""
    if "lvm" not in situation.answers["CONFIG_CINDER_BACKEND"] or situation.answers["CONFIG_CINDER_VOLUMES_CREATE"]:
        return
    name = situation.answers["CONFIG_CINDER_VOLUME_NAME"] or "cinder-volumes"
    for facts in situation.having("cinder-volume"):
        if facts.sudo and f"volume-group {name}" not in facts.extra:
            others = [k.partition(" ")[2] for k in facts.extra if k.startswith("volume-group ")]
            yield Problem(
                "volume-group",
                f"there is no volume group {name}" + (f" (only {listing(others)})" if others else ""),
                "CONFIG_CINDER_VOLUMES_CREATE=n needs it",
                f"create it (vgcreate {name} /dev/...), or set CONFIG_CINDER_VOLUMES_CREATE=y for a trial",
                facts.host,
                where="CONFIG_CINDER_VOLUME_NAME",
            )


def other_ceph(situation: Situation) -> Problems:
    """No other Ceph is set up on the hosts of volumes, where /etc/ceph/ceph.conf is made."""
    if "ceph" not in situation.answers["CONFIG_CINDER_BACKEND"]:
        return
    ours = render.ceph_fsid(situation.answers["CONFIG_CEPH_SECRET"])
    for facts in situation.having("ceph", "cinder-volume"):
        found = facts.extra.get("ceph-fsid", "")
        if found and found != ours:
            yield Problem(
                "other-ceph",
                f"/etc/ceph/ceph.conf is that of another Ceph (fsid {found})",
                f"this cloud's has the fsid {ours}",
                "take another storage host; move the file away if that Ceph is of no use any more",
                facts.host,
            )


def other_cloud(situation: Situation) -> Problems:
    """The host is not part of another cloud."""
    for host, facts in situation.facts.items():
        if not facts.cloud or not situation.cloud_id or situation.ours(facts):
            continue
        told = [f"{k} {v}" for k, v in sorted(facts.cloud.items()) if v and k in ("operator", "when", "release")]
        yield Problem(
            "other-cloud",
            f"the host belongs to the cloud {facts.cloud.get('id') or 'of somebody'!s}"
            + (f" ({', '.join(told)})" if told else ""),
            f"this cloud is {situation.cloud_id}",
            "continue with that cloud's own answer file, or take another host; "
            "remove /var/lib/stackwright/cloud.json there only if that cloud is to be given up",
            host,
        )


_OPENSTACK = (
    "keystone",
    "nova-common",
    "neutron-common",
    "glance-common",
    "cinder-common",
    "openstack-keystone",
    "openstack-nova-common",
    "openstack-neutron",
    "openstack-glance",
    "openstack-cinder",
)


def leftovers(situation: Situation) -> Problems:
    """No OpenStack from elsewhere is on the host: its passwords and databases would be in the way."""
    for host, facts in situation.facts.items():
        found = [p for p in _OPENSTACK if p in facts.installed]
        if found and not facts.cloud:
            packstack = "; Packstack is installed too" if "openstack-packstack" in facts.installed else ""
            yield Problem(
                "earlier-installation",
                f"OpenStack was installed here by something else: {listing(found)}{packstack}",
                "",
                "take a fresh host; packages alone do no harm, earlier databases and passwords do",
                host,
                Severity.WARNING,
            )


def conflicting_software(situation: Situation) -> Problems:
    """Nothing is installed that fights for containers, databases or the firewall."""
    rivals = {
        "mysql-server": ("mariadb", "MySQL takes MariaDB's place", "remove it"),
        "mysql-community-server": ("mariadb", "MySQL takes MariaDB's place", "remove it"),
        "kubelet": ("", "Kubernetes manages the firewall and the networks", "use a host of its own for OpenStack"),
        "docker-ce": ("", "Docker sets the policy of forwarded packets to DROP", "remove it, or set iptables to false"),
        "docker.io": ("", "Docker sets the policy of forwarded packets to DROP", "remove it, or set iptables to false"),
        "ufw": ("", "ufw replaces firewall rules that are made here", "disable it"),
        "network-scripts": ("", "legacy network scripts", "leave the interfaces to NetworkManager"),
    }
    for host, facts in situation.facts.items():
        for package, (component, what, hint) in rivals.items():
            if package in facts.installed and (not component or component in situation.components(host)):
                severity = Severity.ERROR if component else Severity.WARNING
                yield Problem("conflicts", f"{package} is installed: {what}", "", hint, host, severity)


def epel(situation: Situation) -> Problems:
    """EPEL's packages are not mixed with RDO's."""
    for host, facts in situation.facts.items():
        platform = situation.platform(facts)
        if platform is None or not platform.conflicts:
            continue
        enabled = [r for r in facts.repositories if r in platform.conflicts]
        if enabled:
            yield Problem(
                "epel",
                f"repository {listing(enabled)} is enabled",
                "some of its packages conflict with RDO's (leatherman breaks facter)",
                "nothing is taken from there that another repository has; better is: "
                f"dnf config-manager --set-disabled {' '.join(enabled)}",
                host,
                Severity.WARNING,
            )


_DNF_ONLY = (
    "CONFIG_REPO",
    "CONFIG_ENABLE_RDO_TESTING",
    "CONFIG_RDO_TRUNK",
    "CONFIG_PACKAGE_MIRROR",
    "CONFIG_PACKAGE_PROXY",
    "CONFIG_OFFLINE_REPO",
    "CONFIG_REPO_UNSIGNED",
    "CONFIG_SIG_PREVIEW",
    "CONFIG_VERSION_LOCK",
)


def package_sources(situation: Situation) -> Problems:
    """What is said of repositories and of subscriptions has an effect on the hosts' systems."""
    for host, facts in situation.facts.items():
        platform = situation.platform(facts)
        if platform is None:
            continue
        without = [k for k in _DNF_ONLY if situation.answers[k] and platform.package_manager != "dnf"]
        if without:
            yield Problem(
                "package-source",
                f"{listing(without)} {'have' if len(without) > 1 else 'has'} no effect on {platform.name}",
                "only systems with dnf read it",
                "put repositories and proxies into /etc/apt on the host",
                host,
                Severity.WARNING,
                where=without[0],
            )
        own = [k for k in ("CONFIG_REPO", "CONFIG_OFFLINE_REPO") if situation.answers[k]]
        keys, unsigned = situation.answers["CONFIG_REPO_KEYS"], situation.answers["CONFIG_REPO_UNSIGNED"]
        if own and platform.package_manager == "dnf" and (unsigned or not keys):
            known = "only packages that are signed with a key that the host knows are installed"
            said = "CONFIG_REPO_UNSIGNED=y: signatures of these packages are not checked"
            yield Problem(
                "package-source",
                f"{listing(own)} with {said}" if unsigned else f"{listing(own)} without CONFIG_REPO_KEYS: {known}",
                "the keys that they are signed with",
                "set CONFIG_REPO_KEYS to the keys' URLs (https or file)",
                host,
                Severity.WARNING,
                where="CONFIG_REPO_UNSIGNED" if unsigned else "CONFIG_REPO_KEYS",
            )
        asked = [k for k in ("CONFIG_RH_USER", "CONFIG_RH_SAT6_SERVER") if situation.answers[k]]
        if asked and platform.os_id != "rhel":
            yield Problem(
                "package-source",
                f"{listing(asked)} {'have' if len(asked) > 1 else 'has'} no effect on {platform.name}",
                "only Red Hat Enterprise Linux is registered",
                "leave it empty",
                host,
                Severity.WARNING,
                where=asked[0],
            )


_OLD = 21 * 86400
"""Seconds after which a tag of trunk that was not moved has gone stale."""


def trunk_age(situation: Situation) -> Problems:
    """What a tag of trunk means is of these weeks: a promotion that failed ever since is no test day's."""
    for host, facts in situation.facts.items():
        moved = facts.extra.get("trunk_moved", "")
        if moved.isdigit() and facts.seen_at - int(moved) > _OLD:
            tag = situation.answers["CONFIG_RDO_TRUNK"]
            yield Problem(
                "trunk-age",
                f"{tag} of RDO's trunk was not moved for {(facts.seen_at - int(moved)) / 86400:.0f} days",
                "it should be younger than three weeks",
                "upstream's own CI takes current",
                host,
                Severity.WARNING,
                where="CONFIG_RDO_TRUNK",
            )
            return  # it is the same for all hosts


def trunk_dependencies(situation: Situation) -> Problems:
    """What trunk needs besides is where it was when the cloud was begun: a hash holds trunk itself only."""
    for host, facts in situation.facts.items():
        if moved := facts.extra.get("trunk_deps_moved", ""):
            yield Problem(
                "trunk-dependencies",
                f"trunk's dependencies are no longer those that this cloud began with: {moved}",
                "hosts that are installed later get other packages",
                "to install the same ones: apply --locked stackwright.lock",
                host,
                Severity.WARNING,
                where="CONFIG_RDO_TRUNK",
            )
            return
