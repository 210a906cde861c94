"""Refused events as a work list: entries, which of them a call is about, and what is decided about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from services.ingest.model import Decider


class HeldState(IntEnum):
    PENDING = 1
    CORRECTED = 2
    REPLAYED = 3
    DISCARDED = 4


# Of the events of one page, as they are stored.
PAGE_BYTES_MAX = 1024 * 1024
OPEN = (HeldState.PENDING, HeldState.CORRECTED)


@dataclass(frozen=True)
class HeldEvent:
    """An entry; `sealed` is the event as it was sent, `corrected` as a person changed it, both encrypted."""

    quarantine_id: str
    position: int
    source: str
    batch_index: int
    field: str
    reason: str
    sealed: bytes
    corrected: bytes | None
    quarantined_at_us: int
    state: HeldState
    received_count: int
    revision: int

    @property
    def byte_count(self) -> int:
        return len(self.sealed) + len(self.corrected or b"")

    @property
    def current(self) -> bytes:
        return self.sealed if self.corrected is None else self.corrected

    @property
    def place(self) -> tuple[int, str]:
        """In the order of the list."""
        return self.position, self.quarantine_id


@dataclass(frozen=True)
class HeldFilter:
    """Absent sources and reasons: all; an empty field: every one. Refused within [start_us, end_us)."""

    sources: tuple[str, ...] | None = None
    reasons: tuple[str, ...] | None = None
    field: str = ""
    start_us: int = -(2**55)
    end_us: int = 2**55
    states: tuple[HeldState, ...] = OPEN


@dataclass(frozen=True)
class HeldPage:
    """Entries in order, as many as were asked for or fit; `is_cut`: there may be more."""

    entries: Sequence[HeldEvent]
    is_cut: bool


@dataclass(frozen=True)
class HeldCount:
    source: str
    reason: str
    field: str
    state: HeldState
    entry_count: int
    event_count: int
    oldest_us: int


@dataclass(frozen=True)
class HeldDecision:
    """What was decided about an entry."""

    state: HeldState
    decider: Decider
    decided_at_us: int


@dataclass(frozen=True)
class Release:
    """An entry whose event the log has: written by this commit, or known before. `source` is that of the event now."""

    quarantine_id: str
    source: str
    accepted: bool


class Quarantine(Protocol):
    """The entries of one tenant within one transaction. Changes are made under the lock of the log."""

    async def after(self, chosen: HeldFilter, place: tuple[int, str], count_max: int) -> HeldPage:
        """Oldest first."""

    async def before(self, chosen: HeldFilter, place: tuple[int, str], count_max: int) -> HeldPage:
        """Newest first."""

    async def named(
        self, quarantine_ids: Sequence[str], states: Sequence[HeldState], place: tuple[int, str], count_max: int
    ) -> HeldPage:
        """Oldest first; unknown ids are left out."""

    async def revisions(self, quarantine_ids: Sequence[str]) -> dict[str, int]:
        """Of those that there are, in any state."""

    async def count(self, chosen: HeldFilter) -> int: ...

    async def counts(self, chosen: HeldFilter) -> list[HeldCount]: ...

    async def decisions(self, quarantine_id: str) -> list[HeldDecision]:
        """Oldest first."""

    async def still_open(self, entries: Sequence[tuple[str, int]]) -> set[str]:
        """Of these ids and revisions; nobody else changes them until the transaction is over."""

    async def correct(self, corrected: Sequence[tuple[str, int, bytes]], decider: Decider) -> int:
        """Those that are open and at these revisions; how many."""

    async def discard(self, entries: Sequence[tuple[str, int]], decider: Decider) -> int:
        """Those that are open and at these revisions; how many."""

    async def release(self, released: Sequence[Release], decider: Decider) -> None:
        """Entries that `still_open` named."""

    async def expire(self, before_us: int, count_max: int) -> tuple[int, int]:
        """Deletes entries that were refused before, as `delete` does."""

    async def delete(self, quarantine_ids: Sequence[str]) -> tuple[int, int]:
        """How many entries there were, and how many events of those that were open."""
