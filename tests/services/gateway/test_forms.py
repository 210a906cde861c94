"""Every form of a request becomes the records that it holds, byte for byte, or is refused with what is wrong."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.cloud_events import binary
from services.gateway.json_texts import values_of
from services.gateway.record_forms import records_of
from services.runtime.errors import InvalidArgument

EVENT = {"specversion": "1.0", "id": "e1", "source": "/desk", "type": "opened", "data": {"ticket": 12, "cost": 1.5}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def sent(kind: str, body: bytes, **headers: str) -> list[bytes]:
    return list(records_of({"content-type": kind, **headers}, body).json)


@given(st.lists(JSON, max_size=6), st.sampled_from([None, 2]), st.booleans())
def test_an_array_is_split_into_what_its_items_are(items: list[object], indent: int | None, plain: bool) -> None:
    text = json.dumps(items, indent=indent, ensure_ascii=plain)
    found = list(values_of(text))
    assert [value for value, _ in found] == items
    assert [json.loads(raw.decode("utf-8", "surrogatepass")) for _, raw in found] == items


@given(st.binary(max_size=40) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_body_is_records_or_a_clear_refusal(body: bytes) -> None:
    for kind in ("application/json", "application/cloudevents+json", "application/cloudevents-batch+json", "text/csv"):
        with contextlib.suppress(InvalidArgument):
            assert all(records_of({"content-type": kind}, body).json)


@pytest.mark.parametrize(
    ("body", "place"),
    [(b'[{"a": 1} {"b": 2}]', 11), (b'{"a": 1}]', 9), (b'[{"a": 1},]', 11), (b"", 1), (b'{"a": 01}', 8), (b"[", 2)],
)
def test_what_is_no_json_is_refused_with_its_place(body: bytes, place: int) -> None:
    with pytest.raises(InvalidArgument, match=f"at character {place}"):
        records_of({}, body)


def test_numbers_are_passed_on_as_they_were_written() -> None:
    assert sent("application/json", b'[{"n": 1.10}, {"n": 12345678901234567890.5}]') == [
        b'{"n": 1.10}',
        b'{"n": 12345678901234567890.5}',
    ]


def test_a_line_that_is_no_json_is_a_record_that_ingest_answers_for() -> None:
    assert sent("application/x-ndjson", b'{"a": 1}\r\n\r\nnot json\n') == [b'{"a": 1}', b"not json"]


def test_deep_nesting_is_refused_and_not_a_defect() -> None:
    with pytest.raises(InvalidArgument, match="nested too deeply"):
        records_of({}, b"[" * 200_000)


def test_a_cloud_event_is_the_same_record_in_every_mode() -> None:
    structured = sent("application/cloudevents+json", json.dumps(EVENT).encode())
    batch = sent("application/cloudevents-batch+json", json.dumps([EVENT, EVENT]).encode())
    headers = {f"ce-{name}": str(EVENT[name]) for name in ("specversion", "id", "source", "type")}
    (by_headers,) = sent("application/json", json.dumps(EVENT["data"]).encode(), **headers)
    assert [json.loads(one) for one in (*structured, *batch)] == [EVENT] * 3
    assert json.loads(by_headers) == {**EVENT, "datacontenttype": "application/json"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"), ('"a \\"b\\" c"', 'a "b" c'), ("50%25", "50%"), (" x ", "x")],
)
def test_an_attribute_of_a_header_is_decoded_as_the_binding_says(written: str, meant: str) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "s", "ce-type": "t", "ce-subject": written}
    assert json.loads(binary(headers, b""))["subject"] == meant


@pytest.mark.parametrize(
    ("kind", "body", "field", "value"),
    [
        ("text/plain", "héllo".encode(), "data", "héllo"),
        ("application/xml", b"<a/>", "data", "<a/>"),
        ("image/png", b"\x00\x01", "data_base64", "AAE="),
        ("application/vnd.desk+json", b"[1, 2]", "data", [1, 2]),
    ],
)
def test_data_of_other_kinds_is_text_or_base64(kind: str, body: bytes, field: str, value: object) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "s", "ce-type": "t", "content-type": kind}
    assert json.loads(binary(headers, body))[field] == value


def test_a_body_cannot_write_attributes_of_its_event() -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "s", "ce-type": "t"}
    with pytest.raises(InvalidArgument, match="not valid JSON"):
        binary(headers, b'1, "id": "2"')


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"specversion": "0.3"}, "specversion"), ({"id": ""}, "id"), ({"source": 7}, "source"), ({"type": None}, "type")],
)
def test_an_event_that_breaks_the_specification_is_refused_by_its_place(changed: dict[str, object], field: str) -> None:
    body = json.dumps([EVENT, {**EVENT, **changed}]).encode()
    with pytest.raises(InvalidArgument) as refused:
        records_of({"content-type": "application/cloudevents-batch+json"}, body)
    assert [one.field for one in refused.value.field_violations] == [f"event[1].{field}"]
