"""The score log of one tenant as this process follows it: its own entries are not read back.

Theory of operation
===================

All watches of a tenant in this process share one `Tail`: a ring of the newest entries, unpacked once. An entry gets
into the ring in two ways. What this process commits is offered by the committer; everything else is read from
Postgres when a notification says that there is something.

What is invariant. Followers get every position once and in order: the ring takes an entry only after the one before
it, and reads the gap otherwise. So an offer is an optimisation, and to lose one, or a notification, costs a poll and
no entry.

Who may be first. Another replica may commit between our decision and our commit, and Postgres may notify before it
answers a commit. Positions that a commit under way will probably get count as our own until it ends, so that their
notification wakes nobody; a position of another replica in their place is noticed, since the tail then ends below the
last position. Whether the log ends at our entry is known only if no notification came since the commit began.

What is lost when it dies. The ring. A watch resumes from its cursor, in this process or another, out of the log
table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from services.runtime.drain import Draining
from services.runtime.notifier import Notifier as Wake
from services.runtime.tail import Tail
from services.scoring.store import Store
from services.scoring.wire.entries import PublishedEntry, published_entry
from services.scoring.wire.open_cases import CaseEntry, case_entry

RING_POSITIONS_MAX = 256
CASE_RING_POSITIONS_MAX, CASES_READ_MAX = 64, 16


class ScoreTail:
    """`changed` is notified whenever something of this tenant was committed, by this replica or another."""

    def __init__(self, tenant: str, store: Store, draining: Draining) -> None:
        self.changed = Wake()
        self._tenant = tenant
        self._store = store
        self._own: set[int] = set()
        self.tail = Tail(self._read, self.changed, draining, ring_positions_max=RING_POSITIONS_MAX)
        # Its log has positions of its own; it is read when something was committed.
        self.cases = Tail(self._read_cases, self.changed, draining, ring_positions_max=CASE_RING_POSITIONS_MAX)

    def notified(self, position: int | None) -> None:
        """Postgres notified of a committed entry. None: of something else."""
        if position is None or (position > self.tail.through and position not in self._own):
            self.changed.notify()

    @contextmanager
    def publishing(self, entries: int) -> Iterator[None]:
        """Around a commit of so many entries, which are the log's next ones if nobody else is quicker.

        Postgres may notify of a commit before it answers it, and what counts as another's entry has to be read.
        """
        last = self.tail.through + entries
        self._own.add(last)
        try:
            yield
        except BaseException:
            # Committed or not: followers have to look.
            self.changed.notify()
            raise
        finally:
            self._own.discard(last)

    def published(self, begun: int, last: int, entries: Sequence[PublishedEntry]) -> None:
        """What this process committed as one, its last entry at the position `last`.

        begun: the generation of `changed` before the transaction. Where no notification came since, the log ends here:
        that of a later entry is still to come.
        """
        alone = self.changed.generation() == begun
        for position, entry in enumerate(entries, start=last - len(entries) + 1):
            self.tail.offer(position - 1, position, entry)
        self.changed.notify()
        if alone:
            self.tail.ends_at(last)

    async def _read(self, after: int, limit: int) -> Sequence[tuple[int, PublishedEntry]]:
        return [
            (position, published_entry(entry.scores, entry.signals, entry.traceparent, entry.committed_at))
            for position, entry in await self._store.entries(self._tenant, after, limit)
        ]

    async def _read_cases(self, after: int, limit: int) -> Sequence[tuple[int, CaseEntry]]:
        return [
            (position, case_entry(entry.system, entry.body))
            for position, entry in await self._store.case_changes(self._tenant, after, min(limit, CASES_READ_MAX))
        ]
