"""An XES log gives each of its events once, with what its trace says; what is no XES is refused in one line."""

from __future__ import annotations

import gzip
import re

import pyarrow as pa
import pytest
from andon_records.batches import batches_of
from andon_records.files.readers import inspect_or_propose
from andon_records.files.standard_mapping import SourceChoice
from andon_records.messages import LoadError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

LOG = """<?xml version='1.0' encoding='UTF-8'?>
<log xes.version="1849-2016" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="con" uri="http://www.xes-standard.org/concept.xesext"/>
  <global scope="event"><string key="con:name" value="UNKNOWN"/></global>
  <classifier name="Activity" keys="concept:name lifecycle:transition"/>
  <string key="Description" value="of the log"/>
  <trace>
    <string key="con:name" value="A"/><int key="cost total" value="3"/>
    <event>
      <string key="con:name" value="Open &amp; wait"/>
      <date key="time:timestamp" value="2020-01-01T00:00:00.123456+02:00"/>
      <string key="lifecycle:transition" value="START"/><string key="org:resource" value="Ann"/>
      <float key="f" value="2.5"/><boolean key="b" value="true"/><date key="due" value="2020-01-02T00:00:00Z"/>
      <list key="l"><values>
        <string key="a" value="1"/><container key="c"><float key="f" value="2.5"/></container>
        <list key="m"><values><id key="i" value="x"/></values></list>
      </values></list>
    </event>
    <event>
      <string key="con:name" value="Close"><string key="sub" value="n"/></string>
      <date key="time:timestamp" value="2020-01-01T00:00:00.5"/>
      <string key="x" value="1"/><string key="x" value="2"/>
    </event>
  </trace>
  <trace><string key="con:name" value="B"/></trace>
  <trace><string key="con:name" value="C"/><event><string key="con:name" value="Open"/></event></trace>
  <event><string key="con:name" value="Alone"/><date key="time:timestamp" value="2020-01-01T00:00:00Z"/></event>
</log>
"""


def events(path, mapping=None, choice=None, **options):
    file, mapping, said = inspect_or_propose(path, mapping, choice or SourceChoice())
    batches = list(batches_of(file, mapping, **options))
    assert sum(batch.rows for batch in batches) == file.records
    rows = [
        row for batch in batches if batch.events for row in pa.ipc.open_stream(batch.arrow_ipc).read_all().to_pylist()
    ]
    return [{name: value for name, value in row.items() if value is not None} for row in rows], [
        one.text() for one in said
    ]


@pytest.fixture
def log(tmp_path):
    def write(text, name="help desk.xes"):
        path = tmp_path / name
        content = text.encode() if isinstance(text, str) else text
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write


@pytest.mark.parametrize("name", ["help desk.xes", "help desk.xes.gz", "help desk.xml"])
def test_an_event_has_what_it_says_and_what_its_trace_says_by_type(log, name):
    rows, said = events(log(LOG, name))
    assert len(rows) == len(re.findall("<event", LOG))
    first = rows[0]
    assert first["time"].isoformat() == "2019-12-31T22:00:00.123456+00:00"
    assert {name: first[name] for name in ("source", "id", "case_id", "activity", "resource")} == {
        **{"source": "help-desk", "id": "A/1", "case_id": "A", "activity": "Open & wait", "resource": "Ann"}
    }
    attributes = {name.removeprefix("attributes."): first[name] for name in first if name.startswith("attributes.")}
    assert attributes.pop("due").isoformat() == "2020-01-02T00:00:00+00:00"
    assert attributes == {
        **{"lifecycle:transition": "start", "case:cost_total": 3, "f": 2.5, "b": True},
        "l": '[{"a": "1"}, {"c": null, "c.f": "2.5"}, {"m": "[{\\"i\\": \\"x\\"}]"}]',
    }
    second = rows[1]
    assert (second["attributes.concept:name.sub"], second["attributes.x"], second["attributes.x.2"]) == ("n", "1", "2")
    assert "help desk" not in " ".join(said)
    assert any("1 times have no zone and are read as UTC" in one for one in said)
    assert any("Description" in one for one in said)


def test_an_event_without_a_time_or_a_trace_is_answered_for(log):
    rows, _ = events(log(LOG))
    assert [("time" in row, "case_id" in row) for row in rows] == [
        (True, True),
        (True, True),
        (False, True),
        (True, False),
    ]


