"""Follows the log of ingest for one indicator system: page, fold, decide, commit.

Theory of operation
===================

One task per version reads one stream of ingest, over the partitions that this replica owns, into a bounded inbox.
Each turn takes all that waits, folds it (`replica.partitions`), decides and commits (`replica.commit`), and now and
then stores a snapshot. While a step is under way, the stream is read ahead; the bound of the inbox is what slows
ingest's side down.

What is invariant. Between two steps the fold and the book say the same, and both are no further than what was
committed. A snapshot is taken there only. Events that were committed before a restart are folded again, but their
changes are dropped: the book holds them already.

Who may be first. The owner of a lease folds its partition, and nobody else commits for it: the commit checks the
lease's epoch. When leases change, the step under way ends (`busy`), and the stream starts again at the partition that
is furthest behind; the others pass over what they have seen, by offset.

What is lost when it dies. Fold, book and inbox, nothing of which is stored here. The next owner restores the
snapshot, reads the log from its position, and reaches the same state. A step that fails is treated in the same way,
within the process: both are dropped and restored, at once where the error is expected to pass, and after a while
where it is a defect, which is reported. The document of the version is read here, too, so that one that cannot be read
stops this version and no other.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import assert_never

import structlog

from services.runtime.cursors import foreign_position
from services.runtime.database import STORE_ERRORS
from services.runtime.notifier import Notifier as Wake
from services.runtime.ownership import Lease
from services.runtime.peers import defect_of
from services.runtime.setbacks import Setbacks
from services.runtime.telemetry import batch_span
from services.scoring.metrics import scoring_metrics
from services.scoring.replica.commit import RETRY_S_MAX, RETRY_S_MIN, Committer, SwitchUnderWay
from services.scoring.replica.gathered import Gathered
from services.scoring.replica.inbox import Inbox
from services.scoring.replica.partitions import Partitions
from services.scoring.replica.reopen import OpenedBook, reopen_book
from services.scoring.replica.tail import ScoreTail
from services.scoring.replica.version_switch import SwitchOutcome, VersionSwitch
from services.scoring.settings import ScoringSettings
from services.scoring.store import Store
from services.scoring.store.failures import Failure
from services.scoring.store.progress import Fold
from services.scoring.store.steps import EntriesGone, VersionRetired
from services.scoring.store.windows import VersionKey
from services.scoring.system.model import IndicatorSystem
from services.scoring.system.series_budget import SliceDimensions
from services.scoring.system.version import SystemVersion
from services.scoring.wire.entries import entry_bytes_max
from services.scoring.wire.ingest_client import IngestClient, Received
from services.scoring.wire.systems import stored_system

SWITCH_POLL_S = 0.5
"""How often a replica looks whether another one has switched; it is notified of that, too."""

log = structlog.get_logger(__name__)


@dataclass
class OpenFold:
    """What this process holds of the version while nothing fails. book None: it has to be opened."""

    system: IndicatorSystem
    partitions: Partitions
    committer: Committer
    switch: VersionSwitch
    book: OpenedBook | None = None


class SystemFold:
    """One version of one system in this process, over the partitions that this replica owns."""

    def __init__(
        self,
        tenant: str,
        stored: SystemVersion,
        store: Store,
        ingest: IngestClient,
        settings: ScoringSettings,
        leases: Mapping[int, Lease],
        tail: ScoreTail,
        replica: str,
    ) -> None:
        self.tenant = tenant
        self.busy = asyncio.Lock()
        self.stored = stored
        self._key = (tenant, stored.name, stored.version)
        self._store = store
        self._ingest = ingest
        self._settings = settings
        self._leases = leases
        self._tail = tail
        self._replica = replica
        self._opened: OpenFold | None = None
        self._fold: Fold | None = None
        self._inbox = Inbox(settings.inbox_bytes_max)
        self._changed = Wake()
        # What is taken for a defect may be a peer that was killed in the middle of an answer: the first pause is short.
        self._setbacks = Setbacks[VersionKey](settings.defect_retry_s)
        # One that is gone may have left a failure behind, which nobody else clears.
        self._may_have_failed = True
        self._dropped: frozenset[SliceDimensions] | None = None
        # Of the events that a switch will be the first to say something of.
        self._caught_up_with: list[str] = []
        self._span_attributes: dict[str, str | int | float | bool] = {
            "andon.system": stored.name,
            "andon.version": stored.version,
        }

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
                # A step that was broken off leaves fold and book apart: both come back from what was stored.
                self._opened = None
                defect = None if isinstance(error, EntriesGone | SwitchUnderWay) else defect_of(error, "ingest")
                if defect is None:
                    scoring_metrics.add("andon.scoring.restarts")
                    log.warning("fold failed, restarting", system=self.stored.name, error=type(error).__name__)
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, RETRY_S_MAX)
                else:
                    generation = self._changed.generation()
                    await self._report(error, defect)
                    await self._changed.changed(generation, self._setbacks.add(self._key))

    async def _report(self, error: Exception, defect: str) -> None:
        """Says where a person looks that this system is not scored, and why."""
        scoring_metrics.add("andon.scoring.folds.stopped")
        failure = Failure(self._replica, defect, uuid.uuid4().hex)
        log.error(
            "fold stopped by a defect",
            tenant=self.tenant,
            system=self.stored.name,
            version=self.stored.version,
            incident=failure.incident,
            exc_info=error,
        )
        self._may_have_failed = True
        try:
            await self._store.store_failure(*self._key, failure)
        except STORE_ERRORS as unstored:
            log.error("a stopped fold is in this log only", system=self.stored.name, exc_info=unstored)

    async def _clear_failure(self) -> None:
        if self._may_have_failed:
            await self._store.clear_failure(*self._key, self._replica)
            self._may_have_failed = False
            self._setbacks.clear(self._key)

    async def _follow(self) -> None:
        """Until the partitions that this replica owns change."""
        generation = self._changed.generation()
        leases = dict(self._leases)
        if not leases:
            await self._clear_failure()
            await self._changed.changed(generation, self._settings.systems_poll_s)
            return
        opened, book, fold = await self._open(leases)
        # A version that comes back may have caught up before: it need not wait for the next event.
        await self._switch(opened, book, fold, leases)
        async with self.busy:
            await opened.committer.commit_with_retry(Gathered(), book, fold, opened.partitions.states.values())
            await self._say_dropped(book)
        self._inbox = Inbox(self._settings.inbox_bytes_max)
        after, heartbeat_s = opened.partitions.furthest_behind().through, self._settings.ingest_heartbeat_s
        log_pages = self._ingest.follow(sorted(leases), after, heartbeat_s, opened.system.spec)
        reader = asyncio.create_task(self._inbox.fill(log_pages))
        try:
            while dict(self._leases) == leases:
                taken = await self._inbox.take(self._settings.step_bytes_max)
                responses = [response for response in taken if response.through]
                async with self.busy:
                    if responses and dict(self._leases) == leases:
                        await self._step(responses, opened, book, fold)
                        await self._clear_failure()
                await self._switch(opened, book, fold, leases)
        finally:
            reader.cancel()
            # Not `await reader`: what cancels this task meanwhile would be taken for the reader's end.
            await asyncio.gather(reader, return_exceptions=True)

    async def _switch(self, opened: OpenFold, book: OpenedBook, fold: Fold, leases: Mapping[int, Lease]) -> None:
        """Replaces the version before, where this one has caught up; leases may move between two pieces."""
        while not book.book.switched and dict(self._leases) == leases:
            generation = self._tail.changed.generation()
            async with self.busy:
                with batch_span("scoring.switch", self._caught_up_with, self._span_attributes):
                    outcome = await opened.switch.go_on(book, fold, opened.partitions.states.values())
            match outcome:
                case SwitchOutcome.NOT_DUE:
                    return
                case SwitchOutcome.ELSEWHERE:
                    await self._tail.changed.changed(generation, SWITCH_POLL_S)
                case SwitchOutcome.MOVED:
                    pass
                case _:
                    assert_never(outcome)

    async def _open(self, leases: Mapping[int, Lease]) -> tuple[OpenFold, OpenedBook, Fold]:
        if self._opened is None:
            # A document as large as one may be takes longer than a loop can wait.
            system = await asyncio.to_thread(stored_system, self.stored)
            bytes_max = entry_bytes_max(self._settings.message_bytes_max)
            self._opened = OpenFold(
                system,
                Partitions(self.tenant, system, self._store, self._ingest, self._settings),
                Committer(self.tenant, system, self._store, self._tail, self._replica, bytes_max),
                VersionSwitch(self.tenant, system, self._store, self._tail, bytes_max),
            )
        opened = self._opened
        if self._fold is None:
            self._fold = await self._store.fold(*self._key)
        if self._fold is None:
            bounds = await self._ingest.bounds()
            newest = foreign_position(bounds.newest) if bounds.newest else -1
            self._fold = await self._store.begin_fold(*self._key, bounds.partition_count, newest)
        await opened.partitions.open(leases)
        if opened.book is None:
            opened.book = await reopen_book(self._store, self.tenant, opened.system)
        return opened, opened.book, self._fold

    async def _step(self, responses: Sequence[Received], opened: OpenFold, book: OpenedBook, fold: Fold) -> None:
        began_s = time.perf_counter()
        traceparents = [one for response in responses for page in response.pages for one in page.traceparents]
        if traceparents and not book.book.switched:
            self._caught_up_with = traceparents
        has_pages = any(response.pages for response in responses)
        with batch_span("scoring.fold", traceparents, self._span_attributes) if has_pages else nullcontext():
            gathered = await opened.partitions.gather(responses, book.book.dropped)
            states = opened.partitions.states.values()
            await opened.committer.commit_with_retry(gathered, book, fold, states)
        if gathered.events:
            scoring_metrics.add("andon.scoring.events.folded", gathered.events)
            scoring_metrics.record("andon.scoring.step.duration", time.perf_counter() - began_s)
        await self._say_dropped(book)
        await opened.partitions.snapshot_when_due(book)

    async def _say_dropped(self, opened: OpenedBook) -> None:
        """Says where a person looks which slices are not scored. The log of changes has it already."""
        dropped, most = opened.book.dropped, opened.book.limit.combinations_max
        if dropped == self._dropped:
            return
        await self._store.store_dropped_slices(*self._key, dropped, most)
        fresh = sorted(dropped - (self._dropped or frozenset()))
        scoring_metrics.add("andon.scoring.slices.dropped", len(fresh))
        for one in fresh:
            log.warning(
                "slice dropped, too many combinations of values",
                tenant=self.tenant,
                system=self.stored.name,
                version=self.stored.version,
                dimensions=one,
                combinations_max=most,
            )
        self._dropped = dropped
