"""Events of a survey's source become responses: the latest word on each, whatever the order of the events."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.ingest.registry.surveys.model import Item, Response, ResponseState, Survey

ANSWER_TYPE = np.dtype("<f8")


def responses_in(survey: Survey, pages: Iterable[pa.RecordBatch]) -> list[Response]:
    """One for each response that the events name, by id. Events of other sources are passed over."""
    found: dict[str, Response] = {}
    for page in pages:
        own = page.filter(pc.equal(page.column("source"), survey.id).fill_null(False))
        if not own.num_rows:
            continue
        answers = np.column_stack([_answers(item, own) for item in survey.items]).astype(ANSWER_TYPE)
        columns = [own.column(name).to_pylist() for name in ("id", "supersedes", "retracts")]
        times = own.column("time").view(pa.int64()).to_pylist()
        for row, (name, replaced, retracted, time_us) in enumerate(zip(*columns, times, strict=True)):
            if retracted:
                _note(found, Response(retracted, ResponseState.RETRACTED))
                continue
            _note(found, Response(name, ResponseState.CURRENT, time_us, answers[row].tobytes(), replaced or ""))
            if replaced:
                _note(found, Response(replaced, ResponseState.REPLACED))
    return sorted(found.values(), key=lambda one: one.response_id)


def _note(found: dict[str, Response], one: Response) -> None:
    before = found.get(one.response_id, one)
    said = one if one.answers is not None else before
    found[one.response_id] = replace(said, state=max(before.state, one.state))


def _answers(item: Item, page: pa.RecordBatch) -> NDArray[np.float64]:
    found = np.full(page.num_rows, np.nan)
    for place, name in enumerate(page.schema.names):
        if name == item.field:
            values = _numbers(item, page.column(place))
            found = np.where(np.isnan(values), found, values)
    return found


def _numbers(item: Item, column: pa.Array) -> NDArray[np.float64]:
    """NaN for what is no answer."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if item.scale is not None:
        if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            return np.full(len(column), np.nan)
        values: NDArray[np.float64] = pc.cast(column, pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)
        return values
    if not pa.types.is_string(column.type):
        return np.full(len(column), np.nan)
    if not item.choices:
        given: NDArray[np.bool_] = np.asarray(column.is_valid())
        return np.where(given, 1.0, np.nan)
    places = pc.index_in(column, pa.array(item.choices, pa.string()))
    chosen: NDArray[np.float64] = pc.cast(places, pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)
    return chosen
