"""Batches that are admitted together become what each would have become alone."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.admission.admit import admit, merged_admissions
from services.ingest.admission.arrow import read_arrow
from services.ingest.admission.tenant_keys import tenant_keys
from services.ingest.model import Admission, Fault, FieldPolicy, IncomingBatch, Source, SourceId, TenantId, Treatment
from tests.services.ingest.everybody import EVERYBODY

NOW_US = 1_800_000_000_000_000
KEYS = tenant_keys(bytes(32), TenantId("acme"))
SOURCES = {
    SourceId("desk"): Source(SourceId("desk"), policies=(FieldPolicy("attributes.note", Treatment.PSEUDONYMISE),)),
    SourceId("machines"): Source(
        SourceId("machines"), policies=(FieldPolicy("resource", Treatment.KEEP),), future_tolerance_us=0
    ),
}
TRACES = ["", "00-" + "a" * 32 + "-" + "b" * 16 + "-01", "00-" + "c" * 32 + "-" + "d" * 16 + "-01"]
TEXTS = st.sampled_from(["a", "b", "longer than eight bytes", "bell\x07", "XXX", "", None, "案件"])
CODED = pa.dictionary(pa.int32(), pa.string())
COLUMNS: dict[str, tuple[Any, list[Any]]] = {
    "id": (TEXTS, [pa.string()]),
    "source": (st.sampled_from(["desk", "machines", "unknown", "In valid", None]), [pa.string(), CODED]),
    "case_id": (TEXTS, [pa.string(), CODED]),
    "activity": (TEXTS, [pa.string(), CODED]),
    "time": (
        st.sampled_from([NOW_US, NOW_US - 1, NOW_US + 1, 5, None]),
        [pa.timestamp("us", "UTC"), pa.timestamp("ns", "UTC")],
    ),
}
OPTIONAL: dict[str, tuple[Any, list[Any]]] = {
    "resource": (TEXTS, [pa.string(), CODED]),
    "object_kind": (st.sampled_from(["person", "robot", None]), [pa.string(), CODED]),
    "supersedes": (TEXTS, [pa.string()]),
    "traceparent": (st.sampled_from([*TRACES, "no trace", None]), [pa.string(), CODED]),
    "attributes.note": (TEXTS, [pa.string(), CODED]),
    "attributes.two words": (TEXTS, [pa.string()]),
}
NUMBERS = st.sampled_from([1.0, float("nan"), None])


@st.composite
def batches(draw: st.DrawFn) -> IncomingBatch:
    rows = draw(st.integers(0, 5))
    columns = {**COLUMNS, **{name: OPTIONAL[name] for name in draw(st.sets(st.sampled_from(sorted(OPTIONAL))))}}
    drawn = {
        name: pa.array(draw(st.lists(values, min_size=rows, max_size=rows)), draw(st.sampled_from(kinds)))
        for name, (values, kinds) in columns.items()
        if name != "time"
    }
    times = pa.array(draw(st.lists(COLUMNS["time"][0], min_size=rows, max_size=rows)), pa.timestamp("us", "UTC"))
    drawn["time"] = times.cast(draw(st.sampled_from(COLUMNS["time"][1])))
    # The same name as a number or as a text: then the joined page has two columns of it.
    if draw(st.booleans()):
        drawn["attributes.cost"] = pa.array(draw(st.lists(NUMBERS, min_size=rows, max_size=rows)), pa.float64())
    elif draw(st.booleans()):
        drawn["attributes.cost"] = pa.array(["dear"] * rows, pa.string())
    table = pa.table(drawn)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    # A lone surrogate, as UTF-8 would write it if it were allowed to: its rows are unreadable.
    stream = sink.getvalue().to_pybytes().replace(b"XXX", b"\xed\xa0\x80")
    return IncomingBatch(read_arrow(stream), draw(st.sampled_from(TRACES)))


def admitted(some: list[IncomingBatch]) -> Admission:
    return admit(some, SOURCES, KEYS, EVERYBODY, NOW_US)


Story = tuple[list[dict[str, Any]], list[int], list[int], list[int], tuple[Fault, ...]]


def stories(admission: Admission) -> list[Story]:
    """What each batch became: its events as they are said, their places and hashes, and its faults."""
    page = admission.page
    events: list[dict[str, Any]] = [{} for _ in range(page.num_rows)]
    for name, column in zip(page.schema.names, page.columns, strict=True):
        for row, value in enumerate(column.to_pylist()):
            if value is not None:
                assert name not in events[row], "an event says each thing once"
                events[row][name] = value
    return [
        (
            events[begin:end],
            admission.index[begin:end].tolist(),
            admission.id_hashes[begin:end].tolist(),
            admission.case_hashes[begin:end].tolist(),
            faults,
        )
        for (begin, end), faults in zip(pairwise(admission.bounds.tolist()), admission.faults, strict=True)
    ]


@settings(deadline=None, max_examples=120)
@given(st.lists(batches(), min_size=1, max_size=5))
def test_a_batch_becomes_the_same_alone_and_among_others(some: list[IncomingBatch]) -> None:
    apart = [admitted([one]) for one in some]
    expected = [stories(one)[0] for one in apart]
    for joint in (
        admitted(some),
        merged_admissions(apart),
        merged_admissions([admitted(some[:2]), *(admitted([one]) for one in some[2:])]),
    ):
        assert stories(joint) == expected
        assert set(joint.sources) == {name for one in apart for name in one.sources}


def test_many_small_batches_may_have_more_events_together_than_one_may_have() -> None:
    rows = 900
    table = pa.table(
        {
            "id": [f"e{number}" for number in range(rows)],
            "source": ["desk"] * rows,
            "case_id": ["case"] * rows,
            "activity": ["done"] * rows,
            "time": pa.array(np.full(rows, NOW_US), pa.timestamp("us", "UTC")),
        }
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    arrival = read_arrow(sink.getvalue().to_pybytes())
    joint = admitted([IncomingBatch(arrival)] * 60)
    assert joint.page.num_rows == 54_000
    assert set(joint.page.column("object_kind").to_pylist()) == {"process"}
    assert joint.index.tolist() == [*range(rows)] * 60
