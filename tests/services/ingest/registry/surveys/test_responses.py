"""Events become the same responses, in whatever order and in however many parts they come."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.columns import FIXED
from services.ingest.model import SourceId
from services.ingest.registry.surveys.model import AnswerScale, Item, Response, ResponseState, Survey
from services.ingest.registry.surveys.responses import ANSWER_TYPE, responses_in

SURVEY = Survey(SourceId("visit"), (Item("a", scale=AnswerScale(1, 5)), Item("b", choices=("x", "y")), Item("c")))


def page(*events: dict[str, object]) -> pa.RecordBatch:
    columns = {name: pa.array([one.get(name) for one in events], kind) for name, kind in FIXED}
    columns["time"] = pa.array([one.get("time", 0) for one in events], pa.timestamp("us", "UTC"))
    for name in ("a", "b", "c"):
        values = [one.get(name) for one in events]
        columns[f"attributes.{name}"] = pa.array(values, pa.int64() if name == "a" else pa.string())
    return pa.RecordBatch.from_pydict(columns)


def event(id: str, source: str = "visit", **fields: object) -> dict[str, object]:
    return {"id": id, "source": source, "case_id": id, "activity": "Responded", **fields}


def answers_of(one: Response) -> list[float]:
    assert one.answers is not None
    return np.frombuffer(one.answers, ANSWER_TYPE).tolist()


def test_an_answer_is_a_number_a_place_or_a_mark() -> None:
    (found,) = responses_in(SURVEY, [page(event("1", a=4, b="y", c="fine", time=7), event("2", source="desk", a=1))])
    assert (found.response_id, found.state, found.time_us) == ("1", ResponseState.CURRENT, 7)
    assert answers_of(found) == [4.0, 1.0, 1.0]
    (silent,) = responses_in(SURVEY, [page(event("3"))])
    assert np.isnan(answers_of(silent)).all()


def test_what_is_replaced_or_retracted_is_known_before_it_comes() -> None:
    found = responses_in(SURVEY, [page(event("new", supersedes="old", a=5), event("r", retracts="gone"))])
    assert {one.response_id: (one.state, one.answers is None) for one in found} == {
        "new": (ResponseState.CURRENT, False),
        "old": (ResponseState.REPLACED, True),
        "gone": (ResponseState.RETRACTED, True),
    }


@given(st.permutations(range(5)), st.integers(1, 5))
def test_order_and_parts_leave_no_trace(order: list[int], size: int) -> None:
    events = [
        event("1", a=1),
        event("2", supersedes="1", a=2),
        event("3", supersedes="2", a=3),
        event("4", a=4),
        event("5", retracts="4"),
    ]
    shuffled = [events[place] for place in order]
    parts = [page(*shuffled[begin : begin + size]) for begin in range(0, 5, size)]
    assert responses_in(SURVEY, parts) == responses_in(SURVEY, [page(*events)])
