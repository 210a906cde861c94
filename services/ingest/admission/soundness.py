"""Arrays from outside are sound, or made so, or refused: nothing else is asked of one before."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.model import MalformedBatch


def is_sound(batch: pa.RecordBatch) -> bool:
    """All columns at once, as nearly all batches are."""
    try:
        batch.validate(full=True)
    except pa.ArrowException:
        return False
    return True


def sound(array: pa.Array) -> tuple[pa.Array, NDArray[np.bool_] | None]:
    """The array with only valid Unicode in it, and the rows where it was not. Raises MalformedBatch."""
    try:
        array.validate(full=True)
    except pa.ArrowException:
        return _without_bad_unicode(array)
    return array, None


def _without_bad_unicode(array: pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Bytes that are not Unicode become replacement characters, and their rows are named; other damage is fatal."""
    if pa.types.is_dictionary(array.type):
        values, bad = _without_bad_unicode(array.dictionary)
        healed = pa.DictionaryArray.from_arrays(array.indices, values, safe=False)
        _demand_valid(healed)
        codes = healed.indices.fill_null(0).to_numpy(zero_copy_only=False)
        return healed, bad[codes] & np.asarray(healed.is_valid())
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        raise MalformedBatch("arrow_ipc", "a column is damaged")
    binary = pa.Array.from_buffers(
        pa.binary() if pa.types.is_string(array.type) else pa.large_binary(),
        len(array),
        array.buffers(),
        offset=array.offset,
    )
    _demand_valid(binary)
    values = binary.to_pylist()
    bad = np.fromiter((value is not None and not _is_unicode(value) for value in values), np.bool_, len(values))
    texts = [None if value is None else value.decode("utf-8", "replace") for value in values]
    return pa.array(texts, pa.string()), bad


def _demand_valid(array: pa.Array) -> None:
    try:
        array.validate(full=True)
    except pa.ArrowException as error:
        raise MalformedBatch("arrow_ipc", "a column is damaged") from error


def _is_unicode(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
