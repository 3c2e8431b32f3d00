"""The base image: a small Debian root file system that mmdebstrap creates once from the machine's package sources."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stackwright.lab import machine
from stackwright.lab.layout import Lab
from stackwright.model import ExitCode, StackwrightError

_RECIPE = 1
"""Part of each base image's name; raise it when base images of older code cannot be used any more."""

_PACKAGES = (
    "apt-utils", "ca-certificates", "curl", "dbus", "eatmydata", "iproute2", "iputils-ping", "kmod", "less", "netbase",
    "openssh-server", "procps", "python3-minimal", "sudo", "systemd", "systemd-sysv",
)  # fmt: skip
"""Packages of a plain server, which the installer may expect, and eatmydata: a node is thrown away, so its files need
no flush to disk. The installer must install everything else itself."""

# A container sees the machine's /sys, with the machine's network devices. A new sysfs mounted inside shows the devices
# of the node; otherwise agents that search for interfaces there wait for minutes. It is mounted at each boot of the
# node, before any service reads it.
_SYSFS_UNIT = """\
[Unit]
Description=A /sys that shows this node's own network devices
DefaultDependencies=no
Before=sysinit.target systemd-udevd.service systemd-sysctl.service systemd-tmpfiles-setup.service
Before=sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount
ConditionVirtualization=systemd-nspawn

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -ec '\\
  mkdir -p /run/stackwright-sysfs; \\
  mount -t sysfs sysfs /run/stackwright-sysfs; \\
  mount --rbind /sys/fs/cgroup /run/stackwright-sysfs/fs/cgroup; \\
  mount --rbind /run/stackwright-sysfs /sys; \\
  mount --make-rprivate /run/stackwright-sysfs; \\
  umount --recursive /run/stackwright-sysfs'

[Install]
WantedBy=sysinit.target
"""

# Settings outside net.* apply to the kernel of the machine, not to the node: a booting node must not change them.
_SYSCTL_DROPIN = """\
[Service]
ExecStart=
ExecStart=/lib/systemd/systemd-sysctl --prefix=net
"""

_FILES = {
    "etc/systemd/system/stackwright-lab-sysfs.service": _SYSFS_UNIT,
    "etc/systemd/system/systemd-sysctl.service.d/stackwright-lab.conf": _SYSCTL_DROPIN,
    # Nodes are thrown away: speed matters, surviving a power cut does not.
    "etc/dpkg/dpkg.cfg.d/stackwright-lab": "force-unsafe-io\n",
    "etc/default/locale": "LANG=C.UTF-8\n",
    "etc/machine-id": "",
}

# These units would run in the background and hold apt's locks, or have nothing to do in a container.
_MASKED = ("apt-daily.timer", "apt-daily-upgrade.timer", "console-getty.service", "fstrim.timer", "e2scrub_all.timer")

_KEPT_APT_SETTINGS = re.compile(
    r"Acquire::(http|https|Check-Valid-Until|Check-Date|Retries|ForceIPv4|ForceIPv6|Languages|By-Hash"
    r"|IndexTargets::deb::DEP-11[a-z0-9@-]*::DefaultEnabled)\b"
)
"""The apt settings of the machine that are needed to reach mirrors. Hooks are left out: some, such as `docker-clean`,
delete downloaded packages."""


@dataclass(frozen=True)
class Sources:
    """How the machine reaches its package mirrors, for one release."""

    deb822: str
    """Stanzas for a .sources file."""
    lines: str
    """Lines for a .list file."""
    settings: str = field(repr=False)
    """Lines for apt.conf; a proxy's password may be in them."""
    credentials: str = field(repr=False)
    """The text of all auth.conf files of the machine; used only to notice changes."""
    keyrings: tuple[Path, ...]
    """Files of the machine that the sources name in Signed-By."""
    certificates: tuple[str, ...]
    """Certificate authorities (PEM) that the machine trusts in addition to those of its distribution."""


# ------------------------------------------------------------------------------------------------------ pure functions


def deb822_for(text: str, codename: str, release: str) -> str:
    """Stanzas of a .sources file that belong to the machine's release, rewritten for `release`."""
    out = []
    for stanza in re.split(r"\n\s*\n", text):
        body = "\n".join(line for line in stanza.splitlines() if not line.startswith("#"))
        if not re.search(r"^Types:.*\bdeb\b(?!-src)", body, re.M | re.I):
            continue
        if re.search(r"^Enabled:\s*(no|false)\b", body, re.M | re.I):
            continue
        suites = re.search(r"^Suites:(.*)$", body, re.M | re.I)
        if not suites or not any(s == codename or s.startswith(f"{codename}-") for s in suites[1].split()):
            continue
        suite_line = "Suites:" + re.sub(rf"\b{re.escape(codename)}\b", release, suites[1])
        body = body[: suites.start()] + suite_line + body[suites.end() :]
        out.append(re.sub(r"^Types:.*$", "Types: deb", body, flags=re.M | re.I).strip() + "\n")
    return "\n".join(out)


