"""Identity is left at the door: who did it, and whatever else a source calls personal, becomes a pseudonym."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.ingest.findings import Mask
from services.ingest.model import ATTRIBUTE_PREFIX, CODED_TEXT, Source
from services.ingest.pseudonyms import as_text, pseudonymised


def anonymous(page: pa.RecordBatch, policies: Sequence[Source], key: bytes) -> pa.RecordBatch:
    if page.num_rows == 0:
        return page
    codes = page.column("source").indices.to_numpy(zero_copy_only=False)
    persons = np.array([not policy.resources_are_not_persons for policy in policies], dtype=np.bool_)[codes]
    columns = list(page.columns)
    names = list(page.schema.names)
    resource = names.index("resource")
    columns[resource] = pseudonymised(columns[resource], persons, key)
    for name in sorted({name for policy in policies for name in policy.personal_attributes}):
        personal = np.array([name in policy.personal_attributes for policy in policies], dtype=np.bool_)[codes]
        if personal.any():
            _hide(columns, names, ATTRIBUTE_PREFIX + name, personal, key)
    return pa.RecordBatch.from_arrays(columns, names=names)


def _hide(columns: list[pa.Array], names: list[str], path: str, personal: Mask, key: bytes) -> None:
    """A number that identifies a person becomes a text, so it may move to the text column of its name."""
    texts: list[pa.Array] = []
    others: list[pa.Array] = []
    for place in [place for place in range(len(names)) if names[place] == path]:
        column = columns[place]
        if column.type in (CODED_TEXT, pa.string()):
            texts.append(pseudonymised(column, personal, key))
            continue
        hidden = pc.if_else(pa.array(personal), as_text(column), None)
        texts.append(pseudonymised(hidden, personal, key).dictionary_decode())
        others.append(pc.if_else(pa.array(personal), None, column))
    kept = [place for place in range(len(names)) if names[place] != path]
    if len(texts) > 1:
        texts = [pc.coalesce(*[text.cast(pa.string()) for text in texts])]
    columns[:] = [columns[place] for place in kept] + texts + others
    names[:] = [names[place] for place in kept] + [path] * (len(texts) + len(others))
