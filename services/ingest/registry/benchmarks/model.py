"""A benchmark as it is stored, and whether one of its values holds at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

EARLIEST_US, LATEST_US = -(2**62), 2**62


class BenchmarkState(IntEnum):
    VALID = 1
    EXPIRED = 2
    UPCOMING = 3


@dataclass(frozen=True)
class StoredBenchmark:
    """document: what people wrote of it, as a message of the contract. revision: from 1."""

    id: str
    document: bytes
    revision: int
    created_at_us: int = 0
    updated_at_us: int = 0


@dataclass(frozen=True)
class Validity:
    """A value holds in [start_us, end_us)."""

    start_us: int = EARLIEST_US
    end_us: int = LATEST_US


def state_at(values: Sequence[Validity], at_us: int) -> tuple[BenchmarkState, int | None]:
    """values: in order, without overlaps. Also when what holds ends, or what held last ended; None: never.

    >>> state_at([Validity(0, 10), Validity(20, 30)], 15)
    (<BenchmarkState.EXPIRED: 2>, 10)
    >>> state_at([Validity(20)], 15)
    (<BenchmarkState.UPCOMING: 3>, None)
    """
    begun = [one for one in values if one.start_us <= at_us]
    if not begun:
        return BenchmarkState.UPCOMING, None
    end_us = begun[-1].end_us
    state = BenchmarkState.VALID if at_us < end_us else BenchmarkState.EXPIRED
    return state, None if end_us == LATEST_US else end_us