def list_for(text: str, codename: str, release: str) -> str:
    """Lines of a .list file that belong to the machine's release, rewritten for `release`."""
    out = []
    for line in text.splitlines():
        found = re.match(r"\s*deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)(\s.*)?$", line)
        if found and (found[3] == codename or found[3].startswith(f"{codename}-")):
            suite = release + found[3][len(codename) :]
            out.append(f"deb {found[1] or ''}{found[2]} {suite}{found[4] or ''}".rstrip())
    return "".join(f"{line}\n" for line in out)


def apt_settings(dump: str) -> str:
    """The lines of `apt-config dump` that are needed to reach the mirrors."""
    return "".join(
        f"{line}\n" for line in dump.splitlines() if _KEPT_APT_SETTINGS.match(line) and not line.endswith(' "";')
    )


def pem_certificates(text: str) -> tuple[str, ...]:
    """The single certificates of a bundle."""
    pattern = r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----"
    return tuple(f"{found}\n" for found in re.findall(pattern, text, re.DOTALL))


def key_of(release: str, sources: Sources) -> str:
    """The name of the base image; it changes with everything that the image is created from."""
    parts = [
        _RECIPE, _PACKAGES, _FILES, _MASKED, sources.deb822, sources.lines, sources.settings,
        sources.credentials, [str(k) for k in sources.keyrings], sources.certificates,
    ]  # fmt: skip
    return f"{release}-{hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]}"


# ------------------------------------------------------------------------------------------------ reading the machine


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _os_release() -> dict[str, str]:
    pairs = (line.partition("=") for line in _read(Path("/etc/os-release")).splitlines())
    return {key: value.strip('"') for key, _, value in pairs}


def sources_of_machine(release: str, environment: Mapping[str, str]) -> Sources:
    """Reads the machine's package sources, apt settings, keyrings and extra certificate authorities."""
    system = _os_release()
    codename = system.get("VERSION_CODENAME", "") if system.get("ID") == "debian" else ""
    apt = Path("/etc/apt")
    deb822 = lines = ""
    if codename:
        stanzas = [deb822_for(_read(p), codename, release) for p in sorted(apt.glob("sources.list.d/*.sources"))]
        deb822 = "\n".join(filter(None, stanzas))
        listed = [apt / "sources.list", *sorted(apt.glob("sources.list.d/*.list"))]
        lines = "".join(list_for(_read(p), codename, release) for p in listed)
    if not deb822 and not lines:
        raise StackwrightError(
            "no usable Debian package sources on this machine",
            f"add sources for {release} to /etc/apt/sources.list.d; nodes use the machine's sources",
            ExitCode.ENVIRONMENT,
        )
    named = re.findall(r"(?:Signed-By:\s*|signed-by=)(/[^\s\],]+)", deb822 + lines, re.I)
    settings = apt_settings(machine.run(["apt-config", "dump"])) if shutil.which("apt-config") else ""
    for variable in ("http_proxy", "https_proxy"):
        url = environment.get(variable) or environment.get(variable.upper())
        scheme = variable.partition("_")[0]
        if url and f"Acquire::{scheme}::Proxy " not in settings:
            settings += f'Acquire::{scheme}::Proxy "{url}";\n'
    return Sources(
        deb822,
        lines,
        settings,
        "".join(_read(path) for path in _auth_files()),
        tuple(Path(name) for name in dict.fromkeys(named)),
        _extra_certificates(environment),
    )


def _auth_files() -> list[Path]:
    return [
        path
        for path in (Path("/etc/apt/auth.conf"), *sorted(Path("/etc/apt/auth.conf.d").glob("*.conf")))
        if path.is_file()
    ]


