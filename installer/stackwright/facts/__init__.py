"""What a host is: one read-only shell probe, and the Facts made of what it prints. Recordable, and replayable."""

from stackwright.facts.parsing import from_json, parse, to_json
from stackwright.facts.probe import probe

__all__ = ["from_json", "parse", "probe", "to_json"]
