"""The score log of one tenant as this process follows it: what it stated itself it need not read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from andon.scoring.v1 import score_pb2

from services.runtime.draining import Draining
from services.runtime.following import Notifier as Wake
from services.runtime.following import Tail
from services.scoring.store import Store
from services.scoring.store.log import LogEntry
from services.scoring.wire.scores import unpack_scores, unpack_signals

RING_POSITIONS_MAX = 256


@dataclass(frozen=True)
class Step:
    """One entry of the score log, unpacked once for all who follow it."""

    scores: tuple[score_pb2.Score, ...]
    signals: tuple[score_pb2.Signal, ...]
    traceparent: str
    committed_at: datetime


class ScoreTail:
    """`changed` is notified whenever something of this tenant was committed, by this replica or another."""

    def __init__(self, tenant: str, store: Store, draining: Draining) -> None:
        self.changed = Wake()
        self._tenant = tenant
        self._store = store
        self._own: set[int] = set()
        self.tail = Tail(self._read, self.changed, draining, ring_positions_max=RING_POSITIONS_MAX)

    def heard(self, position: int | None) -> None:
        """Postgres tells that an entry was committed. None: something else was."""
        if position is None or (position > self.tail.through and position not in self._own):
            self.changed.notify()

    @contextmanager
    def stating(self, entries: int) -> Iterator[None]:
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

    def stated(self, begun: int, last: int, steps: Sequence[Step]) -> None:
        """What this process committed as one, its last entry at the position `last`.

        begun: a ticket of `changed` from before the transaction. Where nothing was heard of since, the log ends here:
        whoever appended afterwards is still to be heard of.
        """
        alone = self.changed.generation() == begun
        for position, step in enumerate(steps, start=last - len(steps) + 1):
            self.tail.offer(position - 1, position, step)
        self.changed.notify()
        if alone:
            self.tail.ends_at(last)

    async def _read(self, after: int, limit: int) -> Sequence[tuple[int, Step]]:
        return [(position, _step(entry)) for position, entry in await self._store.entries(self._tenant, after, limit)]


def _step(entry: LogEntry) -> Step:
    return Step(
        tuple(unpack_scores(entry.scores)), tuple(unpack_signals(entry.signals)), entry.traceparent, entry.committed_at
    )
