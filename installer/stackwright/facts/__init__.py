"""Collects facts about hosts with one read-only shell probe. Facts can be stored as JSON and loaded again."""

from stackwright.facts.parsing import from_json, parse, to_json
from stackwright.facts.probe import probe

__all__ = ["from_json", "parse", "probe", "to_json"]
