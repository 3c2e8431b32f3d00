"""The transport: one connection per host, over SSH or local, with root through sudo where needed."""

from .channel import Channel, LinkDropped, Result, ScriptTimeout
from .client import Jumps, connect
from .connection import Connection, LocalConnection, closing, disk_hint, pack
from .hostkeys import Trust, fingerprint
from .settings import Host, settings
from .userkeys import install_key, own_key

__all__ = [
    "Channel",
    "Connection",
    "Host",
    "Jumps",
    "LinkDropped",
    "LocalConnection",
    "Result",
    "ScriptTimeout",
    "Trust",
    "closing",
    "connect",
    "disk_hint",
    "fingerprint",
    "install_key",
    "own_key",
    "pack",
    "settings",
]
