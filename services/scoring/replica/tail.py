"""The score log of one tenant as this process follows it: what it stated itself it need not read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from services.runtime.draining import Draining
from services.runtime.following import Notifier as Wake
from services.runtime.following import Tail
from services.scoring.store import Store
from services.scoring.wire.entries import PublishedEntry, published_entry

RING_POSITIONS_MAX = 256


class ScoreTail:
    """`changed` is notified whenever something of this tenant was committed, by this replica or another."""

    def __init__(self, tenant: str, store: Store, draining: Draining) -> None:
        self.changed = Wake()
        self._tenant = tenant
        self._store = store
        self._own: set[int] = set()
        self.tail = Tail(self._read, self.changed, draining, ring_positions_max=RING_POSITIONS_MAX)

    def notified(self, position: int | None) -> None:
        """Postgres tells that an entry was committed. None: something else was."""
        if position is None or (position > self.tail.through and position not in self._own):
            self.changed.notify()

    @contextmanager
    def publishing(self, entries: int) -> Iterator[None]:
        """Around a commit of so many entries, which are the log's next ones if nobody else is quicker.

        Postgres may tell of a commit before it answers to it, and what is heard of as another's has to be read.
        """
        last = self.tail.through + entries
        self._own.add(last)
        try:
            yield
        except BaseException:
            # Committed or not, who follows has to look.
            self.changed.notify()
            raise
        finally:
            self._own.discard(last)

    def published(self, begun: int, last: int, entries: Sequence[PublishedEntry]) -> None:
        """What this process committed as one, its last entry at the position `last`.

        begun: a ticket of `changed` from before the transaction. Where nothing was heard of since, the log ends here:
        whoever appended afterwards is still to be heard of.
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
