"""Ports of this machine that a process may reserve."""

from __future__ import annotations

import random
import socket
from collections.abc import Container

# Below the range that the kernel hands out to outgoing connections, so that a reserved port stays free.
RESERVED = range(15_432, 32_000)
TRIES = 200


class NoFreePort(OSError):
    """Every port that was tried is taken."""


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(wanted: int | None = None, taken: Container[int] = ()) -> int:
    """`wanted` while it is free, so that clients find it again, else another one that is not `taken`."""
    if wanted is not None and is_free(wanted):
        return wanted
    for port in random.sample(RESERVED, TRIES):
        if port not in taken and is_free(port):
            return port
    raise NoFreePort(f"none of {TRIES} ports between {RESERVED.start} and {RESERVED.stop} is free")
