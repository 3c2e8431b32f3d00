"""The texts of credential files: keystonerc files and clouds.yaml for users, an option file for database clients."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import yaml

from stackwright.model import Answers
from stackwright.values import consumers

_STALE = (
    "OS_APPLICATION_CREDENTIAL_ID",
    "OS_APPLICATION_CREDENTIAL_SECRET",
    "OS_AUTH_TYPE",
    "OS_CACERT",
    "OS_CLOUD",
    "OS_DOMAIN_NAME",
    "OS_PROJECT_DOMAIN_ID",
    "OS_PROJECT_ID",
    "OS_SERVICE_TOKEN",
    "OS_SYSTEM_SCOPE",
    "OS_TENANT_ID",
    "OS_TENANT_NAME",
    "OS_TOKEN",
    "OS_USER_DOMAIN_ID",
    "OS_USER_ID",
)
"""Variables that a shell may still have from another cloud's file, and that the clients would use too."""


def keystonerc(url: str, region: str, user: str, password: str, project: str) -> str:
    """A file to be sourced by a shell, with the variables that the OpenStack clients read."""
    variables = {
        "OS_AUTH_URL": url,
        "OS_IDENTITY_API_VERSION": "3",
        "OS_USERNAME": user,
        "OS_PASSWORD": password,
        "OS_PROJECT_NAME": project,
        "OS_USER_DOMAIN_NAME": "Default",
        "OS_PROJECT_DOMAIN_NAME": "Default",
        "OS_REGION_NAME": region,
        "OS_INTERFACE": "public",
    }
    lines = [f"unset {' '.join(_STALE)}"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    lines.append(f"PS1='[\\u@\\h \\W(keystone_{project})]\\$ '")
    return "\n".join(lines) + "\n"


def clouds_yaml(url: str, region: str, accounts: Mapping[str, tuple[str, str, str]]) -> str:
    """A clouds.yaml. `accounts` maps a cloud name to user, password and project."""
    clouds: dict[str, Any] = {
        name: {
            "auth": {
                "auth_url": url,
                "username": user,
                "password": password,
                "project_name": project,
                "user_domain_name": "Default",
                "project_domain_name": "Default",
            },
            "region_name": region,
            "interface": "public",
            "identity_api_version": 3,
        }
        for name, (user, password, project) in accounts.items()
    }
    return yaml.safe_dump({"clouds": clouds}, default_flow_style=False, sort_keys=True)


def my_cnf(answers: Answers) -> str:
    """The option file of MariaDB's clients with the login of an existing database's administrator."""
    values = {"host": "CONFIG_MARIADB_HOST", "user": "CONFIG_MARIADB_USER", "password": "CONFIG_MARIADB_PW"}
    lines = [f'{name}="{consumers.option_file(str(answers[key]))}"' for name, key in values.items()]
    return "\n".join(["[client]", "protocol=tcp", *lines]) + "\n"


def accounts(answers: Answers) -> dict[str, tuple[str, str, str]]:
    """User, password and project by cloud name: the administrator, and the demo user if the demo is wanted."""
    out = {
        "admin": (str(answers["CONFIG_KEYSTONE_ADMIN_USERNAME"]), str(answers["CONFIG_KEYSTONE_ADMIN_PW"]), "admin"),
    }
    if answers["CONFIG_PROVISION_DEMO"]:
        out["demo"] = ("demo", str(answers["CONFIG_KEYSTONE_DEMO_PW"]), "demo")
    return out


def files(answers: Answers, identity_url: str) -> dict[str, str]:
    """The texts of all files by name."""
    url, region = identity_url + "/v3", str(answers["CONFIG_KEYSTONE_REGION"])
    people = accounts(answers)
    out = {f"keystonerc_{name}": keystonerc(url, region, *account) for name, account in people.items()}
    out["clouds.yaml"] = clouds_yaml(url, region, people)
    return out
