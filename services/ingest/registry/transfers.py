"""Transfers of files: what is stored of one, and what a store does with them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol
from uuid import UUID


class TransferState(IntEnum):
    """As the contract numbers them."""

    UPLOADING = 1
    READING = 2
    COMPLETE = 3
    FAILED = 4
    CANCELLED = 5


@dataclass(frozen=True)
class StoredTransfer:
    """`request` and `report` are sealed; `attempts`: how often a process began to read it."""

    id: str
    sequence: int
    state: TransferState
    byte_count: int
    uploaded_bytes: int
    request: bytes
    report: bytes
    attempts: int
    created_at_us: int
    updated_at_us: int


class TransferBook(Protocol):
    """The transfers of one tenant; a transaction for each call."""

    async def create(self, name: str, byte_count: int, request: bytes, report: bytes) -> StoredTransfer:
        """The one that is there, if it has neither failed nor was cancelled."""

    async def find(self, name: str) -> StoredTransfer | None: ...

    async def page(self, before: int, count: int) -> list[StoredTransfer]:
        """Newest first, before a sequence number."""

    async def extend(self, name: str, begin: int, count: int, content: bytes) -> bool:
        """The next `count` bytes, sealed as `content`. False: the transfer does not wait for these."""

    def content(self, name: str) -> AsyncIterator[tuple[int, bytes]]:
        """Where each chunk begins, and its sealed bytes, in order."""

    async def claim(self, reader: UUID, lease_s: float) -> StoredTransfer | None:
        """One that is to be read, and that no other process reads."""

    async def renew(self, name: str, reader: UUID, lease_s: float) -> bool:
        """False: it is another's by now, or is over."""

    async def report(self, name: str, reader: UUID, state: TransferState, report: bytes) -> bool:
        """False: it is another's by now, or was cancelled. One that is over loses its content."""

    async def cancel(self, name: str) -> bool:
        """False: it is over."""

    async def cancel_abandoned(self, after_s: float) -> int:
        """Those to which no byte came for so long; how many."""
