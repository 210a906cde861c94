"""JSON objects become rows of text, and what cannot is refused by itself."""

from __future__ import annotations

import json

import pytest
from andon_records.mapping.document import CsvMapping, check_for_records, parse_mapping
from andon_records.mapping.objects import ITEMS_MAX, NoRecord, parse_record, rows_of
from andon_records.messages import MalformedMapping
from hypothesis import given
from hypothesis import strategies as st

LEAST = {"source": "desk", "id": "id", "case_id": "case", "activity": "step", "time": "at"}
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def mapping(**changes: object) -> CsvMapping:
    return parse_mapping({**LEAST, **changes})


def column(rows, name):
    return rows.table[name].to_pylist()


def test_a_key_is_a_column_and_a_path_is_one_by_its_name():
    rows = rows_of(
        mapping(fields={"case": "ticket.key", "step": "state || 'none'"}),
        [{"id": 7, "ticket": {"key": "A-1"}, "at": "now"}],
    )
    assert [column(rows, name) for name in ("id", "case", "step", "at")] == [["7"], ["A-1"], ["none"], ["now"]]


def test_items_of_items_are_rows_with_the_keys_of_what_holds_them():
    rules = mapping(
        unfold={"audit": "audits", "change": "audit.changes"},
        fields={"at": "audit.at", "step": "change.to"},
        id="{ticket}/{item}",
        case_id="ticket",
    )
    record = {
        "ticket": 3,
        "audits": [{"at": "mon", "changes": [{"to": "a"}, {"to": "b"}]}, {"at": "tue", "changes": {"to": "c"}}, None],
    }
    rows = rows_of(rules, [{"ticket": 1}, record])
    assert column(rows, "ticket") == ["3"] * 3
    assert column(rows, "at") == ["mon", "mon", "tue"]
    assert column(rows, "step") == ["a", "b", "c"]
    assert column(rows, "item") == ["1", "2", "3"]
    assert rows.records.tolist() == [1, 1, 1]
    assert rows.refused == {}


def test_values_are_the_texts_that_json_writes():
    record = parse_record(b'{"id": 1.50, "case": true, "step": {"a": [1, "x"]}, "at": null}')
    rows = rows_of(mapping(), [record])
    assert [column(rows, name)[0] for name in ("id", "case", "step", "at")] == ["1.5", "true", '{"a":[1,"x"]}', ""]
    # What JSON forbids and programs write all the same is no number, and the event is not lost for it.
    assert parse_record(b'{"cost": NaN}') == {"cost": "NaN"}


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (b"", "record_not_json"),
        (b'{"a": 1', "record_not_json"),
        (b'{"a": "\xff"}', "record_not_text"),
        (b'{"a": "\\ud800"}', "record_not_text"),
        (b"[1]", "record_no_object"),
        (b"null", "record_no_object"),
        (b'{"a":' + b"[" * 200_000, "record_not_json"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "record_not_json"),
        (b'{"a": "' + b"x" * (4 << 20) + b'"}', "record_too_long"),
    ],
)
def test_what_is_no_object_is_refused_with_the_reason(raw, key):
    with pytest.raises(NoRecord) as refused:
        parse_record(raw)
    assert refused.value.what.key == key


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("sum(prices)", "path_type"),
        (" | ".join(["[@, @, @][]"] * 60), "path_cost"),
        (" | ".join(["[@, @, @]"] * 60), "record_text"),
    ],
)
def test_a_path_that_fails_or_costs_too_much_refuses_its_record_alone(path, key):
    rows = rows_of(
        mapping(fields={"step": f"kind == 'good' && 'x' || ({path})"}), [{"kind": "good"}, {"prices": ["x"]}]
    )
    assert {number: what.key for number, what in rows.refused.items()} == {1: key}
    assert rows.records.tolist() == [0]
    assert {len(one) for one in rows.table.columns} == {1}


def test_a_record_that_unfolds_into_too_many_rows_is_refused_whole():
    rules = mapping(unfold={"one": "ones"}, fields={"step": "one"})
    rows = rows_of(rules, [{"ones": ["x"] * ITEMS_MAX}, {"ones": ["x"] * (ITEMS_MAX + 1)}])
    assert rows.table.num_rows == ITEMS_MAX
    assert {number: what.key for number, what in rows.refused.items()} == {1: "record_items"}


@pytest.mark.parametrize("path", ["(" * 400, "a[", "a.", "@.x(", "a" * 1_001])
def test_what_is_no_expression_is_refused_with_the_mapping(path):
    with pytest.raises(MalformedMapping, match=r"^fields\.step"):
        mapping(fields={"step": path})


@pytest.mark.parametrize("name", ["row", "ordinal"])
def test_a_record_has_no_number_of_its_own(name):
    with pytest.raises(MalformedMapping, match=r"^id: "):
        check_for_records(mapping(id=f"{{case}}/{{{name}}}"))
    check_for_records(mapping(id="{case}/{item}"))
    check_for_records(mapping(id="{row}", fields={"row": "number"}))


@given(st.lists(st.dictionaries(st.sampled_from(["id", "case", "step", "at", "x"]), JSON), max_size=5))
def test_every_record_is_a_row_or_refused(records):
    rows = rows_of(mapping(), [parse_record(json.dumps(one).encode()) for one in records])
    assert sorted([*rows.records.tolist(), *rows.refused]) == list(range(len(records)))
