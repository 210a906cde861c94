"""Rows of KPI feeds: each is named by series, period, unit and revision, and has the figures that its series says.

A period of a unit is one case, and the row with the highest revision counts. So a row sent again is a duplicate however
its period was written, a row of a higher revision replaces the figures, and other figures under the same revision are
refused.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.ingest.admission.event_columns import EventColumns, Mask
from services.ingest.columns import codes_of, filled
from services.ingest.model import ATTRIBUTE_PREFIX, Arrival, FeedFigures, FeedPeriod, FeedRule, Source

REVISION = ATTRIBUTE_PREFIX + "revision"
VALUE, NUMERATOR, DENOMINATOR = (ATTRIBUTE_PREFIX + name for name in ("value", "numerator", "denominator"))
_UNITS = {
    FeedPeriod.HOUR: "hour",
    FeedPeriod.DAY: "day",
    FeedPeriod.WEEK: "week",
    FeedPeriod.MONTH: "month",
    FeedPeriod.QUARTER: "quarter",
    FeedPeriod.YEAR: "year",
}
_HOUR, _DAY = "%Y-%m-%dT%H%z", "%Y-%m-%d"
# Of a quotient of decimal fractions.
ROUNDING = 1e-9
_WHOLE = (FeedFigures.COUNT, FeedFigures.SHARE, FeedFigures.RATE)
Floats = NDArray[np.float64]
Faults = list[tuple[Mask, str, str]]


def named(arrival: Arrival, policies: Sequence[Source]) -> Arrival:
    """The same with ids and cases of feeds' rows as they are named here. policies: by the codes of the sources."""
    page = arrival.page
    if not page.num_rows or not any(policy.feed for policy in policies):
        return arrival
    ids, cases = page.column("id"), page.column("case_id")
    columns = EventColumns(page)
    retracts = filled(page.column("retracts"))
    for code, policy in enumerate(policies):
        own = own_rows(page, code)
        if policy.feed is None or not own.any():
            continue
        case = _case(columns, page, policy.feed)
        revision = pc.cast(_numbers(columns, REVISION).fill_null(0.0), pa.int64(), safe=False).cast(pa.string())
        name = pc.binary_join_element_wise(case, revision, "/")
        cases = pc.if_else(pa.array(own), case, cases)
        # What retracts a row has a name of its own.
        ids = pc.if_else(pa.array(own & ~retracts), name, ids)
    names = page.schema.names
    page = page.set_column(names.index("id"), "id", ids).set_column(names.index("case_id"), "case_id", cases)
    return replace(arrival, page=page)


def own_rows(page: pa.RecordBatch, code: int) -> Mask:
    source = page.column("source")
    mask: Mask = (codes_of(source) == code) & np.asarray(source.is_valid())
    return mask


def faults(page: pa.RecordBatch, own: Mask, rule: FeedRule) -> Faults:
    """Which rows of a feed are no figures of it: rows, field and reason. own: the rows of its source."""
    columns = EventColumns(page)
    activities = page.column("activity").cast(pa.string())
    said = own & ~filled(page.column("retracts"))
    known = np.asarray(pc.is_in(activities, pa.array([name for name, _, _ in rule.series], pa.string())))
    found: Faults = [(said & ~known, "activity", "FEED_SERIES_UNKNOWN")]
    times = page.column("time")
    begins = pc.equal(_floored(times, rule).cast(times.type), times).fill_null(True)
    found.append((own & ~np.asarray(begins), "time", "FEED_PERIOD_NOT_WHOLE"))
    revision = _floats(columns, REVISION)
    wrong = (revision < 0) | (revision != np.floor(revision)) | (revision > 1e15)
    given = np.zeros(page.num_rows, np.bool_)
    for column in columns.of(REVISION):
        given |= np.asarray(column.is_valid())
    found.append((own & given & (wrong | np.isnan(revision)), REVISION, "FEED_FIGURES_INVALID"))
    figures = {field: _floats(columns, field) for field in (VALUE, NUMERATOR, DENOMINATOR)}
    alike: dict[tuple[FeedFigures, float], list[str]] = {}
    for name, kind, resolution in rule.series:
        alike.setdefault((kind, resolution), []).append(name)
    for (kind, resolution), names in alike.items():
        rows = said & np.asarray(pc.is_in(activities, pa.array(names, pa.string())))
        found += [(rows & bad, field, "FEED_FIGURES_INVALID") for field, bad in _wrong(kind, resolution, figures)]
    return found


def _wrong(kind: FeedFigures, resolution: float, figures: dict[str, Floats]) -> list[tuple[str, Mask]]:
    if kind in (FeedFigures.VALUE, FeedFigures.COUNT):
        value = figures[VALUE]
        return [(VALUE, np.isnan(value) | (~_is_count(value) if kind in _WHOLE else False))]
    numerator, denominator = figures[NUMERATOR], figures[DENOMINATOR]
    bad = np.isnan(numerator) | (~_is_count(numerator) if kind in _WHOLE else False)
    with np.errstate(invalid="ignore"):
        multiples = denominator / resolution
        sized = ~(multiples >= 0) | (np.abs(multiples - np.rint(multiples)) > ROUNDING * np.maximum(multiples, 1.0))
        if kind is FeedFigures.SHARE:
            bad |= numerator > denominator
    return [(NUMERATOR, bad), (DENOMINATOR, sized)]


def _is_count(values: Floats) -> Mask:
    with np.errstate(invalid="ignore"):
        mask: Mask = (values >= 0) & (values == np.floor(values))
    return mask


def _case(columns: EventColumns, page: pa.RecordBatch, rule: FeedRule) -> pa.Array:
    """Series, beginning of the period and dimensions, as one text. What is missing is empty, and refused as such."""
    pattern = _HOUR if rule.period is FeedPeriod.HOUR else _DAY
    begin = pc.strftime(_floored(page.column("time"), rule), format=pattern).fill_null("")
    parts = [_part(page.column("activity").cast(pa.string()).fill_null("")), begin]
    for name in rule.dimensions:
        texts = pa.nulls(page.num_rows, pa.string())
        for column in columns.of(ATTRIBUTE_PREFIX + name):
            texts = pc.coalesce(texts, column.cast(pa.string()))
        parts.append(_part(texts.fill_null("")))
    return pc.binary_join_element_wise(*parts, "/")


def _part(texts: pa.Array) -> pa.Array:
    """Two different rows never have one name: what separates parts occurs in none."""
    return pc.replace_substring(pc.replace_substring(texts, "%", "%25"), "/", "%2F")


def _floored(times: pa.Array, rule: FeedRule) -> pa.Array:
    """The beginning of the period of each, in the feed's zone."""
    local = times.cast(pa.timestamp("us", tz=rule.time_zone))
    return pc.floor_temporal(local, unit=_UNITS[rule.period])


def _numbers(columns: EventColumns, field: str) -> pa.Array:
    found = pa.nulls(columns.rows, pa.float64())
    for column in columns.of(field):
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            found = pc.coalesce(found, column.cast(pa.float64(), safe=False))
    return found


def _floats(columns: EventColumns, field: str) -> Floats:
    """NaN where there is no number."""
    values: Floats = _numbers(columns, field).fill_null(np.nan).to_numpy(zero_copy_only=False)
    return values
