"""Files that a reader finds as they were or as they are, never half written."""

from __future__ import annotations

from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
