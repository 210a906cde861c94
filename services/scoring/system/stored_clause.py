"""A clause as it is stored: a message of the contract."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class StoredClause:
    name: str
    body: bytes
    etag: str
    create_time: datetime
    update_time: datetime
