"""Answer files: the only code that knows their syntax. Other packages import from here.

    answers = read(["cloud.txt"], flags={"CONFIG_SWIFT_INSTALL": "n"}, environ=os.environ)
    text = generate(install_hosts=["198.18.0.10", "198.18.0.11"])

Reading never changes a file. Layers, later over earlier: defaults, files, STACKWRIGHT_... variables, flags.
"""

from __future__ import annotations

from stackwright.answers.checking import check, named_hosts
from stackwright.answers.reading import AnswersError, Reading, describe, from_documents, load, made, read, suggest
from stackwright.answers.secrets import impersonal, is_unresolved, public, with_stand_ins, without_credentials
from stackwright.answers.typed import local_address
from stackwright.answers.writing import generate, save, write
from stackwright.model import Answers

__all__ = [
    "AnswersError",
    "Reading",
    "check",
    "defaults",
    "describe",
    "from_documents",
    "generate",
    "impersonal",
    "is_unresolved",
    "load",
    "local_address",
    "made",
    "named_hosts",
    "public",
    "read",
    "save",
    "suggest",
    "with_stand_ins",
    "without_credentials",
    "write",
]


def defaults(*, local_host: str = "127.0.0.1") -> Answers:
    """The answers of an empty file: everything on one host. Secrets are generated anew at each call."""
    return from_documents((), local_host=local_host, files=False).answers
