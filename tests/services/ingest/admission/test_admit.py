"""Every kind of bad input has its own answer, and what is personal does not pass the door."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.admission.admit import admit
from services.ingest.admission.arrow import read_arrow
from services.ingest.admission.arrow_claims import claims
from services.ingest.admission.persons import PSEUDONYM_CHARS, Persons
from services.ingest.admission.tenant_keys import tenant_keys
from services.ingest.model import (
    DAY_US,
    Admission,
    Arrival,
    FieldPolicy,
    IncomingBatch,
    MalformedBatch,
    Source,
    SourceId,
    TenantId,
    Treatment,
)
from tests.services.ingest.everybody import EVERYBODY, everybody

NOW_US = 1_800_000_000_000_000
KEYS = tenant_keys(bytes(32), TenantId("acme"))
DESK = SourceId("desk")
MACHINES = {DESK: Source(DESK, policies=(FieldPolicy("resource", Treatment.KEEP),))}


def admitted(table: pa.Table, sources: Any = None, stream: Any = None, traceparent: str = "") -> Admission:
    batches = table.to_batches()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return alone(read_arrow(sink.getvalue().to_pybytes()), sources or {}, traceparent=traceparent)


def alone(arrival: Arrival, sources: Any = None, persons: Persons = EVERYBODY, traceparent: str = "") -> Admission:
    return admit([IncomingBatch(arrival, traceparent)], sources or {}, KEYS, persons, NOW_US)


def texts(*values: str | None) -> pa.Array:
    return pa.array(values, pa.string())


def moments(*us: int | None) -> pa.Array:
    return pa.array(us, pa.timestamp("us", tz="UTC"))


TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"

KINDS = [
    ("id", "id", "EVENT_ID_MISSING", texts("")),
    ("id", "id", "EVENT_ID_MISSING", texts(None)),
    ("id", "id", "EVENT_ID_TOO_LONG", texts("x" * 201)),
    ("id", "id", "EVENT_TEXT_INVALID", texts("a\x00b")),
    ("id", "id", "EVENT_TEXT_INVALID", texts("a\u0085b")),
    ("source", "source", "EVENT_SOURCE_INVALID", texts("Desk 1")),
    ("source", "source", "EVENT_SOURCE_INVALID", texts("x" * 65)),
    ("source", "source", "EVENT_SOURCE_INVALID", texts(None)),
    ("source", "source", "EVENT_SOURCE_INVALID", texts("desk\n")),
    ("case_id", "case_id", "EVENT_CASE_MISSING", texts("")),
    ("case_id", "case_id", "EVENT_TEXT_INVALID", texts("c" * 201)),
    ("activity", "activity", "EVENT_ACTIVITY_MISSING", texts(None)),
    ("activity", "activity", "EVENT_ACTIVITY_MISSING", texts("")),
    ("activity", "activity", "EVENT_TEXT_INVALID", texts("two\nlines")),
    ("time", "time", "EVENT_TIME_MISSING", moments(None)),
    ("time", "time", "EVENT_TIME_TOO_EARLY", moments(0)),
    ("time", "time", "EVENT_TIME_IN_FUTURE", moments(4_102_444_800_000_000)),
    ("time", "time", "EVENT_TIME_IN_FUTURE", pa.array([2**62], pa.timestamp("s", tz="UTC"))),
    ("object_kind", "object_kind", "EVENT_OBJECT_KIND_UNKNOWN", texts("robot")),
    ("resource", "resource", "EVENT_TEXT_INVALID", texts("r" * 201)),
    ("traceparent", "traceparent", "EVENT_TRACEPARENT_INVALID", texts("00-zz")),
    ("traceparent", "traceparent", "EVENT_TRACEPARENT_INVALID", texts("00-" + "0" * 32 + "-" + "b" * 16 + "-01")),
    ("supersedes", "supersedes", "EVENT_CORRECTION_INVALID", texts("e0")),
    ("retracts", "retracts", "EVENT_CORRECTION_INVALID", texts("e0")),
    ("attributes.note", "attributes.note", "EVENT_TEXT_INVALID", texts("n" * 4_001)),
    ("attributes.note", "attributes.note", "EVENT_TEXT_INVALID", texts("bell\x07")),
    ("attributes.two words", "attributes", "EVENT_TEXT_INVALID", texts("x")),
]


@pytest.mark.parametrize(("column", "field", "reason", "values"), KINDS)
def test_each_kind_of_bad_field_is_named_with_its_reason(
    table: Any, column: str, field: str, reason: str, values: pa.Array
) -> None:
    ((fault,),) = admitted(table(1, **{column: values})).faults
    assert (fault.index, fault.field, fault.reason) == (0, field, reason)
    assert fault.message


def test_only_the_bad_event_of_a_batch_is_refused(table: Any) -> None:
    admission = admitted(table(3, id=texts("a", "", "c")))
    assert [fault.index for fault in admission.faults[0]] == [1]
    assert admission.index.tolist() == [0, 2]
    assert admission.page.column("id").to_pylist() == ["a", "c"]


def test_an_event_may_not_supersede_and_retract(table: Any) -> None:
    ((fault,),) = admitted(table(1, supersedes=texts("x"), retracts=texts("y"))).faults
    assert (fault.field, fault.reason) == ("retracts", "EVENT_CORRECTION_INVALID")


def test_more_than_a_hundred_attributes_are_too_many(table: Any) -> None:
    columns = {f"attributes.a{number}": pa.array([1, None]) for number in range(101)}
    ((fault,),) = admitted(table(2, **columns)).faults
    assert (fault.index, fault.field, fault.reason) == (0, "attributes", "EVENT_TOO_MANY_ATTRIBUTES")


def test_comments_may_have_lines_and_any_script(table: Any) -> None:
    admission = admitted(table(1, **{"attributes.comment": texts("第一行\n\tsecond line 🙂")}))
    assert admission.faults == ((),)


def test_two_hundred_characters_are_allowed_whatever_their_bytes(table: Any) -> None:
    assert admitted(table(1, case_id=texts("案" * 200))).faults == ((),)


def test_bytes_that_are_not_unicode_are_refused_row_by_row(table: Any, stream: Any) -> None:
    good = table(3, **{"attributes.note": texts("fine", "lone: XXX", "also fine")})
    # A lone surrogate, as UTF-8 would write it if it were allowed to.
    data = stream(good).replace(b"XXX", b"\xed\xa0\x80")
    (faults,) = alone(read_arrow(data)).faults
    assert [(fault.index, fault.field, fault.reason) for fault in faults] == [
        (1, "attributes.note", "EVENT_TEXT_INVALID")
    ]


def test_the_sources_policy_moves_the_limits_of_time(table: Any) -> None:
    old = table(1, time=moments(-DAY_US))
    assert admitted(old, {DESK: Source(DESK, time_earliest_us=-2 * DAY_US)}).faults == ((),)
    ahead = table(1, time=moments(NOW_US + 2 * DAY_US))
    assert admitted(ahead, {DESK: Source(DESK, future_tolerance_us=3 * DAY_US)}).faults == ((),)


def test_each_source_of_a_batch_has_its_own_limits(table: Any) -> None:
    lenient = {DESK: Source(DESK, time_earliest_us=-2 * DAY_US)}
    admission = admitted(table(2, source=texts("desk", "other"), time=moments(-DAY_US, -DAY_US)), lenient)
    assert [(fault.index, fault.source) for fault in admission.faults[0]] == [(1, "other")]


def test_persons_get_pseudonyms_and_machines_keep_their_names(table: Any) -> None:
    ada = table(2, resource=texts("Ada Lovelace", None))
    hidden = admitted(ada).page.column("resource").to_pylist()
    assert hidden[0].startswith("p_")
    assert len(hidden[0]) == 2 + PSEUDONYM_CHARS
    assert hidden[1] is None
    assert admitted(ada, MACHINES).page.column("resource").to_pylist() == ["Ada Lovelace", None]


def test_a_pseudonym_is_stable_within_a_tenant_and_differs_between_tenants(table: Any) -> None:
    ada = table(1, resource=texts("Ada"))
    assert admitted(ada).page.column("resource").equals(admitted(ada).page.column("resource"))
    other = everybody("globex")
    arrival = Arrival(admitted(ada, MACHINES).page)
    assert (
        alone(arrival, persons=other).page.column("resource").to_pylist()
        != admitted(ada).page.column("resource").to_pylist()
    )


def test_no_plain_name_stays_behind_in_a_dictionary(table: Any) -> None:
    both = table(2, source=texts("desk", "persons"), resource=texts("robot-7", "Ada Lovelace"))
    page = admitted(both, MACHINES).page
    assert page.column("resource")[0].as_py() == "robot-7"
    for column in page.columns:
        values = column.dictionary if isinstance(column, pa.DictionaryArray) else column
        assert "Ada Lovelace" not in values.to_pylist()


@pytest.mark.parametrize("phones", [texts("555-0100", "555-0101"), pa.array([5550100, 5550101])])
def test_personal_attributes_are_hidden_whatever_their_type(table: Any, phones: pa.Array) -> None:
    sources = {DESK: Source(DESK, policies=(FieldPolicy("attributes.handset", Treatment.PSEUDONYMISE),))}
    page = admitted(table(2, source=texts("desk", "other"), **{"attributes.handset": phones}), sources).page
    values = [
        page.column(place).to_pylist() for place, name in enumerate(page.schema.names) if name == "attributes.handset"
    ]
    flat = [next(column[row] for column in values if column[row] is not None) for row in range(2)]
    assert str(flat[0]).startswith("p_")
    assert flat[1] == phones[1].as_py()


def test_the_trace_of_the_call_is_not_repeated_in_its_events(table: Any) -> None:
    other = TRACE.replace("b", "c")
    admission = admitted(table(2, traceparent=texts(TRACE, other)), traceparent=TRACE)
    assert admission.page.column("traceparent").to_pylist() == [None, other]


ELSEWHERE = pa.timestamp("us", tz="Asia/Shanghai")
REFUSED = [
    ("a column is missing", lambda good: good.drop_columns(["time"]), "time", "FIELD_REQUIRED"),
    ("no zone", lambda good: replaced(good, "time", pa.timestamp("us")), "time", "ARROW_MALFORMED"),
    (
        "another zone",
        lambda good: replaced(good, "time", pa.timestamp("us", tz="Asia/Shanghai")),
        "time",
        "ARROW_MALFORMED",
    ),
    ("time is text", lambda good: replaced(good, "time", pa.string()), "time", "ARROW_MALFORMED"),
    ("id is a number", lambda good: good.set_column(0, "id", pa.array([1])), "id", "ARROW_MALFORMED"),
    ("unknown column", lambda good: good.append_column("colour", pa.array(["red"])), "arrow_ipc", "ARROW_MALFORMED"),
    ("a list", lambda good: good.append_column("attributes.l", pa.array([[1]])), "attributes.l", "ARROW_MALFORMED"),
    ("twice", lambda good: good.append_column("id", pa.array(["x"])), "arrow_ipc", "ARROW_MALFORMED"),
]


def replaced(table: pa.Table, name: str, kind: pa.DataType) -> pa.Table:
    place = table.schema.names.index(name)
    return table.set_column(place, name, table.column(name).cast(kind))


@pytest.mark.parametrize(("why", "change", "field", "reason"), REFUSED, ids=[one[0] for one in REFUSED])
def test_a_batch_of_wrong_columns_is_refused_as_a_whole(
    table: Any, stream: Any, why: str, change: Any, field: str, reason: str
) -> None:
    with pytest.raises(MalformedBatch) as caught:
        read_arrow(stream(change(table(1))))
    assert (caught.value.field, caught.value.reason) == (field, reason)


def test_too_many_events_and_too_many_bytes_are_refused(table: Any, stream: Any) -> None:
    with pytest.raises(MalformedBatch) as caught:
        read_arrow(stream(table(50_001)))
    assert caught.value.reason == "BATCH_TOO_LARGE"
    with pytest.raises(MalformedBatch) as caught:
        read_arrow(bytes(16 * 1024 * 1024 + 1))
    assert caught.value.reason == "BATCH_TOO_LARGE"


def test_what_a_stream_claims_is_compared_before_it_is_decoded(table: Any, stream: Any) -> None:
    sent = stream(table(7, source=pa.array(["desk"] * 7).dictionary_encode()))
    assert claims(sent).rows == 7

    def saying(at: int, rows: int) -> bytes:
        forged: bytes = sent[:at] + rows.to_bytes(8, "little") + sent[at + 8 :]
        return forged

    sevens = [at for at in range(0, len(sent) - 8, 8) if sent[at : at + 8] == (7).to_bytes(8, "little")]
    (length,) = (at for at in sevens if claims(saying(at, 8)).rows == 8)
    for claimed in (50_001, 2**40, 2**62, 2**64 - 50_001):
        before = pa.total_allocated_bytes()
        with pytest.raises(MalformedBatch) as caught:
            read_arrow(saying(length, claimed))
        assert caught.value.reason == "BATCH_TOO_LARGE"
        assert pa.total_allocated_bytes() - before < 1_000_000


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_a_small_stream_that_decodes_to_gigabytes_is_refused_undecoded(table: Any, stream: Any, codec: str) -> None:
    row = "x" * 10_000_000
    bomb = table(30, **{"attributes.note": texts(*[row] * 30)})
    before = pa.total_allocated_bytes()
    with pytest.raises(MalformedBatch) as caught:
        read_arrow(stream(bomb, codec))
    assert caught.value.reason == "BATCH_TOO_LARGE"
    assert pa.total_allocated_bytes() - before < 50_000_000


@pytest.mark.parametrize("codec", [None, "lz4", "zstd"])
def test_dictionaries_and_compression_are_read_like_plain_columns(table: Any, stream: Any, codec: str | None) -> None:
    plain = table(50, resource=texts(*(f"r{number % 3}" for number in range(50))))
    coded = plain
    for place, name in enumerate(plain.schema.names):
        if name != "time":
            coded = coded.set_column(place, name, plain.column(name).dictionary_encode())
    assert admitted(plain).page.to_pylist() == alone(read_arrow(stream(coded, codec))).page.to_pylist()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_every_unit_become_microseconds(table: Any, unit: str) -> None:
    base = table(2)
    page = admitted(replaced(base, "time", pa.timestamp(unit, tz="UTC"))).page
    assert page.column("time").equals(base.column("time").combine_chunks())


def test_several_record_batches_in_one_stream_are_one_batch(table: Any) -> None:
    first, second = table(2), table(2, id=texts("x", "y"))
    assert admitted(pa.concat_tables([first, second])).page.column("id").to_pylist() == ["e0", "e1", "x", "y"]


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_damaged_arrow_is_refused_or_read_and_never_crashes(data: st.DataObject) -> None:
    count = 20
    whole = pa.table(
        {
            "id": [f"e{number}" for number in range(count)],
            "source": pa.array(["desk"] * count).dictionary_encode(),
            "case_id": ["case"] * count,
            "activity": pa.array(["a", "b"] * 10).dictionary_encode(),
            "time": moments(*[1_700_000_000_000_000] * count),
            "attributes.cost": np.arange(count, dtype=float),
            "attributes.note": [None, "x"] * 10,
        }
    )
    sink = pa.BufferOutputStream()
    codec = data.draw(st.sampled_from([None, "lz4", "zstd"]))
    with pa.ipc.new_stream(sink, whole.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
        writer.write_table(whole)
    stream = bytearray(sink.getvalue().to_pybytes())
    for _ in range(data.draw(st.integers(1, 8))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(stream)))
    try:
        arrival = read_arrow(bytes(stream[: cut if data.draw(st.booleans()) else len(stream)]))
    except MalformedBatch:
        return
    admission = alone(arrival)
    assert len(admission.faults[0]) + admission.page.num_rows == arrival.page.num_rows


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused(noise: bytes) -> None:
    with pytest.raises(MalformedBatch):
        read_arrow(noise)
