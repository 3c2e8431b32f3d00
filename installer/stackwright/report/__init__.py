"""One run as an HTML page, as JSON, and as text for a bug report.

It uses only what a run leaves in the state directory: the record of its events, the journal, and the result of the
last verification.
"""

from stackwright.report.as_json import as_json
from stackwright.report.follow import Follower, at_work, newest
from stackwright.report.page import as_html
from stackwright.report.run import RunReport, collect
from stackwright.report.store import Clock, begin, discard, load, refresh
from stackwright.report.text import digest, slowest_table

__all__ = [
    "Clock",
    "Follower",
    "RunReport",
    "as_html",
    "as_json",
    "at_work",
    "begin",
    "collect",
    "digest",
    "discard",
    "load",
    "newest",
    "refresh",
    "slowest_table",
]
