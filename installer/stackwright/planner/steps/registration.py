"""Registration of Red Hat Enterprise Linux with its subscription service, or with a Satellite 6."""

from __future__ import annotations

import json

from stackwright import shell
from stackwright.model import Answers, Run
from stackwright.platforms import Platform
from stackwright.shell import Raw


def action(answers: Answers, platform: Platform) -> Run | None:
    """Registers a host that is not registered yet; None if the answers do not ask for it, or the host is not RHEL."""
    arguments = _arguments(answers)
    if not arguments or platform.os_id != "rhel":
        return None
    server = str(answers["CONFIG_RH_SAT6_SERVER"])
    consumer = _consumer(server, str(answers["CONFIG_RH_SAT6_CA_CHECKSUM"])) if server else ""
    script = shell.fill("planner/steps/registration.sh", CONSUMER=Raw(consumer), ARGUMENTS=Raw(json.dumps(arguments)))
    return Run("registration", script, 600, secret=True)


def _consumer(server: str, checksum: str) -> str:
    """Installs the package with the Satellite's certificate authority and address. Programs and an authority that hosts
    trust come with it, so it comes over HTTPS, or is the file that the checksum names."""
    scheme = "http" if checksum else "https"
    return shell.fill(
        "planner/steps/registration_consumer.sh",
        NAME=f"katello-ca-consumer-{server}",
        URL=f"{scheme}://{server}/pub/katello-ca-consumer-latest.noarch.rpm",
        CHECKSUM=checksum,
    )


def _arguments(answers: Answers) -> list[str]:
    """The arguments of subscription-manager; empty if the answers do not ask for registration."""

    def text(key: str) -> str:
        return str(answers[key])

    server, user = text("CONFIG_RH_SAT6_SERVER"), text("CONFIG_RH_USER")
    if not server and not user:
        return []
    proxy = []
    if text("CONFIG_RH_PROXY"):
        port = text("CONFIG_RH_PROXY_PORT")
        proxy = [f"--proxy={text('CONFIG_RH_PROXY')}{':' + port if port else ''}"]
        if text("CONFIG_RH_PROXY_USER"):
            proxy += [f"--proxyuser={text('CONFIG_RH_PROXY_USER')}", f"--proxypassword={text('CONFIG_RH_PROXY_PW')}"]
    if server and text("CONFIG_RH_SAT6_KEY"):
        account = [f"--org={text('CONFIG_RH_SAT6_ORG')}", f"--activationkey={text('CONFIG_RH_SAT6_KEY')}"]
    else:
        account = [f"--username={user}", f"--password={text('CONFIG_RH_PW')}"]
    return ["register", *account, *proxy]
