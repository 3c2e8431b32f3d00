"""Shell scripts that check whether a component works. They are templates with the same context as the manifests."""

from __future__ import annotations


def http(component: str, path: str = "/") -> str:
    """Its API answers with a status below 400."""
    return f"curl --noproxy '*' -sf -o /dev/null --max-time 10 {{{{ url('{component}') }}}}{path}\n"


def itself(port: int, path: str = "/") -> str:
    """The API on the probed host answers with a status below 400; for components that run on several hosts."""
    at = "http://localhost" + (f":{port}" if port != 80 else "")
    return f"curl --noproxy '*' -sf -o /dev/null --max-time 60 {at}{path}\n"


def units(component: str) -> str:
    """Its systemd units are active."""
    units_of = f"units('{component}')"
    return f"{{% for unit in {units_of} %}}\nsystemctl is-active --quiet {{{{ unit }}}} || exit 1\n{{% endfor %}}\n"
