"""Package sources."""

from __future__ import annotations

from stackwright.model import Component, Option, Service
from stackwright.records import Names, PackageSet, applied, changes_of
from stackwright.services.options import choice_of, host_of, switch, value_of
from stackwright.values import key_url, key_urls, trunk, url, web_url

_REPOSITORIES = "package repositories"

OPTIONS: tuple[Option, ...] = (
    value_of(
        "CONFIG_RDO_TRUNK",
        (
            "Install OpenStack from RDO Trunk, which builds every upstream commit. Give a tag (current, consistent, "
            "puppet-passed-ci, current-podified), which is resolved once and pinned, or a hash. RDO does not sign "
            "these packages. For test days."
        ),
        trunk,
        ours=True,
        effect=_REPOSITORIES,
    ),
    value_of(
        "CONFIG_PACKAGE_MIRROR",
        (
            "URL of a CentOS Stream mirror to use for RDO and the SIGs: the folder that contains SIGs/. Empty: "
            "CentOS's own mirrors."
        ),
        web_url,
        flag="package-mirror",
        ours=True,
        effect=_REPOSITORIES,
    ),
    value_of(
        "CONFIG_MIRROR_KEYS",
        (
            "Folder on every host, or URL (https or file), with the SIGs' signing keys "
            "(RPM-GPG-KEY-CentOS-SIG-Cloud...), for hosts that cannot reach www.centos.org. Empty: the keys are "
            "downloaded from there."
        ),
        key_url,
        flag="mirror-keys",
        ours=True,
        effect=_REPOSITORIES,
    ),
    value_of(
        "CONFIG_PACKAGE_PROXY",
        "HTTP proxy for the hosts' package managers, such as http://198.18.0.1:3128.",
        web_url,
        flag="package-proxy",
        ours=True,
        effect=_REPOSITORIES,
    ),
    host_of(
        "CONFIG_PACKAGE_CACHE_HOST",
        (
            "Host of this cloud that caches packages for all its hosts (Squid, port 3128), so that each package is "
            "downloaded once. Useful with three or more hosts, or with a slow link. Only repositories with http:// "
            "URLs can be cached, not https://. With a bundle (--offline), the packages are copied to this host only, "
            "and the others get them from there. Empty: each host downloads its own."
        ),
        flag="package-cache-host",
        ours=True,
        effect="how package managers reach their repositories, and Squid on that host",
    ),
    value_of(
        "CONFIG_OFFLINE_REPO",
        (
            "Folder on every host, or URL, of a repository with all packages and their index (createrepo_c). No other "
            "repository is used then, so the hosts need no network but the cloud's."
        ),
        url,
        flag="offline-repo",
        ours=True,
        effect=_REPOSITORIES,
    ),
    value_of(
        "CONFIG_REPO_KEYS",
        (
            "URLs (https or file) of the signing keys for CONFIG_REPO and CONFIG_OFFLINE_REPO, as the hosts reach "
            "them, comma-separated. Empty: only packages that are signed with a key that a host knows are installed."
        ),
        key_urls,
        flag="repo-keys",
        ours=True,
        effect=_REPOSITORIES,
    ),
    switch(
        "CONFIG_REPO_UNSIGNED",
        (
            "Install packages of CONFIG_REPO and CONFIG_OFFLINE_REPO without a check of their signatures, and the "
            "packages of a bundle that have none. A changed package runs as root on the hosts, so use it for tests "
            "only."
        ),
        flag="repo-unsigned",
        ours=True,
        effect=_REPOSITORIES,
    ),
    switch(
        "CONFIG_SIG_PREVIEW",
        (
            "Also install newer base packages from CentOS's Hyperscale SIG. With n, as few base packages as possible "
            "are replaced."
        ),
        flag="sig-preview",
        ours=True,
        effect=_REPOSITORIES,
    ),
    switch(
        "CONFIG_VERSION_LOCK",
        (
            "Lock OpenStack's packages at the installed versions: `dnf update` skips them until `dnf versionlock` "
            "releases them."
        ),
        flag="version-lock",
        ours=True,
        effect="what `dnf update` may later do to OpenStack's packages",
    ),
    choice_of(
        "CONFIG_PUPPET_PROVIDERS",
        (
            "Providers that Puppet uses: fast (Stackwright's, which talk to the APIs directly, read each configuration "
            "file once, and start services in parallel) or upstream (only those of the Puppet modules, which take "
            "several times as long, and pass passwords as arguments of `openstack`, which every user of the host can "
            "read while it runs). Choose upstream to find out whether a provider of Stackwright causes a problem."
        ),
        ("fast", "upstream"),
        "fast",
        flag="puppet-providers",
        ours=True,
    ),
)

COMPONENTS: tuple[Component, ...] = ()

PACKAGE_SETS: tuple[PackageSet, ...] = (
    PackageSet(
        "upstream-providers",
        # They call the `openstack` command.
        Names(debian=("python3-openstackclient",), redhat=("python3-openstackclient",)),
        when=lambda answers: answers.get("CONFIG_PUPPET_PROVIDERS") == "upstream",
    ),
)

SERVICE = Service(
    "packages",
    "Package sources",
    OPTIONS,
    COMPONENTS,
    package_sets=PACKAGE_SETS,
    changes={
        **changes_of(
            (
                "CONFIG_PACKAGE_MIRROR",
                "CONFIG_MIRROR_KEYS",
                "CONFIG_PACKAGE_PROXY",
                "CONFIG_OFFLINE_REPO",
                "CONFIG_REPO_KEYS",
                "CONFIG_REPO_UNSIGNED",
                "CONFIG_PUPPET_PROVIDERS",
            )
        ),
        "CONFIG_RDO_TRUNK": applied("installed packages are replaced only where newer ones are needed"),
        "CONFIG_PACKAGE_CACHE_HOST": applied("the old host keeps its cache"),
    },
)
