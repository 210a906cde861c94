"""Statistics of readings against the readings themselves, in whatever batches and order they come."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.admission.readings import MULTIPLE_MAX, Downsampled, QuantityRule, downsampled, read_readings
from services.ingest.model import SECOND_US, MalformedBatch, SourceId

BEGIN_US = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp()) * SECOND_US
PERIOD_US = 60 * SECOND_US
SPAN = (BEGIN_US - 10 * PERIOD_US, BEGIN_US + 1_000 * PERIOD_US)
RULES = {"temperature": QuantityRule(0.1, -40.0, 60.0, 8.0), "humidity": QuantityRule(0.01)}
Reading = tuple[str | None, str | None, int | None, float | None]

readings = st.lists(
    st.tuples(
        st.sampled_from(["a/1", "a%2F1", "b"]),
        st.sampled_from(["temperature", "humidity"]),
        st.integers(-3 * PERIOD_US, 5 * PERIOD_US),
        st.integers(-400, 600).map(lambda tenths: tenths / 10),
    ),
    max_size=60,
)


def stream(rows: list[Reading]) -> bytes:
    times = [None if row[2] is None else BEGIN_US + row[2] for row in rows]
    table = pa.table(
        {
            "sensor": pa.array([row[0] for row in rows], pa.string()).dictionary_encode(),
            "quantity": pa.array([row[1] for row in rows], pa.string()),
            "time": pa.array(times, pa.timestamp("us", "UTC")),
            "value": pa.array([row[3] for row in rows], pa.float64()),
        }
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def made(rows: list[Reading], batch_id: str = "b-1") -> Downsampled:
    return downsampled(read_readings(stream(rows)), SourceId("store"), batch_id, RULES, PERIOD_US, SPAN)


def events(found: Downsampled) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = found.arrival.page.to_pylist()
    return listed


def merged(some: list[dict[str, Any]]) -> dict[str, Any]:
    """Of events of one sensor and quantity, the exact statistics of all of them together."""
    unit = Fraction(str(RULES[some[0]["activity"]].resolution))
    total = {
        name: sum(round(one[f"attributes.{name}"] / float(size)) for one in some)
        for name, size in (("n", Fraction(1)), ("sum", unit), ("squares", unit * unit), ("above", Fraction(1)))
    }
    return {
        **total,
        "min": min(one["attributes.min"] for one in some),
        "max": max(one["attributes.max"] for one in some),
    }


@given(readings, st.lists(st.integers(0, 60), max_size=4))
@settings(max_examples=60, deadline=None)
def test_statistics_of_any_batches_together_are_those_of_the_readings(rows: list[Any], cuts: list[int]) -> None:
    bounds = sorted({0, len(rows), *(min(cut, len(rows)) for cut in cuts)})
    batches = [rows[begin:end] for begin, end in pairwise(bounds)]
    found = [event for number, batch in enumerate(batches) for event in events(made(batch, f"b-{number}"))]
    assert len({one["id"] for one in found}) == len(found)
    assert sum(one["attributes.n"] for one in found) == len(rows)
    for sensor, quantity in {(row[0], row[1]) for row in rows}:
        raw = [row for row in rows if row[:2] == (sensor, quantity)]
        unit = Fraction(str(RULES[quantity].resolution))
        multiples = [round(Fraction(row[3]) / unit) for row in raw]
        mine = [one for one in found if (one["attributes.sensor"], one["activity"]) == (sensor, quantity)]
        assert merged(mine) == {
            "n": len(raw),
            "sum": sum(multiples),
            "squares": sum(one * one for one in multiples),
            "above": sum(row[3] > RULES[quantity].limit for row in raw),
            "min": pytest.approx(min(row[3] for row in raw), abs=1e-9),
            "max": pytest.approx(max(row[3] for row in raw), abs=1e-9),
        }
        for one in mine:
            of_period = [
                row for row in raw if row[2] // PERIOD_US == int(one["id"].split("/")[2]) - BEGIN_US // PERIOD_US
            ]
            assert one["time"] <= datetime.fromtimestamp((BEGIN_US + max(row[2] for row in of_period)) / 1e6, UTC)


def test_first_last_and_range_of_a_period_are_by_time_and_not_by_arrival() -> None:
    (one,) = events(made([("a", "temperature", 3, 5.0), ("a", "temperature", 1, 9.0), ("a", "temperature", 2, 2.0)]))
    shown = {name: one[f"attributes.{name}"] for name in ("first", "last", "range", "min", "max", "n", "above")}
    assert shown == {"first": 9.0, "last": 5.0, "range": 7.0, "min": 2.0, "max": 9.0, "n": 3.0, "above": 1.0}


def test_sums_stay_exact_where_a_batch_is_as_large_as_it_may_be() -> None:
    value = MULTIPLE_MAX * 0.01
    (one,) = events(made([("a", "humidity", 0, value)] * 50_000))
    assert round(one["attributes.squares"] / 0.0001) == 50_000 * MULTIPLE_MAX**2
    assert round(one["attributes.sum"] / 0.01) == 50_000 * MULTIPLE_MAX


def test_each_reading_that_is_in_no_statistic_is_named_with_its_reason() -> None:
    rows: list[Reading] = [
        (None, "temperature", 0, 1.0),
        ("s" * 65, "temperature", 0, 1.0),
        ("a", "pressure", 0, 1.0),
        ("a", None, 0, 1.0),
        ("a", "temperature", None, 1.0),
        ("a", "temperature", SPAN[0] - BEGIN_US - 1, 1.0),
        ("a", "temperature", SPAN[1] - BEGIN_US + 1, 1.0),
        ("a", "temperature", 0, None),
        ("a", "temperature", 0, np.inf),
        ("a", "temperature", 0, 60.1),
        ("a", "humidity", 0, 1e300),
        ("a", "humidity", 0, 1.0),
    ]
    found = made(rows)
    assert [(one.field, one.reason, one.rows.tolist()) for one in found.refused] == [
        ("sensor", "FIELD_REQUIRED", [0]),
        ("sensor", "FIELD_INVALID", [1]),
        ("quantity", "READING_QUANTITY_UNKNOWN", [2, 3]),
        ("time", "EVENT_TIME_MISSING", [4]),
        ("time", "EVENT_TIME_TOO_EARLY", [5]),
        ("time", "EVENT_TIME_IN_FUTURE", [6]),
        ("value", "EVENT_NUMBER_NOT_FINITE", [7, 8]),
        ("value", "READING_OUT_OF_RANGE", [9, 10]),
    ]
    assert (found.received, found.readings.tolist()) == (12, [1])


@pytest.mark.parametrize("damage", [b"", b"no Arrow", stream([("a", "humidity", 0, 1.0)])[:-40]])
def test_what_is_no_stream_of_readings_is_refused(damage: bytes) -> None:
    with pytest.raises(MalformedBatch):
        read_readings(damage)
