"""Follows ingest's log for one indicator system: page -> fold -> decide -> keep."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import asyncpg
import grpc
import pyarrow as pa
import pyarrow.compute as pc
import structlog
from andon.ingest.v1 import ingest_pb2
from andon_client.follow import follow
from google.protobuf.duration_pb2 import Duration

from services.runtime.following import Signal as Wake
from services.runtime.following import foreign_position
from services.runtime.ownership import Lease, LostLease
from services.runtime.telemetry import batch_span, current_traceparent
from services.scoring.book import Decision, Place, decide
from services.scoring.entries import entries_of, entry_bytes_max
from services.scoring.inbox import Inbox
from services.scoring.ledger import encode_parts
from services.scoring.metrics import scoring_metrics
from services.scoring.model import FoldStep, IndicatorSystem, Page, PartChange
from services.scoring.reopening import (
    OpenedBook,
    PartitionState,
    apply_entry,
    is_caught_up,
    keep_snapshot,
    least_watermark,
    reopen_book,
    restore_partition,
)
from services.scoring.settings import ScoringSettings
from services.scoring.store import Store
from services.scoring.store.progress import Fold, Progress
from services.scoring.store.steps import NewEntry, ObservationPage, StepTransaction, VersionRetired
from services.scoring.wire import (
    microseconds,
    pack_scores,
    pack_signals,
    score_message,
    signal_message,
)

CASES_READ_MAX = 5_000
RETRY_S_MIN, RETRY_S_MAX = 0.05, 2.0
INLINE_CHANGES_MAX = 400
AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)

if TYPE_CHECKING:
    from andon.ingest.v1.ingest_pb2_grpc import IngestServiceAsyncStub as IngestStub

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Folded:
    """A step of one partition. `rebuilt`: of cases that were corrected."""

    step: FoldStep
    page: ObservationPage | None
    rebuilt: bool = False


@dataclass
class Gathered:
    """What some responses come to, before anything is decided."""

    parts: dict[int, list[PartChange]] = field(default_factory=dict)
    corrected: set[Place] = field(default_factory=set)
    observations: list[ObservationPage] = field(default_factory=list)
    traceparents: list[str] = field(default_factory=list)
    events: int = 0

    def take(self, partition: int, folded: Sequence[Folded]) -> None:
        """Steps of one partition in order; the later one knows better."""
        latest: dict[Place, PartChange] = {}
        for one in folded:
            places = {(change.series, change.window): change for change in one.step.parts}
            latest.update(places)
            if one.rebuilt:
                self.corrected.update(places)
            if one.page is not None:
                self.observations.append(one.page)
        if latest:
            self.parts[partition] = list(latest.values())


class SystemFold:
    """One version of one system in this process, over the partitions that this replica owns."""

    def __init__(
        self,
        tenant: str,
        system: IndicatorSystem,
        store: Store,
        ingest: IngestStub,
        settings: ScoringSettings,
        leases: Mapping[int, Lease],
        kept: Wake,
        replica: str,
    ) -> None:
        self.tenant = tenant
        self.system = system
        self.busy = asyncio.Lock()
        self._store = store
        self._ingest = ingest
        self._settings = settings
        self._leases = leases
        self._kept = kept
        self._replica = replica
        self._states: dict[int, PartitionState] = {}
        self._opened: OpenedBook | None = None
        self._fold: Fold | None = None
        self._inbox = Inbox(settings.inbox_bytes_max)
        self._changed = Wake()

    def leases_changed(self) -> None:
        self._changed.notify()
        self._inbox.wake()

    async def run(self) -> None:
        """Until the version is retired, or for ever."""
        pause_s = RETRY_S_MIN
        while True:
            try:
                await self._follow()
                pause_s = RETRY_S_MIN
            except VersionRetired:
                return
            except Exception as error:
                self._begin_anew(error)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_S_MAX)

    def _begin_anew(self, error: Exception) -> None:
        """A step that was broken off leaves fold and book apart: both come back from what was kept."""
        self._states.clear()
        self._opened = None
        scoring_metrics.add("andon.scoring.restarts")
        # Losing a lease, or ingest for a while, is part of life; anything else is a defect to look into.
        expected = isinstance(error, (LostLease, grpc.aio.AioRpcError, *AWAY))
        log.warning(
            "fold begins anew",
            system=self.system.name,
            error=type(error).__name__,
            exc_info=None if expected else error,
        )

    async def _follow(self) -> None:
        """Until the partitions that this replica owns change."""
        ticket = self._changed.ticket()
        leases = dict(self._leases)
        if not leases:
            await self._changed.changed(ticket, self._settings.systems_poll_s)
            return
        await self._open(leases)
        self._inbox = Inbox(self._settings.inbox_bytes_max)
        reader = asyncio.create_task(self._read(self._inbox))
        try:
            while dict(self._leases) == leases:
                taken = await self._inbox.take(self._settings.step_bytes_max)
                responses = [response for response in taken if response.through]
                async with self.busy:
                    if responses and dict(self._leases) == leases:
                        await self._step(responses)
        finally:
            reader.cancel()
            with suppress(asyncio.CancelledError):
                await reader

    async def _open(self, leases: Mapping[int, Lease]) -> None:
        if self._fold is None:
            self._fold = await self._begin()
        for partition, state in list(self._states.items()):
            if leases.get(partition) != state.lease:
                del self._states[partition]
        rows = await self._store.progress(self.tenant, self.system.name, self.system.version)
        kept = {one.partition: one for one in rows}
        for partition in leases.keys() - self._states.keys():
            self._states[partition] = await restore_partition(
                self._store, self.tenant, self.system, leases[partition], partition, kept.get(partition)
            )
        if self._opened is None:
            self._opened = await reopen_book(self._store, self.tenant, self.system)

    async def _begin(self) -> Fold:
        known = await self._store.fold(self.tenant, self.system.name, self.system.version)
        if known is not None:
            return known
        bounds = await self._ingest.GetWatchBounds(ingest_pb2.GetWatchBoundsRequest(), timeout=10.0)
        newest = foreign_position(bounds.newest) if bounds.newest and bounds.event_count else -1
        return await self._store.begin_fold(
            self.tenant, self.system.name, self.system.version, bounds.partition_count, newest
        )

    async def _read(self, inbox: Inbox) -> None:
        behind = min(self._states.values(), key=lambda state: state.position)
        partitions = sorted(self._states)
        beat = Duration()
        beat.FromMilliseconds(round(self._settings.ingest_heartbeat_s * 1000))

        def open_stream(after: str) -> AsyncIterable[ingest_pb2.ReadEventsResponse]:
            request = ingest_pb2.ReadEventsRequest(
                after=after,
                follow=True,
                encoding=ingest_pb2.ENCODING_ARROW,
                partitions=partitions,
                heartbeat=beat,
            )
            return self._ingest.ReadEvents(request)

        try:
            async for response in follow(open_stream, behind.through):
                await inbox.put(response)
            inbox.fail(ConnectionError("ingest ended the stream"))
        except Exception as error:
            inbox.fail(error)

    async def _step(self, responses: Sequence[ingest_pb2.ReadEventsResponse]) -> None:
        began_s = time.perf_counter()
        traceparents = [one for response in responses for page in response.pages for one in page.traceparents]
        has_pages = any(response.pages for response in responses)
        attributes: dict[str, str | int | float | bool] = {
            "andon.system": self.system.name,
            "andon.version": self.system.version,
        }
        with batch_span("scoring.fold", traceparents, attributes) if has_pages else nullcontext():
            gathered = await self._gather(responses)
            gathered.traceparents = traceparents
            await self._keep_until_kept(gathered)
        if gathered.events:
            scoring_metrics.add("andon.scoring.events.folded", gathered.events)
            scoring_metrics.record("andon.scoring.step.duration", time.perf_counter() - began_s)
        await self._snapshot_when_due()

    async def _gather(self, responses: Sequence[ingest_pb2.ReadEventsResponse]) -> Gathered:
        through = responses[-1].through
        position = foreign_position(through)
        pages = self._new_pages(responses)
        gathered = Gathered()
        folded = await asyncio.to_thread(self._fold_pages, pages, position) if pages else {}
        for partition, one in folded.items():
            step, steps = one.step, [one]
            if step.corrected_cases:
                steps += await self._rebuild(partition, step.corrected_cases, through)
            if self._states[partition].is_ahead:
                gathered.take(partition, steps)
                gathered.events += step.events
                scoring_metrics.add("andon.scoring.spans.negative", max(step.negative_spans, 0))
            else:
                scoring_metrics.add("andon.scoring.replayed", step.events)
        self._advance(responses[-1], position)
        return gathered

    def _new_pages(self, responses: Sequence[ingest_pb2.ReadEventsResponse]) -> dict[int, list[ingest_pb2.Page]]:
        """Pages by partition that were not folded yet; one that came later makes the others see theirs again."""
        fresh: dict[int, list[ingest_pb2.Page]] = {}
        for response in responses:
            if response.pages:
                scoring_metrics.record("andon.scoring.intake.lag", response.lag.seconds + response.lag.nanos / 1e9)
            for page in response.pages:
                state = self._states.get(page.partition)
                if state is not None and page.first_offset >= state.next_offset:
                    fresh.setdefault(page.partition, []).append(page)
                    state.next_offset = page.first_offset + page.event_count
                    state.event_count += page.event_count
        return fresh

    def _fold_pages(self, pages: Mapping[int, Sequence[ingest_pb2.Page]], position: int) -> dict[int, Folded]:
        folded: dict[int, Folded] = {}
        for partition, listed in pages.items():
            tables = [Page(_table(page.events.arrow_ipc), partition, position) for page in listed]
            step = self._states[partition].fold.fold(tables)
            folded[partition] = Folded(step, _observation_page(partition, step.observations))
        return folded

    async def _rebuild(self, partition: int, cases: Sequence[str], through: str) -> list[Folded]:
        fold = self._states[partition].fold
        steps: list[Folded] = []
        for start in range(0, len(cases), CASES_READ_MAX):
            some = list(cases[start : start + CASES_READ_MAX])
            events = await read_cases(self._ingest, some, through)
            if events is not None:
                step = await asyncio.to_thread(fold.rebuild, some, events)
                steps.append(Folded(step, _observation_page(partition, step.observations), rebuilt=True))
        scoring_metrics.add("andon.scoring.cases.corrected", len(cases))
        return steps

    def _advance(self, last: ingest_pb2.ReadEventsResponse, position: int) -> None:
        watermark_us = microseconds(last.watermark) if last.HasField("watermark") else None
        for state in self._states.values():
            state.case_count = len(state.fold.case_ids)
            if position > state.position:
                state.position, state.through = position, last.through
                state.watermark_us = _later(state.watermark_us, watermark_us)

    async def _keep_until_kept(self, gathered: Gathered) -> None:
        """What was folded cannot be unfolded, so a store that is away is waited for."""
        pause_s = RETRY_S_MIN
        while True:
            try:
                await self._keep(gathered)
                return
            except AWAY as error:
                log.warning("step not kept yet", system=self.system.name, error=type(error).__name__)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_S_MAX)

    async def _keep(self, gathered: Gathered) -> None:
        assert self._opened is not None
        moved = [state for state in self._states.values() if state.position > state.kept_position]
        if not moved:
            return
        async with self._store.step(self.tenant, self.system.name, self.system.version) as step:
            await step.lock([state.lease for state in self._states.values()])
            await self._catch_up(step)
            progress = [self._progress(state) for state in moved]
            decision = await self._decide(step, gathered, progress)
            position = await self._write(step, gathered, progress, decision)
        self._opened.book.apply(decision)
        if position is not None:
            self._opened.position = position
        for state in moved:
            state.kept_position, state.kept_offset = state.position, state.next_offset
        self._kept.notify()

    async def _catch_up(self, step: StepTransaction) -> None:
        assert self._opened is not None
        if self._opened.book.switched and not step.switched:
            # Another version was scored by in between: this book does not know what that one stated.
            raise VersionRetired
        if step.scored_position != self._opened.position:
            async for entry in step.entries_after(self._opened.position):
                apply_entry(self._opened, entry)
            self._opened.position = step.scored_position
        self._opened.book.switched = step.switched

    async def _decide(self, step: StepTransaction, gathered: Gathered, progress: Sequence[Progress]) -> Decision:
        assert self._opened is not None
        assert self._fold is not None
        everyone = {one.partition: one for one in (*step.progress, *progress)}
        book, caught_up = self._opened.book, is_caught_up(self._fold, everyone)
        watermark_us = least_watermark(self._fold, everyone)
        corrected = frozenset(gathered.corrected)
        began_s = time.perf_counter()
        many = sum(map(len, gathered.parts.values())) > INLINE_CHANGES_MAX or (caught_up and not book.switched)
        if many:
            decision = await asyncio.to_thread(decide, book, gathered.parts, watermark_us, corrected, caught_up)
        else:
            decision = decide(book, gathered.parts, watermark_us, corrected, caught_up)
        scoring_metrics.record("andon.scoring.decision.duration", time.perf_counter() - began_s)
        return decision

    async def _write(
        self, step: StepTransaction, gathered: Gathered, progress: Sequence[Progress], decision: Decision
    ) -> int | None:
        assert self._opened is not None
        if decision.empty and not gathered.observations:
            await step.keep_progress(progress)
            return None
        now, traceparent = datetime.now(UTC), current_traceparent()
        now_us = round(now.timestamp() * 1e6)
        scores = [score_message(score, now_us) for score in decision.scores]
        signals = [signal_message(signal, now_us, traceparent) for signal in decision.signals]
        parts = encode_parts(decision.parts, self._opened.book.parts)
        await step.keep_scores(decision.scores, scores, now)
        await step.keep_signals(decision.signals, signals)
        stated = entries_of(scores, signals, entry_bytes_max(self._settings.message_bytes_max))
        nothing = encode_parts({}, {})
        entries = [
            NewEntry(pack_scores(scored), pack_signals(signalled), nothing if number else parts)
            for number, (scored, signalled) in enumerate(stated)
        ]
        _count(decision)
        return await step.append(entries, progress, gathered.observations, traceparent, decision.switches)

    def _progress(self, state: PartitionState) -> Progress:
        return Progress(
            partition=state.partition,
            epoch=state.lease.epoch,
            owner=self._replica,
            position=state.position,
            through=state.through,
            next_offset=state.next_offset,
            watermark_us=state.watermark_us,
            case_count=state.case_count,
            event_count=state.event_count,
        )

    async def _snapshot_when_due(self) -> None:
        assert self._opened is not None
        events, interval_s = self._settings.snapshot_events, self._settings.snapshot_interval_s
        now_s = time.monotonic()
        if any(state.snapshot_due(events, interval_s, now_s) for state in self._states.values()):
            # All at once: a book is opened from the oldest of them.
            for state in self._states.values():
                if not state.is_replaying and state.position > state.snapshot_position:
                    await keep_snapshot(self._store, self.tenant, self._opened, state)
                    scoring_metrics.add("andon.scoring.snapshots")


async def read_cases(ingest: IngestStub, case_ids: Sequence[str], through: str) -> pa.Table | None:
    """All events of these cases, corrections included. None: there are none."""
    request = ingest_pb2.ReadCasesRequest(case_ids=case_ids, through=through, encoding=ingest_pb2.ENCODING_ARROW)
    answers = [response.events.arrow_ipc async for response in ingest.ReadCases(request)]
    tables = [_table(arrow_ipc) for arrow_ipc in answers if arrow_ipc]
    return pa.concat_tables(tables, promote_options="permissive") if tables else None


def _table(arrow_ipc: bytes) -> pa.Table:
    # Small pages: handing their columns to threads costs more than decoding them.
    return pa.ipc.open_stream(arrow_ipc, options=pa.ipc.IpcReadOptions(use_threads=False)).read_all()


def _observation_page(partition: int, rows: pa.RecordBatch) -> ObservationPage | None:
    if not rows.num_rows:
        return None
    anchors = [one for name in ("anchor", "old_anchor") for one in _extremes(rows.column(name))]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(
        sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
    ) as writer:
        writer.write_batch(rows)
    return ObservationPage(partition, min(anchors), max(anchors), sink.getvalue().to_pybytes())


def _extremes(times: pa.Array) -> Iterable[int]:
    extremes = pc.min_max(times.cast(pa.int64())).as_py()
    return [one for one in (extremes["min"], extremes["max"]) if one is not None]


def _later(left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return right if left is None else left
    return max(left, right)


def _count(decision: Decision) -> None:
    retracted = sum(not signal.standing for signal in decision.signals)
    scoring_metrics.add("andon.scoring.steps")
    scoring_metrics.add("andon.scoring.scores.stated", len(decision.scores))
    scoring_metrics.add("andon.scoring.signals.raised", len(decision.signals) - retracted)
    scoring_metrics.add("andon.scoring.signals.retracted", retracted)
