"""Which columns an Arrow batch from outside may have."""

import pyarrow as pa

from services.ingest.columns import FIXED_NAMES, REQUIRED
from services.ingest.model import ATTRIBUTE_PREFIX, MalformedBatch

COLUMNS_MAX = 1_000
_UTC_NAMES = frozenset({"UTC", "utc", "Etc/UTC", "Z", "+00:00", "GMT", "Etc/GMT"})


def check_columns(schema: pa.Schema) -> None:
    """Whatever they are called."""
    if len(schema) > COLUMNS_MAX:
        raise MalformedBatch("arrow_ipc", f"more than {COLUMNS_MAX} columns", "BATCH_TOO_LARGE")
    if len(set(schema.names)) != len(schema.names):
        raise MalformedBatch("arrow_ipc", "two columns have the same name")


def check_schema(schema: pa.Schema) -> None:
    """That they are those of events."""
    check_columns(schema)
    for name in REQUIRED:
        if name not in schema.names:
            raise MalformedBatch(name, "required column is absent", "FIELD_REQUIRED")
    for column in schema:
        _check_type(column.name, column.type)


def _check_type(name: str, kind: pa.DataType) -> None:
    if name == "time":
        _check_time(name, kind)
    elif name in FIXED_NAMES:
        if not is_text(kind) and not pa.types.is_null(kind):
            raise MalformedBatch(name, "must be utf8 or a dictionary of utf8")
    elif not name.startswith(ATTRIBUTE_PREFIX):
        raise MalformedBatch("arrow_ipc", "a column is neither a field of an event nor attributes.<name>")
    elif pa.types.is_timestamp(kind):
        _check_time(name, kind)
    elif not any(is_one(kind) for is_one in _VALUES):
        raise MalformedBatch(_safe(name), "must be utf8, float64, int64, bool or timestamp")


def _check_time(name: str, kind: pa.DataType) -> None:
    if not pa.types.is_timestamp(kind):
        raise MalformedBatch(_safe(name), "must be a timestamp with zone UTC")
    if kind.tz not in _UTC_NAMES:
        raise MalformedBatch(_safe(name), "timestamps need a zone, and it must be UTC")


def _safe(name: str) -> str:
    """Column names are chosen by the caller: what cannot be a field path is not repeated."""
    return name if len(name) <= 80 and name.isprintable() else "arrow_ipc"


def is_text(kind: pa.DataType) -> bool:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner) or pa.types.is_string_view(inner))


_VALUES = (is_text, pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_null)
