"""Who did it, and what else a source calls personal, becomes a pseudonym."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.ingest.admission.checks import Mask
from services.ingest.admission.pseudonyms import all_pseudonymised, as_text, pseudonymised
from services.ingest.columns import FIXED_NAMES, codes_of
from services.ingest.model import ATTRIBUTE_PREFIX, CODED_TEXT, Source

RESOURCE, SOURCE_COLUMN = FIXED_NAMES.index("resource"), FIXED_NAMES.index("source")


def pseudonymised_page(page: pa.RecordBatch, policies: Sequence[Source], key: bytes) -> pa.RecordBatch:
    attributes = sorted({name for policy in policies for name in policy.personal_attributes})
    named = page.column(RESOURCE).null_count < page.num_rows
    if not named and not attributes:
        return page
    codes = codes_of(page.column(SOURCE_COLUMN))
    columns, names = page.columns, page.schema.names
    if named:
        columns[RESOURCE] = _hidden_resources(columns[RESOURCE], policies, codes, key)
    for name in attributes:
        personal = np.array([name in policy.personal_attributes for policy in policies], dtype=np.bool_)[codes]
        if personal.any():
            _hide(columns, names, ATTRIBUTE_PREFIX + name, personal, key)
    return pa.RecordBatch.from_arrays(columns, names=names)


def _hidden_resources(column: pa.Array, policies: Sequence[Source], codes: NDArray[np.int32], key: bytes) -> pa.Array:
    persons = [not policy.resources_are_not_persons for policy in policies]
    if all(persons):
        return all_pseudonymised(column, key)
    return pseudonymised(column, np.array(persons, dtype=np.bool_)[codes], key)


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
