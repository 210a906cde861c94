"""What the windows and the cases of series are in an interval: read in pages, and never more than a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from services.runtime.errors import NotFound, invalid
from services.scoring.scores.case_values import CaseValueReader, CaseValues, TooManyValues
from services.scoring.scores.results import Score
from services.scoring.servicer.request_context import RequestContext
from services.scoring.store.results import Page
from services.scoring.system.model import Indicator, IndicatorSystem
from services.scoring.system.series import SeriesFilter, SeriesKey, series_name, slice_of
from services.scoring.system.windows import EARLIEST_US
from services.scoring.wire.ingest_client import table_of
from services.scoring.wire.scores import score_of, unpack_score

CASES_MAX = 200_000
WINDOWS_MAX = 50_000
WINDOWS_AT_ONCE = 5_000
PAGES_AT_ONCE = 50


async def windows_of(
    requests: RequestContext,
    tenant: str,
    keys: Collection[SeriesKey],
    span: tuple[int, int],
    after: tuple[str, int] = ("", EARLIEST_US),
    limit: int = WINDOWS_MAX + 1,
) -> list[Score]:
    """The scores of windows that start within a span, by series and time; at most `limit` of those after a place."""
    found: list[Score] = []
    wanted = SeriesFilter(series=frozenset(keys))
    # A filter without series passes all of them.
    while keys and len(found) < limit:
        size = min(WINDOWS_AT_ONCE, limit - len(found))
        rows = await requests.store.list_scores(tenant, wanted, span, Page(after, size))
        some = await asyncio.to_thread(lambda: [score_of(unpack_score(row)) for row in rows])  # noqa: B023
        found += some
        if len(some) < size:
            break
        after = (some[-1].series, some[-1].window.start_us)
    return found


async def all_windows(
    requests: RequestContext, tenant: str, keys: Collection[SeriesKey], span: tuple[int, int]
) -> list[Score]:
    """Of all windows in a span. INVALID_ARGUMENT where there are more than 50,000."""
    found = await windows_of(requests, tenant, keys, span)
    if len(found) > WINDOWS_MAX:
        raise invalid("interval", f"holds more than {WINDOWS_MAX:,} windows: narrow it")
    return found


async def case_values(
    requests: RequestContext, tenant: str, system: IndicatorSystem, key: SeriesKey, span: tuple[int, int]
) -> CaseValues:
    """Of the cases that have a value. INVALID_ARGUMENT where the interval has more than 200,000 observations."""
    reader = CaseValueReader(series_name(key).indicator, slice_of(key), span, CASES_MAX)
    after = (-1, -1)
    while True:
        pages = await requests.store.observations_after(tenant, system.name, system.version, span, after, PAGES_AT_ONCE)
        try:
            await asyncio.to_thread(_take, reader, [raw for _, raw in pages])
        except TooManyValues as error:
            message = f"holds more than {CASES_MAX:,} observations of the indicator: narrow it"
            raise invalid("interval", message) from error
        if len(pages) < PAGES_AT_ONCE:
            return await asyncio.to_thread(reader.found)
        after = pages[-1][0]


def _take(reader: CaseValueReader, pages: list[bytes]) -> None:
    for raw in pages:
        reader.add(table_of(raw))


def indicator_of(system: IndicatorSystem, key: SeriesKey) -> Indicator | None:
    """None: a composite. NOT_FOUND where the document has neither."""
    return named_indicator(system, series_name(key).indicator)


def named_indicator(system: IndicatorSystem, name: str) -> Indicator | None:
    """None: a composite. NOT_FOUND where the document has neither."""
    indicator = system.spec.indicator_by_name.get(name)
    if indicator is None and name not in system.spec.composite_names and name != "overall":
        raise NotFound("NOT_FOUND", "the indicator system has no such indicator")
    return indicator
