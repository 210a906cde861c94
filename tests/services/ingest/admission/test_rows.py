"""Rows cut into columns all at once are what reading them one by one gives."""

from __future__ import annotations

from typing import Any

from andon.ingest.v1 import event_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.admission.rows import read_rows

TEXT = st.text(max_size=20)
VALUES = st.one_of(
    st.tuples(st.just("text"), st.text(max_size=200)),
    st.tuples(st.just("number"), st.floats()),
    st.tuples(st.just("integer"), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just("flag"), st.booleans()),
    st.tuples(st.just("nothing"), st.none()),
)


@st.composite
def events(draw: st.DrawFn) -> event_pb2.Event:
    one = event_pb2.Event(object_kind=draw(st.integers(0, 9)))  # type: ignore[arg-type]
    for name in ("id", "source", "case_id", "activity", "resource", "supersedes", "retracts", "traceparent"):
        setattr(one, name, draw(TEXT))
    if draw(st.booleans()):
        one.time.FromMicroseconds(draw(st.integers(-(10**15), 4 * 10**15)))
    for name, (kind, value) in draw(st.dictionaries(TEXT, VALUES, max_size=4)).items():
        if kind == "nothing":
            one.attributes[name].SetInParent()
        else:
            setattr(one.attributes[name], kind, value)
    return one


def one_by_one(event: event_pb2.Event) -> dict[str, Any]:
    kinds = [None, "person", "process", "facility", "environment", "outcome"]
    row: dict[str, Any] = {
        name: getattr(event, name) or None
        for name in ("id", "source", "case_id", "activity", "resource", "supersedes", "retracts", "traceparent")
    }
    row["object_kind"] = kinds[event.object_kind] if event.object_kind < len(kinds) else "unknown"
    row["time"] = event.time.ToMicroseconds() if event.HasField("time") else None
    for name, value in event.attributes.items():
        kind = value.WhichOneof("kind")
        if kind is not None:
            row["attributes." + name] = (kind, repr(getattr(value, kind)))
    return row


def all_at_once(batch: event_pb2.EventRows) -> list[dict[str, Any]]:
    page = read_rows(batch.SerializeToString()).page
    kinds = {"string": "text", "double": "number", "int64": "integer", "bool": "flag"}
    rows: list[dict[str, Any]] = [{} for _ in range(page.num_rows)]
    for place, name in enumerate(page.schema.names):
        column = page.column(place)
        kind = kinds.get(str(getattr(column.type, "value_type", column.type)))
        for row, scalar in zip(rows, column, strict=True):
            if name.startswith("attributes."):
                if scalar.is_valid:
                    row[name] = (kind, repr(scalar.as_py()))
            elif name == "time":
                row[name] = scalar.value if scalar.is_valid else None
            else:
                row[name] = scalar.as_py() or None
    return rows


@settings(deadline=None, max_examples=150)
@given(st.lists(events(), max_size=12))
def test_columns_hold_what_the_rows_said(batch: list[event_pb2.Event]) -> None:
    sent = event_pb2.EventRows(events=batch)
    assert all_at_once(sent) == [one_by_one(event) for event in batch]


def test_an_attribute_of_two_types_keeps_both(event: Any) -> None:
    sent = event_pb2.EventRows(events=[event("a", attributes={"cost": 1}), event("b", attributes={"cost": 2.5})])
    assert [row["attributes.cost"] for row in all_at_once(sent)] == [("integer", "1"), ("number", "2.5")]


def test_a_timestamp_attribute_is_a_time(event: Any) -> None:
    one = event("a")
    one.attributes["due"].time.FromMicroseconds(1_700_000_000_123_456)
    page = read_rows(event_pb2.EventRows(events=[one]).SerializeToString()).page
    assert page.column("attributes.due")[0].value == 1_700_000_000_123_456


def test_texts_of_every_length_are_cut_right(event: Any) -> None:
    notes = ["x" * length for length in (0, 1, 127, 128, 300, 16_383, 16_384, 2_100_000)]
    page = read_rows(
        event_pb2.EventRows(
            events=[event(str(number), attributes={"note": note}) for number, note in enumerate(notes)]
        ).SerializeToString()
    ).page
    assert page.column("attributes.note").to_pylist() == notes
