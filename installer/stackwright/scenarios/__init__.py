"""Scenarios for test days: combinations of services as data files, and the Tempest tests for each. Pure."""

from stackwright.scenarios.record import USUAL, Known, Scenario, describe, find, known_failures, names

__all__ = ["USUAL", "Known", "Scenario", "describe", "find", "known_failures", "names"]
