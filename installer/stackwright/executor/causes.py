"""What the lines of a failed step mean: the usual causes, each with one thing to do; and which lines mean nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """A usual cause. `pattern` is searched in the lines, in any case; the first cause that matches counts."""

    name: str
    pattern: str
    meaning: str
    hint: str


CAUSES: tuple[Cause, ...] = (
    Cause(
        "out-of-memory",
        r"out of memory|oom-kill|cannot allocate memory|MemoryError|killed by signal 9",
        "the host ran out of memory",
        "give the host more memory, or move services to other hosts, then run the same command again",
    ),
    Cause(
        "database-access",
        r"access denied for user|\(1045,|\(1044,|authentication plugin .* reported error",
        "MariaDB refused the user or the password",
        "if the password was changed on the server by hand, write it into the answer file, then run the same command "
        "again",
    ),
    Cause(
        "broker-access",
        r"ACCESS_REFUSED|AccessRefused|login was refused using authentication mechanism",
        "RabbitMQ refused the user or the password",
        "compare CONFIG_AMQP_AUTH_USER and its password with `rabbitmqctl authenticate_user` on the broker's host",
    ),
    Cause(
        "port-in-use",
        r"address already in use|EADDRINUSE|errno 98",
        "another program already listens on the port",
        "find it on the host with `ss -tlnp`, stop it, then run the same command again",
    ),
    Cause(
        "package-missing",
        r"404 +not found|status code: 404|unable to locate package|no match for argument|has no installation candidate",
        "a repository does not have a package that it listed, or was cleaned up meanwhile",
        "run the same command again: it reads the package lists anew; if it stays, choose another mirror",
    ),
    Cause(
        "package-signature",
        r"NO_PUBKEY|EXPKEYSIG|BADSIG|GPG check FAILED|is not signed|signatures? (?:couldn't|could not) be verified",
        "a repository or a package is not signed by a key that the host trusts",
        "install the repository's current key on the host, or remove the repository",
    ),
    Cause(
        "package-lock",
        r"could not get lock|dpkg frontend lock|waiting for process with pid|Failed to obtain the transaction lock",
        "another package manager runs on the host",
        "wait for it to end (`ps aux | grep -E 'apt|dnf|dpkg'`), then run the same command again",
    ),
    Cause(
        "dns",
        r"could not resolve|temporary failure (?:in name )?resolv|name or service not known|no address associated",
        "the host cannot resolve a name",
        "check /etc/resolv.conf on the host with `getent hosts NAME`",
    ),
    Cause(
        "certificate",
        r"certificate verify failed|certificate has expired|self[- ]signed certificate|unable to get local issuer",
        "a TLS certificate is not valid for the host that checked it",
        "check the host's clock (`timedatectl`), and that it trusts the certificate's authority",
    ),
    Cause(
        "clock",
        r"release file .* not valid yet|clock skew|not yet valid",
        "the host's clock is wrong",
        "set it: `timedatectl set-ntp true`, or CONFIG_NTP_SERVERS in the answer file",
    ),
    Cause(
        "account-expired",
        r"your (?:account|password) has expired|password change required",
        "the account on the host has expired",
        "log in as that user, set a new password, then run the same command again",
    ),
    Cause(
        "quota",
        r"quota (?:exceeded|.*would be exceeded)|OverQuota|disk quota exceeded",
        "a quota is used up",
        "remove what is not needed, or raise the quota with `openstack quota set`",
    ),
    Cause(
        "proxy",
        r"proxy authentication required|407 |unable to connect to proxy|proxyconnect",
        "the proxy refused the connection",
        "check http_proxy and https_proxy of the host, with user and password if the proxy needs them",
    ),
    Cause(
        "unreachable-service",
        r"connection refused|ECONNREFUSED|errno 111|no route to host|errno 113",
        "a service that is needed does not accept connections",
        "`stackwright status` shows which one is down; its own log says why",
    ),
    Cause(
        "time-out",
        r"timed? ?out",
        "something did not answer in time",
        "run the same command again; if it stays, `stackwright status` shows what does not answer",
    ),
)

_NOISE = re.compile(
    r"eventlet monkey patching|EventletDeprecationWarning|Using RPCClient manually|CryptographyDeprecationWarning"
    r"|DeprecationWarning|FutureWarning|^\s*(?:initial call|pid|registered_name|ancestors|message_queue_len|messages"
    r"|links|dictionary|trap_exit|heap_size|stack_size|reductions|neighbours):|erl_crash\.dump"
    r"|^=(?:CRASH|PROGRESS) REPORT"
    r"|Modules with known eventlet|pkg_resources is deprecated|perl: warning: (?:Setting locale|Please check)"
    r"|^\s*(?:LANGUAGE|LC_ALL|LANG) = ",
)


def find(texts: Iterable[str]) -> Cause | None:
    """The usual cause that these lines show; None if they show none."""
    whole = "\n".join(texts)
    return next((cause for cause in CAUSES if re.search(cause.pattern, whole, re.IGNORECASE)), None)


def hint(texts: Iterable[str]) -> str:
    """What the lines mean and what to do; empty if they show no usual cause."""
    cause = find(texts)
    return f"{cause.meaning}: {cause.hint}" if cause else ""


def without_noise(lines: Sequence[str]) -> tuple[str, ...]:
    """The lines without harmless warnings and dumps; all of them if nothing else is left."""
    return tuple(line for line in lines if not _NOISE.search(line)) or tuple(lines)
