"""How often each key was seen in events of a source."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.ingest.model import ID_CHARS_MAX, Source
from services.ingest.registry.entities.model import Key, KeyCount, key_form
from services.ingest.registry.entities.resolution import text_of


def key_counts(source: Source, pages: Iterable[pa.RecordBatch]) -> list[KeyCount]:
    """In order of the keys. Empty texts are no keys, nor are those that are too long for one."""
    found: dict[Key, KeyCount] = {}
    for page in pages:
        own = page.filter(pc.equal(text_of(page.column("source")), source.id).fill_null(False))
        for one in source.entity_keys:
            for place, name in enumerate(own.schema.names):
                if name != one.field:
                    continue
                coded = pc.dictionary_encode(text_of(own.column(place)))
                codes = coded.indices.drop_null().to_numpy(zero_copy_only=False)
                texts = coded.dictionary.to_pylist()
                for raw, events in zip(texts, np.bincount(codes, minlength=len(texts)).tolist(), strict=True):
                    key = Key(source.id, one.field, key_form(raw))
                    if events and 1 <= len(key.key) <= ID_CHARS_MAX:
                        before = found.get(key, KeyCount(key, one.kind, raw, 0))
                        found[key] = KeyCount(key, one.kind, before.raw, before.events + events)
    return [found[key] for key in sorted(found)]
