"""An object-centric log gives the events of the chosen case notion, alike from JSON, XML and SQLite."""

from __future__ import annotations

import json
import sqlite3
from xml.sax.saxutils import escape, quoteattr

import pytest
from andon_records.files.standard_mapping import SourceChoice
from andon_records.messages import LoadError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# After the running example of the OCEL 2.0 specification: attributes that change, relations between objects.
LOG = {
    "events": [
        {
            **{"id": "e1", "type": "Create Order", "time": "2022-01-10T08:15:00Z"},
            "attributes": [{"name": "creator", "value": "Mike"}, {"name": "price", "value": 12.5}],
            "relationships": [
                {"objectId": "PO1", "qualifier": "order"},
                {"objectId": "I1", "qualifier": "item"},
                {"objectId": "I2", "qualifier": "item"},
            ],
        },
        {
            **{"id": "e2", "type": "Change Quantity", "time": "2022-01-13T12:00:00+01:00"},
            "attributes": [],
            "relationships": [{"objectId": "PO1", "qualifier": ""}],
        },
        {
            **{"id": "e3", "type": "Pay", "time": "2022-01-14T11:00:00Z"},
            "relationships": [{"objectId": "PO1", "qualifier": "paid"}, {"objectId": "PO2", "qualifier": "paid"}],
        },
        {
            "id": "e4",
            "type": "Pack",
            "time": "2022-01-15T11:00:00Z",
            "relationships": [{"objectId": "I1", "qualifier": ""}],
        },
    ],
    "objects": [
        {
            **{"id": "PO1", "type": "Order"},
            "attributes": [
                {"name": "quantity", "time": "1970-01-01T00:00:00Z", "value": 500},
                {"name": "quantity", "time": "2022-01-13T11:00:00Z", "value": 600},
            ],
            "relationships": [{"objectId": "C1", "qualifier": "of"}],
        },
        {
            "id": "PO2",
            "type": "Order",
            "attributes": [{"name": "quantity", "time": "1970-01-01T00:00:00Z", "value": 1}],
        },
        {"id": "I1", "type": "Item"},
        {"id": "I2", "type": "Item"},
        {"id": "C1", "type": "Customer"},
    ],
    "objectTypes": [
        {"name": "Order", "attributes": [{"name": "quantity", "type": "integer"}]},
        *({"name": name, "attributes": []} for name in ("Item", "Customer")),
    ],
    "eventTypes": [
        {
            "name": "Create Order",
            "attributes": [{"name": "creator", "type": "string"}, {"name": "price", "type": "float"}],
        },
        *({"name": name, "attributes": []} for name in ("Change Quantity", "Pay", "Pack")),
    ],
}


def as_json(log):
    return json.dumps(log, indent=1).encode()


def as_xml(log):
    def kinds(part, one):
        return "".join(
            f"<{part}-type name={quoteattr(kind['name'])}><attributes>"
            + "".join(f"<attribute name={quoteattr(a['name'])} type='{a['type']}'/>" for a in kind["attributes"])
            + f"</attributes></{part}-type>"
            for kind in one
        )

    def thing(tag, one):
        time = f" time={quoteattr(one['time'])}" if "time" in one else ""
        made = f"<{tag} id={quoteattr(one['id'])} type={quoteattr(one['type'])}{time}><attributes>"
        for a in one.get("attributes", ()):
            at = f" time={quoteattr(a['time'])}" if "time" in a else ""
            made += f"<attribute name={quoteattr(a['name'])}{at}>{escape(str(a['value']))}</attribute>"
        made += "</attributes><objects>"
        for r in one.get("relationships", ()):
            made += f"<relationship object-id={quoteattr(r['objectId'])} qualifier={quoteattr(r['qualifier'])}/>"
        return made + f"</objects></{tag}>"

    return (
        f"<?xml version='1.0'?><log><object-types>{kinds('object', log['objectTypes'])}</object-types>"
        f"<event-types>{kinds('event', log['eventTypes'])}</event-types>"
        f"<objects>{''.join(thing('object', one) for one in log['objects'])}</objects>"
        f"<events>{''.join(thing('event', one) for one in log['events'])}</events></log>"
    ).encode()