def test_what_an_unknown_element_holds_is_no_attribute_of_the_event(log):
    alien = '<alien><string key="org:resource" value="Bob"/><string key="f" value="x"/></alien>'
    rows, said = events(
        log(LOG.replace("<event>", f"<event>{alien}").replace("con:", "concept:").replace('"con"', '"concept"'))
    )
    assert [row.get("resource") for row in rows] == ["Ann", None, None, None]
    assert any("alien (4)" in one for one in said)


def test_traces_of_one_name_are_one_case_and_their_events_differ(log):
    rows, said = events(log(LOG.replace('value="C"', 'value="A"')))
    assert [row["case_id"] for row in rows[:3]] == ["A", "A", "A"]
    assert len({row["id"] for row in rows if "id" in row}) == 3
    assert any("1 traces have the name of another one" in one for one in said)


def test_ids_of_events_are_theirs_where_every_event_has_one(log):
    text = LOG.replace("<event>", '<event><id key="identity:id" value="e-X"/>')
    for number in range(4):
        text = text.replace("e-X", f"e-{number}", 1)
    rows, _ = events(log(text))
    assert [row["id"] for row in rows] == ["e-0", "e-1", "e-2", "e-3"]


def test_without_names_the_classifier_is_the_activity_and_the_trace_number_the_case(log):
    text = LOG.replace("con:name", "what").replace("concept:name lifecycle", "what lifecycle")
    rows, said = events(log(text))
    assert (rows[0]["activity"], rows[0]["case_id"]) == ("Open & wait+START", "1")
    assert any("classifier" in one for one in said)


@pytest.mark.parametrize("skip", range(5))
def test_a_load_that_goes_on_gives_the_rest(log, skip):
    whole, _ = events(log(LOG))
    file, mapping, _ = inspect_or_propose(log(LOG), None, SourceChoice())
    rest = [batch for batch in batches_of(file, mapping, skip, 2) if batch.events]
    found = [row for batch in rest for row in pa.ipc.open_stream(batch.arrow_ipc).read_all()["activity"].to_pylist()]
    assert found == [row["activity"] for row in whole[skip:]]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LOG[:900], "help desk.xes, line 15: this is no well-formed XML"),
        (LOG.replace("</trace>", "</treace>", 1), "this is no well-formed XML: mismatched tag"),
        (LOG.replace("<log", "<!DOCTYPE log [<!ENTITY a 'aaaa'>]><log", 1), "line 2: the XML declares a document type"),
        (LOG.replace("UTF-8", "no-such", 1), "the encoding that the XML declares cannot be read"),
        (LOG.replace("<trace>", "<trace><trace>", 1), "<trace> has no place here"),
        (LOG.replace("<event>", "<event><event>", 1), "<event> has no place here"),
        (LOG.replace("log", "bpmn"), "the XML begins with <bpmn>"),
        (LOG.replace("time:timestamp", "when"), 'no column "time:timestamp", which time needs'),
        (
            LOG.replace("  </trace>\n  <trace>", '<string key="late" value="x"/></trace><trace>', 1),
            "comes after its events",
        ),
        ("<log>" + "<list key='a'><values>" * 150, "nested more than 200 deep"),
    ],
)
def test_what_is_no_log_is_refused_in_one_line_and_says_where(log, text, says):
    with pytest.raises(LoadError) as refused:
        events(log(text))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_tag_that_never_ends_is_refused_before_it_takes_memory(log):
    with pytest.raises(LoadError, match="one tag is longer"):
        events(log(b'<log><string key="a" value="' + b"x" * (18 << 20), "long.xes"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_log_that_is_damaged_is_read_or_refused_and_never_breaks_the_reader(log, data):
    content = bytearray(LOG.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        length = data.draw(st.integers(0, 30))
        content[place : place + length] = data.draw(
            st.binary(max_size=6) | st.sampled_from([b"<event>", b"</trace>", b'"'])
        )
    try:
        rows, _ = events(log(bytes(content)))
    except LoadError as refused:
        lines = str(refused).splitlines()
    else:
        lines = ["read"]
        # Each start tag that the damaged text still has, as a scan of the bytes finds them.
        assert len(rows) <= len(re.findall(rb"<(?:\w+:)?event\b", bytes(content)))
    assert len(lines) == 1
