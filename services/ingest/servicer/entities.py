"""EntityService: entities, the keys that sources call them by, and keys that have none."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from secrets import token_hex
from typing import Any

from andon.ingest.v1 import entity_pb2
from andon.ingest.v1 import entity_pb2_grpc as grpc_stubs

from services.ingest.log.segments import decoded
from services.ingest.model import SOURCE, EntityKind, SourceId
from services.ingest.registry.entities.counts import key_counts
from services.ingest.registry.entities.model import PERSONAL, Entity, EntityId, Key, KeyCount
from services.ingest.servicer.entity_rules import check_entity, check_keys
from services.ingest.servicer.request_context import RequestContext
from services.ingest.servicer.source_responses import caught_up
from services.ingest.wire import entities as entity_wire
from services.ingest.writer.interface import LockedSession, StoreSession
from services.runtime.errors import AlreadyExists, FailedPrecondition, NotFound, invalid
from services.runtime.field_checks import FieldChecks
from services.runtime.identity import current_caller
from services.runtime.page_tokens import page_size, page_token, place_of

PAGE_SIZE, PAGE_SIZE_MAX = 100, 1_000
HISTORY_MAX = 1_000
# More frequent than any key is.
_BEFORE_ALL = (-(2**62), "", "", "")


class EntityServicer(grpc_stubs.EntityServiceServicer):
    def __init__(self, requests: RequestContext) -> None:
        self._requests = requests

    async def CreateEntity(
        self, request: entity_pb2.CreateEntityRequest, context: Any
    ) -> entity_pb2.CreateEntityResponse:
        checks = FieldChecks()
        check_entity(request, checks)
        checks.done()
        title = request.entity.title
        name = EntityId(request.entity_id or _made())
        entity = Entity(name, EntityKind(request.entity.kind), title.en, title.zh)

        async def create(session: LockedSession) -> entity_pb2.CreateEntityResponse:
            if await session.entities.entity(name) is not None:
                raise AlreadyExists("ALREADY_EXISTS", "this entity exists")
            if request.validate_only:
                return entity_pb2.CreateEntityResponse(entity=entity_wire.entity_message(entity))
            await session.entities.create(entity)
            made = await _entity(session, name)
            return entity_pb2.CreateEntityResponse(entity=entity_wire.entity_message(made))

        return await self._requests.once("CreateEntity", request, entity_pb2.CreateEntityResponse, create)

    async def GetEntity(self, request: entity_pb2.GetEntityRequest, context: Any) -> entity_pb2.GetEntityResponse:
        tenant_log = await self._requests.log()
        async with self._requests.store.session(tenant_log.tenant) as session:
            found = await _entity(session, entity_wire.entity_id(request.name))
            history = await session.entities.history(found.id, HISTORY_MAX)
        links = [entity_wire.link_message(one) for one in history]
        return entity_pb2.GetEntityResponse(entity=entity_wire.entity_message(found), links=links)

    async def ListEntities(
        self, request: entity_pb2.ListEntitiesRequest, context: Any
    ) -> entity_pb2.ListEntitiesResponse:
        size = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        (after,) = place_of(request, "")
        tenant_log = await self._requests.log()
        async with self._requests.store.session(tenant_log.tenant) as session:
            found = await session.entities.entities(entity_wire.kind_of(request.kind), after, size + 1)
        more = page_token(request, found[size - 1].id) if len(found) > size else ""
        messages = [entity_wire.entity_message(one) for one in found[:size]]
        return entity_pb2.ListEntitiesResponse(entities=messages, next_page_token=more)

    async def LinkKeys(self, request: entity_pb2.LinkKeysRequest, context: Any) -> entity_pb2.LinkKeysResponse:
        keys = _keys(request.keys)
        name = entity_wire.entity_id(request.entity)

        async def link(session: LockedSession) -> entity_pb2.LinkKeysResponse:
            entity = await _entity(session, name)
            _refuse_merged(entity)
            await _check_declared(session, keys, entity.kind)
            known = await session.entities.current(keys)
            if any(one.entity != name for one in known.values()):
                raise FailedPrecondition("KEY_LINKED", "a key is linked to another entity: split or merge that one")
            new = [key for key in keys if key not in known]
            if new and not request.validate_only:
                since = session.head.position + 1
                await session.entities.link(new, entity, since, current_caller().subject)
                await session.entities.restate(new, since)
            return entity_pb2.LinkKeysResponse(linked_count=len(new))

        return await self._requests.once("LinkKeys", request, entity_pb2.LinkKeysResponse, link)

    async def MergeEntities(
        self, request: entity_pb2.MergeEntitiesRequest, context: Any
    ) -> entity_pb2.MergeEntitiesResponse:
        name, into = entity_wire.entity_id(request.entity), entity_wire.entity_id(request.into)
        if name == into:
            raise invalid("into", "must be another entity")

        async def merge(session: LockedSession) -> entity_pb2.MergeEntitiesResponse:
            entity, other = await _entity(session, name), await _entity(session, into)
            for one in (entity, other):
                _refuse_merged(one)
            _check_kinds(entity, other)
            if not request.validate_only:
                await _move(session, await session.entities.keys_of(name), entity, other)
                await session.entities.merged(name, into)
                other = await _entity(session, into)
            return entity_pb2.MergeEntitiesResponse(entity=entity_wire.entity_message(other))

        return await self._requests.once("MergeEntities", request, entity_pb2.MergeEntitiesResponse, merge)

    async def SplitEntity(self, request: entity_pb2.SplitEntityRequest, context: Any) -> entity_pb2.SplitEntityResponse:
        keys = _keys(request.keys)
        name, into = entity_wire.entity_id(request.entity), entity_wire.entity_id(request.into)
        if name == into:
            raise invalid("into", "must be another entity")

        async def split(session: LockedSession) -> entity_pb2.SplitEntityResponse:
            entity = await _entity(session, name)
            known = await session.entities.current(keys)
            if any(key not in known or known[key].entity != name for key in keys):
                raise NotFound("NOT_FOUND", "one of the keys is none of the entity")
            other = await session.entities.entity(into) if into else None
            is_new = other is None
            if other is None:
                _check_new(entity, into)
                other = Entity(into or EntityId(_made()), entity.kind)
            _refuse_merged(other)
            _check_kinds(entity, other)
            if not request.validate_only:
                if is_new:
                    await session.entities.create(other)
                await _move(session, keys, entity, other)
                other = await _entity(session, other.id)
            return entity_pb2.SplitEntityResponse(entity=entity_wire.entity_message(other))

        return await self._requests.once("SplitEntity", request, entity_pb2.SplitEntityResponse, split)

    async def ListUnmappedKeys(
        self, request: entity_pb2.ListUnmappedKeysRequest, context: Any
    ) -> entity_pb2.ListUnmappedKeysResponse:
        size = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        events, *place = place_of(request, *_BEFORE_ALL)
        asked = entity_wire.source_of(request.source)
        tenant_log = await self._requests.log()
        async with self._requests.store.session(tenant_log.tenant) as session:
            sources = await session.registry.sources()
        if asked is not None and asked not in sources:
            raise NotFound("NOT_FOUND", "no such source")
        for name, source in sources.items():
            if source.entity_keys and asked in (None, name):
                await self._caught_up(name)
        async with self._requests.store.session(tenant_log.tenant) as session:
            kind = entity_wire.kind_of(request.kind)
            found = await session.entities.unmapped(asked, kind, (events, *place), size + 1)
        more = ""
        if len(found) > size:
            last = found[size - 1]
            more = page_token(request, -last.events, last.key.source, last.key.field, last.key.key)
        messages = [entity_wire.unmapped_message(one) for one in found[:size]]
        return entity_pb2.ListUnmappedKeysResponse(keys=messages, next_page_token=more)

    async def _caught_up(self, name: SourceId) -> None:
        async def reader(session: StoreSession) -> tuple[int, Callable[[list[bytes]], list[KeyCount]]]:
            source = await session.registry.source(name)
            if source is None:
                raise NotFound("NOT_FOUND", "no such source")
            return len(source.entity_keys), lambda pages: key_counts(source, map(decoded, pages))

        await caught_up(self._requests, name, attrgetter("entities"), reader)


def _made() -> str:
    return token_hex(10)


def _keys(messages: Sequence[entity_pb2.EntityKey]) -> list[Key]:
    checks = FieldChecks()
    check_keys(messages, checks)
    checks.done()
    return sorted(set(map(entity_wire.key_of, messages)))


async def _check_declared(session: StoreSession, keys: Sequence[Key], kind: EntityKind) -> None:
    checks = FieldChecks()
    for name in sorted({key.source for key in keys}):
        source = await session.registry.source(name)
        declared = {one.field for one in source.entity_keys if one.kind == kind} if source else set()
        for key in keys:
            if key.source == name:
                what = f"{key.source} declares no key {key.field} of this kind"
                checks.require(key.field in declared, "keys", what)
    checks.done()


def _check_kinds(entity: Entity, other: Entity) -> None:
    if entity.kind != other.kind:
        raise invalid("into", "must be an entity of the same kind")


def _check_new(entity: Entity, into: EntityId) -> None:
    if entity.kind in PERSONAL:
        if into:
            raise NotFound("NOT_FOUND", "no such entity: of a person the server makes the name, so leave it empty")
    elif not SOURCE.fullmatch(into):
        raise invalid("into", "must be 1 to 64 of [a-z0-9._-]")


def _refuse_merged(entity: Entity) -> None:
    if entity.merged_into:
        raise FailedPrecondition("ENTITY_MERGED", f"the entity was merged into {entity.merged_into}")


async def _move(session: LockedSession, keys: Sequence[Key], entity: Entity, other: Entity) -> None:
    if keys:
        since, actor = session.head.position + 1, current_caller().subject
        await session.entities.unlink(keys, since, actor, other.id)
        await session.entities.link(keys, other, since, actor, entity.id)
        await session.entities.restate(keys, since)


async def _entity(session: StoreSession, name: EntityId) -> Entity:
    found = await session.entities.entity(name)
    if found is None:
        raise NotFound("NOT_FOUND", "no such entity")
    return found
