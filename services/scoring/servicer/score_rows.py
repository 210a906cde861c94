"""A page of scores with the empty windows in the life of each series, worked out from the scores around them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from andon.scoring.v1 import score_pb2

from services.runtime.errors import NotFound
from services.scoring.scores.silence import SilentSeries
from services.scoring.servicer.request_context import RequestContext
from services.scoring.store.results import Page
from services.scoring.system.series import SeriesFilter, SeriesKey, series_name
from services.scoring.system.windows import EARLIEST_US, LATEST_US, WindowId
from services.scoring.wire.scores import score_message, unpack_score, window_id


@dataclass(frozen=True)
class Stretch:
    """Scores of a part of the list, and what lies before each series in it.

    open_series: has more scores than are here. through: the list goes on behind this series; None: it ends.
    """

    scores: Mapping[str, Sequence[score_pb2.Score]]
    before: Mapping[str, score_pb2.Score]
    open_series: str | None
    through: str | None


async def rows_with_silence(
    requests: RequestContext, tenant: str, wanted: SeriesFilter, span: tuple[int, int], page: Page
) -> list[score_pb2.Score]:
    """As many as the page has room for, by series and window."""
    found: list[score_pb2.Score] = []
    silent: dict[tuple[str, str], SilentSeries | None] = {}
    after = page.after
    while True:
        stretch = await _stretch(requests, tenant, wanted, span, Page(after, page.limit))
        for name in map(series_name, map(SeriesKey, {**stretch.before, **stretch.scores})):
            if (name.process, name.system) not in silent:
                silent[name.process, name.system] = await _silent(requests, tenant, name.owner)
        found += await asyncio.to_thread(_merged, stretch, silent, span, after, page.limit - len(found))
        if len(found) >= page.limit or stretch.through is None:
            return found
        after = (stretch.through, LATEST_US)


async def _silent(requests: RequestContext, tenant: str, owner: str) -> SilentSeries | None:
    """None: nothing is scored by this system any more."""
    try:
        spec = await requests.system(tenant, owner)
    except NotFound:
        return None
    return await requests.silent_series(tenant, spec)


async def _stretch(
    requests: RequestContext, tenant: str, wanted: SeriesFilter, span: tuple[int, int], page: Page
) -> Stretch:
    store, (after_series, after_us), start_us = requests.store, page.after, span[0]
    rows = await store.list_scores(tenant, wanted, span, page)
    before: list[bytes] = []
    if start_us > EARLIEST_US:
        before = await store.last_scores_of_filter(tenant, wanted, after_series, start_us, page.limit)
    resumed = await store.last_scores(tenant, [after_series], after_us + 1) if after_series else []
    return await asyncio.to_thread(_unpacked, rows, before, resumed, page.limit)


def _unpacked(rows: Sequence[bytes], before: Sequence[bytes], resumed: Sequence[bytes], limit: int) -> Stretch:
    listed, ahead = [unpack_score(row) for row in rows], [unpack_score(row) for row in before]
    open_series = listed[-1].series if len(listed) == limit else None
    through = open_series
    if len(ahead) == limit and (through is None or ahead[-1].series < through):
        open_series, through = None, ahead[-1].series
    scores: dict[str, list[score_pb2.Score]] = {}
    for score in listed:
        if through is None or score.series <= through:
            scores.setdefault(score.series, []).append(score)
    known = {one.series: one for one in (*ahead, *map(unpack_score, resumed))}
    return Stretch(
        scores,
        {series: one for series, one in known.items() if through is None or series <= through},
        open_series,
        through,
    )


def _merged(
    stretch: Stretch,
    silent: Mapping[tuple[str, str], SilentSeries | None],
    span: tuple[int, int],
    after: tuple[str, int],
    limit: int,
) -> list[score_pb2.Score]:
    found: list[score_pb2.Score] = []
    for series in sorted({*stretch.before, *stretch.scores}):
        name = series_name(SeriesKey(series))
        since_us = max(span[0], after[1] + 1) if series == after[0] else span[0]
        for score in _of_series(stretch, series, silent[name.process, name.system]):
            if score.revision or since_us <= window_id(score.interval).start_us < span[1]:
                found.append(score)
                if len(found) == limit:
                    return found
    return found


def _of_series(stretch: Stretch, series: str, silent: SilentSeries | None) -> Iterator[score_pb2.Score]:
    last = window_id(stretch.before[series].interval) if series in stretch.before else None
    for score in stretch.scores.get(series, ()):
        window = window_id(score.interval)
        yield from _silence(series, silent, last, window.start_us)
        yield score
        last = window
    if series != stretch.open_series:
        yield from _silence(series, silent, last, None)


def _silence(
    series: str, silent: SilentSeries | None, last: WindowId | None, next_us: int | None
) -> Iterator[score_pb2.Score]:
    if silent is not None and last is not None:
        for empty in silent.between(SeriesKey(series), last, next_us):
            yield score_message(empty, None)
