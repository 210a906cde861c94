"""Events of a survey's source become responses: the latest word on each, whatever the order of the events."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.ingest.model import SourceId
from services.ingest.registry.surveys.model import Item, Response, ResponseState, Survey

ANSWER_TYPE = np.dtype("<f8")
ResponseT = TypeVar("ResponseT", bound=Response)


def responses_in(survey: Survey, pages: Iterable[pa.RecordBatch]) -> list[Response]:
    """One for each response that the events name, by id. Events of other sources are passed over."""
    said: list[Response] = []
    for own in events_of(survey.id, pages):
        answers = np.column_stack([_answers(item, own) for item in survey.items]).astype(ANSWER_TYPE)
        said += (one for _, one in said_by(own, answers))
    return latest(said)


def events_of(source: SourceId, pages: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for page in pages:
        own = page.filter(pc.equal(page.column("source"), source).fill_null(False))
        if own.num_rows:
            yield own


def said_by(page: pa.RecordBatch, answers: NDArray[np.float64]) -> Iterator[tuple[int, Response]]:
    """What each event says of which response, with its row. answers: of each row."""
    columns = [page.column(name).to_pylist() for name in ("id", "supersedes", "retracts")]
    times = page.column("time").view(pa.int64()).to_pylist()
    for row, (name, replaced, retracted, time_us) in enumerate(zip(*columns, times, strict=True)):
        if retracted:
            yield row, Response(retracted, ResponseState.RETRACTED)
            continue
        yield row, Response(name, ResponseState.CURRENT, time_us, answers[row].tobytes(), replaced or "")
        if replaced:
            yield row, Response(replaced, ResponseState.REPLACED)


def latest(said: Iterable[ResponseT]) -> list[ResponseT]:
    """By id, what is known of each when all is said, in any order."""
    found: dict[str, ResponseT] = {}
    for one in said:
        before = found.get(one.response_id, one)
        full = one if one.answers is not None else before
        found[one.response_id] = replace(full, state=max(before.state, one.state))
    return sorted(found.values(), key=lambda one: one.response_id)


def values_of(field: str, page: pa.RecordBatch) -> Iterator[pa.Array]:
    """The columns of a field, of each type that it has; decoded."""
    for place, name in enumerate(page.schema.names):
        if name == field:
            column = page.column(place)
            yield column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def numbers_in(column: pa.Array) -> NDArray[np.float64]:
    """NaN for what is no number."""
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return np.full(len(column), np.nan)
    values: NDArray[np.float64] = (
        pc.cast(column, pa.float64(), safe=False).fill_null(np.nan).to_numpy(zero_copy_only=False)
    )
    return values


def words_in(column: pa.Array) -> NDArray[np.float64]:
    """1 for a text, NaN for what is none."""
    if not pa.types.is_string(column.type):
        return np.full(len(column), np.nan)
    return np.where(np.asarray(column.is_valid()), 1.0, np.nan)


def _answers(item: Item, page: pa.RecordBatch) -> NDArray[np.float64]:
    found = np.full(page.num_rows, np.nan)
    for column in values_of(item.field, page):
        if item.scale is not None:
            values = numbers_in(column)
        elif item.choices:
            values = _places(item.choices, column)
        else:
            values = words_in(column)
        found = np.where(np.isnan(values), found, values)
    return found


def _places(choices: tuple[str, ...], column: pa.Array) -> NDArray[np.float64]:
    """NaN for what is no choice."""
    if not pa.types.is_string(column.type):
        return np.full(len(column), np.nan)
    places = pc.index_in(column, pa.array(choices, pa.string()))
    chosen: NDArray[np.float64] = pc.cast(places, pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)
    return chosen
