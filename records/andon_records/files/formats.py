"""What a file is: by its content, and where that could be several formats by its name."""

from __future__ import annotations

import codecs
import json
import re
import zipfile
from enum import StrEnum
from pathlib import Path

from andon_records.files.utf8_stream import bytes_of, is_gzip, refuse
from andon_records.messages import message

HEAD_BYTES = 1 << 16


class Format(StrEnum):
    CSV = "CSV"
    JSON = "JSON"
    JSON_LINES = "JSON Lines"
    PARQUET = "Parquet"
    WORKBOOK = "Excel (.xlsx)"
    XES = "XES"
    OCEL_JSON = "OCEL 2.0 (JSON)"
    OCEL_XML = "OCEL 2.0 (XML)"
    OCEL_SQLITE = "OCEL 2.0 (SQLite)"


_MAGIC = ((b"PAR1", Format.PARQUET), (b"SQLite format 3\x00", Format.OCEL_SQLITE))
_MARKUP = re.compile(rb"\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*|<\?.*?\?>\s*)*<(!?[\w:.-]+)", re.DOTALL)
_OCEL_PARTS = re.compile(rb"<(?:\w+:)?(object-types|event-types|objects|events)\b")
_OCEL_KEYS = {"objectTypes", "eventTypes", "objects", "events"}


def format_of(path: Path) -> Format:
    """Looks at the beginning. Raises UnreadableFile where nothing of the kind holds records."""
    packed = is_gzip(path)
    head = next(bytes_of(path, packed, HEAD_BYTES), b"")
    if not head:
        raise refuse(path, message("file_empty"))
    for mark, found in _MAGIC:
        if head.startswith(mark):
            if packed:
                raise refuse(path, message("not_csv", kind=f"{found} (gzip)", remedy=message("unpack")))
            return found
    if head.startswith(b"PK\x03\x04") and not packed and _is_workbook(path):
        return Format.WORKBOOK
    text = _text(head)
    if text.startswith(b"<"):
        return _of_markup(path, text)
    # A table may have such a name in its header.
    if text[:1] in (b"{", b"[") and not path.name.lower().removesuffix(".gz").endswith((".csv", ".tsv")):
        return _of_json(path, text)
    return Format.CSV


def _text(head: bytes) -> bytes:
    """As UTF-8, as far as that can be seen."""
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if head.startswith(mark):
            return head[2:].decode(encoding, "replace").encode().lstrip()
    return head.removeprefix(codecs.BOM_UTF8).lstrip()


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith("xl/") for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return path.suffix.lower() in (".xlsx", ".xlsm")


def _of_markup(path: Path, text: bytes) -> Format:
    found = _MARKUP.match(text)
    tag = found[1].decode("ascii", "replace") if found else ""
    name = tag.rpartition(":")[2]
    if name.lower() in ("html", "!doctype") and not re.search(rb"<(?:\w+:)?log\b", text):
        raise refuse(path, message("format_no_records", kind="an HTML page"))
    if name not in ("log", "!DOCTYPE"):
        raise refuse(path, message("xml_unknown", tag=tag[:60] or "?"))
    child = re.search(rb"<(?:\w+:)?log\b[^>]*>\s*(?:<!--.*?-->\s*)*<(?:\w+:)?([\w-]+)", text, re.DOTALL)
    if child and _OCEL_PARTS.match(b"<" + child[1]):
        return Format.OCEL_XML
    return Format.XES


def _of_json(path: Path, text: bytes) -> Format:
    """One record per line, or one value; of that an object-centric log has parts with known names."""
    first, _, rest = text.partition(b"\n")
    keys = set(re.findall(r'"(\w+|ocel:[\w-]+)"\s*:', text.decode("utf-8", "replace")))
    whole = _whole_object(first)
    if whole is not None and rest.strip():
        return Format.JSON_LINES
    if text.startswith(b"{") and keys & {"ocel:events", "ocel:global-log", "ocel:objects", "ocel:global-event"}:
        raise refuse(path, message("ocel_1"))
    lined = path.name.lower().removesuffix(".gz").endswith((".jsonl", ".ndjson"))
    if whole is not None:
        if _OCEL_KEYS & whole.keys() and {"events", "objects"} <= whole.keys():
            return Format.OCEL_JSON
        return Format.JSON if _holds_objects(whole) and not lined else Format.JSON_LINES
    if text.startswith(b"{") and keys & {"objectTypes", "eventTypes"}:
        return Format.OCEL_JSON
    return Format.JSON_LINES if lined else Format.JSON


def _whole_object(line: bytes) -> dict[str, object] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _holds_objects(value: dict[str, object]) -> bool:
    """Whether an array of objects lies in it, within other objects or not."""
    inner = list(value.values())
    return any(isinstance(one, list) and any(isinstance(item, dict) for item in one) for one in inner) or any(
        _holds_objects(one) for one in inner if isinstance(one, dict)
    )