def as_sqlite(log, path, extra=""):
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    database.executescript(
        """
        CREATE TABLE event (ocel_id TEXT PRIMARY KEY, ocel_type TEXT);
        CREATE TABLE object (ocel_id TEXT PRIMARY KEY, ocel_type TEXT);
        CREATE TABLE event_object (ocel_event_id TEXT, ocel_object_id TEXT, ocel_qualifier TEXT);
        CREATE TABLE object_object (ocel_source_id TEXT, ocel_target_id TEXT, ocel_qualifier TEXT);
        CREATE TABLE event_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);
        CREATE TABLE object_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);
        """
    )
    kinds = {"integer": "INTEGER", "float": "REAL", "string": "TEXT"}
    for part in ("event", "object"):
        for kind in log[f"{part}Types"]:
            suffix = kind["name"].replace(" ", "")
            database.execute(f"INSERT INTO {part}_map_type VALUES (?, ?)", (kind["name"], suffix))
            columns = "".join(f', "{a["name"]}" {kinds[a["type"]]}' for a in kind["attributes"])
            changed = ", ocel_changed_field TEXT" if part == "object" else ""
            database.execute(f'CREATE TABLE "{part}_{suffix}" (ocel_id TEXT, ocel_time TIMESTAMP{changed}{columns})')
    for one in log["events"]:
        suffix = one["type"].replace(" ", "")
        database.execute("INSERT INTO event VALUES (?, ?)", (one["id"], one["type"]))
        names = [a["name"] for a in one.get("attributes", ())]
        listed = "".join(f', "{name}"' for name in names)
        values = [one["id"], one["time"], *(a["value"] for a in one.get("attributes", ()))]
        marks = ", ".join("?" * len(values))
        database.execute(f'INSERT INTO "event_{suffix}" (ocel_id, ocel_time{listed}) VALUES ({marks})', values)
        for r in one["relationships"]:
            database.execute("INSERT INTO event_object VALUES (?, ?, ?)", (one["id"], r["objectId"], r["qualifier"]))
    for one in log["objects"]:
        database.execute("INSERT INTO object VALUES (?, ?)", (one["id"], one["type"]))
        for a in one.get("attributes", ()):
            changed = None if a["time"].startswith("1970") else a["name"]
            database.execute(
                f'INSERT INTO "object_{one["type"]}" (ocel_id, ocel_time, ocel_changed_field, "{a["name"]}")'
                " VALUES (?, ?, ?, ?)",
                (one["id"], a["time"], changed, a["value"]),
            )
        for r in one.get("relationships", ()):
            database.execute("INSERT INTO object_object VALUES (?, ?, ?)", (one["id"], r["objectId"], r["qualifier"]))
    database.executescript(extra)
    database.commit()
    database.close()
    return path.read_bytes()


@pytest.fixture(params=["json", "xml", "sqlite"])
def ocel(request, write, tmp_path):
    def written(log=LOG):
        match request.param:
            case "json":
                return write(as_json(log), "orders.jsonocel")
            case "xml":
                return write(as_xml(log), "orders.xmlocel")
            case _:
                return write(as_sqlite(log, tmp_path / "made.db"), "orders.sqlite")

    return written


def test_each_event_is_a_record_of_each_object_of_the_case_type_and_the_rest_is_counted(ocel, events):
    rows, said = events(ocel(), choice=SourceChoice(case_object="Order"))
    assert [(row["id"], row["case_id"], row["activity"], row["time"].isoformat()) for row in rows] == [
        ("e1", "PO1", "Create Order", "2022-01-10T08:15:00+00:00"),
        ("e2", "PO1", "Change Quantity", "2022-01-13T11:00:00+00:00"),
        ("e3/PO1", "PO1", "Pay", "2022-01-14T11:00:00+00:00"),
        ("e3/PO2", "PO2", "Pay", "2022-01-14T11:00:00+00:00"),
    ]
    attributes = [
        {name.removeprefix("attributes."): row[name] for name in row if name.startswith("attributes.")} for row in rows
    ]
    assert attributes == [
        {
            **{
                "creator": "Mike",
                "price": 12.5,
                "case:quantity": 500,
                "object:Item": "I1, I2",
                "qualifier:Item": "item",
            },
            **{"qualifier:Order": "order", "related:Customer": "C1"},
        },
        {"case:quantity": 600, "related:Customer": "C1"},
        {"case:quantity": 600, "qualifier:Order": "paid", "related:Customer": "C1"},
        {"case:quantity": 1, "qualifier:Order": "paid"},
    ]
    assert any("1 events name no object of type" in one for one in said)


