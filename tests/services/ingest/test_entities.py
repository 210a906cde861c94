"""EntityService over real gRPC and Postgres: keys are linked, merged, split, and events read by what they mean."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest
from andon.common.v1.text_pb2 import Text
from andon.ingest.v1 import entity_pb2, entity_pb2_grpc, ingest_pb2, source_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status

LOCATION, PERSON = source_pb2.ENTITY_KIND_LOCATION, source_pb2.ENTITY_KIND_PERSON
BRANCH = "attributes.branch"


@pytest.fixture
async def served(start: Callable[..., Awaitable[Any]]) -> Any:
    return await start(quality_publication_every_s=0.1)


@pytest.fixture
def entities(served: Any) -> Any:
    return entity_pb2_grpc.EntityServiceStub(served.channel())


@pytest.fixture
async def sources(served: Any) -> Any:
    client = served.client()
    for name, field in (("desk", BRANCH), ("shop", "attributes.site")):
        declared = [source_pb2.EntityField(field=field, kind=LOCATION)]
        source = source_pb2.Source(entity_keys=declared)
        await client.CreateSource(ingest_pb2.CreateSourceRequest(source_id=name, source=source))
    return client


def key(key: str, source: str = "desk", field: str = BRANCH) -> entity_pb2.EntityKey:
    return entity_pb2.EntityKey(source=f"sources/{source}", field=field, key=key)


def site(name: str) -> entity_pb2.EntityKey:
    return key(name, "shop", "attributes.site")


async def create(entities: Any, name: str, kind: Any = LOCATION, **fields: Any) -> entity_pb2.Entity:
    entity = entity_pb2.Entity(kind=kind, title=Text(en=name.title()) if name else None)
    return (await entities.CreateEntity(entity_pb2.CreateEntityRequest(entity_id=name, entity=entity, **fields))).entity


async def link(entities: Any, entity: str, *keys: entity_pb2.EntityKey, **fields: Any) -> int:
    request = entity_pb2.LinkKeysRequest(entity=f"entities/{entity}", keys=keys, **fields)
    return (await entities.LinkKeys(request)).linked_count


async def write(client: Any, batch: Any) -> None:
    answer = await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))
    assert not answer.rejections


async def pages(client: Any) -> AsyncIterator[Any]:
    async for response in client.ReadEvents(ingest_pb2.ReadEventsRequest(encoding=ingest_pb2.ENCODING_ROWS)):
        for page in response.pages:
            for one in page.events.rows.events:
                yield one


def place(one: Any) -> str:
    return one.attributes["entity.location"].text if "entity.location" in one.attributes else ""


async def logged(client: Any) -> dict[str, str]:
    """By id, the entity of each event as it comes in the log."""
    return {one.id: place(one) async for one in pages(client) if one.source != "andon.entity"}


async def cases(client: Any, *names: str) -> dict[str, str]:
    """By id, the entity of each event of some cases as they are today."""
    request = ingest_pb2.ReadCasesRequest(case_ids=names, encoding=ingest_pb2.ENCODING_ROWS)
    found = [one async for response in client.ReadCases(request) for one in response.events.rows.events]
    return {one.id: place(one) for one in found if one.source != "andon.entity"}


async def until(read: Any, expected: Any) -> None:
    for _ in range(200):
        if await read() == expected:
            break
        await asyncio.sleep(0.05)
    assert await read() == expected


def fields_of(error: grpc.aio.AioRpcError) -> set[str]:
    status: Any = rpc_status.from_call(error)  # type: ignore[arg-type]
    bad = error_details_pb2.BadRequest()
    assert any(detail.Unpack(bad) for detail in status.details)
    return {one.field for one in bad.field_violations}


async def test_two_sources_that_mean_one_entity_yield_one(
    served: Any, entities: Any, sources: Any, event: Any, rows: Any
) -> None:
    await create(entities, "north")
    assert await link(entities, "north", key(" N1\u200b"), site("17")) == 2
    assert await link(entities, "north", key("N1")) == 0
    later = [
        event("a", source="desk", attributes={"branch": "N1 "}),
        event("b", source="shop", attributes={"site": 17}),
        event("c", source="shop", attributes={"site": 18}),
        event("d", source="other", attributes={"branch": "N1"}),
    ]
    await write(sources, rows(*later))
    assert await logged(sources) == {"a": "north", "b": "north", "c": "", "d": ""}
    stored = {one.id: one async for one in pages(sources)}
    assert stored["a"].attributes["branch"].text == "N1 "
    # The log has the event as it came, so the same one again is a duplicate.
    again = await sources.WriteEvents(ingest_pb2.WriteEventsRequest(batch=rows(*later)))
    assert again.duplicate == 4
    found = await entities.GetEntity(entity_pb2.GetEntityRequest(name="entities/north"))
    assert (found.entity.key_count, found.entity.title.en) == (2, "North")
    assert [(one.key, one.linked_by) for one in found.links] == [(key("N1"), "tester"), (site("17"), "tester")]


async def test_a_link_is_for_events_before_it_and_a_reader_of_the_log_gets_the_same_pages_again(
    served: Any, entities: Any, sources: Any, event: Any, rows: Any
) -> None:
    await write(sources, rows(event("a", source="desk", case_id="one", attributes={"branch": "N1"})))
    before = await logged(sources)
    await create(entities, "north")
    await link(entities, "north", key("N1"))
    await until(lambda: cases(sources, "one"), {"a": "north"})
    # What followers have read does not change behind their backs: a marker says which cases to read again.
    assert await logged(sources) == before == {"a": ""}
    markers = [one async for one in pages(sources) if one.source == "andon.entity"]
    assert [(one.case_id, bool(one.retracts)) for one in markers] == [("one", True)]
    bounds = await sources.GetWatchBounds(ingest_pb2.GetWatchBoundsRequest())
    assert bounds.event_count == 2


async def test_merge_and_split_move_keys_with_their_history(
    served: Any, entities: Any, sources: Any, event: Any, rows: Any
) -> None:
    await create(entities, "north")
    await create(entities, "nord")
    await link(entities, "north", key("N1"))
    await link(entities, "nord", key("N2"), site("17"))
    merge = entity_pb2.MergeEntitiesRequest(entity="entities/nord", into="entities/north", request_id=str(uuid.uuid4()))
    merged = (await entities.MergeEntities(merge)).entity
    assert (await entities.MergeEntities(merge)).entity == merged
    assert merged.key_count == 3
    former = await entities.GetEntity(entity_pb2.GetEntityRequest(name="entities/nord"))
    assert (former.entity.merged_into, former.entity.key_count) == ("entities/north", 0)
    assert {(one.moved_to, one.unlinked_by) for one in former.links} == {("entities/north", "tester")}
    await write(sources, rows(event("a", source="desk", case_id="one", attributes={"branch": "N2"})))
    assert await logged(sources) == {"a": "north"}
    split = entity_pb2.SplitEntityRequest(entity="entities/north", keys=[key("N2")], into="entities/south")
    made = (await entities.SplitEntity(split)).entity
    assert (made.name, made.kind, made.key_count) == ("entities/south", LOCATION, 1)
    await until(lambda: cases(sources, "one"), {"a": "south"})
    history = (await entities.GetEntity(entity_pb2.GetEntityRequest(name="entities/south"))).links
    assert [(one.key, one.moved_from) for one in history] == [(key("N2"), "entities/north")]
    listed = (await entities.ListEntities(entity_pb2.ListEntitiesRequest(kind=LOCATION))).entities
    assert [one.name for one in listed] == ["entities/north", "entities/south"]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await link(entities, "nord", key("N9"))
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await link(entities, "south", key("N1"))
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION


async def test_unmapped_keys_are_listed_with_their_counts(
    served: Any, entities: Any, sources: Any, event: Any, rows: Any
) -> None:
    desk = [event(f"d{n}", source="desk", attributes={"branch": "N1 " if n else " N1"}) for n in range(3)]
    shop = [event(f"s{n}", source="shop", attributes={"site": str(n % 2)}) for n in range(3)]
    await write(sources, rows(*desk, *shop))

    async def unmapped(**fields: Any) -> list[tuple[str, str, int]]:
        found = await entities.ListUnmappedKeys(entity_pb2.ListUnmappedKeysRequest(**fields))
        return [(one.key.source, one.key.key, one.event_count) for one in found.keys]

    everything = [("sources/desk", "N1", 3), ("sources/shop", "0", 2), ("sources/shop", "1", 1)]
    assert await unmapped() == everything
    assert await unmapped(source="sources/shop") == everything[1:]
    first = await entities.ListUnmappedKeys(entity_pb2.ListUnmappedKeysRequest(page_size=2))
    assert first.keys[0].raw == " N1"
    rest = entity_pb2.ListUnmappedKeysRequest(page_size=2, page_token=first.next_page_token)
    assert [one.key.key for one in (await entities.ListUnmappedKeys(rest)).keys] == ["1"]
    await create(entities, "north")
    await link(entities, "north", key("N1"))
    await write(sources, rows(event("s9", source="shop", attributes={"site": "1"})))
    assert await unmapped() == [("sources/shop", "0", 2), ("sources/shop", "1", 2)]


async def test_persons_are_entities_by_pseudonym_alone(
    served: Any, entities: Any, sources: Any, event: Any, rows: Any
) -> None:
    client = served.client()
    declared = source_pb2.EntityField(field="resource", kind=PERSON)
    keep = source_pb2.FieldPolicy(field="resource", treatment=source_pb2.TREATMENT_KEEP)
    shown = source_pb2.Source(entity_keys=[declared], policies=[keep])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.CreateSource(ingest_pb2.CreateSourceRequest(source_id="crew", source=shown))
    assert fields_of(caught.value) == {"source.entity_keys[0].field"}
    hidden = source_pb2.Source(entity_keys=[declared])
    await client.CreateSource(ingest_pb2.CreateSourceRequest(source_id="crew", source=hidden))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(entities, "ann", PERSON)
    assert fields_of(caught.value) == {"entity_id", "entity.title.en"}
    await write(client, rows(event("a", source="crew", resource="Ann Lee")))
    (found,) = (await entities.ListUnmappedKeys(entity_pb2.ListUnmappedKeysRequest(kind=PERSON))).keys
    assert found.key.key.startswith("p_")
    person = await create(entities, "", PERSON)
    assert await link(entities, person.name.removeprefix("entities/"), found.key) == 1
    await write(client, rows(event("b", source="crew", resource="Ann Lee")))
    read = {one.id: one async for one in pages(client)}
    assert f"entities/{read['b'].attributes['entity.person'].text}" == person.name


async def test_what_is_not_declared_is_refused_and_a_dry_run_writes_nothing(
    served: Any, entities: Any, sources: Any
) -> None:
    assert (await create(entities, "north", validate_only=True)).name == "entities/north"
    await create(entities, "north")
    assert await link(entities, "north", key("N1"), validate_only=True) == 1
    assert await link(entities, "north", key("N1")) == 1
    for wrong in (key("x", "shop"), key("x", "none"), key("x", field="resource"), key(" ")):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await link(entities, "north", wrong)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    other = entity_pb2_grpc.EntityServiceStub(served._channel("globex", ("operator", "reader")))
    assert not (await other.ListEntities(entity_pb2.ListEntitiesRequest())).entities
    reader = entity_pb2_grpc.EntityServiceStub(served.channel(("reader",)))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await link(reader, "north", key("N2"))
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    twice = source_pb2.Source(
        name="sources/desk", entity_keys=[source_pb2.EntityField(field=field, kind=LOCATION) for field in ("a", BRANCH)]
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await sources.UpdateSource(ingest_pb2.UpdateSourceRequest(source=twice))
    assert fields_of(caught.value) == {"source.entity_keys[0].field", "source.entity_keys[1]"}
