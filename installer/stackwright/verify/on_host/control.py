"""Checks that apply to every cloud: tokens, the catalog and its endpoints, and what the demo user sees."""

from __future__ import annotations

import functools
from typing import Any
from urllib.parse import urlsplit

from .api import Failure
from .cloud import Session
from .glance import image_active
from .runner import Check, Context, Skip


def endpoint(admin: Session, kind: str, api: Any) -> str:
    """Every endpoint of the service answers a request that needs its database. `api` is an item of
    verify.VerifyConfig.apis."""
    admin.url(kind)
    entry = next(admin.token().catalog[n] for n in (kind, *api["aliases"]) if n in admin.token().catalog)
    for url in sorted(set(entry.values())):
        if api["from_root"]:
            parts = urlsplit(url)
            admin.http.call("GET", f"{parts.scheme}://{parts.netloc}{api['ask']}")
            continue
        base = url if url.endswith(api["version"]) else url + api["version"]
        admin.http.call("GET", base + api["ask"], token=admin.token().id)
    return ", ".join(f"{where} {entry[where]}" for where in sorted(entry)) if len(set(entry.values())) > 1 else url


def demo(session: Session, network: str, image: str) -> str:
    """The demo user gets a token, and sees the demo image and network."""
    session.token()
    image_active(session, image)
    if not network:
        return "token; the image is visible"
    rows = session.get("network", f"/networks?name={network}")["networks"]
    if not rows:
        raise Failure(f"the demo project does not see the network {network}", "neutron")
    return f"token; image {image} and network {network} are visible"


def checks(context: Context, demo_session: Session | None) -> list[Check]:
    """The checks of the admin, of the demo user if there is one, and of each service's endpoints."""
    config, admin = context.config, context.admin

    def admin_token() -> str:
        known = ", ".join(sorted(admin.token().catalog))
        lost = [kind for kind in config.services if not admin.has(kind)]
        if lost:
            raise Failure(f"the catalog lacks {', '.join(lost)} in region {config.region}; it has: {known}", "keystone")
        return f"catalog: {known}"

    def seen_by_demo() -> str:
        if demo_session is None:
            raise Skip("no demo project is provisioned")
        return demo(demo_session, config.demo_network, config.image)

    found = [
        Check("token-admin", "Token and catalog of the admin", "keystone", admin_token),
        Check("demo", "Token and view of the demo user", "keystone", seen_by_demo, ("token-admin",)),
    ]
    for kind, api in config.apis.items():
        service = api["service"]
        run = functools.partial(endpoint, admin, kind, api)
        found.append(Check(f"endpoint-{service}", f"Endpoints of {service}", service, run, ("token-admin",)))
    return found
