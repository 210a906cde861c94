"""Records of a file as the contract takes them, in batches that it allows; none is judged here."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from andon_records.files.utf8_stream import is_gzip

RECORDS_MAX = 2_000
BYTES_MAX = 4 << 20
DOCUMENT_BYTES_MAX = 256 << 20
LINES_ALIKE = 3


def read_records(path: Path) -> Iterator[bytes]:
    """Each line of JSON Lines, as it is; the items of one array; or one object that takes many lines.

    A line that is no JSON is a record all the same: the service quarantines it, so that nothing is lost. A document
    that takes many lines is read whole, up to 256 MiB; whatever is longer is read as lines.
    """
    with gzip.open(path) if is_gzip(path) else path.open("rb") as file:
        lines: Iterator[bytes] = (line.strip().removeprefix(b"\xef\xbb\xbf") for line in file)
        first = next((line for line in lines if line), b"")
        if first.startswith(b"[") or (first.startswith(b"{") and _json(first) is None):
            rest = _document(lines, first)
            content = None if _is_json_lines(rest) else _json(b"\n".join([first, *rest]))
            if content is not None:
                items = content if isinstance(content, list) else [content]
                yield from (json.dumps(item, ensure_ascii=False).encode("utf-8", "surrogatepass") for item in items)
                return
            lines = chain(rest, lines)
        if first:
            yield first
        yield from (line for line in lines if line)


def batched(records: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for record in records:
        if batch and (len(batch) == RECORDS_MAX or size + len(record) > BYTES_MAX):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record)
    if batch:
        yield batch


def _document(lines: Iterator[bytes], first: bytes) -> list[bytes]:
    """What may be the rest of one document: all lines, until they are too many for one, or a record each."""
    rest: list[bytes] = []
    size = len(first)
    for line in lines:
        rest.append(line)
        size += len(line)
        if size > DOCUMENT_BYTES_MAX or (len(rest) <= 2 * LINES_ALIKE and _is_json_lines(rest)):
            break
    return rest


def _is_json_lines(lines: list[bytes]) -> bool:
    """Whether the first lines are a record each; in a document a comma would separate them."""
    few = [line for line in lines[: 2 * LINES_ALIKE] if line][:LINES_ALIKE]
    return len(few) == LINES_ALIKE and all(line.startswith(b"{") and isinstance(_json(line), dict) for line in few)


def _json(text: bytes) -> Any:
    """None: it is no JSON. The text begins an array or an object, so that it is never null."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
