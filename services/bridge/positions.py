"""How far each connection has come, where its peer does not remember it: a file each. A lost one is a reading again."""

from __future__ import annotations

import json
from pathlib import Path

from services.runtime.private_files import write_private


class Position:
    def __init__(self, folder: Path, connection: str) -> None:
        self._file = folder / f"{connection}.json"

    def read(self) -> str | None:
        try:
            document = json.loads(self._file.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        found = document.get("position") if isinstance(document, dict) else None
        return found if isinstance(found, str) else None

    def write(self, position: str) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(self._file, json.dumps({"position": position}))
