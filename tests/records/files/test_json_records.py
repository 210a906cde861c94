"""JSON gives a record per object, wherever the array lies, and says where it is broken."""

from __future__ import annotations

import json

import pytest
from andon_records.mapping.document import parse_mapping
from andon_records.messages import LoadError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MAPPING = parse_mapping(
    {
        **{"source": "desk", "id": "{key}/{row}", "case_id": "key", "activity": "fields.status.name", "time": "at"},
        "attributes": {"cost": "number", "tags": "text", "urgent": "flag", "n": "integer"},
    }
)
FLAT = parse_mapping({"source": "desk", "id": "{key}/{row}", "case_id": "key", "activity": "step", "time": "at"})
RECORDS = [
    {"key": "A", "fields": {"status": {"name": "Open"}}, "at": "2026-03-02T09:00:00Z", "cost": 2.5, "tags": ["x", 1]},
    {"key": "A", "fields": {"status": {"name": "关闭"}}, "at": "2026-03-02T10:00:00Z", "urgent": True, "n": 2**62},
    {"key": 7, "fields": {"status": {"name": "Open"}}, "at": "2026-03-03", "extra": None},
]


def written(shape):
    match shape:
        case "array":
            return json.dumps(RECORDS), "log.json"
        case "indented":
            return json.dumps(RECORDS, indent=2, ensure_ascii=False), "log.json.gz"
        case "inner":
            return json.dumps({"page": 1, "result": {"total": 3, "issues": RECORDS}, "labels": ["a"]}), "log.json"
        case "lines":
            return "\n".join(json.dumps(one) for one in RECORDS) + "\n\n", "log.jsonl"
        case _:
            return "\ufeff" + "\r\n".join(json.dumps(one) for one in RECORDS), "export.txt.gz"


@pytest.mark.parametrize("shape", ["array", "indented", "inner", "lines", "lines of another name"])
def test_records_are_the_same_in_every_shape(write, events, shape):
    rows, said = events(write(*written(shape)), MAPPING)
    assert [(row["id"], row["case_id"], row["activity"]) for row in rows] == [
        *(("A/1", "A", "Open"), ("A/2", "A", "关闭"), ("7/3", "7", "Open")),
    ]
    assert rows[0]["attributes.cost"] == 2.5
    assert rows[0]["attributes.tags"] == '["x", 1]'
    assert (rows[1]["attributes.urgent"], rows[1]["attributes.n"]) == (True, 2**62)
    if shape == "inner":
        assert any(
            "the records are in result.issues; page, result.total, labels hold no records" in one for one in said
        )


def test_a_line_that_is_no_object_is_refused_by_number_and_the_rest_is_read(write, events):
    lines = ['{"key":"A","step":"x","at":"2026-01-01"}', "{broken", "[1]", '{"key":"B","step":"y","at":"2026-01-02"}']
    rows, said = events(write("\n".join(lines), "log.jsonl"), FLAT)
    assert [row["id"] for row in rows] == ["A/1", "B/4"]
    assert any("the line is no JSON" in one and "{broken" in one for one in said)
    assert any("and this is none: [1]" in one for one in said)


def test_columns_of_one_type_and_columns_of_several_read_alike(write, events):
    plain = [{"key": "A", "step": "x", "at": "2026-01-01", "n": n, "f": n / 3, "b": n % 2 == 0} for n in range(7000)]
    mixed = [dict(one) for one in plain]
    mixed[6000]["f"] = "6000.0 and a half"
    rules = parse_mapping(
        {
            **{"source": "desk", "id": "{key}/{row}", "case_id": "key", "activity": "step", "time": "at"},
            "attributes": {"n": "integer", "f": "number", "b": "flag"},
        }
    )
    found, _ = events(write("\n".join(map(json.dumps, plain)), "log.jsonl"), rules)
    again, _ = events(write("\n".join(map(json.dumps, mixed)), "log.jsonl"), rules)
    assert [row["attributes.f"] for row in found] == [one["f"] for one in plain]
    assert [row["attributes.n"] for row in found] == list(range(7000))
    assert again[6000]["attributes.unparsed.f"] == "6000.0 and a half"
    assert [row for place, row in enumerate(again) if place != 6000] == [
        row for place, row in enumerate(found) if place != 6000
    ]


def test_a_date_stays_the_text_it_is(write, events):
    rules = parse_mapping(
        {**{"source": "d", "id": "{row}", "case_id": "k", "activity": "k", "time": "k"}, "attributes": {"k": "text"}}
    )
    rows, _ = events(write('{"k":"2026-01-01"}\n{"k":"2026-01-02"}\n', "log.jsonl"), rules)
    assert [row["attributes.k"] for row in rows] == ["2026-01-01", "2026-01-02"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[{"key": 1},\n{"key": }]', "log.json, line 2: this is no JSON"),
        ('[{"key": 1},\n{"key": 2}', "line 2: this is no JSON: Expecting ',' delimiter"),
        ('[{"key": "open]', "this is no JSON: Unterminated string"),
        ('[{"key": 1}] trailing', "Extra data"),
        ('{"a": 1}\n', "no column"),
        ('{"a": [1, 2],\n "b": {}}', "no array of objects"),
        ("[" * 100_000, "nested too deeply"),
        ('[{"key": ' + "1" * 5000 + "}]", "a number has more digits"),
        ('[{"step": 1}]', 'no column "key", which id needs; the columns are "step"'),
        ('[{"ke\\ny": 1}]', 'do you mean "ke y"?'),
        (b'[{"key": "\xff"}]', "byte 0xFF is not UTF-8"),
        ('{"ocel:events": {},\n "ocel:objects": {}}', "this is OCEL 1.0"),
    ],
)
def test_what_is_broken_is_one_line_with_its_place(write, events, text, says):
    with pytest.raises(LoadError) as refused:
        events(write(text, "log.json"), FLAT)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_value_across_blocks_is_whole(write, events):
    records = [{"key": "A", "step": "x" * (n * 977 % 5000), "at": "2026-01-01"} for n in range(1, 2000)]
    rows, _ = events(write(json.dumps(records), "log.json"), FLAT)
    assert [row["activity"] for row in rows if "activity" in row] == [one["step"] for one in records if one["step"]]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_text_is_read_or_refused_and_never_breaks_the_reader(write, events, data):
    content = bytearray(written(data.draw(st.sampled_from(["array", "indented", "inner", "lines"])))[0].encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content)))
        content[place : place + data.draw(st.integers(0, 20))] = data.draw(
            st.binary(max_size=5) | st.sampled_from([b"[", b"}", b'"', b"\\u", b"\n", b"1e999", b"NaN", b"\\ud800"])
        )
    try:
        events(write(bytes(content), "log.json"), MAPPING)
    except LoadError as refused:
        said = str(refused)
    else:
        said = ""
    assert "\n" not in said
