"""What the windows and the cases of series are in an interval: read in pages, and never more than a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from andon.scoring.v1 import score_pb2

from services.runtime.errors import NotFound, invalid
from services.scoring.scores.case_values import CaseValueReader, CaseValues, TooManyValues
from services.scoring.scores.results import Score
from services.scoring.scores.scorecard import card_nodes
from services.scoring.scores.silence import SilentSeries
from services.scoring.servicer.request_context import RequestContext
from services.scoring.store.results import Page
from services.scoring.system.hierarchy import tree_of
from services.scoring.system.model import Indicator, IndicatorSystem, Window
from services.scoring.system.series import SeriesFilter, SeriesKey, SeriesName, series_key, series_name, slice_of
from services.scoring.system.windows import EARLIEST_US, WindowId
from services.scoring.wire.ingest_client import table_of
from services.scoring.wire.scores import score_message, score_of, unpack_score, window_id

CASES_MAX = 200_000
WINDOWS_MAX = 50_000
WINDOWS_AT_ONCE = 5_000
PAGES_AT_ONCE = 50
UNITS_MAX, SERIES_LOOKED_MAX, SERIES_AT_ONCE = 2_000, 20_000, 1_000


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


async def slices_of(
    requests: RequestContext, tenant: str, name: SeriesName, indicators: frozenset[str], dimensions: tuple[str, ...]
) -> list[SeriesKey]:
    """Series of some indicators, as wide as a series, by all values of dimensions.

    INVALID_ARGUMENT where there are more than 2,000 of an indicator.
    """
    wanted = SeriesFilter(name.process, name.system, indicators, frozenset({name.window}))
    keys: list[SeriesKey] = []
    after, looked = "", 0
    while True:
        some = await requests.store.list_series(tenant, wanted, after, SERIES_AT_ONCE)
        keys += [one for one in some if series_name(one).dimensions == dimensions]
        looked += len(some)
        if len(keys) > UNITS_MAX * len(indicators) or looked > SERIES_LOOKED_MAX * len(indicators):
            raise invalid("dimensions", f"have more than {UNITS_MAX:,} values: compare fewer")
        if len(some) < SERIES_AT_ONCE:
            return keys
        after = some[-1]


async def node_scores(
    requests: RequestContext,
    tenant: str,
    system: IndicatorSystem,
    kind: Window,
    window: WindowId,
    silent: SilentSeries | None = None,
) -> dict[str, score_pb2.Score]:
    """What the hierarchy has in one window, by name; an empty window as lists show it."""
    rows = await requests.store.scores_of_window(tenant, system.process, system.system, kind, window.start_us)
    nodes = {series_name(SeriesKey(one.series)).indicator: one for one in map(unpack_score, rows)}
    names = [node.name for node in card_nodes(system, tree_of(system, kind), {}) if node.name not in nodes]
    missing = [series_key(system, name, kind) for name in names]
    if missing:
        silent = silent or await requests.silent_series(tenant, system)
        for row in await requests.store.last_scores(tenant, missing, window.start_us):
            last = unpack_score(row)
            for empty in silent.between(SeriesKey(last.series), window_id(last.interval)):
                if empty.window == window:
                    nodes[series_name(empty.series).indicator] = score_message(empty, None)
    return nodes


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
