"""How many rows of a file are durable, stored beside the connection: a broken load goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from andon_client.whole_files import write_whole


class Bookmark:
    """Valid as long as the file and the mapping are what they were."""

    def __init__(self, folder: Path, file: Path, mapping: bytes) -> None:
        state = file.stat()
        identity = f"{file.resolve()}|{state.st_size}|{state.st_mtime_ns}|".encode() + mapping
        self._path = folder / f"{hashlib.sha256(identity).hexdigest()[:24]}.json"

    def rows(self) -> int:
        try:
            return int(json.loads(self._path.read_text(encoding="utf-8"))["rows"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return 0

    def store(self, rows: int) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._path, json.dumps({"rows": rows}))

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)
