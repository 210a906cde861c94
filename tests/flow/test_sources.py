"""`andon source` against a running suite: from a shipped mapping to events, and a change of the mapping."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from andon_records.templates import FOLDER

AUDITS = str(FOLDER / "zendesk-audits.jsonl")


def test_a_shipped_mapping_takes_the_records_of_its_product(andon: Any, tmp_path: Path) -> None:
    listed = andon("source", "templates")
    assert "zendesk-audits" in listed
    assert "工单" in andon("source", "templates", locale="zh")
    made = andon("source", "create", "support", "--template", "zendesk-audits", "--title", "Support desk")
    assert "sources/support" in made
    tested = andon("source", "test", "support", AUDITS)
    assert "record 1: would be accepted, events: 2" in tested
    assert "Status open" in tested
    assert "record 3: omitted" in tested
    written = json.loads(andon("source", "write", "support", AUDITS, "--json"))
    assert {name: written[name] for name in ("received", "accepted", "omitted", "events")} == {
        "received": 3,
        "accepted": 2,
        "omitted": 1,
        "events": 4,
    }
    assert "2 duplicate" in andon("source", "write", "support", AUDITS)
    events = [json.loads(line) for line in andon("events", "--case", "123", "--json").splitlines()]
    assert [event["activity"] for event in events] == ["Comment", "Status new", "Status open", "Change group_id"]
    assert andon("events", "--case", "123", "--source", "desk", "--json") == ""
    assert andon("events", "--source", "support", "--json").splitlines()
    sources = {one["name"]: one for one in map(json.loads, andon("source", "list", "--json").splitlines())}
    assert sources["sources/support"]["title"]["en"] == "Support desk"


def test_a_mapping_is_shown_as_what_update_reads_and_changes_what_comes_after(andon: Any, tmp_path: Path) -> None:
    mapping, records = tmp_path / "desk.yaml", tmp_path / "desk.jsonl"
    document = {"source": "desk", "id": "id", "case_id": "case", "activity": "step", "time": "at", "resource": "who"}
    mapping.write_text(yaml.safe_dump(document), encoding="utf-8")
    records.write_text(
        '{"id": "e1", "case": "c", "step": "Opened", "at": "2026-01-05T10:00:00Z"}\n{"id": "broken"\n', encoding="utf-8"
    )
    andon("source", "create", "desk-records", "--mapping", str(mapping), "--kind", "feedback")
    refused = andon("source", "write", "desk-records", str(records), exit_code=2)
    assert "2 records = 1 accepted" in refused
    assert "record 2: record: the record is no JSON" in refused
    shown = andon("source", "show", "desk-records")
    assert yaml.safe_load(shown[shown.index("source: ") :]) == {
        **document,
        "source": "desk-records",
        "dedup_horizon": "604800s",
        "time_earliest": "2000-01-01T00:00:00Z",
        "future_tolerance": "86400s",
    }
    source = json.loads(andon("source", "show", "desk-records", "--json"))
    assert source["kind"] == "SOURCE_KIND_FEEDBACK"
    etag = source["etag"]
    mapping.write_text(yaml.safe_dump({**document, "activity": {"text": "Visit"}}), encoding="utf-8")
    andon("source", "update", "desk-records", "--mapping", str(mapping), "--etag", etag)
    stale = andon("source", "update", "desk-records", "--mapping", str(mapping), "--etag", etag, exit_code=1)
    assert "ETAG_STALE" in stale
    records.write_text('{"id": "e2", "case": "c2", "step": "Opened", "at": "2026-01-05T10:00:00Z"}\n', encoding="utf-8")
    andon("source", "write", "desk-records", str(records))
    (event,) = [json.loads(line) for line in andon("events", "--case", "c2", "--json").splitlines()]
    assert event["activity"] == "Visit"


def test_what_is_wrong_with_a_mapping_is_said_before_anything_is_sent(andon: Any, tmp_path: Path) -> None:
    mapping = tmp_path / "bad.yaml"
    least = "source: x\nid: '{row}'\ncase_id: c\nactivity: a\ntime: t\n"
    mapping.write_text(least + "fields: {c: 'a['}\n", encoding="utf-8")
    assert "is no JMESPath expression" in andon("source", "create", "bad", "--mapping", str(mapping), exit_code=1)
    mapping.write_text(least, encoding="utf-8")
    assert "numbers the rows of a file" in andon("source", "create", "bad", "--mapping", str(mapping), exit_code=1)
    assert "NOT_FOUND" in andon("source", "show", "bad", exit_code=1)


def test_a_file_is_read_by_the_service_and_known_again(andon: Any, tmp_path: Path) -> None:
    mapping, log = tmp_path / "visits.yaml", tmp_path / "visits.csv"
    document = {"source": "visits", "id": "{case}/{row}", "case_id": "case", "activity": "step", "time": "at"}
    mapping.write_text(yaml.safe_dump(document), encoding="utf-8")
    log.write_text("case,step,at\nA,Open,2026-01-05\nA,Close,2026-01-06\nA,Close,soon\n", encoding="utf-8")
    said = andon("transfer", "upload", str(log), "--mapping", str(mapping), exit_code=2)
    assert "3 records: 2 accepted, 0 duplicate, 1 quarantined" in said
    assert 'row 3 "at": "soon" is no time by ISO 8601' in said
    again = json.loads(andon("transfer", "upload", str(log), "--mapping", str(mapping), "--json", exit_code=2))
    assert (again["state"], int(again["accepted_count"])) == ("TRANSFER_STATE_COMPLETE", 2)
    assert again["name"] in andon("transfer", "list", "--json")
    assert len(andon("events", "--source", "visits", "--json").splitlines()) == 2
