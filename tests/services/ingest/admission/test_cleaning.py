"""Cleaning on columns: each rule, what it counts, and that it looks at the event alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from andon.ingest.v1 import event_pb2

from services.ingest import wire
from services.ingest.admission.cleaning_rules import category_key, cleaned
from services.ingest.model import (
    UNIT_FACTORS,
    Category,
    Cleaning,
    Placeholder,
    Source,
    SourceId,
    TimeOrder,
    UnitRange,
)
from services.ingest.wire import batches

START_S = 1_700_000_000


def clean(
    events: list[event_pb2.Event], **rules: Any
) -> tuple[list[event_pb2.Event], dict[tuple[str, str], list[int]]]:
    """The events as the rules of "desk" make them, and the rows of each rule and field."""
    came = batches.arrival(event_pb2.EventBatch(rows=event_pb2.EventRows(events=events)))
    names = came.page.column("source").dictionary.to_pylist()
    rule = Cleaning(**rules) if rules else None
    policies = [Source(SourceId(name), cleaning=rule if name == "desk" else None) for name in names]
    after, marks = cleaned(came, policies)
    found = [wire.event(after.page, row) for row in range(after.page.num_rows)]
    return found, {(one.rule, one.field): one.rows.tolist() for one in marks}


def test_nan_and_infinities_are_set_aside_without_any_rule(event: Any) -> None:
    values = [1.5, math.nan, math.inf, -math.inf]
    found, marks = clean([event(f"{n}", attributes={"x": value, "y": 1}) for n, value in enumerate(values)])
    assert ["x" in one.attributes for one in found] == [True, False, False, False]
    assert {one.attributes["y"].integer for one in found} == {1}
    assert marks == {("NOT_FINITE", "attributes.x"): [1, 2, 3]}


def test_placeholders_are_absent_as_text_and_as_number(event: Any) -> None:
    values: list[Any] = ["?", " n/a ", -99, -99.0, "-99", "fine", -98, 0]
    events = [event(f"{n}", attributes={"x": value, "y": 0}) for n, value in enumerate(values)]
    rules = (
        Placeholder("", "?"),
        Placeholder("attributes.x", "N/A"),
        Placeholder("", "-99"),
        Placeholder("attributes.y", "0"),
    )
    found, marks = clean(events, placeholders=rules)
    assert ["x" in one.attributes for one in found] == [False] * 5 + [True] * 3
    assert marks == {("PLACEHOLDER", "attributes.x"): [0, 1, 2, 3, 4], ("PLACEHOLDER", "attributes.y"): list(range(8))}


def test_rules_of_one_source_leave_another_alone(event: Any) -> None:
    events = [event("a", source="shop", attributes={"x": "?"}), event("b", attributes={"x": "?"})]
    found, marks = clean(events, placeholders=(Placeholder("", "?"),))
    assert ["x" in one.attributes for one in found] == [True, False]
    assert marks == {("PLACEHOLDER", "attributes.x"): [1]}


def test_variants_of_a_category_become_the_declared_value_and_the_raw_form_is_stored(event: Any) -> None:
    texts = ["High", "HIGH", " high", "Ｈｉｇｈ", "hi\u200bgh", "low", "Cafe\u0301"]
    events = [event(f"{n}", attributes={"p": text}) for n, text in enumerate(texts)]
    found, marks = clean(events, categories=(Category("attributes.p", ("High", "Café")),))
    assert [one.attributes["p"].text for one in found] == ["High"] * 5 + ["low", "Café"]
    assert [one.attributes["raw.p"].text if "raw.p" in one.attributes else None for one in found] == [
        None, "HIGH", " high", "Ｈｉｇｈ", "hi\u200bgh", None, "Cafe\u0301",
    ]  # fmt: skip
    assert marks == {("CATEGORY", "attributes.p"): [1, 2, 3, 4, 6]}


def test_keys_that_look_alike_are_the_same_key(event: Any) -> None:
    events = [
        event("a", case_id="Cafe\u0301 "),
        event("b", case_id="\ufeffCafé"),
        event("c", activity="Opened ", resource="Ada "),
    ]
    found, marks = clean(events, normalise_keys=True)
    assert [one.case_id for one in found] == ["Café", "Café", "case-1"]
    assert (found[2].activity, found[2].attributes["raw.activity"].text, found[2].resource) == (
        "Opened",
        "Opened ",
        "Ada",
    )
    # What may name a person is stored in no second place.
    assert not any(name in one.attributes for one in found for name in ("raw.resource", "raw.case_id"))
    assert marks == {("KEY_FORM", "activity"): [2], ("KEY_FORM", "case_id"): [0, 1], ("KEY_FORM", "resource"): [2]}


FACTORS = (60.0, 1_000.0, 1 / 60)


@pytest.mark.parametrize(
    ("value", "factors", "after"),
    [
        (45, FACTORS, 45),
        (2_700, FACTORS, 45.0),
        (45_000.0, FACTORS, 45.0),
        (0.5, FACTORS, 30.0),
        (10**9, FACTORS, 10**9),
        # 150 by sixty and 90 by a hundred: nobody knows which.
        (9_000, (60.0, 100.0), 9_000),
    ],
)
def test_a_number_in_another_unit_is_converted_where_one_factor_alone_explains_it(
    event: Any, value: float, factors: tuple[float, ...], after: float
) -> None:
    unit = UnitRange("attributes.minutes", 20.0, 240.0, factors)
    found, marks = clean([event("a", attributes={"minutes": value})], units=(unit,))
    held = found[0].attributes["minutes"]
    assert getattr(held, str(held.WhichOneof("kind"))) == pytest.approx(after)
    assert bool(marks) == (value != after)


def test_times_that_cannot_be_are_set_aside(event: Any) -> None:
    def timed(id: str, opened: int, closed: int) -> event_pb2.Event:
        one = event(id)
        one.attributes["opened"].time.seconds = opened
        one.attributes["closed"].time.seconds = closed
        return one

    events = [timed("a", START_S, START_S + 1), timed("b", 0, START_S), timed("c", START_S, START_S - 1)]
    order = (TimeOrder("attributes.opened", "attributes.closed"), TimeOrder("attributes.opened", "time"))
    found, marks = clean(events, early_times=True, time_orders=order)
    assert [sorted(one.attributes) for one in found] == [["closed", "opened"], ["closed"], ["opened"]]
    assert marks == {("TIME_TOO_EARLY", "attributes.opened"): [1], ("TIME_ORDER", "attributes.closed"): [2]}


def test_the_whole_becomes_what_each_event_becomes_alone(event: Any) -> None:
    random = np.random.default_rng(7)
    pool: list[Any] = ["?", "High", "HIGH", 5, 3_000, 0.01, math.nan, "x", True]
    events = [
        event(
            f"{n}",
            source=("desk", "shop")[n % 2],
            attributes={name: pool[random.integers(len(pool))] for name in "xyz"},
        )
        for n in range(60)
    ]
    rules: dict[str, Any] = {
        "placeholders": (Placeholder("", "?"),),
        "categories": (Category("attributes.x", ("High",)),),
        "units": (UnitRange("attributes.y", 1.0, 240.0, UNIT_FACTORS),),
        "normalise_keys": True,
    }
    together, _ = clean(events, **rules)
    alone = [clean([one], **rules)[0][0] for one in events]
    assert together == alone
    # And what is clean stays as it is.
    again, marks = clean(together, **rules)
    assert (again, marks) == (together, {})


def test_the_key_of_a_category_forgets_case_width_and_spaces_only() -> None:
    assert category_key("New  York") == category_key("ｎｅｗ　ｙｏｒｋ ")
    assert category_key("New York") != category_key("Newyork")
