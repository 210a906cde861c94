"""What is stored of a tenant's entities, within one transaction."""

from collections.abc import Sequence
from typing import Protocol

from services.ingest.model import EntityKind, SourceId
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


class Entities(Protocol):
    async def create(self, entity: Entity) -> None: ...

    async def entity(self, name: EntityId) -> Entity | None: ...

    async def entities(self, kind: EntityKind | None, after: str, count_max: int) -> list[Entity]:
        """By id, without those that were merged into others."""

    async def history(self, name: EntityId, count_max: int) -> list[LinkHistory]:
        """The latest links of an entity, oldest first."""

    async def current(self, keys: Sequence[Key]) -> dict[Key, Link]:
        """What each key means today."""

    async def keys_of(self, name: EntityId) -> list[Key]:
        """Today."""

    async def link(self, keys: Sequence[Key], entity: Entity, since: int, actor: str, moved_from: str = "") -> None: ...

    async def unlink(self, keys: Sequence[Key], until: int, actor: str, moved_to: str) -> None: ...

    async def merged(self, name: EntityId, into: EntityId) -> None: ...

    async def restate(self, keys: Sequence[Key], since: int) -> None:
        """Cases of events of these keys before a change are to be restated."""

    async def changes(self, after: LinkPlace, count_max: int) -> list[tuple[LinkPlace, Link]]:
        """Links that began or ended, with their places in the order of change, after a place in that order."""

    async def restatements(self, count_max: int) -> list[Restatement]:
        """That are not done, oldest first."""

    async def restated(self, one: Restatement, through: int) -> None: ...

    async def locked_position(self, name: SourceId) -> int:
        """Through which the keys of a source's events are counted; nobody else moves it until this is over."""

    async def advance(self, name: SourceId, through: int, counts: Sequence[KeyCount]) -> None:
        """Adds to what is counted; in order of the keys."""

    async def unmapped(
        self, source: SourceId | None, kind: EntityKind | None, after: tuple[int, str, str, str], count_max: int
    ) -> list[KeyCount]:
        """Keys without an entity, most frequent first, after one of them: minus its events, and the key."""
