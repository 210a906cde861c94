"""The sources that the service itself writes, and events of others that name one of them."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.columns import codes_of
from services.ingest.model import RESERVED_PREFIX, FieldPolicy, IncomingBatch, Source, SourceId, Treatment

QUALITY = SourceId("andon.quality")
# Says of cases that they are to be read again, since a key of theirs means another entity.
ENTITY = SourceId("andon.entity")
# They name sources and no persons, and are read as they are written.
_KEPT = tuple(FieldPolicy(field, Treatment.KEEP) for field in ("activity", "attributes.source"))
# Whatever the registry says of them: nobody changes them.
OWN_SOURCES: Mapping[SourceId, Source] = {
    QUALITY: Source(QUALITY, kind=4, policies=_KEPT),
    ENTITY: Source(ENTITY, policies=_KEPT),
}


def foreign_rows(
    batches: Sequence[IncomingBatch], sources: pa.DictionaryArray, starts: NDArray[np.int64]
) -> NDArray[np.bool_] | None:
    """Rows of a reserved source in batches that came from outside; `starts`: where each batch begins, and the end."""
    reserved = np.array([(name or "").startswith(RESERVED_PREFIX) for name in sources.dictionary.to_pylist()], np.bool_)
    if not reserved.any():
        return None
    rows: NDArray[np.bool_] = reserved[codes_of(sources)] & np.asarray(sources.is_valid())
    for batch, begin, end in zip(batches, starts[:-1], starts[1:], strict=True):
        if batch.is_own:
            rows[begin:end] = False
    return rows
