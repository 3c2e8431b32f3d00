"""Whose log is looked at after a failure."""

from __future__ import annotations

from stackwright.executor.evidence import units_of


def test_a_service_that_was_started_beside_others_is_named_by_its_message() -> None:
    """The resource that waited for it is none of its own."""
    told = "change from 'failed' to 'running' failed: Systemd start for nova-compute failed!"
    assert units_of("Stackwright_wait_services[services]", told) == ("nova-compute",)
