"""Parquet gives its rows with exact values of every type; a file that is damaged is refused in one line."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from andon_records.mapping.document import parse_mapping
from andon_records.mapping.value_texts import texts_of
from andon_records.messages import LoadError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

UTC = dt.UTC
MAPPING = parse_mapping({"source": "desk", "id": "{k}/{row}", "case_id": "k", "activity": "s.name", "time": "at"})


@pytest.fixture
def parquet(tmp_path):
    def written(columns, name="log.parquet", **options):
        pq.write_table(pa.table(columns), tmp_path / name, **options)
        return tmp_path / name

    return written


def test_rows_of_all_row_groups_are_read(parquet, events):
    at = pa.array([dt.datetime(2026, 1, 1, tzinfo=UTC)] * 12_000, pa.timestamp("ns", "Europe/Berlin"))
    names = pa.array([{"name": f"s{n}"} for n in range(12_000)])
    path = parquet({"k": list(range(12_000)), "s": names, "at": at}, row_group_size=777)
    rows, _ = events(path, MAPPING)
    assert [row["activity"] for row in rows] == [f"s{n}" for n in range(12_000)]
    assert {row["time"] for row in rows} == {dt.datetime(2026, 1, 1, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (pa.array([0.1, 1e300, None]), ["0.1", "1e+300", None]),
        (pa.array([2**63 - 1, -1]), ["9223372036854775807", "-1"]),
        (pa.array([True, None]), ["true", None]),
        (pa.array([Decimal("12.340")]), ["12.340"]),
        (pa.array([dt.date(2026, 3, 2)]), ["2026-03-02"]),
        (pa.array([dt.datetime(2026, 3, 2, 9, 0, 0, 1)], pa.timestamp("us")), ["2026-03-02 09:00:00.000001"]),
        (pa.array([dt.datetime(2026, 3, 2, 9)], pa.timestamp("s", "Asia/Shanghai")), ["2026-03-02 09:00:00.000000Z"]),
        (pa.array([dt.timedelta(seconds=90)]), ["90"]),
        (pa.array(["a", "b", "a", None]).dictionary_encode(), ["a", "b", "a", None]),
        (pa.array([b"x\xff"]), ["x\\xff"]),
        (pa.array([[1, 2], None]), ["[1, 2]", None]),
        (pa.nulls(2), [None, None]),
        (pa.array([1.5], pa.float16()), ["1.5"]),
        (pa.array([dt.time(9, 30)]), ["09:30:00.000000"]),
    ],
)
def test_a_value_of_any_type_has_an_exact_text(column, texts):
    assert texts_of(column).to_pylist() == texts


def test_a_table_with_the_names_of_xes_needs_no_mapping(parquet, events):
    time = pa.array([dt.datetime(2026, 1, 1, tzinfo=UTC)] * 2)
    columns = {
        "case:concept:name": ["A", "A"],
        "concept:name": ["x", "y"],
        "time:timestamp": time,
        "case:cost": [1.5, None],
    }
    rows, _ = events(parquet(columns))
    assert [(row["id"], row["activity"], row.get("attributes.case:cost")) for row in rows] == [
        *(("A/1", "x", 1.5), ("A/2", "y", None)),
    ]


def test_without_a_mapping_and_known_names_a_mapping_is_asked_for(parquet, events):
    with pytest.raises(LoadError, match="needs a mapping of its columns: --mapping FILE"):
        events(parquet({"a": [1]}))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_file_is_read_or_refused_and_never_breaks_the_reader(parquet, events, tmp_path, data):
    at = pa.array([dt.datetime(2026, 1, 1, tzinfo=UTC)] * 50)
    path = parquet({"k": [f"k{n % 7}" for n in range(50)], "s": pa.array([{"name": "x"}] * 50), "at": at})
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(4, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 8))] = data.draw(st.binary(min_size=1, max_size=8))
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(bytes(content))
    try:
        events(damaged, MAPPING)
    except LoadError as refused:
        said = str(refused)
    else:
        said = ""
    assert "\n" not in said
