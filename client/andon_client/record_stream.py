"""Records of a file as the contract takes them, in batches that it allows; none is judged here."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from andon_records.files.utf8_stream import is_gzip

RECORDS_MAX = 2_000
BYTES_MAX = 4 << 20


def read_records(path: Path) -> Iterator[bytes]:
    """Each line of JSON Lines, as it is; the items of one array; or one object that takes many lines.

    A line that is no JSON is a record all the same: the service quarantines it, so that nothing is lost.
    """
    with gzip.open(path) if is_gzip(path) else path.open("rb") as file:
        lines: Iterator[bytes] = (line.strip().removeprefix(b"\xef\xbb\xbf") for line in file)
        first = next((line for line in lines if line), b"")
        if first.startswith(b"[") or (first.startswith(b"{") and _json(first) is None):
            rest = list(lines)
            content = _json(b"\n".join([first, *rest]))
            if content is not None:
                items = content if isinstance(content, list) else [content]
                yield from (json.dumps(item, ensure_ascii=False).encode("utf-8", "surrogatepass") for item in items)
                return
            lines = iter(rest)
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


def _json(text: bytes) -> Any:
    """None: it is no JSON. The text begins an array or an object, so that it is never null."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