def test_the_type_of_most_events_is_the_case_where_none_is_named_and_that_is_said(ocel, events):
    rows, said = events(ocel())
    assert {row["case_id"] for row in rows} == {"PO1", "PO2"}
    assert any('a case is an object of type "Order"' in one for one in said)


def test_another_case_notion_gives_other_events(ocel, events):
    rows, _ = events(ocel(), choice=SourceChoice(case_object="Item"))
    assert [(row["id"], row["case_id"]) for row in rows] == [("e1/I1", "I1"), ("e1/I2", "I2"), ("e4", "I1")]
    assert rows[0]["attributes.object:Order"] == "PO1"


def test_an_unknown_case_notion_names_the_known_ones(ocel, events):
    with pytest.raises(LoadError, match='no type of objects is named "Orders"; types are "Order", "Item", "Customer"'):
        events(ocel(), choice=SourceChoice(case_object="Orders"))


def test_an_event_that_names_an_object_which_is_missing_is_read_and_said(ocel, events):
    log = {**LOG, "objects": [one for one in LOG["objects"] if one["id"] != "I2"]}
    rows, said = events(ocel(log))
    assert rows[0]["attributes.object:Item"] == "I1"
    assert any("1 times an event names an object that the log does not hold" in one for one in said)


@pytest.mark.parametrize(
    "extra",
    [
        "DROP TABLE event; CREATE VIEW event AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
        " SELECT i AS ocel_id, 'Pay' AS ocel_type FROM n;",
        "DROP TABLE object_map_type;",
        "UPDATE event_map_type SET ocel_type_map = 'x\"; DROP TABLE event; --';",
        "DROP TABLE event_Pay; CREATE VIRTUAL TABLE event_Pay USING fts5(ocel_id, ocel_time);",
        "ALTER TABLE event RENAME COLUMN ocel_type TO kind;",
    ],
)
def test_a_hostile_schema_is_refused_in_one_line_and_runs_nothing(write, events, tmp_path, extra):
    with pytest.raises(LoadError) as refused:
        events(write(as_sqlite(LOG, tmp_path / "made.db", extra), "orders.sqlite"))
    assert "which OCEL 2.0 has" in str(refused.value)


def test_a_generated_column_is_left_alone(write, events, tmp_path):
    extra = "CREATE TABLE x (a); ALTER TABLE event_Pay ADD COLUMN bomb TEXT AS (hex(zeroblob(900000000)));"
    rows, _ = events(write(as_sqlite(LOG, tmp_path / "made.db", extra), "orders.sqlite"))
    assert len(rows) == 4


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (as_json(LOG).replace(b'"id": "e3"', b'"name": "e3"'), 'events: number 3 is none of OCEL 2.0: "id" is missing'),
        (as_json(LOG).replace(b'"objectId": "C1"', b'"objectId" "C1"'), "this is no JSON"),
        (as_xml(LOG).replace(b"<object id=", b"<object name=", 1), 'lacks its attribute "id"'),
        (as_xml(LOG)[:-9], "this is no well-formed XML"),
        (b"SQLite format 3\x00" + b"\x00" * 500, "the SQLite database is damaged"),
    ],
)
def test_what_is_broken_is_one_line(write, events, text, says):
    with pytest.raises(LoadError) as refused:
        events(write(text, "log.ocel"))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_log_is_read_or_refused_and_never_breaks_the_reader(ocel, events, tmp_path, data):
    path = ocel()
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 8))] = data.draw(st.binary(min_size=1, max_size=8))
    damaged = tmp_path / f"damaged-{path.name}"
    damaged.write_bytes(bytes(content))
    try:
        events(damaged)
    except LoadError as refused:
        said = str(refused)
    else:
        said = ""
    assert "\n" not in said
