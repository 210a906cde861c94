"""A back-test as it is stored: what was asked for and its report as bytes, its state as the contract numbers it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from uuid import UUID


class BacktestState(IntEnum):
    WAITING = 1
    RUNNING = 2
    DONE = 3
    FAILED = 4
    CANCELLED = 5


@dataclass(frozen=True)
class BacktestRow:
    """version 0: a document of the request. request, report: messages; attempt: of the replica that runs it."""

    id: UUID
    system_name: str
    version: int
    state: BacktestState
    attempt: int
    request: bytes
    progress: float
    event_count: int
    error: str
    report: bytes
    create_time: datetime
    end_time: datetime | None
