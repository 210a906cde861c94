"""Readings of sensors become exact statistics: one event for each sensor, quantity and period of a batch.

Theory of operation. A value is a whole multiple of its quantity's resolution, and so are sums and sums of squares,
below 2^53: as numbers of 64 bits they are exact. Which batch a reading came in is part of the event's id, so a batch
that is sent again changes nothing, and the statistics of any window are sums over its events, in whatever order.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.ingest.admission.arrow import arrival_of, read_stream
from services.ingest.admission.arrow_schema import check_columns, is_text
from services.ingest.admission.soundness import sound
from services.ingest.model import ATTRIBUTE_PREFIX, BATCH_EVENTS_MAX, UTC_US, Arrival, MalformedBatch, SourceId

# Of a value, in multiples of its resolution: the sum of squares of a batch stays below 2^53, with room for rounding.
MULTIPLE_MAX = 2**17
assert BATCH_EVENTS_MAX * MULTIPLE_MAX**2 < 2**51
SENSOR_CHARS_MAX = 64
COLUMNS = ("sensor", "quantity", "time", "value")
ATTRIBUTES = ("n", "sum", "squares", "min", "max", "range", "first", "last", "above")
Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class QuantityRule:
    """low, high: a value outside is refused. limit: values above it are counted."""

    resolution: float
    low: float = -np.inf
    high: float = np.inf
    limit: float = np.inf


@dataclass(frozen=True)
class RefusedRows:
    """Readings that are in no statistic, ascending."""

    field: str
    reason: str
    rows: Ints


@dataclass(frozen=True)
class Downsampled:
    """arrival: an event for each sensor, quantity and period. readings: how many each of them holds."""

    arrival: Arrival
    readings: Ints
    refused: tuple[RefusedRows, ...]
    received: int


def read_readings(stream: bytes) -> pa.RecordBatch:
    """The columns of COLUMNS, any of them with nulls. Raises MalformedBatch."""
    return read_stream(stream, "readings", _batch)


def _batch(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> pa.RecordBatch:
    check_columns(schema)
    for name in COLUMNS:
        if name not in schema.names:
            raise MalformedBatch(name, "required column is absent", "FIELD_REQUIRED")
    for name in ("sensor", "quantity"):
        if not is_text(schema.field(name).type):
            raise MalformedBatch(name, "must be utf8 or a dictionary of utf8")
    time, value = schema.field("time").type, schema.field("value").type
    if not pa.types.is_timestamp(time) or time.tz is None:
        raise MalformedBatch("time", "must be a timestamp with zone UTC")
    if not (pa.types.is_floating(value) or pa.types.is_integer(value)):
        raise MalformedBatch("value", "must be float64")
    kinds = (pa.string(), pa.string(), UTC_US, pa.float64())
    parts = []
    for batch in batches:
        columns = []
        for name, kind in zip(COLUMNS, kinds, strict=True):
            column, bad = sound(batch.column(name))
            column = pc.cast(column, kind, safe=False)
            # A text that is not Unicode names nothing.
            columns.append(column if bad is None else pc.if_else(pa.array(~bad), column, pa.scalar(None, kind)))
        parts.append(pa.RecordBatch.from_arrays(columns, names=list(COLUMNS)))
    empty = pa.schema(list(zip(COLUMNS, kinds, strict=True)))
    whole = pa.Table.from_batches(parts, schema=empty).combine_chunks().to_batches()
    return whole[0] if whole else pa.RecordBatch.from_pylist([], schema=empty)


def downsampled(
    batch: pa.RecordBatch,
    source: SourceId,
    batch_id: str,
    rules: Mapping[str, QuantityRule],
    period_us: int,
    span_us: tuple[int, int],
) -> Downsampled:
    """Pure. batch: as `read_readings` returns it. span_us: within which times are. O(n log n)."""
    sensors, quantities = batch.column("sensor"), batch.column("quantity")
    names, codes = _coded(quantities)
    known = [rules.get(name) for name in names]
    resolution, low, high, limit = (_of_row([getattr(one, name, np.nan) for one in known], codes) for name in _RULE)
    values: Floats = batch.column("value").fill_null(np.nan).to_numpy(zero_copy_only=False)
    micros: Ints = batch.column("time").view(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    with np.errstate(invalid="ignore", over="ignore"):
        multiples = np.rint(values / resolution)
        outside = (values < low) | (values > high) | ~(np.abs(multiples) <= MULTIPLE_MAX)
    lengths = pc.utf8_length(sensors).fill_null(0).to_numpy(zero_copy_only=False)
    left = np.ones(batch.num_rows, dtype=np.bool_)
    refused: list[RefusedRows] = []
    checks: list[tuple[str, str, Mask]] = [
        ("sensor", "FIELD_REQUIRED", lengths == 0),
        ("sensor", "FIELD_INVALID", lengths > SENSOR_CHARS_MAX),
        ("quantity", "READING_QUANTITY_UNKNOWN", np.isnan(resolution)),
        ("time", "EVENT_TIME_MISSING", np.asarray(batch.column("time").is_null())),
        ("time", "EVENT_TIME_TOO_EARLY", micros < span_us[0]),
        ("time", "EVENT_TIME_IN_FUTURE", micros > span_us[1]),
        ("value", "EVENT_NUMBER_NOT_FINITE", ~np.isfinite(values)),
        ("value", "READING_OUT_OF_RANGE", outside),
    ]
    for field, reason, bad in checks:
        rows = np.flatnonzero(left & bad)
        if len(rows):
            refused.append(RefusedRows(field, reason, rows))
            left[rows] = False
    places = np.flatnonzero(left)
    sensor_names, sensor_codes = _coded(sensors)
    counted = _Rows(
        sensor_codes[places], codes[places], micros[places], multiples[places], values[places] > limit[places]
    )
    groups = _groups(counted, period_us)
    units = [Fraction(str(one.resolution)) if one is not None else Fraction(1) for one in known]
    page = _events(counted, groups, sensor_names, names, units, source, batch_id)
    return Downsampled(arrival_of(page), groups.counts, tuple(refused), batch.num_rows)


_RULE = ("resolution", "low", "high", "limit")


@dataclass(frozen=True)
class _Rows:
    sensor: NDArray[np.int32]
    quantity: NDArray[np.int32]
    micros: Ints
    multiples: Floats
    above: Mask


@dataclass(frozen=True)
class _Groups:
    """order: the rows, by group and time. first: where in it each group begins. period: of each group."""

    order: Ints
    first: Ints
    counts: Ints
    period: Ints


def _coded(texts: pa.Array) -> tuple[Sequence[str], NDArray[np.int32]]:
    """Distinct texts, and which of them each row has; a missing one is the last, and empty."""
    coded = texts.dictionary_encode()
    names = [*coded.dictionary.to_pylist(), ""]
    codes: NDArray[np.int32] = coded.indices.fill_null(len(names) - 1).to_numpy(zero_copy_only=False)
    return names, codes


def _of_row(values: Sequence[float], codes: NDArray[np.int32]) -> Floats:
    found: Floats = np.array(values, dtype=np.float64)[codes]
    return found


def _groups(rows: _Rows, period_us: int) -> _Groups:
    periods = rows.micros // period_us
    # By time within a group: of two readings of one instant the later row is the last.
    order: Ints = np.lexsort((rows.micros, periods, rows.quantity, rows.sensor)).astype(np.int64)
    if not len(order):
        return _Groups(order, order, order, order)
    keys = (rows.sensor[order], rows.quantity[order], periods[order])
    differ = np.zeros(len(order) - 1, dtype=np.bool_)
    for key in keys:
        differ |= key[1:] != key[:-1]
    first: Ints = np.flatnonzero(np.append(True, differ))
    return _Groups(order, first, np.diff(np.append(first, len(order))), keys[2][first])


def _events(
    rows: _Rows,
    groups: _Groups,
    sensor_names: Sequence[str],
    quantity_names: Sequence[str],
    units: Sequence[Fraction],
    source: SourceId,
    batch_id: str,
) -> pa.RecordBatch:
    first, last = groups.first, groups.first + groups.counts - 1
    ordered = rows.multiples[groups.order]
    above = rows.above[groups.order].astype(np.float64)
    at = groups.order[first]
    quantity = rows.quantity[at]
    unit = _of_row([float(one) for one in units], quantity)
    unit_squared = _of_row([float(one * one) for one in units], quantity)

    def reduced(ufunc: np.ufunc, of: Floats) -> Floats:
        found: Floats = ufunc.reduceat(of, first) if len(first) else np.zeros(0)
        return found

    least, greatest = reduced(np.minimum, ordered), reduced(np.maximum, ordered)
    # A product of an exact whole number and a resolution: the nearest number, which rounds back to that whole.
    numbers = {
        "n": groups.counts.astype(np.float64),
        "sum": reduced(np.add, ordered) * unit,
        "squares": reduced(np.add, ordered * ordered) * unit_squared,
        "min": least * unit,
        "max": greatest * unit,
        "range": (greatest - least) * unit,
        "first": ordered[first] * unit,
        "last": ordered[last] * unit,
        "above": reduced(np.add, above),
    }
    sensor = pa.array(sensor_names, pa.string()).take(pa.array(rows.sensor[at]))
    activity = pa.array(quantity_names, pa.string()).take(pa.array(quantity))
    ids = pc.binary_join_element_wise(
        pc.replace_substring(pc.replace_substring(sensor, "%", "%25"), "/", "%2F"),
        activity,
        pa.array(groups.period).cast(pa.string()),
        pa.scalar(batch_id),
        "/",
    )
    return pa.RecordBatch.from_pydict(
        {
            "id": ids,
            "source": pa.array([source] * len(first), pa.string()),
            # Each event is an observation of its own: it is added to those of other batches, and replaces none.
            "case_id": ids,
            "activity": activity,
            "time": pa.array(rows.micros[groups.order][last]).cast(UTC_US),
            ATTRIBUTE_PREFIX + "sensor": sensor,
            **{ATTRIBUTE_PREFIX + name: pa.array(numbers[name]) for name in ATTRIBUTES},
        }
    )
