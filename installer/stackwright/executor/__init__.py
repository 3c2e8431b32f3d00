"""Carries out a plan: the only code that changes hosts. Hosts work in parallel; steps start once their needs are
met."""

from .redact import redactor, replacer
from .remote import HostState, RemoteRun, host_state, run_log
from .walk import Failure, Outcome, run

__all__ = ["Failure", "HostState", "Outcome", "RemoteRun", "host_state", "redactor", "replacer", "run", "run_log"]
