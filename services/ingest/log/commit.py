"""Groups of batches become commits: decided from memory and written at once, or under the log's lock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.ingest.admission.admit import admit, merged_admissions
from services.ingest.admission.pseudonyms import TenantKeys
from services.ingest.known.memory import Memory, ReadSegments
from services.ingest.log.decision import Codec, CommitDecision, CommitResult, ExpectedHead, decide, replayed
from services.ingest.log.group import QueuedBatch, unadmitted
from services.ingest.log.plan import CommitPlan, plan
from services.ingest.log.recent import RecentCommits
from services.ingest.metrics import metrics
from services.ingest.model import (
    DEDUP_HORIZON_US,
    Admission,
    IncomingBatch,
    Source,
    SourceId,
    TenantId,
    Written,
)
from services.ingest.store.log_store import LogSession, LogStore
from services.ingest.store.records import Commit, LogHead, StoredAnswer, StoredSegment
from services.runtime.errors import FieldViolation, InvalidArgument
from services.runtime.telemetry import batch_span

Clock = Callable[[], int]
# Every so many commits one goes under the lock and clears away what is outdated.
_CLEAR_EVERY = 1_000


@dataclass(frozen=True)
class LogLimits:
    commit_rows_max: int
    commit_bytes_max: int
    queue_rows_max: int
    partition_count: int
    cache_bytes_max: int


class CannotShare(Exception):
    """One of the batches cannot be admitted."""


class CommitTooLarge(Exception):
    """Its segments would not fit into one message to a reader."""


class Committer:
    """One tenant's log as this process knows it.

    While nobody else writes the log, what this process remembers is the log: a commit is decided from memory and
    written in one round trip, which changes nothing if the log turns out to have moved. Then, and until the log is
    found where this process left it, commits are decided under its lock, after catching up.
    """

    def __init__(
        self, tenant: TenantId, store: LogStore, keys: TenantKeys, limits: LogLimits, forms: Codec, clock: Clock
    ) -> None:
        self.tenant = tenant
        self.keys = keys
        self.sources: Mapping[SourceId, Source] = {}
        self.revision = -1
        self.recent = RecentCommits()
        self._head: LogHead | None = None
        self._store = store
        self._limits = limits
        self._forms = forms
        self._clock = clock
        self._memory = Memory(limits.cache_bytes_max)
        self._remembers = False
        self._alone = False

    @property
    def head(self) -> LogHead:
        """The end of the log as this process left it. Raises LookupError before `open`."""
        if self._head is None:
            raise LookupError("the log is not open")
        return self._head

    async def open(self) -> None:
        """Makes sure that the log exists, and knows its origin and sources."""
        if self._head is not None:
            return
        async with self._store.session(self.tenant) as session:
            await session.create_head(self._limits.partition_count)
            head = await session.read_head()
            await self._refresh_sources(session, head)
        self._head = self._head or head

    async def refresh(self) -> LogHead:
        """The end of the log as it is now, by whichever process."""
        async with self._store.session(self.tenant, readonly=True) as session:
            head = await session.read_head()
            await self._refresh_sources(session, head)
        return head

    async def _refresh_sources(self, session: LogSession, head: LogHead) -> None:
        # A reader may come late with an older state than a commit has seen since.
        if head.sources_revision > self.revision:
            sources = await session.sources()
            if head.sources_revision > self.revision:
                self.sources, self.revision = sources, head.sources_revision

    def admit(self, batches: Sequence[IncomingBatch]) -> Admission:
        return admit(batches, self.sources, self.keys, self._clock())

    async def commit(self, group: Sequence[QueuedBatch]) -> list[CommitResult]:
        """The outcome of each batch; they share one commit, or have none in common where that would be too large."""
        try:
            return await self._commit(group)
        except CannotShare:
            return [await self._commit_alone(one) for one in group]
        except CommitTooLarge:
            if len(group) > 1:
                return [await self._commit_alone(one) for one in group]
            return [_too_large(self._limits.commit_bytes_max)]

    async def _commit_alone(self, one: QueuedBatch) -> CommitResult:
        try:
            return (await self.commit([one]))[0]
        except Exception as error:
            return error

    async def _commit(self, group: Sequence[QueuedBatch]) -> list[CommitResult]:
        traceparents = tuple(dict.fromkeys(one.batch.traceparent for one in group if one.batch.traceparent))
        with batch_span("andon.ingest.commit", traceparents, {"andon.batches": len(group)}):
            if self._alone and not group[0].batch.validate_only and (self.head.position + 1) % _CLEAR_EVERY:
                written = await self._commit_at_once(group, traceparents)
                if written is not None:
                    return [*written]
            return await self._commit_under_lock(group, traceparents)

    async def _commit_at_once(
        self, group: Sequence[QueuedBatch], traceparents: tuple[str, ...]
    ) -> tuple[Written, ...] | None:
        """None: the log is not as this process believed, or a request id was answered before; nothing is written."""
        decision = await self._decide(group, traceparents, self._read_segments)
        committed_at_us = await self._store.append(self.tenant, decision.addition)
        if committed_at_us is None:
            self._alone = False
            return None
        self._learn(decision, committed_at_us)
        return decision.written

    async def _read_segments(self, positions: Sequence[int]) -> dict[int, list[StoredSegment]]:
        async with self._store.session(self.tenant, readonly=True) as session:
            return await session.segments_at(positions)

    async def _commit_under_lock(
        self, group: Sequence[QueuedBatch], traceparents: tuple[str, ...]
    ) -> list[CommitResult]:
        decision, committed_at_us = None, None
        async with self._store.session(self.tenant) as session:
            await self._catch_up(session)
            first = await _first_answers(session, group)
            fresh = [one for one in group if one.batch.request_id not in first]
            if fresh and fresh[0].batch.validate_only:
                return [await self._check(session, fresh[0])]
            if fresh:
                decision = await self._decide(fresh, traceparents, session.segments_at)
                committed_at_us = await session.append(decision.addition)
                if committed_at_us is None:
                    raise RuntimeError("the log moved under its own lock")
                if self.head.position % _CLEAR_EVERY == _CLEAR_EVERY - 1:
                    await session.forget_answers()
        if decision and committed_at_us is not None:
            self._learn(decision, committed_at_us)
        written = iter(decision.written if decision else ())
        return [replayed(one.batch, first) or next(written) for one in group]

    async def _catch_up(self, session: LogSession) -> None:
        """Sources and memory as they are under the lock, so that every process decides alike."""
        head = await session.lock_head()
        await self._refresh_sources(session, head)
        horizon_us = max([DEDUP_HORIZON_US, *(source.dedup_horizon_us for source in self.sources.values())])
        now_us = self._clock()
        if head.position != self.head.position:
            self.recent.overtaken += 1
        self._alone = not self._remembers or head.position == self.head.position
        if not self._remembers or now_us - horizon_us < self._memory.since_us:
            self._memory = Memory(self._limits.cache_bytes_max)
            await self._memory.begin(session, now_us, horizon_us)
            self._remembers = True
        self._memory.forget(now_us, horizon_us)
        await self._memory.catch_up(session, head.position)
        self._head = head

    def _admitted(self, group: Sequence[QueuedBatch]) -> Admission:
        """By the sources of this commit: they decide what is private."""
        parts = unadmitted(group, self.revision)
        try:
            return merged_admissions([self.admit(part) if isinstance(part, list) else part for part in parts])
        except Exception as error:
            # Whatever it is: one caller's batch must not be the reason why another's is refused.
            if len(group) > 1:
                raise CannotShare from error
            raise

    async def _check(self, session: LogSession, one: QueuedBatch) -> Written:
        """What would be answered; nothing is written."""
        made = await self._planned([one], session.segments_at)
        return Written(made.batch_tallies[0], made.faults[0])

    async def _planned(self, group: Sequence[QueuedBatch], read: ReadSegments) -> CommitPlan:
        offsets, sources = self.head.next_offsets, self.sources
        admission = self._admitted(group)
        outcome = await self._memory.judge(read, admission, sources, self._clock())
        made = plan(admission, outcome, offsets)
        if made.byte_count > self._limits.commit_bytes_max:
            raise CommitTooLarge
        return made

    async def _decide(
        self, group: Sequence[QueuedBatch], traceparents: tuple[str, ...], read: ReadSegments
    ) -> CommitDecision:
        end = ExpectedHead(self.head, frozenset(self.sources), self.revision)
        made = await self._planned(group, read)
        return decide(made, [one.batch for one in group], end, self._forms, self.keys.quarantine, traceparents)

    def _learn(self, decision: CommitDecision, committed_at_us: int) -> None:
        addition = decision.addition
        self._memory.learn_own(decision.plan, addition.position, committed_at_us)
        self._head = head = self.head.moved(addition)
        made = Commit(
            head.position, decision.plan.byte_count, head.watermark_us, committed_at_us, addition.traceparents
        )
        self.recent.add(made, addition.segments)
        if addition.sources:
            self.sources = {**self.sources, **{name: Source(name) for name in addition.sources}}
        for outcome, count in (
            ("accepted", addition.total.accepted),
            ("duplicate", addition.total.duplicate),
            ("quarantined", addition.total.quarantined),
        ):
            metrics.add("andon.ingest.events", count, outcome=outcome)
        metrics.add("andon.ingest.commits")
        metrics.add("andon.ingest.bytes", decision.plan.byte_count)


async def _first_answers(session: LogSession, group: Sequence[QueuedBatch]) -> Mapping[UUID, StoredAnswer]:
    ids = [one.batch.request_id for one in group if one.batch.request_id is not None]
    return await session.answered(ids) if ids else {}


def _too_large(bytes_max: int) -> InvalidArgument:
    description = f"kept, this batch takes more than {bytes_max} bytes: send it in smaller ones"
    violation = FieldViolation("batch", description, "BATCH_TOO_LARGE")
    return InvalidArgument("BATCH_TOO_LARGE", description, field_violations=[violation])
