"""A port is reserved while it is free, and lies where the kernel gives none away."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from services.machine import ports
from services.machine.ports import RESERVED, NoFreePort, free_port, is_free


@pytest.fixture
def busy():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_ports_are_outside_of_what_the_kernel_gives_to_outgoing_connections():
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(RESERVED) < lowest


def test_a_kept_port_stays_while_it_is_free(busy):
    first = free_port()
    assert first in RESERVED
    assert free_port(wanted=first) == first
    assert not is_free(busy)
    assert free_port(wanted=busy) != busy


def test_what_others_have_taken_is_left_to_them(monkeypatch):
    monkeypatch.setattr(ports, "RESERVED", range(20_000, 20_003))
    monkeypatch.setattr(ports, "TRIES", 3)
    monkeypatch.setattr(ports, "is_free", lambda port: True)
    assert free_port(taken=[20_000, 20_002]) == 20_001
    with pytest.raises(NoFreePort, match="none of 3 ports"):
        free_port(taken=[20_000, 20_001, 20_002])
