"""One tenant's log as this process writes it: while one commit is on its way, the next one gathers."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from services.ingest.admission import admit
from services.ingest.memory import Memory
from services.ingest.metrics import metrics
from services.ingest.model import (
    DEDUP_HORIZON_US,
    TRACEPARENTS_MAX,
    Arrival,
    Batch,
    Fault,
    Position,
    Source,
    SourceId,
    TenantId,
    Written,
    total,
)
from services.ingest.plan import Plan, gather, plan, reasons
from services.ingest.pseudonyms import TenantKeys
from services.ingest.quarantine import quarantine_id, sealed
from services.ingest.store import Addition, Answer, Head, LogStore, Sealed, Session
from services.runtime.errors import ResourceExhausted
from services.runtime.following import Signal
from services.runtime.requests import request_id_reused
from services.runtime.telemetry import batch_span

Clock = Callable[[], int]
METHOD = "WriteEvents"
_FORGET_ANSWERS_EVERY = 1_000


@dataclass(frozen=True)
class Limits:
    commit_rows_max: int
    queue_rows_max: int
    partition_count: int
    cache_bytes_max: int


@dataclass(frozen=True)
class Forms:
    """How batches and answers look outside: given by whoever knows the contract."""

    as_sent: Callable[[Arrival, int], bytes]
    answer: Callable[[Written, Head], bytes]


# What was written now, the first answer to this request id, or why neither.
Outcome = Written | bytes | Exception


@dataclass(frozen=True)
class Waiting:
    batch: Batch
    revision: int
    answer: "asyncio.Future[Written | bytes]"


@dataclass(frozen=True)
class Committed:
    plan: Plan
    addition: Addition
    committed_at_us: int
    written: tuple[Written, ...]


class TenantLog:
    def __init__(
        self, tenant: TenantId, store: LogStore, keys: TenantKeys, limits: Limits, forms: Forms, clock: Clock
    ) -> None:
        self.tenant = tenant
        self.keys = keys
        self.signal = Signal()
        self.sources: Mapping[SourceId, Source] = {}
        self.head: Head | None = None
        self._revision = -1
        self._store = store
        self._limits = limits
        self._forms = forms
        self._clock = clock
        self._memory = Memory(limits.cache_bytes_max)
        self._remembers = False
        self._opening = asyncio.Lock()
        self._queue: list[Waiting] = []
        self._queued_rows = 0
        self._room = asyncio.Event()
        self._committer: asyncio.Task[None] | None = None

    async def open(self) -> Head:
        """Makes sure that the log exists, and knows its origin and sources."""
        if self.head is not None:
            return self.head
        async with self._opening, self._store.session(self.tenant) as session:
            await session.create_head(self._limits.partition_count)
            head = await session.read_head()
            await self._refresh_sources(session, head)
            self.head = head
        return head

    async def refresh(self) -> Head:
        """The end of the log as it is now, by whichever process."""
        async with self._store.session(self.tenant, readonly=True) as session:
            head = await session.read_head()
            await self._refresh_sources(session, head)
        return head

    async def _refresh_sources(self, session: Session, head: Head) -> None:
        if head.sources_revision != self._revision:
            self.sources = await session.sources()
            self._revision = head.sources_revision

    def admit(self, arrival: Arrival, traceparent: str) -> Batch:
        admission = admit(arrival, self.sources, self.keys, self._clock(), traceparent)
        return Batch(arrival, admission, traceparent)

    async def room(self) -> None:
        """Returns when there is room for another batch: how a stream waits where a single call is refused."""
        while self._queued_rows >= self._limits.queue_rows_max // 2:
            self._room.clear()
            await self._room.wait()

    def submit(self, batch: Batch) -> "asyncio.Future[Written | bytes]":
        """Queues a batch; the answer comes when it is durable."""
        if self._queued_rows and self._queued_rows + batch.received > self._limits.queue_rows_max:
            metrics.add("andon.ingest.refused", batch.received)
            raise ResourceExhausted("OVERLOADED", "too much is waiting to be written", retry_after_s=0.5)
        answer: asyncio.Future[Written | bytes] = asyncio.get_running_loop().create_future()
        self._queue.append(Waiting(batch, self._revision, answer))
        self._queued_rows += batch.received
        if self._committer is None or self._committer.done():
            self._committer = asyncio.create_task(self._commit_all())
        return answer

    async def close(self) -> None:
        """What is queued is written first."""
        if self._committer is not None:
            with suppress(Exception):
                await self._committer

    async def _commit_all(self) -> None:
        while self._queue:
            group = self._next_group()
            try:
                outcomes = await self._commit(group)
            except Exception as error:
                outcomes = [error] * len(group)
            finally:
                self._queued_rows -= sum(waiting.batch.received for waiting in group)
                self._room.set()
            for waiting, outcome in zip(group, outcomes, strict=True):
                _answer(waiting, outcome)

    def _next_group(self) -> list[Waiting]:
        """As many whole batches as one commit may hold, at least one, each request id once; a check stands alone."""
        rows, count, alone = 0, 0, False
        ids: set[UUID] = set()
        for waiting in self._queue:
            rows += waiting.batch.received
            request_id = waiting.batch.request_id
            if count and (
                rows > self._limits.commit_rows_max or request_id in ids or waiting.batch.validate_only or alone
            ):
                break
            alone = waiting.batch.validate_only
            if request_id is not None:
                ids.add(request_id)
            count += 1
        group, self._queue = self._queue[:count], self._queue[count:]
        return group

    async def _commit(self, group: Sequence[Waiting]) -> list[Outcome]:
        traceparents = tuple(dict.fromkeys(one.batch.traceparent for one in group if one.batch.traceparent))
        with batch_span("andon.ingest.commit", traceparents, {"andon.batches": len(group)}):
            async with self._store.session(self.tenant) as session:
                head = await session.lock_head()
                await self._prepare(session, head)
                first = await self._first_answers(session, group)
                fresh = [self._current(one) for one in group if one.batch.request_id not in first]
                if fresh and fresh[0].validate_only:
                    return [await self._check(session, head, fresh[0])]
                committed = await self._write(session, head, fresh, traceparents) if fresh else None
            if committed:
                self._learn(committed)
        written = iter(committed.written if committed else ())
        return [
            _replay(one.batch, first[one.batch.request_id])
            if one.batch.request_id is not None and one.batch.request_id in first
            else next(written)
            for one in group
        ]

    async def _prepare(self, session: Session, head: Head) -> None:
        """Sources and memory as they are under the lock, so that every process decides alike."""
        await self._refresh_sources(session, head)
        horizon_us = max([DEDUP_HORIZON_US, *(source.dedup_horizon_us for source in self.sources.values())])
        now_us = self._clock()
        if not self._remembers or now_us - horizon_us < self._memory.since_us:
            self._memory = Memory(self._limits.cache_bytes_max)
            await self._memory.begin(session, now_us, horizon_us)
            self._remembers = True
        self._memory.forget(now_us, horizon_us)
        await self._memory.catch_up(session, head.position)

    async def _first_answers(self, session: Session, group: Sequence[Waiting]) -> Mapping[UUID, Answer]:
        ids = [one.batch.request_id for one in group if one.batch.request_id is not None]
        return dict(await session.answered(ids)) if ids else {}

    def _current(self, waiting: Waiting) -> Batch:
        """Admitted anew where the sources changed while it waited: privacy is decided under the lock."""
        if waiting.revision == self._revision:
            return waiting.batch
        again = self.admit(waiting.batch.arrival, waiting.batch.traceparent)
        return replace(waiting.batch, admission=again.admission)

    async def _check(self, session: Session, head: Head, batch: Batch) -> Written:
        """What would be answered; nothing is written."""
        gathering = gather([batch])
        outcome = await self._memory.judge(session, gathering, self.sources, self._clock())
        made = plan([batch], gathering, outcome, head.next_offsets)
        return Written(made.batch_tallies[0], made.faults[0])

    async def _write(
        self, session: Session, head: Head, batches: Sequence[Batch], traceparents: tuple[str, ...]
    ) -> Committed:
        gathering = gather(batches)
        outcome = await self._memory.judge(session, gathering, self.sources, self._clock())
        made = plan(batches, gathering, outcome, head.next_offsets)
        written, refused = self._answers(made, batches, Position(head.position + 1))
        addition = Addition(
            position=head.position + 1,
            next_offsets=_moved(head, made),
            watermark_us=made.time_max_us,
            total=total(made.batch_tallies),
            tallies=made.tallies,
            reasons=reasons(made.faults),
            segments=made.cut.segments if made.cut else (),
            refused=refused,
            sources=tuple(sorted({name for one in batches for name in one.admission.sources} - set(self.sources))),
            answers=tuple(
                Answer(batch.request_id, METHOD, batch.fingerprint, self._forms.answer(one, head))
                for batch, one in zip(batches, written, strict=True)
                if batch.request_id is not None
            ),
            traceparents=traceparents[:TRACEPARENTS_MAX],
        )
        committed_at_us = await session.append(addition, METHOD)
        if addition.answers and addition.position % _FORGET_ANSWERS_EVERY == 0:
            await session.forget_answers()
        return Committed(made, addition, committed_at_us, written)

    def _answers(
        self, made: Plan, batches: Sequence[Batch], position: Position
    ) -> tuple[tuple[Written, ...], tuple[Sealed, ...]]:
        written, refused = [], []
        for batch, tally, faults in zip(batches, made.batch_tallies, made.faults, strict=True):
            kept = [self._sealed(batch.arrival, fault) for fault in faults]
            refused += kept
            written.append(Written(tally, faults, tuple(one.quarantine_id for one in kept), position))
        return tuple(written), tuple({one.quarantine_id: one for one in refused}.values())

    def _sealed(self, arrival: Arrival, fault: Fault) -> Sealed:
        key = self.keys.quarantine
        event = self._forms.as_sent(arrival, fault.index)
        name = quarantine_id(key, event, fault)
        return Sealed(name, fault.source, fault.index, fault.field, fault.reason, sealed(key, name, event))

    def _learn(self, committed: Committed) -> None:
        addition = committed.addition
        self._memory.learn_own(committed.plan, addition.position, committed.committed_at_us)
        if addition.sources:
            self.sources = {**self.sources, **{name: Source(name) for name in addition.sources}}
        self.signal.notify()
        for outcome, count in (
            ("accepted", addition.total.accepted),
            ("duplicate", addition.total.duplicate),
            ("quarantined", addition.total.quarantined),
        ):
            metrics.add("andon.ingest.events", count, outcome=outcome)
        metrics.add("andon.ingest.commits")
        metrics.add("andon.ingest.bytes", sum(len(segment.events) for segment in addition.segments))


def _moved(head: Head, made: Plan) -> tuple[int, ...]:
    offsets = list(head.next_offsets)
    for segment in made.cut.segments if made.cut else ():
        offsets[segment.partition] += segment.event_count
    return tuple(offsets)


def _replay(batch: Batch, answer: Answer) -> Outcome:
    if answer.method != METHOD or answer.fingerprint != batch.fingerprint:
        return request_id_reused()
    return answer.answer


def _answer(waiting: Waiting, outcome: Outcome) -> None:
    if waiting.answer.done():
        return
    if isinstance(outcome, Exception):
        waiting.answer.set_exception(outcome)
    else:
        waiting.answer.set_result(outcome)
