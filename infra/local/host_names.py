"""What a Host header names."""

from __future__ import annotations

from typing import Final

#: Names that a browser gives to this machine; none of them can be another site's DNS name.
LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})


def host_name(host: str) -> str:
    """Returns the name in a Host header, lower case, without the port: ``[::1]:80`` → ``[::1]``."""
    name, _, port = host.rpartition(":")
    return (name if name and port.isdigit() else host).lower()
