"""Which of Tempest's tests belong to a service, by the names that scenarios use."""

from __future__ import annotations

from collections.abc import Mapping

_SMOKE = (
    r"tempest\.api\.(identity|image|compute|network)\..*\[.*\bsmoke\b.*\]",
    r"tempest\.scenario\.test_server_basic_ops\b",
    r"tempest\.scenario\.test_network_basic_ops\.TestNetworkBasicOps\.test_network_basic_ops\b",
)

GROUPS: Mapping[str, tuple[str, ...]] = {
    "smoke": _SMOKE,
    "network": (
        r"tempest\.scenario\.test_network_basic_ops\b",
        r"tempest\.api\.network\.test_(routers|floating_ips)\b",
    ),
    "volume": (
        r"tempest\.api\.volume\..*\[.*\bsmoke\b.*\]",
        r"tempest\.api\.volume\.test_volumes_(actions|get|snapshots)\b",
        r"tempest\.scenario\.test_minimum_basic\b",
    ),
    "object-store": (
        r"tempest\.api\.object_storage\..*\[.*\bsmoke\b.*\]",
        r"tempest\.api\.object_storage\.test_(object|container)_services\b",
    ),
    "orchestration": (r"heat_tempest_plugin\..*test_(create_update|template_validate)\b",),
    "dashboard": (r"tempest_horizon\.", r"tempest\.scenario\.test_dashboard_basic_ops\b"),
}
"""Regular expressions by the names that scenarios use. Tests that are not there, because their plugin is not, or their
service is off, are left out by Tempest itself."""
