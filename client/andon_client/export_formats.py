"""The formats that events are exported in, and the names of files that say which."""

from __future__ import annotations

from enum import StrEnum


class ExportFormat(StrEnum):
    XES = "xes"
    OCEL_JSON = "ocel-json"
    OCEL_XML = "ocel-xml"
    OCEL_SQLITE = "ocel-sqlite"
    PARQUET = "parquet"
    CSV = "csv"


SUFFIXES = {
    ".xes": ExportFormat.XES,
    ".jsonocel": ExportFormat.OCEL_JSON,
    ".xmlocel": ExportFormat.OCEL_XML,
    ".sqlite": ExportFormat.OCEL_SQLITE,
    ".parquet": ExportFormat.PARQUET,
    ".csv": ExportFormat.CSV,
}
NOT_PACKED = (ExportFormat.OCEL_SQLITE, ExportFormat.PARQUET)
