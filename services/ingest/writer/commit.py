"""Groups of batches become commits of one tenant's log.

Theory of operation. Several processes may write one log; the log itself takes an entry only if it still ends where the
writer believes (`log/interface.py`). So a commit has three steps: gather, decide, append.

1. Gather: the batches of the group are admitted under the sources' policies, and the stored events that may be theirs
   are read (only those whose hash is known; nearly always none).
2. Decide: which events are new, which repeat others, what is refused, how the segments are cut, what is answered.
   Pure; in a thread if the group is large.
3. Append: entry and receipt in one round trip. The answers follow; nothing is acknowledged before.

What this process remembers (`known/memory.py`, sources, `head`) is the log through `head.position`, exactly. Ids behind
the horizon are in an archive (`known/old_ids.py`), which is asked for old events only. As long as nobody else writes,
that is all of the log, and a commit needs no lock. If the append finds that the log has moved, nothing was written. The
group then goes under the log's lock, where the process first reads what others wrote. It stays there until it finds the
log where it left it, so that two busy writers take turns instead of overtaking each other for ever.

Invariants: commits of one process are made one after another (`writer/tenant_log.py`), and memory changes between them
only.
A source's policy changes together with the position, so a batch is never written under a policy older than the log's
end. The answer to a request id is recorded by the commit that it answers, and an append refuses an id that has one.

What is lost when the process dies: batches that were not answered. The entry of an answered one is durable. A caller
that heard nothing sends again, and what was written is a duplicate, or answered as before if it gave a request id.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

import pyarrow as pa

from services.ingest.admission.admit import admit, admit_parts
from services.ingest.admission.named_persons import persons_named
from services.ingest.admission.persons import Persons
from services.ingest.admission.tenant_keys import TenantKeys
from services.ingest.known.archive import IdArchive
from services.ingest.known.memory import Memory
from services.ingest.log.interface import Log
from services.ingest.log.records import LogHead
from services.ingest.log.tail import LogTail
from services.ingest.metrics import metrics
from services.ingest.model import (
    DAY_US,
    DEDUP_HORIZON_US,
    IncomingBatch,
    Replay,
    Source,
    SourceId,
    TenantId,
    Written,
)
from services.ingest.registry.persons import PersonStore
from services.ingest.registry.records import StoredAnswer
from services.ingest.registry.vocabulary import BEGUN, Vocabulary, Word
from services.ingest.workers import computed
from services.ingest.writer.decision import (
    CommitDecision,
    CommitResult,
    CommitTooLarge,
    GatheredBatches,
    decide,
    replayed,
)
from services.ingest.writer.interface import IngestStore, LockedSession
from services.ingest.writer.persons import PersonSecrets
from services.ingest.writer.queue import COMMIT_BYTES, BatchPart, QueuedBatch, merged
from services.ingest.writer.receipt import Codec
from services.runtime.errors import invalid
from services.runtime.telemetry import batch_span

Clock = Callable[[], int]
# Every so many commits one goes under the lock and clears away what is outdated.
_CLEAR_EVERY = 1_000


@dataclass(frozen=True)
class LogLimits:
    """`commit_bytes_max`: stored, so that a commit fits into one message to a reader.

    `pseudonym_days`: how long a pseudonym stays; 0: for ever. `pseudonym_horizon_days`: how late one can still be made.
    """

    commit_rows_max: int
    commit_bytes_max: int
    queue_rows_max: int
    partition_count: int
    cache_bytes_max: int
    pseudonym_days: int = 0
    pseudonym_horizon_days: int = 400

    @property
    def group_bytes_max(self) -> int:
        """Of the columns that share a commit, as they came."""
        return min(COMMIT_BYTES, self.commit_bytes_max)


class CannotShare(Exception):
    """One of the batches cannot be admitted."""


class Committer:
    def __init__(
        self,
        tenant: TenantId,
        store: IngestStore,
        keys: TenantKeys,
        limits: LogLimits,
        codec: Codec,
        clock: Clock,
        tail: LogTail,
    ) -> None:
        self.sources: Mapping[SourceId, Source] = {}
        # Counts changes of policies: an admission under an older revision is made again.
        self.revision = 0
        self.tail = tail
        # The end of the log as this process left it; None until it is open.
        self.head: LogHead | None = None
        self._tenant = tenant
        self._keys = keys
        self._store = store
        self._log = store.log(tenant)
        self._limits = limits
        self._codec = codec
        self._clock = clock
        self._memory: Memory | None = None
        self._archive = store.id_archive(tenant)
        self._person_store = store.persons(tenant)
        self._vocabulary = Vocabulary()
        self.persons = PersonSecrets(keys, limits.pseudonym_days, limits.pseudonym_horizon_days)
        # Through here the archive is known to reach.
        self._archived = 0
        self._alone = False

    async def open(self) -> LogHead:
        """Makes sure that the log exists, and knows its origin and sources."""
        if self.head is None:
            await self._log.create(self._limits.partition_count)
            async with self._store.session(self._tenant) as session:
                self.sources = await session.registry.sources()
                self._vocabulary = await session.registry.vocabulary()
                head = await session.log.head()
            if head.position == 0:
                async with self._store.changing(self._tenant) as session:
                    await session.registry.record_vocabulary([Word(BEGUN)])
                self._vocabulary.learn([Word(BEGUN)])
            self.head = head
        return self.head

    async def first_answer(self, queued: QueuedBatch) -> CommitResult | None:
        """What a large batch is answered without a look at its events; None: they are to be written."""
        if queued.batch.request_id is None:
            return None
        async with self._store.session(self._tenant) as session:
            return replayed(queued.batch, await session.registry.answered([queued.batch.request_id]))

    async def admit_large(self, queued: QueuedBatch, held: PersonStore | None = None) -> None:
        """held: the persons of the transaction that this process holds the log by; absent: it does not hold it."""
        revision = self.revision
        persons = await self._persons([queued.batch], held)
        admission = partial(admit, [queued.batch], self.sources, self._keys, persons, self._clock())
        queued.admission = await computed(queued.batch.received, admission)
        queued.revision = revision

    async def commit(self, group: Sequence[BatchPart]) -> list[CommitResult]:
        """The result of each part; they share one commit, or have one each where they cannot."""
        traceparents = tuple(dict.fromkeys(one.batch.traceparent for one in group if one.batch.traceparent))
        try:
            with batch_span("andon.ingest.commit", traceparents, {"andon.batches": len(group)}):
                assert self.head is not None
                if self._alone and not group[0].batch.goes_alone and (self.head.position + 1) % _CLEAR_EVERY:
                    decision = await self._decide(group, traceparents, self.head, self._log, self._archive, None)
                    if decision.words:
                        # Before its events: what is recorded may be more than what is logged, never less.
                        async with self._store.changing(self._tenant) as session:
                            await session.registry.record_vocabulary(decision.words)
                    # Nothing is written if the log is not as this process believed or a request id has an answer.
                    begun = self.tail.changed.generation()
                    with self.tail.appending(decision.entry.position):
                        committed_at_us = await self._log.append(decision.entry, decision.receipt)
                        if committed_at_us is not None:
                            self._learn(decision, committed_at_us, begun)
                            return [*decision.written]
                    self._alone = False
                return await self._commit_under_lock(group, traceparents)
        except (CannotShare, CommitTooLarge) as error:
            if len(group) > 1:
                return [await self._commit_alone(one) for one in group]
            if isinstance(error, CommitTooLarge):
                return [await self._commit_halves(group[0])]
            raise

    async def _commit_alone(self, part: BatchPart) -> CommitResult:
        try:
            return (await self.commit([part]))[0]
        except Exception as error:
            return error

    async def _commit_halves(self, part: BatchPart) -> CommitResult:
        """What is stored of its columns was larger than they looked."""
        if part.rows < 2 or part.batch.goes_alone:
            bytes_max = self._limits.commit_bytes_max
            return invalid("batch", f"an event takes more than {bytes_max} bytes stored", "BATCH_TOO_LARGE")
        if part.queued.admission is None:
            await self.admit_large(part.queued)
        middle = part.begin + part.rows // 2
        first = await self._commit_alone(BatchPart(part.queued, part.begin, middle))
        if not isinstance(first, Written):
            return first
        part.queued.written.append(first)
        rest = await self._commit_alone(BatchPart(part.queued, middle, part.end))
        part.queued.written.pop()
        return merged([first, rest]) if isinstance(rest, Written) else rest

    async def _commit_under_lock(self, group: Sequence[BatchPart], traceparents: tuple[str, ...]) -> list[CommitResult]:
        decision = None
        first: Mapping[UUID, StoredAnswer] = {}
        async with self._store.locked(self._tenant) as session:
            await self._catch_up(session)
            if ids := [one.batch.request_id for one in group if one.batch.request_id is not None]:
                first = await session.registry.answered(ids)
            if fresh := [one for one in group if one.batch.request_id not in first]:
                if fresh[0].batch.replay:
                    fresh = [await _still_open(fresh[0].batch, fresh[0].batch.replay, session)]
                decision = await self._decide(
                    fresh, traceparents, session.head, session.log, session.id_archive, session.persons
                )
                if fresh[0].batch.validate_only:
                    # What would be answered; nothing is written.
                    return [replace(decision.written[0], quarantine_ids=(), position=None)]
                if decision.words:
                    await session.registry.record_vocabulary(decision.words)
                begun = self.tail.changed.generation()
                committed_at_us = await session.log.append(decision.entry, decision.receipt)
                if committed_at_us is None:
                    raise RuntimeError("the log moved under its own lock")
                if replay := fresh[0].batch.replay:
                    await session.quarantine.release(decision.releases, replay.decider)
                if session.head.position % _CLEAR_EVERY == _CLEAR_EVERY - 1:
                    await session.registry.expire_answers()
        if decision:
            assert committed_at_us is not None
            self._learn(decision, committed_at_us, begun)
        written = iter(decision.written if decision else ())
        return [replayed(one.batch, first) or next(written) for one in group]

    async def _catch_up(self, session: LockedSession) -> None:
        """Sources and memory as they are under the lock, so that every process decides alike."""
        assert self.head is not None
        moved = session.head.position != self.head.position
        if moved or self._memory is None:
            sources = await session.registry.sources()
            erased = await self.persons.forget(session.persons)
            if sources != self.sources or erased:
                self.sources, self.revision = sources, self.revision + 1
        self._alone = self._memory is None or not moved
        horizon_us, now_us = self._horizon_us(), self._clock()
        if self._memory is None or now_us - horizon_us < self._memory.since_us:
            self._memory = Memory(self._limits.cache_bytes_max)
            self._archived = await session.id_archive.position()
            await self._memory.begin(session.log, now_us, horizon_us, self._archived)
        self._memory.forget(now_us, horizon_us, self._archived)
        await self._memory.catch_up(session.log, session.head.position)
        self.head = session.head

    async def _decide(
        self,
        group: Sequence[BatchPart],
        traceparents: tuple[str, ...],
        head: LogHead,
        log: Log,
        archive: IdArchive,
        held: PersonStore | None,
    ) -> CommitDecision:
        assert self._memory is not None
        memory, now_us = self._memory, self._clock()
        # A large batch is admitted before its first part is taken.
        waiting = [part.batch for part in group if part.queued.admission is None]
        # A part of a large batch is worked on as the batch is, in a thread.
        rows = sum(part.batch.received for part in group)
        try:
            parts = []
            for part in group[len(waiting) :]:
                if part.queued.revision != self.revision:
                    await self.admit_large(part.queued, held)
                assert part.queued.admission is not None
                parts.append((part.queued.admission, part.begin, part.end))
            persons = await self._persons(waiting, held)
            admitted = partial(admit_parts, waiting, parts, self.sources, self._keys, persons, now_us)
            admission = await computed(rows, admitted)
            suspects = await computed(rows, partial(memory.suspects, admission, self.sources, now_us))
        except Exception as error:
            # Whatever it is: one caller's batch must not be the reason why another's is refused.
            if len(group) > 1:
                raise CannotShare from error
            raise
        if len(suspects.old):
            times = admission.page.column("time").view(pa.int64()).to_numpy()
            suspects = suspects.with_archived(*await archive.suspects(admission.id_hashes, times, suspects.old))
        stored = await memory.stored(log, suspects) if len(suspects.rows) else {}
        gathered = GatheredBatches(group, admission, suspects, stored, traceparents, now_us)
        key, bytes_max = self._keys.quarantine, self._limits.commit_bytes_max
        decided = partial(decide, gathered, head, self.sources, self._vocabulary, self._codec, key, bytes_max)
        return await computed(rows + 2 * len(suspects.rows) + 20 * sum(map(len, admission.faults)), decided)

    async def _persons(self, batches: Sequence[IncomingBatch], held: PersonStore | None) -> Persons:
        rows = sum(batch.received for batch in batches)
        named = await computed(rows, partial(persons_named, batches, self.sources))
        return await self.persons.of(
            named,
            held or self._person_store,
            self._clock(),
            dry=any(batch.validate_only for batch in batches),
            durable=held is None,
        )

    async def archive_old_ids(self) -> None:
        """Moves ids behind the longest horizon to the archive, a day's worth at a time, and secrets of persons on."""
        now_us = self._clock() - self._horizon_us()
        archived = await self._archive.position()
        if await self._log.position_before(now_us - DAY_US) > archived:
            through = await self._log.position_before(now_us)
            while await self._archive.advance(self._log, through):
                pass
            archived = await self._archive.position()
        self._archived = archived
        await self.persons.advance(self._person_store, self._clock())

    def _horizon_us(self) -> int:
        return max([DEDUP_HORIZON_US, *(source.dedup_horizon_us for source in self.sources.values())])

    def _learn(self, decision: CommitDecision, committed_at_us: int, begun: int) -> None:
        assert self.head is not None
        assert self._memory is not None
        entry, receipt = decision.entry, decision.receipt
        if decision.words:
            self._vocabulary.learn(decision.words)
        self._memory.learn_own(decision.id_hashes, entry.position, committed_at_us)
        self.head = self.head.moved(entry)
        self.tail.appended(entry.logged(committed_at_us), begun)
        if receipt.new_sources:
            self.sources = {**self.sources, **{name: Source(name) for name in receipt.new_sources}}
        tallies = [one.tally for one in decision.written if one.replay is None]
        for outcome in ("accepted", "duplicate", "quarantined"):
            count = sum(getattr(tally, outcome) for tally in tallies)
            metrics.add("andon.ingest.events", count, outcome=outcome)
        for (_, rule, _), count in receipt.cleaned.items():
            if rule:
                metrics.add("andon.ingest.cleaned", count, rule=rule)
        metrics.add("andon.ingest.quarantine", len(decision.releases), outcome="replayed")
        metrics.add("andon.ingest.commits")
        metrics.add("andon.ingest.bytes", entry.byte_count)


async def _still_open(batch: IncomingBatch, replay: Replay, session: LockedSession) -> BatchPart:
    """What of a replay is as it was read. Nobody else changes it until the session is over."""
    names = await session.quarantine.still_open(replay.entries)
    still = [place for place, (name, _) in enumerate(replay.entries) if name in names]
    kept = {place: at for at, place in enumerate(still)}
    rows = [row for row, place in enumerate(replay.of_row) if place in kept]
    left = replace(
        replay,
        entries=tuple(replay.entries[place] for place in kept),
        of_row=tuple(kept[replay.of_row[row]] for row in rows),
        changed=tuple(name for name, _ in replay.entries if name not in names),
    )
    queued = QueuedBatch(replace(batch, arrival=batch.arrival.take(rows), replay=left), asyncio.Future(), len(rows))
    return BatchPart(queued, 0, len(rows))
