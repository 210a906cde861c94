"""Quarantine as a work list, over real gRPC and real Postgres."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from typing import Any

import asyncpg
import grpc
import pytest
from andon.common.v1.errors_pb2 import ErrorReason
from andon.common.v1.value_pb2 import Value
from andon.ingest.v1 import event_pb2, ingest_pb2, source_pb2
from andon.ingest.v1 import quarantine_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

NO_ID, NO_TIME = ErrorReason.ERROR_REASON_EVENT_ID_MISSING, ErrorReason.ERROR_REASON_EVENT_TIME_MISSING
EVERYTHING = pb.QuarantineSelection(filter=pb.QuarantineFilter())
GIVE_IDS = pb.CorrectionRule(set=pb.CorrectionRule.Set(field="id", value=Value(text="{quarantine_id}")))


async def write(client: Any, batch: event_pb2.EventBatch) -> ingest_pb2.WriteEventsResponse:
    answer: ingest_pb2.WriteEventsResponse = await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))
    return answer


async def totals(client: Any) -> dict[str, tuple[int, int, int, int]]:
    answer = await client.GetIntakeCounts(ingest_pb2.GetIntakeCountsRequest())
    for one in answer.counts:
        assert one.received == one.accepted + one.duplicate + one.quarantined
        assert sum(one.quarantined_by_reason.values()) == one.quarantined
    return {one.source: (one.received, one.accepted, one.duplicate, one.quarantined) for one in answer.counts}


async def listed(quarantine: Any, **fields: Any) -> list[pb.QuarantinedEvent]:
    found: list[pb.QuarantinedEvent] = []
    token = ""
    while True:
        page = await quarantine.ListQuarantinedEvents(pb.ListQuarantinedEventsRequest(page_token=token, **fields))
        found += page.events
        token = page.next_page_token
        if not token:
            assert page.total_count == len(found)
            return found


async def status_of(call: Any) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code()


async def test_refused_events_are_listed_as_they_were_sent_page_by_page(served: Any, event: Any, rows: Any) -> None:
    client, quarantine = served.client(), served.quarantine()
    bad = [event("", resource="Ada", attributes={"cost": 1.5, "note": str(n)}) for n in range(5)]
    for _ in range(2):
        await write(client, rows(*bad))
    chosen = pb.QuarantineFilter(sources=["desk"])
    found = await listed(quarantine, filter=chosen, page_size=2)
    assert sorted(one.event.attributes["note"].text for one in found) == list("01234")
    assert {one.event.resource for one in found} == {"Ada"}
    assert {one.rejection.reason for one in found} == {NO_ID}
    assert {one.received_count for one in found} == {2}
    newest = await listed(quarantine, filter=chosen, page_size=2, order=pb.QUARANTINE_ORDER_NEWEST_FIRST)
    assert [one.quarantine_id for one in newest] == [one.quarantine_id for one in reversed(found)]


async def test_a_filter_chooses_by_source_reason_field_and_time(served: Any, event: Any, rows: Any) -> None:
    client, quarantine = served.client(), served.quarantine()
    await write(
        client, rows(event(""), event("b", time_s=None), event("c", source="Bad Source"), event("", source="shop"))
    )

    async def ids(**fields: Any) -> list[str]:
        return sorted(one.event.id for one in await listed(quarantine, filter=pb.QuarantineFilter(**fields)))

    assert await ids() == ["", "", "b", "c"]
    assert await ids(sources=["desk"]) == ["", "b"]
    assert await ids(sources=["-"]) == ["c"]
    assert await ids(reasons=[NO_TIME]) == ["b"]
    assert await ids(field="id") == ["", ""]
    assert await ids(quarantine_interval={"end": Timestamp(seconds=1_000)}) == []
    counts = (await quarantine.GetQuarantineCounts(pb.GetQuarantineCountsRequest())).counts
    assert {(one.source, one.field): one.entry_count for one in counts} == {
        ("desk", "id"): 1,
        ("desk", "time"): 1,
        ("", "source"): 1,
        ("shop", "id"): 1,
    }


async def test_a_preview_says_what_events_would_become_and_changes_nothing(
    served: Any, event: Any, rows: Any, everything: Any
) -> None:
    client, quarantine = served.client(), served.quarantine()
    await write(client, rows(event("known")))
    await write(client, rows(event("", case_id="1"), event("", case_id="2", time_s=None), event("known", case_id="3")))
    rules = [GIVE_IDS]
    found = await quarantine.PreviewCorrection(pb.PreviewCorrectionRequest(selection=EVERYTHING, rules=rules))
    assert (found.selected_count, found.tried_count, found.changed_count) == (3, 3, 3)
    assert (found.accepted_count, found.duplicate_count, found.rejected_count) == (2, 0, 1)
    assert found.examples[0].rejection.reason == NO_TIME
    assert [one.outcome for one in found.examples] == [pb.REPLAY_OUTCOME_REJECTED] + [pb.REPLAY_OUTCOME_ACCEPTED] * 2
    assert {one.after.id for one in found.examples} == {one.quarantine_id for one in found.examples}
    assert sorted(one.before.id for one in found.examples) == ["", "", "known"]
    assert len(await everything(client)) == 1
    assert {one.state for one in await listed(quarantine)} == {pb.QUARANTINE_STATE_PENDING}


async def test_what_is_corrected_is_replayed_once_and_moves_to_the_accepted(
    served: Any, event: Any, rows: Any, everything: Any
) -> None:
    client, quarantine = served.client(), served.quarantine()
    await write(
        client, rows(*(event("", case_id=f"{n}", resource="Ada") for n in range(3)), event("late", time_s=None))
    )
    assert await totals(client) == {"desk": (4, 0, 0, 4)}
    request = pb.CorrectEventsRequest(selection=EVERYTHING, rules=[GIVE_IDS], reason="the export has no ids")
    answer = await quarantine.CorrectEvents(request)
    assert (answer.considered_count, answer.corrected_count) == (4, 4)
    assert await totals(client) == {"desk": (4, 0, 0, 4)}
    replayed = await quarantine.ReplayEvents(pb.ReplayEventsRequest(selection=EVERYTHING, reason="corrected"))
    assert (replayed.accepted_count, replayed.duplicate_count, replayed.rejected_count) == (3, 0, 1)
    assert [one.rejection.reason for one in replayed.results if one.HasField("rejection")] == [NO_TIME]
    assert await totals(client) == {"desk": (4, 3, 0, 1)}
    events = await everything(client)
    assert {row["id"] for row in events} == {
        one.quarantine_id for one in replayed.results if not one.HasField("rejection")
    }
    assert all(row["resource"].startswith("p_") for row in events)
    again = await quarantine.ReplayEvents(pb.ReplayEventsRequest(selection=EVERYTHING))
    assert (again.accepted_count, again.rejected_count) == (0, 1)
    one = (await quarantine.GetQuarantinedEvent(pb.GetQuarantinedEventRequest(quarantine_id=events[0]["id"]))).event
    assert one.state == pb.QUARANTINE_STATE_REPLAYED
    assert (one.event.id, one.corrected_event.id) == ("", events[0]["id"])
    assert [(part.state, part.actor, part.reason) for part in one.decisions] == [
        (pb.QUARANTINE_STATE_CORRECTED, "tester", "the export has no ids"),
        (pb.QUARANTINE_STATE_REPLAYED, "tester", "corrected"),
    ]


async def test_an_event_that_came_several_times_is_accepted_once_and_otherwise_a_duplicate(
    served: Any, event: Any, rows: Any
) -> None:
    client, quarantine = served.client(), served.quarantine()
    early = event("old", time_s=1.0)
    await write(client, rows(early, early))
    await write(client, rows(early))
    source = source_pb2.Source(name="sources/desk", time_earliest=Timestamp(seconds=0))
    await client.CreateSource(ingest_pb2.CreateSourceRequest(source_id="desk", source=source))
    replayed = await quarantine.ReplayEvents(pb.ReplayEventsRequest(selection=EVERYTHING))
    assert replayed.accepted_count == 1
    assert await totals(client) == {"desk": (3, 1, 2, 0)}
    counts = (await client.GetIntakeCounts(ingest_pb2.GetIntakeCountsRequest())).counts
    assert counts[0].replayed == 3


async def test_a_source_that_was_wrong_takes_its_events_along(served: Any, event: Any, rows: Any) -> None:
    client, quarantine = served.client(), served.quarantine()
    await write(client, rows(event("a", source="Help Desk"), event("b", source="Help Desk")))
    rule = pb.CorrectionRule.Replace(field="source", to=Value(text="helpdesk"))
    getattr(rule, "from").text = "Help Desk"
    rules = [pb.CorrectionRule(replace=rule)]
    await quarantine.CorrectEvents(pb.CorrectEventsRequest(selection=EVERYTHING, rules=rules, reason="renamed"))
    await quarantine.ReplayEvents(pb.ReplayEventsRequest(selection=EVERYTHING))
    assert await totals(client) == {"": (0, 0, 0, 0), "helpdesk": (2, 2, 0, 0)}


async def test_a_request_id_returns_the_first_answer_of_each_change(served: Any, event: Any, rows: Any) -> None:
    client, quarantine = served.client(), served.quarantine()
    await write(client, rows(*(event("", case_id=f"{n}") for n in range(4))))

    async def twice(call: Any, request: Any) -> Any:
        request.request_id = str(uuid.uuid4())
        first, second = await call(request), await call(request)
        assert first == second
        return first

    first = pb.CorrectEventsRequest(selection=EVERYTHING, rules=[GIVE_IDS], reason="ids")
    assert (await twice(quarantine.CorrectEvents, first)).corrected_count == 4
    replay = pb.ReplayEventsRequest(selection=EVERYTHING, page_size=2)
    replayed = await twice(quarantine.ReplayEvents, replay)
    assert (replayed.accepted_count, bool(replayed.next_page_token), bool(replayed.through)) == (2, True, True)
    discard = pb.DiscardEventsRequest(selection=EVERYTHING, reason="test data")
    assert (await twice(quarantine.DiscardEvents, discard)).discarded_count == 2
    assert await totals(client) == {"desk": (4, 2, 0, 2)}


async def test_a_large_selection_is_worked_on_page_by_page(served: Any, event: Any, rows: Any) -> None:
    client, quarantine = served.client(), served.quarantine()
    await write(client, rows(*(event("", case_id=f"{n}") for n in range(25))))

    async def pages(call: Any, request: Any) -> list[Any]:
        answers = [await call(request)]
        while request.page_token != answers[-1].next_page_token:
            request.page_token = answers[-1].next_page_token
            answers.append(await call(request))
            if not answers[-1].next_page_token:
                break
        return answers

    correct = pb.CorrectEventsRequest(selection=EVERYTHING, rules=[GIVE_IDS], reason="ids", page_size=10)
    assert [one.corrected_count for one in await pages(quarantine.CorrectEvents, correct)] == [10, 10, 5]
    replay = pb.ReplayEventsRequest(selection=EVERYTHING, page_size=10)
    assert [one.accepted_count for one in await pages(quarantine.ReplayEvents, replay)] == [10, 10, 5]


async def test_discarded_events_leave_the_list_stay_counted_and_do_not_come_back(
    served: Any, event: Any, rows: Any
) -> None:
    client, quarantine = served.client(), served.quarantine()
    await write(client, rows(event("", case_id="1"), event("", case_id="2")))
    (first, _) = await listed(quarantine)
    selection = pb.QuarantineSelection(quarantine_ids=[first.quarantine_id], etag=first.etag)
    await quarantine.DiscardEvents(pb.DiscardEventsRequest(selection=selection, reason="no such ticket"))
    assert len(await listed(quarantine)) == 1
    await write(client, rows(first.event))
    assert len(await listed(quarantine)) == 1
    counts = (await client.GetIntakeCounts(ingest_pb2.GetIntakeCountsRequest())).counts
    assert [(one.quarantined, one.discarded) for one in counts] == [(3, 2)]
    (gone,) = await listed(quarantine, filter=pb.QuarantineFilter(states=[pb.QUARANTINE_STATE_DISCARDED]))
    assert gone.quarantine_id == first.quarantine_id


async def test_a_replayed_event_that_is_refused_again_is_open_again_and_then_a_duplicate(
    served: Any, event: Any, rows: Any
) -> None:
    client, quarantine = served.client(), served.quarantine()
    for received in (1, 2):
        await write(client, rows(event("", case_id="1")))
        if received == 1:
            request = pb.CorrectEventsRequest(selection=EVERYTHING, rules=[GIVE_IDS], reason="ids")
            await quarantine.CorrectEvents(request)
        answer = await quarantine.ReplayEvents(pb.ReplayEventsRequest(selection=EVERYTHING))
        assert (answer.accepted_count, answer.duplicate_count) == ((1, 0) if received == 1 else (0, 1))
    assert await totals(client) == {"desk": (2, 1, 1, 0)}


async def test_a_stale_etag_is_refused_and_changes_nothing(served: Any, event: Any, rows: Any) -> None:
    client, quarantine = served.client(), served.quarantine()
    await write(client, rows(event("")))
    (one,) = await listed(quarantine)
    selection = pb.QuarantineSelection(quarantine_ids=[one.quarantine_id], etag=one.etag)
    await quarantine.CorrectEvents(pb.CorrectEventsRequest(selection=selection, rules=[GIVE_IDS], reason="ids"))
    assert (
        await status_of(quarantine.DiscardEvents(pb.DiscardEventsRequest(selection=selection, reason="x")))
        is grpc.StatusCode.ABORTED
    )
    assert (
        await status_of(quarantine.ReplayEvents(pb.ReplayEventsRequest(selection=selection))) is grpc.StatusCode.ABORTED
    )
    assert [two.state for two in await listed(quarantine)] == [pb.QUARANTINE_STATE_CORRECTED]


async def test_two_replicas_that_replay_at_once_accept_each_event_once(
    start: Any, event: Any, rows: Any, everything: Any
) -> None:
    first, second = await start(), await start()
    client = first.client()
    await write(client, rows(*(event("", case_id=f"{n}") for n in range(200))))
    # Different ids on each side: only the entry says that it is the same event.
    replicas = [first.quarantine(), second.quarantine()]
    await replicas[0].CorrectEvents(pb.CorrectEventsRequest(selection=EVERYTHING, rules=[GIVE_IDS], reason="ids"))
    answers = await asyncio.gather(
        *(one.ReplayEvents(pb.ReplayEventsRequest(selection=EVERYTHING)) for one in replicas for _ in range(2))
    )
    assert sum(one.accepted_count for one in answers) == 200
    assert sum(one.duplicate_count for one in answers) == 0
    others = Counter(result.outcome for one in answers for result in one.results)
    assert set(others) <= {pb.REPLAY_OUTCOME_ACCEPTED, pb.REPLAY_OUTCOME_CHANGED_MEANWHILE}
    assert len(await everything(client)) == 200
    assert await totals(client) == {"desk": (200, 200, 0, 0)}


async def test_entries_expire_after_their_retention_and_are_counted(start: Any, event: Any, rows: Any) -> None:
    served = await start(quarantine_retention_s=0.3, quarantine_expiry_every_s=0.1)
    client, quarantine = served.client(), served.quarantine()
    await write(client, rows(event("a"), event(""), event("", case_id="2")))
    for _ in range(100):
        if not await listed(quarantine):
            break
        await asyncio.sleep(0.05)
    counts = (await client.GetIntakeCounts(ingest_pb2.GetIntakeCountsRequest())).counts
    assert [(one.received, one.accepted, one.quarantined, one.expired) for one in counts] == [(3, 1, 2, 2)]


async def test_what_postgres_refuses_to_one_tenant_lets_entries_of_the_others_expire(
    start: Any, event: Any, rows: Any, migrated: str
) -> None:
    served = await start(quarantine_retention_s=0.3, quarantine_expiry_every_s=0.1)
    owner = await asyncpg.connect(migrated)
    await owner.execute(
        "CREATE FUNCTION ingest.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF OLD.tenant = 'acme' THEN RAISE EXCEPTION 'refused'; END IF; RETURN OLD; END $$;"
        " CREATE TRIGGER refused BEFORE DELETE ON ingest.quarantine FOR EACH ROW EXECUTE FUNCTION ingest.refuse()"
    )
    for tenant in ("acme", "quiet"):
        await write(served.client(tenant), rows(event("")))
    for _ in range(200):
        if not await listed(served.quarantine("quiet")):
            break
        await asyncio.sleep(0.05)
    assert not await listed(served.quarantine("quiet"))
    assert len(await listed(served.quarantine("acme"))) == 1
    await owner.execute("DROP TRIGGER refused ON ingest.quarantine")
    for _ in range(200):
        if not await listed(served.quarantine("acme")):
            break
        await asyncio.sleep(0.05)
    assert not await listed(served.quarantine("acme"))
    await owner.close()


async def test_corrected_events_are_as_unreadable_in_the_database_as_others(
    served: Any, event: Any, rows: Any, migrated: str
) -> None:
    client, quarantine = served.client(), served.quarantine()
    await write(client, rows(event("", resource="Ada Lovelace")))
    await quarantine.CorrectEvents(pb.CorrectEventsRequest(selection=EVERYTHING, rules=[GIVE_IDS], reason="ids"))
    connection = await asyncpg.connect(migrated)
    texts = []
    for table in ("quarantine", "quarantine_decision", "request", "intake"):
        texts += [str(dict(row)) for row in await connection.fetch(f"SELECT * FROM ingest.{table}")]
    await connection.close()
    assert texts
    assert not any("Ada" in text for text in texts)


SET_TIME = pb.CorrectionRule(set=pb.CorrectionRule.Set(field="time", value=Value(text="today")))
NO_FIELD = pb.CorrectionRule(clear="colour")
SHIFT = pb.CorrectionRule(shift=pb.CorrectionRule.Shift(by=Duration(seconds=10**10)))
NO_ZONE = pb.CorrectionRule(parse=pb.CorrectionRule.Parse(format="%Y", time_zone="Mars/Olympus", **{"from": "id"}))
UNKNOWN = pb.CorrectionRule(set=pb.CorrectionRule.Set(field="id", value=Value(text="{nothing}")))


@pytest.mark.parametrize("rule", [SET_TIME, NO_FIELD, SHIFT, NO_ZONE, UNKNOWN, pb.CorrectionRule()])
async def test_a_rule_that_cannot_be_is_refused(served: Any, rule: pb.CorrectionRule) -> None:
    call = served.quarantine().PreviewCorrection(pb.PreviewCorrectionRequest(selection=EVERYTHING, rules=[rule]))
    assert await status_of(call) is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_change_needs_a_selection_a_reason_and_a_role(served: Any) -> None:
    quarantine = served.quarantine()
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    assert await status_of(quarantine.DiscardEvents(pb.DiscardEventsRequest(reason="x"))) is invalid
    assert await status_of(quarantine.DiscardEvents(pb.DiscardEventsRequest(selection=EVERYTHING))) is invalid
    unknown = pb.QuarantineSelection(quarantine_ids=["q_none"])
    assert (
        await status_of(quarantine.ReplayEvents(pb.ReplayEventsRequest(selection=unknown))) is grpc.StatusCode.NOT_FOUND
    )
    reader = served.quarantine(roles=("reader", "writer"))
    assert await status_of(reader.ListQuarantinedEvents(pb.ListQuarantinedEventsRequest())) is (
        grpc.StatusCode.PERMISSION_DENIED
    )