def _extra_certificates(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Certificate authorities that the administrator of the machine added, and those of a bundle in the environment."""
    system = Path("/etc/ssl/certs/ca-certificates.crt")
    texts = [_read(p) for p in sorted(Path("/usr/local/share/ca-certificates").glob("**/*.crt"))]
    for variable in ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        bundle = environment.get(variable)
        if bundle and Path(bundle).exists() and not (system.exists() and Path(bundle).samefile(system)):
            texts.append(_read(Path(bundle)))
    return tuple(dict.fromkeys(pem for text in texts for pem in pem_certificates(text)))


# ------------------------------------------------------------------------------------------------------------ creating


def ensure(lab: Lab, release: str, environment: Mapping[str, str], say: Callable[[str], None]) -> str:
    """The name of a base image for the release, which is also its folder's. Creates the image if there is none."""
    sources = sources_of_machine(release, environment)
    key = key_of(release, sources)
    if (lab.bases / key).is_dir():
        os.utime(lab.bases / key)
        return key
    with machine.locked(
        lab.bases / f"{release}.lock",
        lambda: say(f"waiting for another process that creates the base image for {release}"),
    ):
        if not (lab.bases / key).is_dir():
            say(f"creating the base image for {release}: about a minute, only once")
            _make(lab, key, release, sources)
    return key


def _make(lab: Lab, key: str, release: str, sources: Sources) -> None:
    partial = lab.bases / f".{key}.partial"
    recipe = lab.bases / f".{key}.recipe"
    for left in (partial, recipe):
        machine.remove_tree(left)
    recipe.mkdir(parents=True)
    inputs = []
    for name, text in (("debian.sources", sources.deb822), ("debian.list", sources.lines)):
        if text:
            (recipe / name).write_text(text)
            inputs.append(recipe / name)
    (recipe / "90stackwright-lab").write_text(sources.settings)
    hooks = [f"--setup-hook=copy-in {path} {path.parent}" for path in _auth_files()]
    machine.run(
        [
            "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", "--skip=cleanup/apt/lists",
            f"--include={','.join(_PACKAGES)}", "--dpkgopt=force-unsafe-io", f"--aptopt={recipe / '90stackwright-lab'}",
            *hooks, release, partial, *inputs,
        ]
    )  # fmt: skip
    _finish(partial, recipe, sources)
    machine.remove_tree(recipe)
    machine.run(["sync", "--file-system", partial])
    partial.rename(lab.bases / key)


def _finish(root: Path, recipe: Path, sources: Sources) -> None:
    """Turns a plain root file system into a base image."""
    apt = root / "etc/apt"
    (apt / "sources.list").unlink(missing_ok=True)
    for old in (*apt.glob("sources.list.d/*"), *apt.glob("apt.conf.d/99mmdebstrap")):
        old.unlink()
    for new in recipe.glob("debian.*"):
        shutil.copy(new, apt / "sources.list.d" / new.name)
    shutil.copy(recipe / "90stackwright-lab", apt / "apt.conf.d/90stackwright-lab")
    trusted = [*Path("/etc/apt/trusted.gpg.d").glob("*"), Path("/etc/apt/trusted.gpg")]
    for keyring in (*sources.keyrings, *trusted):
        inside = root / keyring.relative_to("/")
        if keyring.is_file() and not inside.exists():
            inside.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(keyring, inside)
    for name, text in _FILES.items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    units = root / "etc/systemd/system"
    wants = units / "sysinit.target.wants"
    wants.mkdir(exist_ok=True)
    (wants / "stackwright-lab-sysfs.service").symlink_to("/etc/systemd/system/stackwright-lab-sysfs.service")
    for unit in _MASKED:
        (units / unit).unlink(missing_ok=True)
        (units / unit).symlink_to("/dev/null")
    for host_key in root.glob("etc/ssh/ssh_host_*"):
        host_key.unlink()
    for number, pem in enumerate(sources.certificates):
        (root / f"usr/local/share/ca-certificates/machine-{number}.crt").write_text(pem)
    if sources.certificates:
        machine.run(["chroot", root, "update-ca-certificates"])
    (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    if not (root / "usr/sbin/sshd").exists() or not (root / "lib/systemd/systemd").exists():
        raise StackwrightError(
            "the base image has no sshd or no systemd", "check the package sources in /etc/apt", ExitCode.ENVIRONMENT
        )


def prune(lab: Lab, used: frozenset[str]) -> None:
    """Removes unused base images, except the newest of each release and those used within a day.

    (Another process may have selected one of those for a node that it has not created yet.)
    """
    recently = time.time() - 86400
    by_release: dict[str, list[Path]] = {}
    for path in lab.bases.glob("[a-z]*-*"):
        if path.is_dir():
            by_release.setdefault(path.name.rpartition("-")[0], []).append(path)
    for paths in by_release.values():
        newest = max(paths, key=lambda p: p.stat().st_mtime)
        for path in paths:
            if path != newest and path.name not in used and path.stat().st_mtime < recently:
                machine.remove_tree(path)
