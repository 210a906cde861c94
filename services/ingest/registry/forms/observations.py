"""Events of a form's source become observations: the latest word on each, whatever the order of the events."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.model import ATTRIBUTE_PREFIX, OBSERVED_FIELD, RATER_FIELD
from services.ingest.registry.forms.model import FormItem, Observation, ObservationForm
from services.ingest.registry.surveys.responses import (
    ANSWER_TYPE,
    events_of,
    latest,
    numbers_in,
    said_by,
    values_of,
    words_in,
)

# In the order of the fields of an observation.
_TEXTS = ("case_id", RATER_FIELD, OBSERVED_FIELD, ATTRIBUTE_PREFIX + "place")


def observations_in(form: ObservationForm, pages: Iterable[pa.RecordBatch]) -> list[Observation]:
    """One for each observation that the events name, by id. Events of other sources are passed over."""
    said: list[Observation] = []
    for own in events_of(form.id, pages):
        grades = np.column_stack([_grades(item, own) for item in form.items]).astype(ANSWER_TYPE)
        texts = [_texts(field, own) for field in _TEXTS]
        for row, one in said_by(own, grades):
            known = (one.response_id, one.state, one.time_us, one.answers, one.replaces)
            named = () if one.answers is None else tuple(values[row] for values in texts)
            said.append(Observation(*known, *named))
    return latest(said)


def _grades(item: FormItem, page: pa.RecordBatch) -> NDArray[np.float64]:
    found = np.full(page.num_rows, np.nan)
    for column in values_of(item.field, page):
        values = numbers_in(column) if item.grades else words_in(column)
        found = np.where(np.isnan(values), found, values)
    return found


def _texts(field: str, page: pa.RecordBatch) -> list[str]:
    found = [""] * page.num_rows
    for column in values_of(field, page):
        if pa.types.is_string(column.type):
            found = [value or before for value, before in zip(column.to_pylist(), found, strict=True)]
    return found
