"""Rules of a correction on columns: values, templates, shifts, texts that are times."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from andon.ingest.v1 import event_pb2
from hypothesis import given
from hypothesis import strategies as st

from services.ingest import wire
from services.ingest.admission.correction import (
    Moment,
    ParseTime,
    ReplaceValue,
    Rule,
    SetField,
    ShiftTime,
    changed,
    corrected,
    unreadable_still,
)
from services.ingest.model import Arrival
from services.ingest.wire import batches

START_US = 1_700_000_000_000_000


@pytest.fixture
def came(event: Any) -> Arrival:
    """Three events: with a whole number, a text and nothing under one name."""
    return arrival(
        event("a", attributes={"x": 1, "at": "05.03.2026 14:30"}),
        event("b", attributes={"x": "one", "at": "?"}, case_id="", resource="Ada"),
        event("c", time_s=None, attributes={"at": "06.03.2026 08:00", "ticket": "T-7"}),
    )


def arrival(*events: event_pb2.Event) -> Arrival:
    return batches.arrival(event_pb2.EventBatch(rows=event_pb2.EventRows(events=events)))


def after(came: Arrival, *rules: Rule) -> list[event_pb2.Event]:
    page = corrected(came, rules, ["q_1", "q_2", "q_3"]).page
    return [wire.event(page, row) for row in range(page.num_rows)]


def test_without_rules_every_event_is_as_it_came(came: Arrival) -> None:
    assert after(came) == [wire.event(came.page, row) for row in range(3)]
    assert not changed(came.page, corrected(came, (), ["", "", ""]).page).any()


def test_a_field_is_set_in_every_event_and_has_one_value(came: Arrival) -> None:
    found = after(
        came, SetField("attributes.x", 2.5), SetField("activity", "Closed"), SetField("time", Moment(START_US))
    )
    assert [one.attributes["x"].number for one in found] == [2.5, 2.5, 2.5]
    assert {one.activity for one in found} == {"Closed"}
    assert {one.time.ToMicroseconds() for one in found} == {START_US}


def test_a_text_may_refer_to_other_fields_of_its_event(came: Arrival) -> None:
    found = after(came, SetField("id", "{source}-{id}-{attributes.ticket}-{quarantine_id}-{attributes.x}"))
    assert [one.id for one in found] == ["desk-a--q_1-1", "desk-b--q_2-one", "desk-c-T-7-q_3-"]


def test_only_the_value_that_is_named_is_replaced(came: Arrival) -> None:
    found = after(came, ReplaceValue("attributes.x", 1.0, "first"), ReplaceValue("attributes.at", "?", None))
    assert [one.attributes["x"].WhichOneof("kind") if "x" in one.attributes else None for one in found] == [
        "text",
        "text",
        None,
    ]
    assert [one.attributes["x"].text for one in found[:2]] == ["first", "one"]
    assert ["at" in one.attributes for one in found] == [True, False, True]
    assert [one.case_id for one in after(came, ReplaceValue("case_id", "", "{id}"))] == ["case-1", "b", "case-1"]


def test_a_time_is_shifted_and_an_absent_one_stays_absent(came: Arrival) -> None:
    found = after(came, ShiftTime("time", -3_600_000_000))
    assert [one.HasField("time") for one in found] == [True, True, False]
    assert found[0].time.ToMicroseconds() == START_US - 3_600_000_000


def test_a_text_is_read_as_a_time_of_its_zone_and_what_is_none_leaves_the_field(came: Arrival) -> None:
    found = after(came, ParseTime("attributes.at", "%d.%m.%Y %H:%M", "Asia/Shanghai", "time"))
    assert [one.time.ToJsonString() for one in found] == [
        "2026-03-05T06:30:00Z",
        "2023-11-14T22:13:20Z",
        "2026-03-06T00:00:00Z",
    ]


def test_a_field_is_cleared(came: Arrival) -> None:
    found = after(came, SetField("resource", None), SetField("attributes.x", None))
    assert [one.resource for one in found] == ["", "", ""]
    assert not any("x" in one.attributes for one in found)


def test_what_differs_is_found_row_by_row(came: Arrival) -> None:
    page = corrected(came, [ReplaceValue("attributes.x", "one", "two")], ["", "", ""]).page
    assert changed(came.page, page).tolist() == [False, True, False]


def test_a_text_that_was_not_unicode_stays_unreadable_until_it_is_replaced(event: Any) -> None:
    came = arrival(event("a", case_id="caf\ufffd"), event("b", case_id="caf\ufffd"))
    rows = pa.array([True, False]).to_numpy(zero_copy_only=False)
    marked = unreadable_still(came.page, rows).unreadable
    assert [mask.tolist() for mask in marked.values()] == [[True, False]]
    page = corrected(came, [SetField("case_id", "café")], ["", ""]).page
    assert not unreadable_still(page, rows).unreadable


VALUES = st.one_of(
    st.text(max_size=5).filter(lambda text: "{" not in text), st.integers(-9, 9), st.floats(-9, 9), st.booleans()
)


@given(held=st.lists(st.one_of(st.none(), VALUES), min_size=1, max_size=5), old=VALUES, new=VALUES)
def test_replacing_is_what_it_is_one_by_one(held: list[Any], old: Any, new: Any) -> None:
    events = []
    for value in held:
        one = event_pb2.Event(id="a", source="desk")
        if value is not None:
            setattr(
                one.attributes["x"], {str: "text", int: "integer", float: "number", bool: "flag"}[type(value)], value
            )
        events.append(one)
    page = corrected(arrival(*events), [ReplaceValue("attributes.x", old, new)], [""] * len(held)).page
    found = [wire.event(page, row).attributes for row in range(len(held))]
    plain = [getattr(one["x"], str(one["x"].WhichOneof("kind"))) if "x" in one else None for one in found]

    def is_old(value: Any) -> bool:
        return value is not None and value == old and (isinstance(value, bool) == isinstance(old, bool))

    assert plain == [new if is_old(value) else value for value in held]
