"""From where a table is read, so that no row is missed that commits late: pure.

A row may be visible after one with a larger cursor: its transaction began earlier and ended later. So what a reading
has seen is passed only when every transaction that was under way right after it has ended: such a one either ended
before the next reading, which then sees its rows, or is waited for. Rows between are read again, and skipped by their
content.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LowMark:
    """`low`: where the next reading begins. `seen`: the largest cursor of a reading, passed when `running` have ended:
    the transactions that were under way right after it.
    """

    low: Any
    seen: Any = None
    running: frozenset[str] = frozenset()

    def before_reading(self, running: frozenset[str]) -> LowMark:
        """`running`: what is under way now. What was waited for and has ended is passed after this reading."""
        return LowMark(self.low, self.seen, self.running & running)

    def after_reading(self, largest: Any, running: frozenset[str]) -> LowMark:
        """`largest`: of this reading; None where it saw nothing. `running`: under way right after it."""
        if self.running:
            # Somebody of then has still not ended: what was seen meanwhile waits, too.
            return self
        low = self.low if self.seen is None else self.seen
        return LowMark(low, low if largest is None else largest, running)
