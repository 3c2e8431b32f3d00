"""Scenarios for test days: mixes of services as data files, and OpenStack's own tests against them. Pure."""

from stackwright.scenarios.record import USUAL, Known, Scenario, find, known_failures, names, told

__all__ = ["USUAL", "Known", "Scenario", "find", "known_failures", "names", "told"]
