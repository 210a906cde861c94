"""One tenant's log as this process reads it: up to its end, and on with what is written next.

Theory of operation. All followers of a tenant in this process share one tail (`services/runtime/tail.py`): a ring
of the newest commits. What this process commits is offered to it and not read back; everything else is read from the
log when a notification says that there is something. An offer is an optimisation: to lose one, or a notification, costs
a poll and no commit.

Another process may commit between our decision and our append, and the store may notify of a commit before it answers
it. The position that an append under way will probably get counts as our own until it ends, so that its notification
wakes nobody; if it becomes another's, followers are woken when the append has failed. Whether the log ends at our
commit is known only if no notification came since the append began.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from services.ingest.log.interface import Log
from services.ingest.log.records import EVERY_PAGE, LoggedCommit, PageFilter
from services.runtime.drain import Draining, draining_error
from services.runtime.notifier import Notifier
from services.runtime.tail import Read, Tail

COMMITS_MAX = 256
RING_BYTES_MAX = 8 * 1024 * 1024


@dataclass(frozen=True)
class LogSlice:
    """Whole commits in order, each with the pages that were asked for. Without pages: a heartbeat.

    Commits without any are named all the same, so that a reader who folds commits misses none.
    """

    through: int
    commits: Sequence[LoggedCommit] = ()

    def one_by_one(self) -> Iterator["LogSlice"]:
        """The same, cut after each commit that has pages."""
        begin = 0
        for end, one in enumerate(self.commits, start=1):
            if one.pages and end < len(self.commits):
                yield LogSlice(one.commit.position, self.commits[begin:end])
                begin = end
        yield LogSlice(self.through, self.commits[begin:])


class LogTail:
    """`changed` is notified whenever something of this tenant was committed, by this process or another."""

    def __init__(self, log: Log, draining: Draining, response_bytes_max: int, poll_s: float) -> None:
        self.changed = Notifier()
        self._log = log
        self._draining = draining
        self._response_bytes_max = response_bytes_max
        self._appending = 0
        self._tail = Tail(
            self._reading(EVERY_PAGE),
            self.changed,
            draining,
            ring_positions_max=COMMITS_MAX,
            batch_positions_max=COMMITS_MAX,
            size_of=lambda one: one.commit.byte_count,
            ring_bytes_max=RING_BYTES_MAX,
            batch_bytes_max=response_bytes_max,
            poll_s=poll_s,
        )

    def notified(self, position: int | None) -> None:
        """Somebody wrote through this position; None: nobody knows how far."""
        if position is None or (position > self._tail.through and position != self._appending):
            self.changed.notify()

    @contextmanager
    def appending(self, position: int) -> Iterator[None]:
        """Around an append that gets this position if nobody else is quicker."""
        self._appending = position
        try:
            yield
        finally:
            self._appending = 0
            if self._tail.through < position:
                # Nothing was offered: the position is another's, or nobody knows.
                self.changed.notify()

    def appended(self, one: LoggedCommit, begun: int) -> None:
        """What this process committed; `begun`: the generation of `changed` before it did."""
        position = one.commit.position
        alone = self.changed.generation() == begun
        self._tail.offer(position - 1, position, one)
        self.changed.notify()
        if alone:
            self._tail.ends_at(position)

    async def replay(self, after: int, pages: PageFilter) -> AsyncIterator[LogSlice]:
        """Up to the end of the log as it is when it gets there."""
        while not self._draining.started:
            found = await self._log.read(after, pages, COMMITS_MAX, self._response_bytes_max)
            if not found:
                return
            after = found[-1].commit.position
            yield LogSlice(after, found)
        raise draining_error()

    async def follow(self, after: int, pages: PageFilter, heartbeat_s: float) -> AsyncIterator[LogSlice]:
        """For ever; ends with a retryable error when the server drains."""
        seen: list[LoggedCommit] = []

        def chosen(one: LoggedCommit) -> bool:
            some = one.pages if pages == EVERY_PAGE else tuple(filter(pages.chooses, one.pages))
            seen.append(replace(one, pages=some))
            return bool(some)

        reading = self._reading(pages)
        async for batch in self._tail.follow(after, heartbeat_s=heartbeat_s, accepts=chosen, read=reading):
            yield LogSlice(batch.through, tuple(seen))
            seen.clear()

    def _reading(self, pages: PageFilter) -> Read[LoggedCommit]:
        async def read(after: int, commits_max: int) -> Sequence[tuple[int, LoggedCommit]]:
            found = await self._log.read(after, pages, commits_max, self._response_bytes_max)
            return [(one.commit.position, one) for one in found]

        return read
