"""What is made of the events of a source when it is asked for, such as the responses to a survey or a form."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

from andon.common.v1.interval_pb2 import Interval

from services.ingest.model import SourceId
from services.ingest.registry.surveys.model import Response
from services.ingest.servicer.request_context import RequestContext
from services.ingest.wire.times import micros
from services.ingest.workers import computed
from services.ingest.writer.interface import StoreSession
from services.runtime.errors import invalid

ALWAYS_US = (-(2**62), 2**62)
RESPONSES_MAX = 200_000
_COMMITS_AT_ONCE = 50
_RESPONSES_AT_ONCE = 2_000

ResponseT = TypeVar("ResponseT", bound=Response)
MadeT = TypeVar("MadeT")
StoredT = TypeVar("StoredT", contravariant=True)
# From Arrow streams of events.
Reading = Callable[[list[bytes]], list[MadeT]]


class MadeOfEvents(Protocol[StoredT]):
    """What is stored of what was made, within one transaction."""

    async def locked_position(self, name: SourceId) -> int: ...

    async def advance(self, name: SourceId, through: int, made: Sequence[StoredT], /) -> None: ...


async def caught_up(
    requests: RequestContext,
    name: SourceId,
    of: Callable[[StoreSession], MadeOfEvents[MadeT]],
    reader: Callable[[StoreSession], Awaitable[tuple[int, Reading[MadeT]]]],
) -> int:
    """Through which position it is stored what events make: at least where the log ended when this was asked.

    reader: how many items an event has, and how they are read from events; raises where there is nothing to read.
    """
    tenant_log = await requests.log()
    head = (await requests.store.log(tenant_log.tenant).head()).position
    through = -1
    while through < head:
        # Some at a time: each part is stored, whatever becomes of the call.
        async with requests.store.changing(tenant_log.tenant) as session:
            items, read = await reader(session)
            after = await of(session).locked_position(name)
            if after >= head:
                return after
            commits = await session.registry.commits_of(name, after, head, _COMMITS_AT_ONCE)
            through = commits[-1] if len(commits) == _COMMITS_AT_ONCE else head
            segments = [one for some in (await session.log.read_segments(commits)).values() for one in some]
            rows = sum(len(one.id_hashes) for one in segments) // 8
            made = await computed(rows * items, partial(read, [one.events for one in segments]))
            await of(session).advance(name, through, made)
    return through


def span_of(interval: Interval) -> tuple[int, int]:
    """[start, end) in microseconds; an end that is absent is beyond all events. Raises InvalidArgument."""
    start_us, end_us = ALWAYS_US
    if interval.HasField("start"):
        start_us = micros(interval.start)
    if interval.HasField("end"):
        end_us = micros(interval.end)
    if start_us > end_us:
        raise invalid("interval", "must not end before it begins")
    return start_us, end_us


async def collected(read: Callable[[str, int], Awaitable[list[ResponseT]]]) -> list[ResponseT]:
    """All of the pages that are read after an id, at most so many. Raises InvalidArgument where there are more."""
    found: list[ResponseT] = []
    after = ""
    while page := await read(after, _RESPONSES_AT_ONCE):
        found += page
        if len(found) > RESPONSES_MAX:
            raise invalid("interval", f"holds more than {RESPONSES_MAX} responses: ask for a shorter one")
        after = page[-1].response_id
    return found
