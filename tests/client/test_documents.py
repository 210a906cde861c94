"""Documents in YAML become messages, and what does not fit is named."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from andon.improvement.v1 import problem_pb2
from andon.scoring.v1 import indicator_system_pb2
from andon_client.documents import DocumentMisfit, load_document, parse_document
from andon_records.messages import MalformedDocument

SPEC = indicator_system_pb2.IndicatorSystemSpec


def indicator(**fields):
    return {"indicators": [{"name": "wait", **fields}]}


@pytest.mark.parametrize("direction", ["lower_is_better", "LOWER_IS_BETTER", "lower-is-better"])
def test_enum_values_may_be_written_short(direction):
    parsed = parse_document(indicator(direction=direction, windows=["day", "WINDOW_WEEK"]), SPEC)
    assert parsed.indicators[0].direction == indicator_system_pb2.DIRECTION_LOWER_IS_BETTER
    week, day = indicator_system_pb2.WINDOW_WEEK, indicator_system_pb2.WINDOW_DAY
    assert list(parsed.indicators[0].windows) == [day, week]


def test_an_enum_value_that_does_not_exist_is_refused_by_its_name():
    with pytest.raises(MalformedDocument, match="fortnight"):
        parse_document(indicator(windows=["fortnight"]), SPEC, origin="desk.yaml")


@pytest.mark.parametrize("due", ["2026-05-01", "2026-05-01 00:00:00", "2026-05-01T00:00:00Z", "'2026-05-01T00:00:00Z'"])
def test_a_date_may_be_written_as_one(due, tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(f"due_time: {due}\n", encoding="utf-8")
    assert load_document(path, problem_pb2.Action).due_time.ToJsonString() == "2026-05-01T00:00:00Z"


@pytest.mark.parametrize(
    "due", ["2026-05-01", "2026-05-01 00:00", "2026-05-01T00:00", "2026-05-01T00:00:00", "20260501"]
)
def test_a_time_without_an_offset_is_of_the_zone_that_the_document_belongs_to(due, tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(f"due_time: '{due}'\n", encoding="utf-8")
    read = load_document(path, problem_pb2.Action, ZoneInfo("Asia/Shanghai"))
    assert read.due_time.ToJsonString() == "2026-04-30T16:00:00Z"


def interval(start, **fields):
    chart = {"baseline_interval": {"start": start, "end": "2026-12-01T00:00:00Z"}}
    return {**indicator(chart=chart), **fields}


def start_of(content):
    return parse_document(content, SPEC).indicators[0].chart.baseline_interval.start.ToJsonString()


def test_a_system_reads_its_times_by_its_own_zone_and_an_offset_that_is_written_goes_first():
    assert start_of(interval(date(2026, 3, 1), time_zone="America/New_York")) == "2026-03-01T05:00:00Z"
    assert start_of(interval(datetime(2026, 3, 9), time_zone="America/New_York")) == "2026-03-09T04:00:00Z"
    assert start_of(interval("2026-03-01T00:00:00+01:00", time_zone="America/New_York")) == "2026-02-28T23:00:00Z"
    assert start_of(interval(date(2026, 3, 1), time_zone="No/Such")) == "2026-03-01T00:00:00Z"
    assert start_of(interval(date(2026, 3, 1))) == "2026-03-01T00:00:00Z"


@pytest.mark.parametrize(
    ("start", "first", "second"),
    [
        ("2026-10-25T02:30", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"),
        ("2026-03-29T02:30", "2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00"),
    ],
)
def test_a_time_that_clocks_show_twice_or_not_at_all_is_refused_with_both_that_can_be_meant(start, first, second):
    with pytest.raises(DocumentMisfit) as refused:
        parse_document(interval(start, time_zone="Europe/Berlin"), SPEC, "desk.yaml")
    for said in ("desk.yaml: indicators[0].chart.baseline_interval.start", first, second):
        assert said in str(refused.value)


@pytest.mark.parametrize("before", ["2w", "14d", "336h", "1209600s"])
def test_a_length_may_be_written_in_the_unit_that_suits_it(before):
    assert (
        parse_document({"goal": {"baseline_period": before}}, problem_pb2.Action).goal.baseline_period.seconds
        == 1_209_600
    )


def test_what_is_no_length_is_refused_with_the_fields_that_lead_to_it():
    with pytest.raises(MalformedDocument, match=r"goal.*baseline_period"):
        parse_document({"goal": {"baseline_period": "a while"}}, problem_pb2.Action)


def test_an_unknown_field_is_refused_with_the_document_and_the_path_to_it():
    with pytest.raises(MalformedDocument) as refused:
        parse_document({"indicators": [{"name": "a"}, {"name": "b", "colour": "red"}]}, SPEC, origin="desk.yaml")
    message = str(refused.value)
    assert message.startswith("desk.yaml: ")
    assert "colour" in message
    assert "indicators[1]" in message


def test_a_value_of_the_wrong_type_is_refused_with_the_fields_that_lead_to_it():
    with pytest.raises(MalformedDocument, match=r"steps.*name"):
        parse_document({"steps": [{"name": ["not", "a", "name"]}]}, SPEC)


@pytest.mark.parametrize("content", [None, [], "text", 7])
def test_a_document_that_is_no_mapping_is_refused(content):
    with pytest.raises(MalformedDocument, match="fields are expected"):
        parse_document(content, SPEC)


def test_a_file_that_is_not_yaml_is_refused_with_its_name(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text("title: {en: [", encoding="utf-8")
    with pytest.raises(MalformedDocument, match=r"broken\.yaml"):
        load_document(path, SPEC)


def test_a_file_that_is_not_text_is_refused_with_its_name(tmp_path):
    path = tmp_path / "bytes.yaml"
    path.write_bytes(b"title: \xff\xfe")
    with pytest.raises(MalformedDocument, match=r"bytes\.yaml"):
        load_document(path, SPEC)


@pytest.mark.parametrize("name", ["service-desk", "it-incidents"])
def test_the_examples_that_are_shipped_can_be_read(name):
    spec = load_document(Path(__file__).parents[2] / "examples" / f"{name}.system.yaml", SPEC)
    assert spec.title.en
    assert spec.title.zh
    assert len(spec.indicators) > 0


def test_a_document_that_names_a_field_as_it_was_called_before_is_read() -> None:
    content = {"measures": [{"name": "csat", "value": {"attribute": "csat", "quantum": 0.01}}]}
    assert parse_document(content, SPEC).measures[0].value.resolution == 0.01


def refusal(content, locale="en"):
    with pytest.raises(DocumentMisfit) as refused:
        parse_document(content, SPEC, origin="desk.yaml")
    assert "\n" not in str(refused.value)
    assert refused.value.text("zh") != str(refused.value)
    return refused.value.text(locale)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (indicator(aggregate="medain"), "aggregate: medain is none of .*quantile.* \\(do you mean median\\?\\)"),
        (
            {"mesures": []},
            r"mesures: there is no such field \(do you mean measures\?\); fields are title, sources, time_zone",
        ),
        (indicator(count_mim=3), r"indicators\[0\]\.count_mim: .*do you mean count_min\?.*symptom_of"),
        (indicator(windows=["fortnight"]), r"windows\[0\]: fortnight is none of hour, day, week"),
        ({"indicators": {"name": "wait"}}, "indicators: a list is expected"),
        ({"indicators": ["wait"]}, r"indicators\[0\]: fields are expected, not wait"),
        ({"indicators": [{"name": 3}]}, 'name: a text is expected, not 3; write it as "3"'),
        ({"sources": "desk"}, r"sources: a list is expected, such as \[desk\]"),
        (indicator(weight="heavy"), "weight: a number is expected, not heavy"),
        (indicator(count_min=1.5), "count_min: a whole number is expected, not 1.5"),
        ({"measures": [{"name": "m", "duration": {}, "flag": {}}]}, "duration, flag exclude each other"),
        ({"lateness": "soon"}, "lateness: soon is no length; write one such as 90min"),
        ([], "fields are expected"),
    ],
)
def test_what_does_not_fit_is_one_line_with_the_field_and_what_to_write(content, says):
    assert re.search(says, refusal(content)), refusal(content)


def test_a_document_is_refused_with_the_line_at_fault(tmp_path):
    path = tmp_path / "desk.yaml"
    path.write_text("title: {en: Desk}\nindicators:\n  - name: wait\n    aggregate: medain\n", encoding="utf-8")
    with pytest.raises(DocumentMisfit) as refused:
        load_document(path, SPEC)
    assert str(refused.value).startswith(f"{path}:4: indicators[0].aggregate: ")


def test_names_of_former_times_and_of_json_go_on_being_read():
    value = {"attribute": "cost", "quantum": 0.01}
    parsed = parse_document({"timeZone": "UTC", "measures": [{"name": "m", "value": value}]}, SPEC)
    assert parsed.measures[0].value.resolution == 0.01


def test_a_document_that_refers_to_itself_is_refused(tmp_path):
    path = tmp_path / "desk.yaml"
    path.write_text("sources: &all [*all]\n", encoding="utf-8")
    with pytest.raises(MalformedDocument, match="refers to itself"):
        load_document(path, SPEC)


STRANGE: list[object] = [
    *(None, True, 0, -1, 1.5, 1e300, float("nan"), float("inf"), 2**31, 2**63, 10**400, b"x", {1: 2}, [[]]),
    *("", "nan", "-Infinity", "1_000", "0x10", "2026-13-01", "soon", "1d", "99999-01-01", "\ud800", "a\x00b"),
    *(date(2026, 1, 1), datetime(1, 1, 1)),
]


def fields_below(descriptor, path=()):
    """Every field that a document can have, with the fields that lead to it."""
    for field in descriptor.fields:
        yield path, field
        kind = field.message_type
        if kind is not None and not kind.full_name.startswith("google.") and len(path) < 4:
            yield from fields_below(kind, (*path, field))


@pytest.mark.parametrize("kind", [SPEC, problem_pb2.Action], ids=["system", "action"])
def test_whatever_stands_at_a_field_is_read_or_refused_by_its_name_in_both_languages(kind):
    for path, field in fields_below(kind.DESCRIPTOR):
        for value in [*STRANGE, *([one] for one in STRANGE)]:
            content = {field.name: value}
            for outer in reversed(path):
                content = {outer.name: [content] if outer.is_repeated else content}
            refused: DocumentMisfit | None = None
            try:
                parse_document(content, kind)
            except DocumentMisfit as error:
                refused = error
            if refused is not None:
                assert refused.phrase != "misfit_other", (field.full_name, value, str(refused))
                assert field.name in str(refused)
                assert field.name in refused.text("zh")
