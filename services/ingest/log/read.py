"""The log, read in commit order: pages as they are stored, whole commits only, and on with what is written next."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace

from services.ingest.log.recent import COMMITS_MAX, RecentCommits
from services.ingest.log.records import Commit, LogSlice, PageFilter, bounded
from services.ingest.model import TenantId
from services.ingest.store.sessions import IngestStore
from services.runtime.draining import Draining, draining_error
from services.runtime.following import Notifier


def one_by_one(found: LogSlice) -> Iterator[LogSlice]:
    """The same, a commit each; a heartbeat stays one."""
    if len(found.commits) < 2:
        yield found
        return
    for number, commit in enumerate(found.commits):
        pages = [page for page in found.pages if page.place.position == commit.position]
        yield LogSlice(commit.position, pages, [commit], found.passed if number == 0 else ())


class LogReader:
    def __init__(self, store: IngestStore, draining: Draining, response_bytes_max: int, poll_s: float) -> None:
        self._store = store
        self._draining = draining
        self._response_bytes_max = response_bytes_max
        self._poll_s = poll_s

    def remembered(self, recent: RecentCommits, after: int, selection: PageFilter) -> LogSlice | None:
        """The next commits that this process remembers; None where it does not."""
        some = recent.since(after)[:COMMITS_MAX]
        commits = bounded([one.commit for one in some], self._response_bytes_max)
        if not commits:
            return None
        pages = [
            page
            for one in some[: len(commits)]
            for page in one.pages(selection.partitions, selection.start_us, selection.end_us)
        ]
        return LogSlice(commits[-1].position, pages, commits)

    async def after(self, tenant: TenantId, after: int, selection: PageFilter) -> LogSlice | None:
        """The next commits; None at the head of the log."""
        return await self._store.log(tenant).read(after, selection, COMMITS_MAX, self._response_bytes_max)

    async def replay(self, tenant: TenantId, after: int, selection: PageFilter) -> AsyncIterator[LogSlice]:
        """Up to the head of the log as it is when it gets there."""
        while not self._draining.started:
            found = await self.after(tenant, after, selection)
            if found is None:
                return
            after = found.through
            yield found
        raise draining_error()

    async def follow(
        self,
        tenant: TenantId,
        signal: Notifier,
        recent: RecentCommits,
        after: int,
        selection: PageFilter,
        heartbeat_s: float,
        clock: "Seconds",
    ) -> AsyncIterator[LogSlice]:
        """For ever; ends with a retryable error when the server drains."""
        through, due_s = after, clock() + heartbeat_s
        tail = _Tail(self, tenant, recent, selection)
        passed: list[Commit] = []
        while not self._draining.started:
            # Ticket before read: a commit between the two would else go unnoticed.
            generation = signal.generation()
            found = await tail.after(through)
            if found is not None:
                through = found.through
                if found.pages:
                    yield replace(found, passed=tuple(passed))
                    passed, due_s = [], clock() + heartbeat_s
                    continue
                passed += found.commits
            if clock() >= due_s:
                yield LogSlice(through, passed=tuple(passed))
                passed, due_s = [], clock() + heartbeat_s
            if found is not None:
                continue
            with self._draining.waking(signal):
                if not await signal.changed(generation, max(0.0, min(self._poll_s, due_s - clock()))):
                    tail.doubt()
        yield LogSlice(through, passed=tuple(passed))
        raise draining_error()


class _Tail:
    """Where one follower looks next: into memory, and into the log itself if somebody else may have written."""

    def __init__(self, reader: LogReader, tenant: TenantId, recent: RecentCommits, selection: PageFilter) -> None:
        self._reader = reader
        self._tenant = tenant
        self._recent = recent
        self._selection = selection
        self._asked = -1

    async def after(self, position: int) -> LogSlice | None:
        covered = self._recent.covers(position)
        found = self._reader.remembered(self._recent, position, self._selection) if covered else None
        if found is not None or (covered and self._asked == self._recent.overtaken):
            return found
        self._asked = self._recent.overtaken
        return await self._reader.after(self._tenant, position, self._selection)

    def doubt(self) -> None:
        """Nobody said anything for a while: the log is asked all the same."""
        self._asked = -1


Seconds = Callable[[], float]


def monotonic() -> float:
    return asyncio.get_running_loop().time()
