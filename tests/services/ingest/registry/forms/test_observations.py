"""Events become the same observations, in whatever order and in however many parts they come."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.columns import FIXED
from services.ingest.model import SourceId
from services.ingest.registry.forms.model import FormItem, Grade, ObservationForm
from services.ingest.registry.forms.observations import observations_in
from services.ingest.registry.surveys.model import ResponseState
from services.ingest.registry.surveys.responses import ANSWER_TYPE

FORM = ObservationForm(
    SourceId("rooms"), (FormItem("clean", grades=(Grade(1), Grade(2.5))), FormItem("remark")), "facility"
)


def page(*events: dict[str, object]) -> pa.RecordBatch:
    columns = {name: pa.array([one.get(name) for one in events], kind) for name, kind in FIXED}
    columns["time"] = pa.array([one.get("time", 0) for one in events], pa.timestamp("us", "UTC"))
    for name in ("clean", "remark", "object", "place"):
        values = [one.get(name) for one in events]
        columns[f"attributes.{name}"] = pa.array(values, pa.float64() if name == "clean" else pa.string())
    return pa.RecordBatch.from_pydict(columns)


def event(id: str, source: str = "rooms", **fields: object) -> dict[str, object]:
    return {"id": id, "source": source, "case_id": f"case-{id}", "activity": "Observed", **fields}


def test_an_observation_says_by_whom_of_what_and_how() -> None:
    own = event("1", clean=2.5, remark="fine", resource="p_a", object="room-1", place="north", time=7)
    (found,) = observations_in(FORM, [page(own, event("2", source="desk", clean=1.0))])
    assert (found.response_id, found.time_us, found.case_id) == ("1", 7, "case-1")
    assert (found.rater, found.object, found.place) == ("p_a", "room-1", "north")
    assert found.answers is not None
    assert np.frombuffer(found.answers, ANSWER_TYPE).tolist() == [2.5, 1.0]


@given(st.permutations(range(5)), st.integers(1, 5))
def test_order_and_parts_leave_no_trace(order: list[int], size: int) -> None:
    events = [
        event("1", clean=1.0, object="a", resource="p_a"),
        event("2", supersedes="1", clean=2.5, object="a", resource="p_a"),
        event("3", supersedes="2", clean=1.0, object="b", resource="p_b"),
        event("4", clean=2.5, object="c", resource="p_a"),
        event("5", retracts="4"),
    ]
    shuffled = [events[place] for place in order]
    parts = [page(*shuffled[begin : begin + size]) for begin in range(0, 5, size)]
    found = observations_in(FORM, parts)
    assert found == observations_in(FORM, [page(*events)])
    assert [one.response_id for one in found if one.state is ResponseState.CURRENT] == ["3"]
