"""Mean and spread of the last points of a stream, in constant time a point."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass
class Rolling:
    """Moments of the last `window` values. Sums are taken about the first value and rebuilt once a turn of the ring.

    push and the reads are O(1) amortised; memory O(window). Rebuilding keeps rounding from piling up.

    >>> rolling = Rolling(2)
    >>> for value in (5.0, 1.0, 3.0): rolling.push(value)
    >>> rolling.moments()
    (2.0, 1.0)
    """

    window: int
    ring: list[float] = field(default_factory=list)
    at: int = 0
    origin: float = 0.0
    total: float = 0.0
    squares: float = 0.0

    def push(self, value: float) -> None:
        ring = self.ring
        if len(ring) < self.window:
            if not ring:
                self.origin = value
            ring.append(value)
            come = value - self.origin
            self.total += come
            self.squares += come * come
            return
        gone, come = ring[self.at] - self.origin, value - self.origin
        ring[self.at] = value
        self.total += come - gone
        self.squares += come * come - gone * gone
        self.at += 1
        if self.at == self.window:
            self.at = 0
            self._rebuild()

    def moments(self) -> tuple[float, float]:
        """Mean and variance; both 0 while empty."""
        n = len(self.ring)
        if n == 0:
            return 0.0, 0.0
        about, raw = self.total / n, self.squares / n
        rest = raw - about * about
        # What is left of equal values is rounding.
        return self.origin + about, rest if rest > 1e-12 * raw else 0.0

    def copy(self) -> Rolling:
        return Rolling(self.window, self.ring.copy(), self.at, self.origin, self.total, self.squares)

    def _rebuild(self) -> None:
        self.origin = self.ring[0]
        self.total = math.fsum(value - self.origin for value in self.ring)
        self.squares = math.fsum((value - self.origin) ** 2 for value in self.ring)


@dataclass
class Running:
    """Mean and spread of every value so far. O(1) a point. Source: Welford, Technometrics 4 (1962) 419.

    >>> running = Running()
    >>> for value in (1.0, 3.0): running.push(value)
    >>> running.mean, running.variance
    (2.0, 1.0)
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def push(self, value: float) -> None:
        self.count += 1
        step = value - self.mean
        self.mean += step / self.count
        self.squares += step * (value - self.mean)

    @property
    def variance(self) -> float:
        return self.squares / self.count if self.count else 0.0

    @property
    def deviation(self) -> float:
        return math.sqrt(self.variance)

    def copy(self) -> Running:
        return Running(self.count, self.mean, self.squares)
