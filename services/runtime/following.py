"""The server's side of following: cursors that name their origin, and tails of a log that lose nothing.

A log has positions that only grow and become visible in order; one position is one commit, and its item holds
everything that the commit changed, so that a batch never splits one.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import uuid
import zlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.runtime.draining import Draining, draining_error
from services.runtime.errors import InvalidArgument, OutOfRange, Unavailable, invalid
from services.runtime.metrics import runtime_metrics

Item = TypeVar("Item")
Read = Callable[[int, int], Awaitable[Sequence[tuple[int, Item]]]]

CURSOR_VERSION = 1
ORIGIN_BYTES = 16
CHECK_BYTES = 4
POSITIONS_MAX = 256
WAIT_S_MAX = 30.0
# Enough to answer before the caller's deadline does: a share of what is left, but not more than needed.
ANSWER_SHARE, ANSWER_S_MAX = 0.3, 2.0
REACH_POLL_S = 0.5
HEARTBEAT_S = 10.0
HEARTBEAT_S_MIN, HEARTBEAT_S_MAX = 0.1, 60.0


class CursorCodec:
    """Cursors of one origin: opaque to everybody else, and checked, so that a mistyped one is never taken for a place.

    The check finds accidents. It is no secret: a cursor grants nothing that its caller may not read anyway.
    """

    def __init__(self, origin: uuid.UUID) -> None:
        self.origin = origin

    def encode(self, position: int) -> str:
        return self.encode_many([position])

    def decode(self, cursor: str, *, field: str = "after") -> int:
        positions = self.decode_many(cursor, field=field)
        if len(positions) != 1:
            raise _invalid(cursor, field)
        return positions[0]

    def encode_many(self, positions: Sequence[int]) -> str:
        """One position per partition, in the partitions' order."""
        body = bytes([CURSOR_VERSION]) + self.origin.bytes + _varint(len(positions))
        body += b"".join(_varint(position) for position in positions)
        return base64.urlsafe_b64encode(body + _check(body)).rstrip(b"=").decode()

    def decode_many(self, cursor: str, *, field: str = "after") -> list[int]:
        body = _checked_body(cursor, field)
        if uuid.UUID(bytes=body[1 : 1 + ORIGIN_BYTES]) != self.origin:
            raise invalid(field, "is a cursor of another deployment", "CURSOR_FOREIGN")
        try:
            positions = _varints(body[1 + ORIGIN_BYTES :])
        except ValueError as error:
            raise _invalid(cursor, field) from error
        if self.encode_many(positions) != cursor:
            raise _invalid(cursor, field)
        return positions

    def expired(self, oldest: int | Sequence[int]) -> OutOfRange:
        """The answer to a cursor from before what is kept; `oldest` is where reading can begin."""
        text = self.encode(oldest) if isinstance(oldest, int) else self.encode_many(oldest)
        return OutOfRange("CURSOR_EXPIRED", "the cursor is older than what is kept", metadata={"oldest": text})

    def watch_start(
        self, after: str, oldest: int, newest: int, *, snapshot: bool = False, otherwise: int | None = None
    ) -> int:
        """Where a watch begins that asked for `after`; without it at `otherwise`, absent: with what comes next."""
        if after and snapshot:
            raise invalid("after", "must be empty together with snapshot")
        if not after:
            return newest if otherwise is None else otherwise
        return self.check_not_beyond(self.check_not_expired(self.decode(after), oldest), newest)

    def check_not_beyond(self, position: int, newest: int, *, field: str = "after") -> int:
        """A cursor from after the end cannot be ours: the log was restored from a backup, say."""
        if position > newest:
            raise invalid(field, "lies beyond the end of the log", "CURSOR_INVALID")
        return position

    def check_not_expired(self, position: int, oldest: int) -> int:
        if position < oldest:
            raise self.expired(oldest)
        return position


def same_log(cursor: str, followed: str, *, field: str = "at_least") -> None:
    """Raises InvalidArgument where `followed`, a cursor or empty, is of another log than `cursor`."""
    if followed and foreign_origin(cursor, field=field) != foreign_origin(followed):
        raise invalid(field, "is no cursor of the log that is followed here", "CURSOR_FOREIGN")


