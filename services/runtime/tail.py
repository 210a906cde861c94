"""The server's side of following: a tail of a log, which loses nothing and repeats nothing.

A log has positions that only grow and become visible in order; one position is one commit, and its item holds
everything that the commit changed, so that a batch never splits one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.runtime.drain import Draining, draining_error
from services.runtime.metrics import runtime_metrics
from services.runtime.notifier import Notifier

Item = TypeVar("Item")
Read = Callable[[int, int], Awaitable[Sequence[tuple[int, Item]]]]

HEARTBEAT_S = 10.0
HEARTBEAT_S_MIN, HEARTBEAT_S_MAX = 0.1, 60.0


def heartbeat_within_limits(requested_s: float | None) -> float:
    """Absent or zero: 10 s. Otherwise what was asked for, between 0.1 and 60 s."""
    if not requested_s:
        return HEARTBEAT_S
    return min(max(requested_s, HEARTBEAT_S_MIN), HEARTBEAT_S_MAX)


@dataclass(frozen=True)
class TailBatch(Generic[Item]):
    """Changes in commit order, and the position through which everything is delivered. No items: a heartbeat."""

    items: Sequence[tuple[int, Item]]
    through: int


class Tail(Generic[Item]):
    """One log, followed by many: who keeps up reads the ring in memory, who does not reads the log itself.

    `read(after, limit)` returns whole positions greater than `after`, in order, none skipped. `size_of` gives the bytes
    of an item, where a ring and a batch are bounded by them; a batch from the log is bounded by `read` itself.
    """

    def __init__(
        self,
        read: Read[Item],
        signal: Notifier,
        draining: Draining,
        *,
        ring_positions_max: int = 1024,
        batch_positions_max: int = 256,
        size_of: Callable[[Item], int] = lambda item: 0,
        ring_bytes_max: int = 0,
        batch_bytes_max: int = 0,
        poll_s: float = 1.0,
    ) -> None:
        self._read = read
        self._signal = signal
        self._draining = draining
        self._batch_positions_max = batch_positions_max
        self._poll_s = poll_s
        # Everything in (_ring_after, _ring_through] is in the ring.
        self._ring: deque[tuple[int, Item]] = deque()
        self._ring_positions_max = ring_positions_max
        self._ring_after = self._ring_through = -1
        self._size_of = size_of
        self._ring_bytes, self._ring_bytes_max = 0, ring_bytes_max
        self._batch_bytes_max = batch_bytes_max
        # Position and generation at which the log was last found to end.
        self._end_seen = (-1, -1)
        self._refilling = asyncio.Lock()

    def offer(self, previous: int, position: int, item: Item) -> None:
        """What this process committed itself, so that it need not be read again; `previous`: the position before it.

        Anything but the ring's next is left to the log.
        """
        if previous == self._ring_through:
            self._remember(previous, [(position, item)])

    def ends_at(self, position: int) -> None:
        """The log is known to end here for as long as the signal says nothing new."""
        self._end_seen = (position, self._signal.generation())

    @property
    def through(self) -> int:
        """What is in memory ends here."""
        return self._ring_through

    async def follow(
        self,
        after: int,
        *,
        heartbeat_s: float | None = None,
        accepts: Callable[[Item], bool] | None = None,
        read: Read[Item] | None = None,
    ) -> AsyncIterator[TailBatch[Item]]:
        """Batches from `after` on, for ever; ends with a retryable error when the server drains.

        accepts: asked once for each item, in order. read: what this follower reads with while it is behind the ring,
        where it needs less of each item than others do.
        """
        beat_s = heartbeat_within_limits(heartbeat_s)
        loop = asyncio.get_running_loop()
        through, due_s = after, loop.time() + beat_s
        while not self._draining.started:
            # Generation before read: a commit between the two would else go unnoticed.
            generation = self._signal.generation()
            found = await self._next(through, read or self._read)
            through = found[-1][0] if found else through
            chosen = [one for one in found if accepts is None or accepts(one[1])]
            if chosen or loop.time() >= due_s:
                yield TailBatch(chosen, through)
                due_s = loop.time() + beat_s
            if not found:
                timeout_s = max(0.0, min(self._poll_s, due_s - loop.time()))
                with self._draining.waking(self._signal):
                    if not await self._signal.changed(generation, timeout_s):
                        # Polling is a wake-up too: one follower's patience ends, all of them look, one of them reads.
                        self._signal.notify()
        yield TailBatch([], through)
        raise draining_error()

    async def _next(self, after: int, read: Read[Item]) -> Sequence[tuple[int, Item]]:
        if self._ring_after <= after < self._ring_through:
            return self._from_ring(after)
        end = (after, self._signal.generation())
        if end == self._end_seen:
            return []
        if after < self._ring_after or (read is not self._read and after != self._ring_through):
            found = await self._from_log(after, read)
            if not found:
                self._ends(end)
            return found
        async with self._refilling:
            # Another follower may have read the same while this one waited for its turn.
            if self._ring_after <= after < self._ring_through:
                return self._from_ring(after)
            end = (after, self._signal.generation())
            if end == self._end_seen:
                return []
            found = await self._from_log(after, self._read)
            if found:
                self._remember(after, found)
            else:
                self._ends(end)
            return found

    def _ends(self, end: tuple[int, int]) -> None:
        """Nothing was found here: from now on the ring takes what is offered next."""
        self._end_seen = end
        if end[0] > self._ring_through:
            self._ring.clear()
            self._ring_after = self._ring_through = end[0]
            self._ring_bytes = 0

    async def _from_log(self, after: int, read: Read[Item]) -> Sequence[tuple[int, Item]]:
        runtime_metrics.add("andon.runtime.tail.log_reads")
        return await read(after, self._batch_positions_max)

    def _from_ring(self, after: int) -> Sequence[tuple[int, Item]]:
        newest_first: list[tuple[int, Item]] = []
        for one in reversed(self._ring):
            if one[0] <= after:
                break
            newest_first.append(one)
        found, size = newest_first[::-1][: self._batch_positions_max], 0
        if self._batch_bytes_max:
            for count, (_, item) in enumerate(found):
                size += self._size_of(item)
                if count and size > self._batch_bytes_max:
                    return found[:count]
        return found

    def _remember(self, after: int, found: Sequence[tuple[int, Item]]) -> None:
        if after != self._ring_through:
            self._ring.clear()
            self._ring_after, self._ring_bytes = after, 0
        self._ring.extend(found)
        self._ring_bytes += sum(self._size_of(item) for _, item in found)
        self._ring_through = found[-1][0]
        while len(self._ring) > self._ring_positions_max or self._ring_bytes > self._ring_bytes_max > 0:
            self._ring_after, dropped = self._ring.popleft()
            self._ring_bytes -= self._size_of(dropped)
