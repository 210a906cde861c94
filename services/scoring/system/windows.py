"""Which span of time a window is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True, slots=True)
class WindowId:
    """A half-open span in microseconds since 1970 UTC."""

    start_us: int
    end_us: int


EARLIEST_US, LATEST_US = -(2**62), 2**62
"""Where an open side of a span lies."""

ALL_TIME = WindowId(0, 2**62)
"""The one window of `Window.ALL`."""
