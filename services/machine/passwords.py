"""Passwords of database roles, made at random when first asked for and stored in a file."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from services.runtime.private_files import write_private


class Passwords:
    def __init__(self, file: Path) -> None:
        self._file = file

    def of(self, role: str) -> str:
        known: dict[str, str] = json.loads(self._file.read_text(encoding="utf-8")) if self._file.exists() else {}
        if role not in known:
            known[role] = secrets.token_urlsafe(24)
            write_private(self._file, json.dumps(known, indent=1))
        return known[role]
