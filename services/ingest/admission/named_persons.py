"""The persons that batches name: theirs are the secrets that an admission needs."""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from services.ingest.admission.cleaning_rules import cleaned
from services.ingest.admission.feed_rows import named
from services.ingest.admission.policies import CASE_ID, policies_of, treatments
from services.ingest.model import CODED_TEXT, IncomingBatch, Source, SourceId, Treatment


def persons_named(batches: Sequence[IncomingBatch], sources: Mapping[SourceId, Source]) -> set[str]:
    """The values that name them."""
    found: set[str] = set()
    for batch in batches:
        if not batch.arrival.page.num_rows:
            continue
        policies = policies_of(batch.arrival.page.column("source"), sources)
        # A person is who the value names when it is clean.
        clean = cleaned(batch.arrival, policies)[0] if any(one.cleaning for one in policies) else batch.arrival
        page = named(clean, policies).page
        for treated in treatments(page, policies):
            naming: tuple[str, ...] = ()
            if treated.policy.treatment == Treatment.PSEUDONYMISE:
                naming = (treated.policy.field,)
            elif treated.policy.treatment == Treatment.ENCRYPT:
                naming = (treated.subject, CASE_ID)
            for place, name in enumerate(page.schema.names):
                if name not in naming:
                    continue
                column = page.column(place)
                if treated.rows is not None:
                    column = column.filter(pa.array(treated.rows))
                elif column.type == CODED_TEXT:
                    # Each text of it is treated, whether a row has it or not.
                    column = column.dictionary
                found.update(pc.unique(column.cast(pa.string())).drop_null().to_pylist())
    found.discard("")
    return found
