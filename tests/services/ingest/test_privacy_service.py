"""PrivacyService over real gRPC and real Postgres: policies are tested, values encrypted and read, persons erased."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any

import asyncpg
import grpc
import pyarrow as pa
import pytest
from andon.ingest.v1 import (
    event_pb2,
    ingest_pb2,
    privacy_pb2,
    privacy_pb2_grpc,
    quarantine_pb2,
    quarantine_pb2_grpc,
    source_pb2,
)

PSEUDONYMISED = [
    source_pb2.FieldPolicy(field="attributes.secret", treatment=source_pb2.TREATMENT_ENCRYPT),
    source_pb2.FieldPolicy(field="attributes.zip", treatment=source_pb2.TREATMENT_GENERALISE),
]
SOURCE = source_pb2.Source(policies=PSEUDONYMISED, subject="resource")


def write(batch: event_pb2.EventBatch, **fields: Any) -> ingest_pb2.WriteEventsRequest:
    return ingest_pb2.WriteEventsRequest(batch=batch, **fields)


@pytest.fixture
def privacy(served: Any) -> Any:
    return privacy_pb2_grpc.PrivacyServiceStub(served.channel())


@pytest.fixture
async def desk(served: Any) -> Any:
    client = served.client()
    await client.CreateSource(ingest_pb2.CreateSourceRequest(source_id="desk", source=SOURCE))
    return client


async def revealed(privacy: Any, text: str, field: str = "attributes.secret") -> tuple[bool, str]:
    value = privacy_pb2.RevealValuesRequest.EncryptedValue(field=field, text=text)
    (one,) = (await privacy.RevealValues(privacy_pb2.RevealValuesRequest(values=[value]))).values
    return one.readable, one.text


async def test_a_policy_is_tested_without_anything_being_written(
    desk: Any, privacy: Any, event: Any, everything: Any, migrated: str
) -> None:
    sample = event("a", resource="Ada", attributes={"note": "call 138-1234-5678", "zip": "94105", "secret": "x"})
    request = privacy_pb2.TestPolicyRequest(source="sources/desk", events=[sample, event("")])
    good, bad = (await privacy.TestPolicy(request)).results
    assert good.event.resource.startswith("p_")
    assert good.event.attributes["note"].text == "call [phone]"
    assert good.event.attributes["zip"].text == "941"
    assert good.event.attributes["secret"].text.startswith("enc1.")
    assert [(one.field, getattr(one, "class"), one.start, one.end) for one in good.findings] == [
        ("attributes.note", "phone", 5, 18)
    ]
    assert bad.rejection.field == "id"
    assert not bad.HasField("event")
    assert await everything(desk) == []
    connection = await asyncpg.connect(migrated)
    assert await connection.fetchval("SELECT count(*) FROM ingest.person") == 0
    await connection.close()


async def test_a_policy_that_no_source_has_yet_is_tested_and_checked(desk: Any, privacy: Any, event: Any) -> None:
    kept = source_pb2.Source(policies=[source_pb2.FieldPolicy(field="resource", treatment=source_pb2.TREATMENT_KEEP)])
    request = privacy_pb2.TestPolicyRequest(policy=kept, events=[event("a", resource="robot")])
    (result,) = (await privacy.TestPolicy(request)).results
    assert result.event.resource == "robot"
    kept.policies[0].field = "time"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await privacy.TestPolicy(privacy_pb2.TestPolicyRequest(policy=kept, events=[event("a")]))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await privacy.TestPolicy(privacy_pb2.TestPolicyRequest(source="sources/none", events=[event("a")]))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_certificates_are_listed_the_newest_first_page_by_page(
    desk: Any, privacy: Any, event: Any, rows: Any
) -> None:
    people = ["Ada", "Bob", "Cy"]
    await desk.WriteEvents(write(rows(*(event(name, resource=name) for name in people))))
    made = [
        (await privacy.EraseSubject(privacy_pb2.EraseSubjectRequest(values=[name], reason="asked"))).erasure
        for name in people
    ]
    listed, token = [], ""
    while True:
        page = await privacy.ListErasures(privacy_pb2.ListErasuresRequest(page_size=2, page_token=token))
        listed += page.erasures
        token = page.next_page_token
        if not token:
            break
    assert listed == made[::-1]


async def test_an_erased_person_cannot_be_read_or_linked_any_more_and_others_can(
    desk: Any, privacy: Any, event: Any, rows: Any, everything: Any
) -> None:
    events = [event(name, resource=name, attributes={"secret": f"of {name}"}) for name in ("Ada", "Bob")]
    await desk.WriteEvents(write(rows(*events)))
    before = {one["id"]: one for one in await everything(desk)}
    assert await revealed(privacy, before["Ada"]["attributes.secret"]) == (True, "of Ada")
    request = privacy_pb2.EraseSubjectRequest(values=["Ada"], reason="asked for by mail", request_id=str(uuid.uuid4()))
    dry = await privacy.EraseSubject(privacy_pb2.EraseSubjectRequest(values=["Ada", "Nobody"], validate_only=True))
    assert (dry.erasure.value_count, dry.erasure.person_count, dry.erasure.name) == (2, 1, "")
    assert await revealed(privacy, before["Ada"]["attributes.secret"]) == (True, "of Ada")

    erasure = (await privacy.EraseSubject(request)).erasure
    assert (erasure.person_count, erasure.quarantined_count, erasure.actor) == (1, 0, "tester")
    assert (await privacy.EraseSubject(request)).erasure == erasure
    assert await revealed(privacy, before["Ada"]["attributes.secret"]) == (False, "")
    assert await revealed(privacy, before["Bob"]["attributes.secret"]) == (True, "of Bob")
    assert (await privacy.GetErasure(privacy_pb2.GetErasureRequest(name=erasure.name))).erasure == erasure
    assert list((await privacy.ListErasures(privacy_pb2.ListErasuresRequest())).erasures) == [erasure]

    # The log is as it was, and whoever comes with this name is somebody else.
    later = [event(f"{name}-2", resource=name) for name in ("Ada", "Bob")]
    await desk.WriteEvents(write(rows(*later)))
    after = {one["id"]: one for one in await everything(desk)}
    assert {name: after[name] for name in before} == before
    assert after["Ada-2"]["resource"] != before["Ada"]["resource"]
    assert after["Bob-2"]["resource"] == before["Bob"]["resource"]


async def test_another_replica_forgets_an_erased_person_before_it_writes_again(
    start: Any, event: Any, rows: Any, everything: Any
) -> None:
    one, other = await start(), await start()
    await one.client().WriteEvents(write(rows(event("a", resource="Ada"))))
    await other.client().WriteEvents(write(rows(event("b", resource="Ada"))))
    await one.client().WriteEvents(write(rows(event("c", resource="Ada"))))
    privacy = privacy_pb2_grpc.PrivacyServiceStub(other.channel())
    await privacy.EraseSubject(privacy_pb2.EraseSubjectRequest(values=["Ada"]))
    for served, id in ((one, "d"), (other, "e")):
        await served.client().WriteEvents(write(rows(event(id, resource="Ada"))))
    found = {row["id"]: row["resource"] for row in await everything(one.client())}
    assert found["a"] == found["b"] == found["c"]
    assert found["d"] == found["e"] != found["a"]


async def test_refused_events_of_the_person_are_deleted_and_the_balance_holds(
    served: Any, desk: Any, privacy: Any, event: Any, rows: Any
) -> None:
    bad = [
        event("", resource="Ada", attributes={"n": "1"}),
        event("", resource="Bob", attributes={"n": "Ada, please call"}),
        event("", resource="Adalbert", attributes={"n": "3"}),
    ]
    await desk.WriteEvents(write(rows(*bad)))
    erasure = (await privacy.EraseSubject(privacy_pb2.EraseSubjectRequest(values=["Ada"]))).erasure
    assert erasure.quarantined_count == 2
    quarantine = quarantine_pb2_grpc.QuarantineServiceStub(served.channel())
    left = (await quarantine.ListQuarantinedEvents(quarantine_pb2.ListQuarantinedEventsRequest())).events
    assert [one.event.resource for one in left] == ["Adalbert"]
    (count,) = (await desk.GetIntakeCounts(ingest_pb2.GetIntakeCountsRequest())).counts
    assert count.received == count.accepted + count.duplicate + count.quarantined


async def test_nothing_of_an_erasure_names_the_person(
    desk: Any, privacy: Any, event: Any, rows: Any, migrated: str
) -> None:
    await desk.WriteEvents(write(rows(event("a", resource="Ada Lovelace"), event("", resource="Ada Lovelace"))))
    values = ["Ada Lovelace", "ada@lovelace.example"]
    await privacy.EraseSubject(
        privacy_pb2.EraseSubjectRequest(
            values=values, reason="mail of ada@lovelace.example", request_id=str(uuid.uuid4())
        )
    )
    connection = await asyncpg.connect(migrated)
    texts = []
    for (table,) in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'ingest'"):
        texts += [str(dict(row)) for row in await connection.fetch(f'SELECT * FROM ingest."{table}"')]
    segments = await connection.fetch("SELECT events FROM ingest.segment")
    texts += [str(pa.ipc.open_stream(row["events"]).read_all().to_pylist()) for row in segments]
    reason = await connection.fetchval("SELECT reason FROM ingest.erasure")
    await connection.close()
    assert reason == "mail of [email]"
    assert not any(secret in text for text in texts for secret in ("Ada", "Lovelace", "lovelace.example"))


@pytest.mark.parametrize(
    ("request_of", "field"),
    [
        (privacy_pb2.EraseSubjectRequest(), "values"),
        (privacy_pb2.EraseSubjectRequest(values=[""]), "values[0]"),
        (privacy_pb2.EraseSubjectRequest(values=["a", " \u200b"]), "values[1]"),
        (privacy_pb2.EraseSubjectRequest(values=["a"], reason="x" * 501), "reason"),
        (privacy_pb2.EraseSubjectRequest(values=["a"], request_id="no uuid"), "request_id"),
    ],
)
async def test_a_bad_erasure_is_refused_with_its_field(privacy: Any, request_of: Any, field: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await privacy.EraseSubject(request_of)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert field in str(caught.value.debug_error_string()) + str(caught.value.trailing_metadata())


async def test_writers_and_readers_neither_test_nor_reveal_nor_erase(served: Any) -> None:
    for role in ("writer", "reader", "analyst", "quality_manager", "service"):
        stub = privacy_pb2_grpc.PrivacyServiceStub(served.channel(roles=(role,)))
        for call in (
            stub.EraseSubject(privacy_pb2.EraseSubjectRequest(values=["a"])),
            stub.RevealValues(privacy_pb2.RevealValuesRequest()),
            stub.TestPolicy(privacy_pb2.TestPolicyRequest()),
            stub.ListErasures(privacy_pb2.ListErasuresRequest()),
            stub.GetErasure(privacy_pb2.GetErasureRequest()),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_secrets_behind_the_horizon_are_advanced_and_pseudonyms_since_then_stay(
    start: Any, event: Any, rows: Any, everything: Any, migrated: str
) -> None:
    client = (await start(pseudonym_days=1, pseudonym_horizon_days=1, archive_every_s=0.2)).client()
    await client.WriteEvents(write(rows(event("a", resource="Ada"))))
    connection = await asyncpg.connect(migrated)
    now = await connection.fetchval("SELECT version FROM ingest.person")
    assert now > 19_000
    await connection.close()
    await client.WriteEvents(write(rows(event("b", resource="Ada"))))
    found = [row["resource"] for row in await everything(client)]
    assert found[0] == found[1]


async def vocabulary_rows(dsn: str) -> set[tuple[str, str, str]]:
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch("SELECT kind, name, value FROM ingest.vocabulary WHERE kind IN ('value', 'many')")
    await connection.close()
    return {(row["kind"], row["name"], row["value"]) for row in rows}


async def test_values_of_fields_that_name_persons_are_not_recorded_and_leave_when_a_policy_says_so(
    desk: Any, event: Any, rows: Any, migrated: str
) -> None:
    attributes = {"email": "ada@b.example", "secret": "x", "member": "M-17", "team": "A"}
    await desk.WriteEvents(write(rows(event("a", attributes=attributes))))
    many = {("many", "email", ""), ("many", "secret", "")}
    assert await vocabulary_rows(migrated) == many | {("value", "member", "M-17"), ("value", "team", "A")}
    source = source_pb2.Source(name="sources/desk", policies=PSEUDONYMISED, subject="attributes.member")
    await desk.UpdateSource(ingest_pb2.UpdateSourceRequest(source=source))
    many |= {("many", "member", "")}
    assert await vocabulary_rows(migrated) == many | {("value", "team", "A")}
    await desk.WriteEvents(write(rows(event("b", attributes={"member": "M-18"}))))
    assert await vocabulary_rows(migrated) == many | {("value", "team", "A")}


async def test_an_erasure_deletes_recorded_lists_that_hold_a_value_and_no_replica_records_them_again(
    start: Any, event: Any, rows: Any, migrated: str
) -> None:
    one, other = await start(), await start()
    for served, id in ((one, "a"), (other, "b")):
        attributes = {"member": "M-17", "note": "asked by M-17", "team": "A"}
        await served.client().WriteEvents(write(rows(event(id, attributes=attributes))))
    privacy = privacy_pb2_grpc.PrivacyServiceStub(one.channel())
    dry = await privacy.EraseSubject(privacy_pb2.EraseSubjectRequest(values=["M-17"], validate_only=True))
    assert dry.erasure.vocabulary_count == 2
    assert ("value", "member", "M-17") in await vocabulary_rows(migrated)
    erasure = (await privacy.EraseSubject(privacy_pb2.EraseSubjectRequest(values=["M-17"]))).erasure
    assert erasure.vocabulary_count == 2
    assert (await privacy.GetErasure(privacy_pb2.GetErasureRequest(name=erasure.name))).erasure == erasure
    left = {("many", "member", ""), ("many", "note", ""), ("value", "team", "A")}
    assert await vocabulary_rows(migrated) == left
    for served, id in ((one, "c"), (other, "d")):
        attributes = {"member": f"M-{id}", "note": f"asked by M-{id}"}
        await served.client().WriteEvents(write(rows(event(id, attributes=attributes))))
    assert await vocabulary_rows(migrated) == left


async def test_stored_secrets_move_over_several_periods_and_pseudonyms_of_later_ones_are_the_same(
    start: Any, event: Any, rows: Any, everything: Any, migrated: str
) -> None:
    day_s, now_s = 86_400, time.time()

    async def wrote(served: Any, *events: tuple[str, float]) -> dict[str, str]:
        batch = rows(*(event(id, resource="Ada", time_s=now_s - days * day_s) for id, days in events))
        await served.client().WriteEvents(write(batch))
        return {row["id"]: row["resource"] for row in await everything(served.client())}

    async def stored_version() -> int:
        connection = await asyncpg.connect(migrated)
        (row,) = await connection.fetch("SELECT version, secret FROM ingest.person")
        await connection.close()
        return int(row["version"])

    first = await wrote(await start(pseudonym_days=1, pseudonym_horizon_days=60), ("old", 50), ("now", 0))
    before = await stored_version()
    later = await start(pseudonym_days=1, pseudonym_horizon_days=5, archive_every_s=0.1)
    await later.client().ListSources(ingest_pb2.ListSourcesRequest())
    await wrote(later, ("begin", 0))
    for _ in range(100):
        if await stored_version() > before:
            break
        await asyncio.sleep(0.1)
    assert await stored_version() - before == 55
    found = await wrote(later, ("old-2", 50), ("old-3", 20), ("now-2", 0))
    assert found["now-2"] == found["begin"] == first["now"]
    # Nobody can make the pseudonym of that day any more: it gets the oldest one that can be made.
    assert found["old-2"] == found["old-3"] != first["old"]


async def test_a_person_whose_keys_are_brought_to_their_form_is_erased_by_the_value_as_it_was_sent(
    served: Any, privacy: Any, event: Any, rows: Any
) -> None:
    client = served.client()
    source = source_pb2.Source(cleaning=source_pb2.Cleaning(normalise_keys=True))
    await client.CreateSource(ingest_pb2.CreateSourceRequest(source_id="desk", source=source))
    await client.WriteEvents(write(rows(event("a", resource=" Ren\u0065\u0301\u200b "))))
    sent = privacy_pb2.EraseSubjectRequest(values=[" Ren\u0065\u0301\u200b "])
    erasure = (await privacy.EraseSubject(sent)).erasure
    assert (erasure.value_count, erasure.person_count) == (1, 1)
