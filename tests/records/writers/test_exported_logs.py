"""What is exported reads back as the same events, in each format."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from andon_records.batches import batches_of
from andon_records.files.readers import inspect_or_propose
from andon_records.files.standard_mapping import SourceChoice
from andon_records.mapping.document import parse_mapping
from andon_records.writers.corrections import Corrected, chosen
from andon_records.writers.event_spool import EventSpool
from andon_records.writers.ocel_logs import write_ocel_json, write_ocel_sqlite, write_ocel_xml
from andon_records.writers.table_files import write_csv, write_parquet
from andon_records.writers.xes_log import write_xes

UTC = dt.UTC
START = dt.datetime(2026, 3, 2, 9, tzinfo=UTC)
CODED = pa.dictionary(pa.int32(), pa.utf8())


def batch(rows):
    """Events in the column layout of the contract."""
    kinds = {
        **{"id": pa.utf8(), "source": CODED, "case_id": pa.utf8(), "activity": CODED, "resource": CODED},
        **{"time": pa.timestamp("us", "UTC"), "object_kind": CODED, "supersedes": pa.utf8(), "retracts": pa.utf8()},
        **{"attributes.cost": pa.float64(), "attributes.n": pa.int64(), "attributes.urgent": pa.bool_()},
        **{
            "attributes.note": pa.utf8(),
            "attributes.due": pa.timestamp("us", "UTC"),
            "attributes.case:tier": pa.utf8(),
        },
        **{"attributes.case:size": pa.int64(), "attributes.lifecycle:transition": pa.utf8()},
    }
    columns = {name: pa.array([row.get(name) for row in rows], kind) for name, kind in kinds.items()}
    return pa.RecordBatch.from_pydict(columns)


def event(number, case, **more):
    return {
        **{"id": f"e{number}", "source": "desk", "case_id": case, "activity": "Open" if number % 2 else "Close & go"},
        **{"time": START + dt.timedelta(microseconds=number), "object_kind": "process"},
        **more,
    }


ROWS = [
    event(
        1, "B", **{"resource": "Ann", "attributes.cost": 0.1, "attributes.case:tier": "gold", "attributes.case:size": 3}
    ),
    event(2, "A", **{"attributes.note": ' <"quoted">\n\t& 中文 ', "attributes.urgent": True, "attributes.n": 2**60}),
    event(4, "B", **{"attributes.due": START, "attributes.case:tier": "gold", "attributes.case:size": 4}),
    event(3, "A", **{"object_kind": "facility", "attributes.lifecycle:transition": "start"}),
    event(5, "C/1", **{"attributes.note": "", "attributes.urgent": False, "attributes.case:tier": "x"}),
]


def written(tmp_path, rows, form, partitions=3, corrected=None, zone="UTC"):
    with EventSpool(partitions if form not in ("parquet", "csv") else 1, corrected) as spool:
        for start in range(0, len(rows), 2):
            spool.add(batch(rows[start : start + 2]))
        spool.flush()
        path = tmp_path / f"log.{form}"
        if form == "ocel-sqlite":
            write_ocel_sqlite(spool, path, "ticket")
            return path, spool.written()
        with path.open("wb") as file:
            match form:
                case "xes":
                    write_xes(spool, file)
                case "parquet":
                    write_parquet(spool, file)
                case "csv":
                    write_csv(spool, file, zone)
                case "ocel-json":
                    write_ocel_json(spool, file, "ticket")
                case _:
                    write_ocel_xml(spool, file, "ticket")
        return path, spool.written()


def read(path, mapping=None):
    file, rules, _ = inspect_or_propose(path, mapping, SourceChoice())
    tables = [pa.ipc.open_stream(one.arrow_ipc).read_all() for one in batches_of(file, rules) if one.events]
    return {row["id"]: {k: v for k, v in row.items() if v is not None} for table in tables for row in table.to_pylist()}


def given(rows):
    """As they read back: texts without space around them, and no empty text."""
    kept = {}
    for row in rows:
        texts = {k: v.strip() if isinstance(v, str) else v for k, v in row.items()}
        kept[row["id"]] = {k: v for k, v in texts.items() if v is not None and v != ""}
    return kept


@pytest.mark.parametrize("form", ["xes", "ocel-json", "ocel-xml", "ocel-sqlite", "parquet"])
def test_events_read_back_as_they_were(tmp_path, form):
    path, found = written(tmp_path, ROWS, form)
    assert (found.events, found.cases, found.first, found.last) == (
        *(5, 3, START + dt.timedelta(microseconds=1)),
        START + dt.timedelta(microseconds=5),
    )
    assert read(path) == given(ROWS)


def test_csv_has_local_times_with_their_offset(tmp_path):
    path, _ = written(tmp_path, ROWS, "csv", zone="Europe/Berlin")
    assert "2026-03-02T10:00:00.000001+0100" in path.read_text(encoding="utf-8")
    attributes = {"cost": "number", "n": "integer", "urgent": "flag", "note": "text", "due": "time"}
    names = {**attributes, "case:tier": "text", "case:size": "integer"}
    mapping = parse_mapping(
        {
            **{"source": "desk", "id": "id", "case_id": "case_id", "activity": "activity", "time": "time"},
            **{"resource": "resource", "lifecycle": "lifecycle:transition", "attributes": names},
            "multiline_values": "true",
        }
    )
    found = read(path, mapping)
    assert {one: {**row, "object_kind": "process"} for one, row in given(ROWS).items()} == found


def test_a_trace_has_its_events_in_order_of_time_and_what_they_share(tmp_path):
    path, _ = written(tmp_path, ROWS, "xes")
    log = ElementTree.parse(path).getroot()
    name = "{http://www.xes-standard.org/}"
    traces = {}
    for trace in log.findall(f"{name}trace"):
        own = {one.get("key"): one.get("value") for one in trace if one.tag != f"{name}event"}
        ids = [one.find(f"{name}id").get("value") for one in trace.findall(f"{name}event")]
        traces[own.pop("concept:name")] = own, ids
    assert traces == {"A": ({}, ["e2", "e3"]), "B": ({"tier": "gold"}, ["e1", "e4"]), "C/1": ({"tier": "x"}, ["e5"])}


def test_an_object_centric_export_has_the_shape_of_the_standard(tmp_path):
    log = json.loads(written(tmp_path, ROWS, "ocel-json")[0].read_text(encoding="utf-8"))
    assert list(log) == ["objectTypes", "eventTypes", "objects", "events"]
    assert {one["name"]: one["type"] for one in log["eventTypes"][1]["attributes"]}["cost"] == "float"
    assert next(one for one in log["events"] if one["id"] == "e2")["relationships"] == [
        {"objectId": "A", "qualifier": ""}
    ]
    database = sqlite3.connect(written(tmp_path, ROWS, "ocel-sqlite")[0])
    assert database.execute("SELECT ocel_type, ocel_type_map FROM event_map_type ORDER BY 1").fetchall() == [
        *(("Close & go", "Closego"), ("Open", "Open")),
    ]
    assert database.execute("SELECT ocel_id, tier FROM object_ticket ORDER BY 1").fetchall() == [
        *(("A", None), ("B", "gold"), ("C/1", "x")),
    ]


@pytest.mark.parametrize("form", ["xes", "ocel-json", "ocel-xml", "ocel-sqlite", "parquet"])
def test_corrections_are_applied_or_with_the_history_exported_as_they_are(tmp_path, form):
    rows = [*ROWS, event(6, "A", supersedes="e2"), event(7, "B", retracts="e1"), event(8, "B", retracts="e7")]
    corrected = Corrected()
    corrected.note(batch(rows))
    path, found = written(tmp_path, rows, form, corrected=corrected.left)
    applied = read(path)
    assert sorted(applied) == ["e3", "e4", "e5", "e6"]
    assert "supersedes" not in applied["e6"]
    assert found.events == 4
    assert read(written(tmp_path, rows, form)[0]) == given(rows)


def test_a_target_of_another_case_or_source_is_not_corrected():
    rows = [event(1, "A"), event(2, "B", supersedes="e1"), event(3, "A", supersedes="e3")]
    corrected = Corrected()
    corrected.note(batch(rows))
    assert corrected.left(batch(rows))["id"].to_pylist() == ["e1", "e2", "e3"]


def test_an_interval_is_half_open_and_sources_are_chosen():
    micros = int(START.timestamp() * 1_000_000)
    assert chosen(batch(ROWS), micros + 2, micros + 4, frozenset())["id"].to_pylist() == ["e2", "e3"]
    assert chosen(batch(ROWS), None, None, frozenset({"other"})).num_rows == 0


@pytest.mark.parametrize("form", ["xes", "ocel-json", "ocel-xml", "ocel-sqlite", "parquet", "csv"])
def test_an_export_of_nothing_is_a_whole_file(tmp_path, form):
    path, found = written(tmp_path, [], form)
    assert (found.events, found.cases, found.first) == (0, 0, None)
    assert path.exists()
    if form in ("xes", "ocel-json", "ocel-xml"):
        assert read(path) == {}


def test_values_of_several_types_are_texts_where_a_column_has_one(tmp_path):
    one = batch([event(1, "A", **{"attributes.n": 1})])
    place = one.schema.get_field_index("attributes.n")
    other = batch([event(2, "A")]).set_column(place, "attributes.n", pa.array(["one"]))
    with EventSpool(1) as spool:
        spool.add(one)
        spool.add(other)
        spool.flush()
        with (tmp_path / "log.parquet").open("wb") as file:
            write_parquet(spool, file)
        assert spool.mixed() == ["n"]
    assert pq.read_table(tmp_path / "log.parquet")["attributes.n"].to_pylist() == ["1", "one"]


def test_a_control_character_does_not_break_the_xml(tmp_path):
    path, _ = written(tmp_path, [event(1, "A", **{"attributes.note": "a\x00b\x1f"})], "xes")
    assert read(path)["e1"]["attributes.note"] == "a\\x00b\\x1f"
