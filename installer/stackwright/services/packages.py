"""Where the hosts' packages come from."""

from __future__ import annotations

from stackwright.model import Component, Option, Service
from stackwright.services.options import host_of, switch, value_of
from stackwright.values import trunk, url, urls, web_url

OPTIONS: tuple[Option, ...] = (
    value_of(
        "CONFIG_RDO_TRUNK",
        (
            "Take OpenStack from trunk, RDO's builds of every upstream commit: by a tag (current, consistent, "
            "puppet-passed-ci, current-podified), which is looked up once and kept, or by a hash. RDO does not sign "
            "them. For test days."
        ),
        trunk,
        ours=True,
    ),
    value_of(
        "CONFIG_PACKAGE_MIRROR",
        ("URL of a mirror of CentOS Stream to use for RDO and the SIGs: the folder above SIGs/. Empty: CentOS's own."),
        web_url,
        flag="package-mirror",
        ours=True,
    ),
    value_of(
        "CONFIG_MIRROR_KEYS",
        (
            "Folder of every host, or URL, with the SIGs' keys (RPM-GPG-KEY-CentOS-SIG-Cloud...), for hosts that do "
            "not reach www.centos.org. Empty: they are fetched from there."
        ),
        url,
        flag="mirror-keys",
        ours=True,
    ),
    value_of(
        "CONFIG_PACKAGE_PROXY",
        "HTTP proxy through which the hosts' package managers reach their repositories, as http://198.18.0.1:3128.",
        web_url,
        flag="package-proxy",
        ours=True,
    ),
    host_of(
        "CONFIG_PACKAGE_CACHE_HOST",
        (
            "Host of this cloud that keeps what all its hosts download of packages (Squid, port 3128), so that each "
            "comes over the line once. Worth it from three hosts on, or where the line is slow; repositories have to "
            "be reached over http, since what comes over TLS is not kept. The packages of a bundle (--offline) are "
            "brought to it alone, and served to the others from there. Empty: each host gets its own."
        ),
        flag="package-cache-host",
        ours=True,
    ),
    value_of(
        "CONFIG_OFFLINE_REPO",
        (
            "Folder of every host, or URL, with every package that is needed and their index (createrepo_c). No other "
            "repository is asked then, so no host needs a network beyond the cloud's."
        ),
        url,
        flag="offline-repo",
        ours=True,
    ),
    value_of(
        "CONFIG_REPO_KEYS",
        (
            "Keys that packages of CONFIG_REPO and CONFIG_OFFLINE_REPO are signed with: URLs (https or file) as the "
            "hosts see them, with commas. Empty: those packages are not checked."
        ),
        urls,
        flag="repo-keys",
        ours=True,
    ),
    switch(
        "CONFIG_SIG_PREVIEW",
        (
            "Take newer packages of the base system from CentOS's Hyperscale SIG as well. Without it, as little as "
            "possible of the base system is replaced."
        ),
        flag="sig-preview",
        ours=True,
    ),
    switch(
        "CONFIG_VERSION_LOCK",
        (
            "Hold OpenStack's packages at the versions that were installed: `dnf update` leaves them alone until they "
            "are released with `dnf versionlock`."
        ),
        flag="version-lock",
        ours=True,
    ),
)

COMPONENTS: tuple[Component, ...] = ()

SERVICE = Service("packages", "Where the hosts' packages come from", OPTIONS, COMPONENTS)
