"""Addresses that a process listens on, such as 0.0.0.0:7443."""

from __future__ import annotations

import socket
from collections.abc import Callable


class CannotListen(OSError):
    """The address is taken, or not one of this machine."""

    def __init__(self, address: str) -> None:
        super().__init__(f"cannot listen on {address}: it is taken, or not an address of this machine")


def bound(address: str, bind: Callable[[str], int]) -> int:
    """The port that gRPC bound."""
    try:
        return bind(address)
    except RuntimeError as error:
        raise CannotListen(address) from error


def listening_socket(address: str, *, reuse_port: bool) -> socket.socket:
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((host.strip("[]"), int(port)))
        made.listen()
    except OSError as error:
        made.close()
        raise CannotListen(address) from error
    return made