async def reach(has_reached: Callable[[], Awaitable[bool]], changed: Notifier, remaining_s: float | None) -> None:
    """Waits for it; a retryable error shortly before the caller's deadline, or after 30 s where there is none."""
    due_s = _now_s() + (WAIT_S_MAX if remaining_s is None else remaining_s)
    if remaining_s is not None:
        due_s -= min(ANSWER_SHARE * remaining_s, ANSWER_S_MAX)
    while True:
        generation = changed.generation()
        if await has_reached():
            return
        if _now_s() >= due_s:
            raise Unavailable("NOT_YET_REACHED", "what comes before at_least is not followed yet", retry_after_s=0.2)
        await changed.changed(generation, max(0.0, min(REACH_POLL_S, due_s - _now_s())))


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def foreign_origin(cursor: str, *, field: str = "at_least") -> uuid.UUID:
    """The deployment that a cursor of another service's log names."""
    return uuid.UUID(bytes=_checked_body(cursor, field)[1 : 1 + ORIGIN_BYTES])


def foreign_position(cursor: str, *, field: str = "at_least") -> int:
    """The place that a cursor of another service's log stands for: to compare with, not to read from."""
    return CursorCodec(foreign_origin(cursor, field=field)).decode(cursor, field=field)


def _invalid(cursor: str, field: str) -> InvalidArgument:
    return invalid(field, f"is no cursor of this service ({len(cursor)} characters)", "CURSOR_INVALID")


def _checked_body(cursor: str, field: str) -> bytes:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid(cursor, field) from error
    body, check = raw[:-CHECK_BYTES], raw[-CHECK_BYTES:]
    if len(body) < 2 + ORIGIN_BYTES or body[0] != CURSOR_VERSION or check != _check(body):
        raise _invalid(cursor, field)
    return body


def _check(body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(CHECK_BYTES, "big")


def _varint(number: int) -> bytes:
    if number < 0:
        raise ValueError("positions are not negative")
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _varints(raw: bytes) -> list[int]:
    numbers: list[int] = []
    number = shift = 0
    for byte in raw:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number)
            number = shift = 0
    if shift or not numbers or numbers[0] != len(numbers) - 1 or numbers[0] > POSITIONS_MAX:
        raise ValueError("truncated")
    return numbers[1:]


def heartbeat_within_limits(requested_s: float | None) -> float:
    """Absent or zero: 10 s. Otherwise what was asked for, between 0.1 and 60 s."""
    if not requested_s:
        return HEARTBEAT_S
    return min(max(requested_s, HEARTBEAT_S_MIN), HEARTBEAT_S_MAX)


class Notifier:
    """Says that something changed, to those who took a generation before they looked."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = asyncio.Event()

    def generation(self) -> int:
        return self._count

    def notify(self) -> None:
        self._count += 1
        before, self._changed = self._changed, asyncio.Event()
        before.set()

    async def changed(self, generation: int, timeout_s: float) -> bool:
        """True as soon as there was a `notify` after the generation; False when patience ran out first."""
        if self._count != generation:
            return True
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True


@dataclass(frozen=True)
class Batch(Generic[Item]):
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
    ) -> AsyncIterator[Batch[Item]]:
        """Batches from `after` on, for ever; ends with a retryable error when the server drains.

        accepts: asked once for each item, in order. read: what this follower reads with while it is behind the ring,
        where it needs less of each item than others do.
        """
        beat_s = heartbeat_within_limits(heartbeat_s)
        loop = asyncio.get_running_loop()
        through, due_s = after, loop.time() + beat_s
        while not self._draining.started:
            # Ticket before read: a commit between the two would else go unnoticed.
            generation = self._signal.generation()
            found = await self._next(through, read or self._read)
            through = found[-1][0] if found else through
            chosen = [one for one in found if accepts is None or accepts(one[1])]
            if chosen or loop.time() >= due_s:
                yield Batch(chosen, through)
                due_s = loop.time() + beat_s
            if not found:
                await self._wait(generation, min(self._poll_s, due_s - loop.time()))
        yield Batch([], through)
        raise draining_error()

    async def _wait(self, generation: int, timeout_s: float) -> None:
        with self._draining.waking(self._signal):
            if not await self._signal.changed(generation, max(timeout_s, 0.0)):
                # Polling is a wake-up too: one follower's patience ends, all of them look, one of them reads.
                self._signal.notify()

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
