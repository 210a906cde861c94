"""One version of an indicator system as it is stored: its document as bytes, its state as the contract numbers it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class SystemVersion:
    """`name`: "processes/it-desk/indicatorSystems/main". `document`: an IndicatorSystemSpec of the contract."""

    name: str
    version: int
    state: int
    document: bytes
    etag: str
    create_time: datetime
    activate_time: datetime | None
