"""Values of any type as the texts that a mapping reads."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from andon_records.mapping.document import AttributeType


def attribute_type(kind: pa.DataType) -> AttributeType:
    """The type of attributes whose values such a column holds; a text where no other is it."""
    if pa.types.is_boolean(kind):
        return "flag"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind):
        return "number"
    return "time" if pa.types.is_timestamp(kind) else "text"


def common_type(types: Collection[AttributeType]) -> AttributeType:
    """The type of a column whose values are of these types: whole numbers and numbers are numbers, others texts."""
    found = set(types)
    if found == {"integer", "number"}:
        return "number"
    return found.pop() if len(found) == 1 else "text"


def texts_of(column: pa.Array) -> pa.Array:
    """Values as a mapping reads them: times as ISO 8601 (with Z where they have a zone), numbers with all digits."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return pc.take(texts_of(column.dictionary), column.indices)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _valid(column)
    if pa.types.is_timestamp(kind):
        exact = column.cast(pa.timestamp("us", kind.tz), safe=False)
        if kind.tz is None:
            return exact.cast(pa.utf8())
        return pc.binary_join_element_wise(exact.cast(pa.timestamp("us")).cast(pa.utf8()), "Z", "")
    if pa.types.is_duration(kind):
        micros = column.cast(pa.duration("us"), safe=False).cast(pa.int64())
        return pc.divide(micros.cast(pa.float64()), 1e6).cast(pa.utf8())
    if pa.types.is_float16(kind):
        return column.cast(pa.float32()).cast(pa.utf8())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return _decoded(column)
    if pa.types.is_nested(kind):
        return pa.array([_json(value) for value in column.to_pylist()], pa.utf8())
    try:
        return column.cast(pa.utf8())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.utf8())


def _valid(column: pa.Array) -> pa.Array:
    texts = column.cast(pa.utf8())
    try:
        # Parquet does not check that a text is UTF-8.
        texts.validate(full=True)
    except pa.ArrowInvalid:
        return _decoded(texts.cast(pa.binary()))
    return texts


def _decoded(column: pa.Array) -> pa.Array:
    values = column.to_pylist()
    return pa.array([None if one is None else one.decode("utf-8", "backslashreplace") for one in values], pa.utf8())


def _json(value: object) -> str | None:
    if value is None:
        return None
    return json.dumps(value, ensure_ascii=False, default=_plain).encode("utf-8", "backslashreplace").decode("utf-8")


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, Mapping):
        return dict(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
