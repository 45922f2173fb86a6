"""The hosts that a block connects to, as audit events name them."""

from __future__ import annotations

from typing import Any

MOST = 1000


class Connections:
    """Hosts and ports. An address is left out if a name was looked up for its port."""

    def __init__(self) -> None:
        self.named: set[tuple[str, str]] = set()
        self.addresses: set[tuple[str, str]] = set()

    def note(self, event: str, args: Any) -> None:
        """An audit event that may name a host."""
        if len(self.named) + len(self.addresses) >= MOST:
            return
        if event in ("socket.getaddrinfo", "ftplib.connect", "smtplib.connect", "http.client.connect"):
            host, port = args[:2] if event == "socket.getaddrinfo" else args[1:3]
            pair = pair_of(host, port)
            if pair is not None:
                self.named.add(pair)
        elif event == "socket.connect" and len(args) > 1 and isinstance(args[1], tuple) and len(args[1]) > 1:
            pair = pair_of(*args[1][:2])
            if pair is not None:
                self.addresses.add(pair)

    def names(self) -> list[str]:
        """HOST:PORT of each, sorted; an address of version 6 in brackets."""
        ports = {port for _, port in self.named}
        pairs = self.named | {pair for pair in self.addresses if pair[1] not in ports}
        return sorted(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in pairs)


def pair_of(host: Any, port: Any) -> tuple[str, str] | None:
    """Host and port as texts; None if the host has no name."""
    if isinstance(host, (bytes, bytearray)):
        host = bytes(host).decode("ascii", "replace")
    if isinstance(port, bytes):
        port = port.decode("ascii", "replace")
    if not isinstance(host, str) or not host:
        return None
    return host, "" if port is None else str(port)
