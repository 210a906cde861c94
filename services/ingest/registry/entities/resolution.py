"""The entities of events, by the keys that they have and what these meant at a position of the log.

Theory of operation. The log has events as they came, so that one that is sent again is the same. Its entities are added
when it is read, and what is added to an event at position p follows from the log alone: a key means what it meant at
p. So a reader gets the same pages whenever it reads them. A link for events before it restates their cases: a marker is
appended to each, an event of the service's own source that is no occurrence. Who reads a case through a position gets
its events by what their keys meant at the latest marker of the case, or at the event itself where that is later. So
the order of events and links makes no difference in the end, and who folds again what was folded gets the same.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.ingest.model import ATTRIBUTE_PREFIX, CODED_TEXT, EntityKind, SourceId
from services.ingest.registry.entities.model import Key, Link, key_form

Positions = NDArray[np.int64]


def entity_field(kind: EntityKind) -> str:
    """
    >>> entity_field(EntityKind.LOCATION)
    'attributes.entity.location'
    """
    return f"{ATTRIBUTE_PREFIX}entity.{kind.name.lower()}"


def text_of(column: pa.Array) -> pa.Array:
    """The texts of a column of any type."""
    if pa.types.is_dictionary(column.type):
        return column.dictionary_decode()
    return column if pa.types.is_string(column.type) else pc.cast(column, pa.string())


class Links:
    """What keys mean and meant, in memory."""

    def __init__(self) -> None:
        self._fields: dict[SourceId, dict[str, dict[str, dict[int, Link]]]] = {}

    @property
    def sources(self) -> set[str]:
        return {*self._fields}

    def learn(self, links: Iterable[Link]) -> None:
        """A link that is known is replaced: it may have ended."""
        for one in links:
            fields = self._fields.setdefault(one.key.source, {})
            fields.setdefault(one.key.field, {}).setdefault(one.key.key, {})[one.since] = one

    def meaning(self, key: Key, position: int) -> Link | None:
        spans = self._fields.get(key.source, {}).get(key.field, {}).get(key.key, {})
        return _at(spans, position)

    def resolved(self, page: pa.RecordBatch, positions: Positions) -> pa.RecordBatch:
        """The page with the entities of its events. positions: of each, at which its keys are read."""
        found: dict[str, pa.Array] = {}
        names = page.column("source")
        # Copies: more may be learned while a thread is here.
        for source, fields in list(self._fields.items()):
            own = np.asarray(pc.equal(text_of(names), source).fill_null(False))
            if not own.any():
                continue
            for field, keys in list(fields.items()):
                for place, name in enumerate(page.schema.names):
                    if name == field:
                        for kind, texts in _entities(text_of(page.column(place)), own, positions, keys).items():
                            known = found.get(entity_field(kind))
                            found[entity_field(kind)] = texts if known is None else pc.coalesce(known, texts)
        return _with(page, found)


def _at(spans: Mapping[int, Link], position: int) -> Link | None:
    for one in list(spans.values()):
        if one.since <= position and (one.until is None or position < one.until):
            return one
    return None


def _entities(
    texts: pa.Array, own: NDArray[np.bool_], positions: Positions, keys: Mapping[str, Mapping[int, Link]]
) -> dict[EntityKind, pa.Array]:
    """By kind, the entity of each row; null where it has none. own: the rows that are looked at."""
    coded = pc.dictionary_encode(texts)
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    spans = [keys.get(key_form(text), {}) for text in coded.dictionary.to_pylist()]
    linked = np.array([bool(one) for one in spans] + [False], np.bool_)
    rows = np.flatnonzero(own & linked[codes])
    found: dict[EntityKind, list[str | None]] = {}
    for row in rows.tolist():
        link = _at(spans[codes[row]], int(positions[row]))
        if link is not None:
            found.setdefault(link.kind, [None] * len(texts))[row] = link.entity
    return {kind: pa.array(entities, pa.string()) for kind, entities in found.items()}


def _with(page: pa.RecordBatch, found: Mapping[str, pa.Array]) -> pa.RecordBatch:
    if not found:
        return page
    columns, names = page.columns, page.schema.names
    for name, texts in found.items():
        if name in names:
            # What a producer calls so is its own; an entity comes before it.
            place = names.index(name)
            columns[place] = pc.coalesce(texts, text_of(columns[place])).dictionary_encode().cast(CODED_TEXT)
        else:
            names.append(name)
            columns.append(texts.dictionary_encode().cast(CODED_TEXT))
    return pa.RecordBatch.from_arrays(columns, names=names)
