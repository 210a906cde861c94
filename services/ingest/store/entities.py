"""Entities in Postgres: their keys with history, how often keys were seen, and what is to be restated."""

from collections.abc import Sequence

import asyncpg

from services.ingest.model import EntityKind, SourceId, TenantId
from services.ingest.registry.entities.model import (
    Entity,
    EntityId,
    Key,
    KeyCount,
    Link,
    LinkHistory,
    LinkPlace,
    Restatement,
)
from services.ingest.store.schema import micros, queries


class PostgresEntities:
    """Of one tenant, within one transaction."""

    def __init__(self, connection: asyncpg.Connection, tenant: TenantId) -> None:
        self._connection = connection
        self._tenant = tenant

    async def create(self, entity: Entity) -> None:
        titles = (entity.title_en, entity.title_zh)
        await self._connection.execute(queries.create_entity, self._tenant, entity.id, entity.kind, *titles)

    async def entity(self, name: EntityId) -> Entity | None:
        row = await self._connection.fetchrow(queries.entity, self._tenant, name)
        return _entity(row) if row is not None else None

    async def entities(self, kind: EntityKind | None, after: str, count_max: int) -> list[Entity]:
        rows = await self._connection.fetch(queries.entities, self._tenant, kind, after, count_max)
        return [_entity(row) for row in rows]

    async def history(self, name: EntityId, count_max: int) -> list[LinkHistory]:
        rows = await self._connection.fetch(queries.entity_history, self._tenant, name, count_max)
        return [
            LinkHistory(
                _link(row),
                micros(row["linked_at"]),
                row["linked_by"],
                micros(row["unlinked_at"]) if row["unlinked_at"] is not None else None,
                row["unlinked_by"],
                row["moved_from"],
                row["moved_to"],
            )
            for row in reversed(rows)
        ]

    async def current(self, keys: Sequence[Key]) -> dict[Key, Link]:
        rows = await self._connection.fetch(queries.current_links, self._tenant, *_columns(keys))
        return {link.key: link for link in map(_link, rows)}

    async def keys_of(self, name: EntityId) -> list[Key]:
        return [_key(row) for row in await self._connection.fetch(queries.keys_of_entity, self._tenant, name)]

    async def link(self, keys: Sequence[Key], entity: Entity, since: int, actor: str, moved_from: str = "") -> None:
        of = (since, entity.id, entity.kind, actor, moved_from)
        await self._connection.execute(queries.link_keys, self._tenant, *_columns(keys), *of)

    async def unlink(self, keys: Sequence[Key], until: int, actor: str, moved_to: str) -> None:
        await self._connection.execute(queries.unlink_keys, self._tenant, *_columns(keys), until, actor, moved_to)

    async def merged(self, name: EntityId, into: EntityId) -> None:
        await self._connection.execute(queries.merge_entity, self._tenant, name, into)

    async def restate(self, keys: Sequence[Key], since: int) -> None:
        await self._connection.execute(queries.restate_keys, self._tenant, *_columns(keys), since)

    async def changes(self, after: LinkPlace, count_max: int) -> list[tuple[LinkPlace, Link]]:
        rows = await self._connection.fetch(queries.link_changes, self._tenant, *after, count_max)
        return [((row["changed"], row["source"], row["field"], row["key"], row["since"]), _link(row)) for row in rows]

    async def restatements(self, count_max: int) -> list[Restatement]:
        rows = await self._connection.fetch(queries.restatements, self._tenant, count_max)
        return [Restatement(**{**row, "source": SourceId(row["source"]), "keys": tuple(row["keys"])}) for row in rows]

    async def restated(self, one: Restatement, through: int) -> None:
        which = (self._tenant, one.since, one.source, one.field)
        if through >= one.through:
            await self._connection.execute(queries.end_restatement, *which)
        else:
            await self._connection.execute(queries.move_restatement, *which, through)

    async def locked_position(self, name: SourceId) -> int:
        await self._connection.execute(queries.begin_key_reading, self._tenant, name)
        return int(await self._connection.fetchval(queries.lock_key_reading, self._tenant, name))

    async def advance(self, name: SourceId, through: int, counts: Sequence[KeyCount]) -> None:
        if counts:
            await self._connection.execute(
                queries.count_keys,
                self._tenant,
                name,
                [one.key.field for one in counts],
                [one.key.key for one in counts],
                [one.kind for one in counts],
                [one.raw for one in counts],
                [one.events for one in counts],
            )
        await self._connection.execute(queries.move_key_reading, self._tenant, name, through)

    async def unmapped(
        self, source: SourceId | None, kind: EntityKind | None, after: tuple[int, str, str, str], count_max: int
    ) -> list[KeyCount]:
        rows = await self._connection.fetch(queries.unmapped_keys, self._tenant, source, kind, *after, count_max)
        return [KeyCount(_key(row), EntityKind(row["kind"]), row["raw"], row["event_count"]) for row in rows]


def _columns(keys: Sequence[Key]) -> tuple[list[str], list[str], list[str]]:
    return [one.source for one in keys], [one.field for one in keys], [one.key for one in keys]


def _key(row: asyncpg.Record) -> Key:
    return Key(SourceId(row["source"]), row["field"], row["key"])


def _link(row: asyncpg.Record) -> Link:
    return Link(_key(row), EntityId(row["entity_id"]), EntityKind(row["kind"]), row["since"], row["until"])


def _entity(row: asyncpg.Record) -> Entity:
    values = dict(row)
    return Entity(
        id=EntityId(values.pop("entity_id")),
        kind=EntityKind(values.pop("kind")),
        created_at_us=micros(values.pop("created_at")),
        **values,
    )
