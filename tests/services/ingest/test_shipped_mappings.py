"""Each shipped mapping makes the events that it should of its sample, over real gRPC and real Postgres."""

from __future__ import annotations

from typing import Any

from andon.ingest.v1 import ingest_pb2, record_pb2
from andon_client.commands.source import source_of
from andon_client.record_stream import read_records
from andon_records.mapping.document import load_mapping
from andon_records.templates import FOLDER, templates
from andon_records.yaml_text import read_yaml

# Of each sample: the activities of its cases in order, and how many records become no event.
EXPECTED: dict[str, tuple[dict[str, list[str]], int]] = {
    "asterisk-queue-log": (
        {"1767600070.12": ["Entered queue", "Connected", "Completed"], "1767600500.20": ["Abandoned"]},
        1,
    ),
    "freshdesk-tickets": ({"20": ["Created", "First response", "Resolved", "Closed"], "21": ["Created"]}, 0),
    "github-issue-events": (
        {"https://api.github.com/repos/example/desk/issues/1347": ["assigned", "labeled", "closed"]},
        0,
    ),
    "github-issues": (
        {
            "https://api.github.com/repos/example/desk/issues/1347": ["Opened", "Closed"],
            "https://api.github.com/repos/example/desk/issues/1348": ["Opened"],
        },
        1,
    ),
    "github-webhooks": (
        {"https://api.github.com/repos/example/desk/issues/1347": ["opened", "Comment created", "closed"]},
        1,
    ),
    "glpi-logs": ({"55": ["Created", "Status 2", "Field 5"]}, 1),
    "jira-issues": (
        {"DESK-17": ["Created", "assignee", "Status In Progress", "Status Done"], "DESK-18": ["Created"]},
        0,
    ),
    "jira-webhooks": ({"DESK-17": ["Created", "assignee", "Status In Progress", "Comment"]}, 1),
    "salesforce-case-history": ({"5005g00000XyZaB": ["created", "Status Working"]}, 0),
    "servicenow-audit": ({"6f1c0a5edb1a3010b5e2d0f5ce961901": ["state", "assigned_to"]}, 0),
    "servicenow-incidents": ({"INC0010023": ["Opened", "Resolved", "Closed"], "INC0010024": ["Opened"]}, 0),
    "ticket-machine": (
        {
            "880012": ["Ticket printed", "Called", "Service started", "Service finished"],
            "880013": ["Ticket printed", "Called", "No show"],
        },
        0,
    ),
    "zammad-history": ({"7": ["Ticket created", "Ticket::Article created", "State open"]}, 0),
    "zendesk-audits": ({"123": ["Comment", "Status new", "Status open", "Change group_id"]}, 1),
    "zendesk-tickets": ({"35436": ["Created", "First assigned", "Assigned", "Solved"], "35437": ["Created"]}, 0),
    "znuny-history": ({"42": ["NewTicket", "Move", "StateUpdate"]}, 0),
}


def test_every_shipped_mapping_is_listed_and_has_a_sample():
    names = {one.name for one in templates()}
    assert names == set(EXPECTED)
    assert {path.stem for path in FOLDER.glob("*.yaml")} - {"titles"} == names
    assert {path.stem for path in FOLDER.glob("*.jsonl")} == names
    assert all(set(one.title) == {"en", "zh"} for one in templates())


async def test_the_samples_become_the_events_that_they_should(served: Any, everything: Any) -> None:
    client = served.client()
    for template in templates():
        cases, omitted = EXPECTED[template.name]
        rules = load_mapping(template.mapping)
        source = source_of(read_yaml(template.mapping), rules)
        await client.CreateSource(ingest_pb2.CreateSourceRequest(source_id=template.name, source=source))
        request = record_pb2.WriteRecordsRequest(
            source=f"sources/{template.name}",
            records=record_pb2.RawRecords(json=record_pb2.JsonRecords(records=[*read_records(template.sample)])),
        )
        answer = await client.WriteRecords(request)
        events = sum(map(len, cases.values()))
        assert (template.name, list(answer.rejections)) == (template.name, [])
        assert (template.name, answer.omitted, answer.events.accepted) == (template.name, omitted, events)
        again = await client.WriteRecords(request)
        assert (again.accepted, again.duplicate, again.events.duplicate) == (0, answer.accepted, events)
    found: dict[tuple[str, str], list[tuple[Any, str]]] = {}
    for row in await everything(client):
        assert not [name for name in row if name.startswith("attributes.unparsed") and row[name] is not None]
        found.setdefault((row["source"], row["case_id"]), []).append((row["time"], row["activity"]))
    for name, (cases, _) in EXPECTED.items():
        for case, activities in cases.items():
            made = found[name, case]
            assert sorted(activity for _, activity in made) == sorted(activities), (name, case)
            # In the order of their times; what happened at once has none.
            assert [time for time, _ in sorted(made)] == sorted(time for time, _ in made)
            by_activity = {activity: time for time, activity in made}
            times = [by_activity[activity] for activity in activities]
            assert times == sorted(times), (name, case)


async def test_persons_of_a_sample_are_pseudonyms_and_counters_are_not(served: Any, everything: Any) -> None:
    client = served.client()
    for template in templates():
        if template.name not in ("github-issue-events", "ticket-machine"):
            continue
        source = source_of(read_yaml(template.mapping), load_mapping(template.mapping))
        await client.CreateSource(ingest_pb2.CreateSourceRequest(source_id=template.name, source=source))
        records = record_pb2.RawRecords(json=record_pb2.JsonRecords(records=[*read_records(template.sample)]))
        await client.WriteRecords(record_pb2.WriteRecordsRequest(source=f"sources/{template.name}", records=records))
    rows = await everything(client)
    assert not any("octo" in str(value) for row in rows for value in row.values())
    assert {row["resource"] for row in rows if row["source"] == "ticket-machine"} >= {"Counter 1", "Counter 3"}
