"""What entities are made of: their keys by source, with how long each was one of them, and keys that have none."""

import unicodedata
from dataclasses import dataclass
from typing import NewType

from services.ingest.model import EntityKind, SourceId

EntityId = NewType("EntityId", str)
# The position of a change, and the link that changed: source, field, key and since.
LinkPlace = tuple[int, str, str, str, int]

PERSONAL = (EntityKind.PERSON, EntityKind.CUSTOMER)
_ZERO_WIDTH = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))


def key_form(text: str) -> str:
    """The one form of keys that look alike: NFC, without zero-width characters and spaces at the ends.

    >>> key_form(" North\u200b ")
    'North'
    """
    return unicodedata.normalize("NFC", text.translate(_ZERO_WIDTH)).strip()


@dataclass(frozen=True)
class Entity:
    """merged_into: the entity that has its keys; empty: none. titles: of a person and a customer empty."""

    id: EntityId
    kind: EntityKind
    title_en: str = ""
    title_zh: str = ""
    created_at_us: int = 0
    merged_into: str = ""
    key_count: int = 0


@dataclass(frozen=True, order=True)
class Key:
    """`key` as `key_form` makes it."""

    source: SourceId
    field: str
    key: str


@dataclass(frozen=True)
class Link:
    """The key is one of the entity for events at positions in [since, until) of the log, and for those before that are
    restated in it. until absent: today."""

    key: Key
    entity: EntityId
    kind: EntityKind
    since: int
    until: int | None = None


@dataclass(frozen=True)
class LinkHistory:
    """A link, who made and ended it, and where its key came from or went to."""

    link: Link
    linked_at_us: int
    linked_by: str
    unlinked_at_us: int | None
    unlinked_by: str
    moved_from: str
    moved_to: str


@dataclass(frozen=True)
class KeyCount:
    """How many events have a key, and how it came first."""

    key: Key
    kind: EntityKind
    raw: str
    events: int


@dataclass(frozen=True)
class Restatement:
    """Cases of events of these keys through a position are to be read again by those who follow; done through `done`.

    since: the position of the change that it is for, which is its id.
    """

    since: int
    source: SourceId
    field: str
    keys: tuple[str, ...]
    through: int
    done: int
