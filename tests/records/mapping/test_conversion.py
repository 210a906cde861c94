"""A mapping turns columns of text into events, and what it cannot read stays visible."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from andon_records.mapping.conversion import apply_mapping
from andon_records.mapping.document import PrivacyRule, load_mapping, parse_mapping
from andon_records.messages import LoadError, MalformedMapping
from hypothesis import given, settings
from hypothesis import strategies as st

LEAST = {"source": "desk", "id": "number", "case_id": "number", "activity": "state", "time": "at"}


def table(**columns):
    return pa.RecordBatch.from_pydict({name: pa.array(values, pa.utf8()) for name, values in columns.items()})


def rows(count=1, **columns):
    """A table whose other columns do not matter."""
    plain = {"number": ["A-1"] * count, "state": ["New"] * count, "at": ["2026-01-05T08:00:00"] * count}
    return table(**{**plain, **columns})


def applied(batch=None, **more):
    return apply_mapping(parse_mapping({**LEAST, **more}), batch if batch is not None else rows())


def column(result, name):
    return result.events.column(name).to_pylist()


def test_each_row_becomes_one_event_of_the_source():
    result = applied(rows(2, number=["A-1", "A-2"]))
    assert column(result, "id") == column(result, "case_id") == ["A-1", "A-2"]
    assert column(result, "source") == ["desk", "desk"]
    assert column(result, "object_kind") == ["process", "process"]
    assert column(result, "time") == [datetime(2026, 1, 5, 8, tzinfo=UTC)] * 2
    assert result.unparsed == {}


def test_a_template_joins_columns_and_the_text_between_them():
    batch = rows(2, row=["7", "8"])
    assert column(applied(batch, id="case {number}/{row}!"), "id") == ["case A-1/7!", "case A-1/8!"]


def test_a_template_with_an_absent_part_is_absent():
    assert column(applied(rows(2, row=["7", ""]), id="{number}/{row}"), "id") == ["A-1/7", None]


def test_unknown_values_are_absent_everywhere():
    batch = rows(3, number=["A-1", "?", "A-3"], team=["Red", "?", " "])
    result = applied(batch, unknown=["?"], attributes={"team": "text"}, resource="team")
    assert column(result, "id") == ["A-1", None, "A-3"]
    assert column(result, "attributes.team") == column(result, "resource") == ["Red", None, None]
    assert result.unparsed == {}


def test_values_are_trimmed_and_replaced():
    batch = rows(3, state=[" -100 ", "New", "-100"])
    activity = {"column": "state", "replace": {"-100": "Unknown state"}}
    assert column(applied(batch, activity=activity), "activity") == ["Unknown state", "New", "Unknown state"]


def test_a_day_first_date_is_read_day_first():
    batch = rows(2, at=["03/04/2026 09:30", "29/02/2016 01:16"])
    assert column(applied(batch, time_formats=["%d/%m/%Y %H:%M"]), "time") == [
        datetime(2026, 4, 3, 9, 30, tzinfo=UTC),
        datetime(2016, 2, 29, 1, 16, tzinfo=UTC),
    ]


def test_the_first_format_that_fits_is_taken():
    batch = rows(2, at=["2026-01-05", "05/01/2026 08:00"])
    formats = ["%Y-%m-%d", "%d/%m/%Y %H:%M"]
    assert column(applied(batch, time_formats=formats), "time") == [
        datetime(2026, 1, 5, tzinfo=UTC),
        datetime(2026, 1, 5, 8, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026-03-29T01:59:59", datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)),
        ("2026-03-29T03:00:00", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        # The hour that comes twice: the first of the two.
        ("2026-10-25T02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25T03:00:00", datetime(2026, 10, 25, 2, tzinfo=UTC)),
    ],
)
def test_local_times_become_utc_across_clock_changes(local, utc):
    assert column(applied(rows(at=[local]), time_zone="Europe/Berlin"), "time") == [utc]


def test_an_hour_that_the_clocks_skip_is_no_time_and_is_kept_as_text():
    result = applied(rows(at=["2026-03-29T02:30:00"]), time_zone="Europe/Berlin")
    assert column(result, "time") == [None]
    assert column(result, "attributes.unparsed.time") == ["2026-03-29T02:30:00"]


def test_times_that_come_twice_are_counted():
    result = applied(rows(2, at=["2026-10-25T02:30:00", "2026-10-25T03:30:00"]), time_zone="Europe/Berlin")
    assert result.doubts.folded == 1


def test_what_cannot_be_read_as_its_type_is_kept_as_text_and_counted():
    batch = rows(4, cost=["1.5", "many", "", "2"], done=["true", "perhaps", "N", ""], tries=["3", "x", "", "4"])
    result = applied(batch, attributes={"cost": "number", "done": "flag", "tries": "integer"})
    assert column(result, "attributes.cost") == [1.5, None, None, 2.0]
    assert column(result, "attributes.unparsed.cost") == [None, "many", None, None]
    assert column(result, "attributes.done") == [True, None, False, None]
    assert column(result, "attributes.unparsed.done") == [None, "perhaps", None, None]
    assert column(result, "attributes.tries") == [3, None, None, 4]
    lost = {name: (one.count, one.row, one.text) for name, one in result.unparsed.items()}
    assert lost == {"cost": (1, 2, "many"), "done": (1, 2, "perhaps"), "tries": (1, 2, "x")}


def test_a_time_that_cannot_be_read_is_absent_and_kept_as_text():
    result = applied(rows(2, at=["yesterday", "2026-01-05T08:00:00"]))
    assert column(result, "time") == [None, datetime(2026, 1, 5, 8, tzinfo=UTC)]
    assert column(result, "attributes.unparsed.time") == ["yesterday", None]


@settings(deadline=None, max_examples=60)
@given(values=st.lists(st.text(max_size=8), min_size=1, max_size=12))
def test_no_value_is_lost_whether_it_is_a_number_or_not(values):
    result = applied(rows(len(values), cost=values), attributes={"cost": "number"})
    typed = column(result, "attributes.cost")
    shown = "attributes.unparsed.cost" in result.events.schema.names
    kept = column(result, "attributes.unparsed.cost") if shown else [None] * len(values)
    for value, number, text in zip(values, typed, kept, strict=True):
        stripped = pa.compute.utf8_trim_whitespace(pa.array([value]))[0].as_py()
        assert (number is None) or (text is None)
        assert (number is None and text is None) == (stripped == "")
        assert text in (None, stripped)


def test_only_the_columns_that_are_needed_are_read_each_once():
    mapping = parse_mapping({**LEAST, "id": "{number}/{at}", "attributes": {"team": "text", "at": "time"}})
    assert mapping.columns() == ["number", "at", "state", "team"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([], "a mapping is expected"),
        ({"source": "desk"}, "missing id, case_id, activity, time"),
        ({**LEAST, "colour": "red"}, "unknown keys colour"),
        ({**LEAST, "attributes": {"cost": "money"}}, r'attributes\.cost\.type: "money"'),
        ({**LEAST, "time": {"column": "at", "formats": []}}, "time: unknown keys formats"),
    ],
)
def test_a_mapping_that_does_not_fit_says_where(content, says):
    with pytest.raises(MalformedMapping, match=says.replace("'", "'")):
        parse_mapping(content)


def test_a_malformed_file_is_named(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text("source: [", encoding="utf-8")
    with pytest.raises(LoadError, match=r"broken\.yaml"):
        load_mapping(path)


@pytest.mark.parametrize("name", ["service-desk", "it-incidents"])
def test_the_mappings_that_are_shipped_can_be_read(name):
    mapping = load_mapping(Path(__file__).parents[3] / "examples" / f"{name}.mapping.yaml")
    assert mapping.source == name


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"source": "Help Desk"}, 'source: "Help Desk" is no name: 1 to 64 of [a-z0-9._-]'),
        ({"id": ["number"]}, "id: a column is expected"),
        ({"time": True}, "time: a column is expected"),
        ({"time_formats": "%Y-%m-%d"}, 'time_formats: a list of texts is expected, such as ["%d/%m/%Y %H:%M"]'),
        ({"time_formats": []}, "time_formats: a list of texts is expected"),
        ({"time_formats": ["iso", "%Q"]}, 'time_formats[1]: "%Q" has no meaning at %Q'),
        ({"time_formats": ["%H:%M"]}, 'time_formats[0]: "%H:%M" names no whole date'),
        ({"time_formats": ["epoch"]}, "write iso, epoch_s, epoch_ms"),
        ({"time_zone": "Berlin"}, 'time_zone: "Berlin" is no time zone (do you mean Europe/Berlin?)'),
        ({"time_zone": "CEST"}, 'time_zone: "CEST" means one offset all year; write the region, such as Europe/Berlin'),
        ({"time_zone": "+25:00"}, 'time_zone: "+25:00" is no time zone'),
        ({"time_zone": ["UTC"]}, "time_zone: a text is expected"),
        ({"decimal": ";"}, 'decimal: ";" is none of ., ,'),
        ({"delimiter": ",,"}, 'delimiter: ",," is no delimiter'),
        ({"encoding": "utf-9"}, 'encoding: "utf-9" is no encoding'),
        ({"encoding": "base64"}, 'encoding: "base64" is no encoding'),
        ({"quote": "x"}, 'quote: "x" is none of'),
        ({"header_row": "first"}, 'header_row: a whole number from 1 is expected, not "first"'),
        ({"header_row": 0}, "header_row: a whole number from 1 is expected, not 0"),
        ({"header_row": 2, "column_names": ["a"]}, "column_names: header_row and column_names exclude"),
        ({"column_names": "a, b"}, "column_names: a list of texts is expected"),
        ({"multiline_values": "maybe"}, 'multiline_values: true or false is expected, not "maybe"'),
        ({"privacy": {"resource": "hide"}}, 'privacy.resource: "hide" is none of drop, mask, pseudonymise'),
        ({"privacy": {"resource": {"treatment": "generalise", "band": "x"}}}, "privacy.resource.band: "),
        ({"subject": "attributes.mail"}, 'subject: "attributes.mail" is no field of this mapping'),
        ({"object_kind": "robot"}, 'object_kind: "robot" is none of process, person'),
        ({"unknown": "?"}, "unknown: a list of texts is expected"),
        ({"unknown": ["?", ["-"]]}, "unknown[1]: a text is expected"),
        ({"attributes": ["a"]}, "attributes: pairs are expected"),
        ({"attributes": {"kunden name": "text"}}, "write kunden_name: {column: kunden name}"),
        ({"attributes": {"a": {"colum": "x"}}}, "attributes.a: unknown keys colum (do you mean column?)"),
        ({"attributes": {"a": {"replace": ["x"]}}}, "attributes.a.replace: pairs are expected"),
        ({"attributes": {f"a{n}": "text" for n in range(101)}}, "attributes: 101 are too many: at most 100"),
        (
            {"privacy": {"attributes.mail": "drop"}},
            'privacy.attributes.mail: "attributes.mail" is no field of this mapping',
        ),
        ({"lifecycle": "a", "start_time": "b"}, "lifecycle: start_time and lifecycle exclude each other"),
        ({"lifecycle": "a", "attributes": {"lifecycle:transition": "text"}}, "lifecycle makes this attribute already"),
        ({"case_id": "{case}/{ordinal}"}, "case_id: {ordinal} numbers rows of the same id"),
        ({"id": "{ordinal}"}, "id: id needs what {ordinal} is counted within"),
        ({"omit_rows": ["Total"]}, "omit_rows: pairs are expected, such as {step: [Total]}"),
        ({"omit_rows": {"step": "Total"}}, "omit_rows.step: a list of texts is expected, such as [Total]"),
        ({"omit_rows": {"step": []}}, "omit_rows.step: a list of texts is expected"),
        ({"supersedes": ["a"]}, "supersedes: a column is expected"),
        ({"timezone": "UTC"}, "unknown keys timezone (do you mean time_zone?)"),
    ],
)
def test_every_key_of_a_mapping_is_checked_with_its_path(more, says):
    with pytest.raises(MalformedMapping) as refused:
        parse_mapping({**LEAST, **more})
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.what.text("zh") != str(refused.value)


def test_a_mapping_file_says_what_was_written_and_not_what_yaml_makes_of_it(tmp_path):
    path = tmp_path / "desk.yaml"
    path.write_text(
        "\ufeffsource: desk\nid: number\ncase_id: number\nactivity: {column: state, replace: {007: no, yes: 1.0}}\n"
        "time: at\nunknown: [no, null, 2026-01-01, ~]\nmultiline_values: yes\n"
        "privacy: {resource: keep}\nheader_row: 2\n",
        encoding="utf-8",
    )
    mapping = load_mapping(path)
    assert mapping.unknown == ["no", "null", "2026-01-01", "~"]
    assert mapping.activity.replace == {"007": "no", "yes": "1.0"}
    assert mapping.multiline_values
    assert mapping.privacy == [PrivacyRule("resource", "keep")]
    assert mapping.header_row == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("source: desk\nsource: other\n", 'line 2, column 1: "source" is written twice'),
        ("source: [\n", "line 2"),
        ("a: b: c\n", "line 1"),
        ("", "a mapping is expected at the top"),
    ],
)
def test_a_mapping_file_that_is_no_mapping_is_refused_with_its_line(tmp_path, content, says):
    path = tmp_path / "desk.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(LoadError) as refused:
        load_mapping(path)
    assert str(refused.value).startswith(str(path))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_number_of_the_record_is_an_id_where_no_column_has_its_name():
    assert column(applied(rows(3), id="{number}/{row}"), "id") == ["A-1/1", "A-1/2", "A-1/3"]


def test_a_decimal_comma_is_read_and_where_it_is_not_said_nothing_is_lost():
    batch = rows(3, cost=["4,5", "1.234", "1.234,5"])
    attributes = {"cost": "number"}
    assert column(applied(batch, decimal=",", attributes=attributes), "attributes.cost") == [4.5, 1234.0, 1234.5]
    plain = applied(batch, attributes=attributes)
    assert column(plain, "attributes.unparsed.cost") == ["4,5", None, "1.234,5"]


def test_a_row_with_a_beginning_and_an_end_is_two_events_of_one_piece_of_work():
    batch = rows(3, began=["2026-01-05T07:00", "", "2026-01-05T09:00"], at=["2026-01-05T08:00", "2026-01-05", ""])
    result = applied(batch, id="{number}/{row}", start_time="began", attributes={"began": "time"})
    assert column(result, "id") == ["start:A-1/1", "A-1/1", "A-1/2", "start:A-1/3"]
    assert column(result, "attributes.lifecycle:transition") == ["start", "complete", "complete", "start"]
    assert column(result, "attributes.concept:instance") == ["A-1/1", "A-1/1", "A-1/2", "A-1/3"]
    assert [time.hour for time in column(result, "time")] == [7, 8, 0, 9]
    assert list(result.rows) == [1, 1, 2, 3]


def test_a_row_with_neither_beginning_nor_end_is_still_an_event_to_be_answered_for():
    result = applied(rows(1, began=[""], at=[""]), start_time="began")
    assert (result.events.num_rows, column(result, "time")) == (1, [None])


def test_a_column_of_the_life_cycle_is_an_attribute_of_each_event():
    batch = rows(2, phase=["START", "Complete"])
    result = applied(batch, lifecycle="phase")
    assert column(result, "attributes.lifecycle:transition") == ["start", "complete"]


def test_the_event_and_an_attribute_of_one_name_lose_nothing_to_each_other():
    result = applied(
        rows(2, at=["x", "2026-01-05"], end=["2026-01-06", "y"]), attributes={"time": {"column": "end", "type": "time"}}
    )
    assert column(result, "attributes.unparsed.time") == ["x", "y"]


def test_a_correction_and_a_retraction_name_the_event_that_they_are_about():
    batch = rows(3, fix=["A-0", "", ""], gone=["", "A-9", " "])
    result = applied(batch, supersedes="fix", retracts="{gone}/1")
    assert column(result, "supersedes") == ["A-0", None, None]
    assert column(result, "retracts") == [None, "A-9/1", None]


def test_a_row_of_two_events_corrects_both_of_a_row():
    batch = rows(1, began=["2026-01-05T07:00"], old=["A-0"])
    result = applied(batch, start_time="began", supersedes="old")
    assert column(result, "id") == ["start:A-1", "A-1"]
    assert column(result, "supersedes") == ["start:A-0", "A-0"]


@pytest.mark.parametrize(
    ("dates", "format", "swappable", "telling"),
    [
        (["3/4/2026", "4/4/2026", ""], "%d/%m/%Y", 1, 0),
        (["3/4/2026", "25/4/2026"], "%d/%m/%Y", 1, 1),
        (["3/4/2026", "4/25/2026"], "%D", 0, 0),
        (["3/4/26", "4/25/26"], "%D", 1, 1),
        (["2026-03-04"], "iso", 0, 0),
        (["2026/03/04"], "%Y/%m/%d", 0, 0),
        (["3 Apr 2026"], "%d %b %Y", 0, 0),
    ],
)
def test_dates_whose_day_and_month_could_be_swapped_are_counted(dates, format, swappable, telling):
    result = applied(rows(len(dates), at=dates), time_formats=[format])
    assert (result.doubts.swappable, result.doubts.telling) == (swappable, telling)
