"""Persons at rest: secrets encrypted under the tenant's key, and the certificates of those that were destroyed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.ingest.registry.quarantine import opened, sealed


@dataclass(frozen=True)
class StoredPerson:
    """`person` is a keyed hash of the value that names the person, `secret` is encrypted."""

    person: bytes
    reference: bytes
    version: int
    secret: bytes


@dataclass(frozen=True)
class Erasure:
    """What was destroyed. `quarantined_count` counts the refused events of the person that were deleted,
    `vocabulary_count` the attributes whose recorded values were."""

    erasure_id: UUID
    actor: str
    reason: str
    value_count: int
    person_count: int
    quarantined_count: int
    vocabulary_count: int
    position: int = 0
    erased_at_us: int = 0


class PersonStore(Protocol):
    """Of one tenant."""

    async def persons(self, persons: Sequence[bytes]) -> dict[bytes, StoredPerson]:
        """Those that exist, by `person`."""

    async def by_reference(self, references: Sequence[bytes]) -> dict[bytes, StoredPerson]:
        """Those that exist, by `reference`."""

    async def create(self, made: Sequence[StoredPerson]) -> None:
        """One that exists stays as it is."""

    async def advance(self, version: int, advanced: Mapping[bytes, bytes]) -> None:
        """Replaces secrets, by `person`, by those of a later version."""

    async def before_version(self, version: int, count_max: int) -> list[StoredPerson]: ...

    async def erase(self, persons: Sequence[bytes]) -> int:
        """How many there were."""

    async def sealed_events(self, after: tuple[int, str], count_max: int) -> list[tuple[int, str, bytes, bytes | None]]:
        """Refused events after a position and id, in order: both, and what is encrypted of each."""

    async def record(self, erasure: Erasure) -> int:
        """When, in microseconds."""

    async def last_erasure(self) -> int:
        """Its position in the log; 0: there was none."""

    async def erasures(self, before: tuple[int, UUID], count_max: int) -> list[Erasure]:
        """Certificates before a position and id, newest first."""

    async def erasure(self, erasure_id: UUID) -> Erasure | None: ...


def wrapped(key: bytes, person: bytes, secret: bytes) -> bytes:
    """The person is authenticated with the secret, so that rows cannot be exchanged."""
    return sealed(key, person.hex(), secret)


def unwrapped(key: bytes, stored: StoredPerson) -> bytes:
    """Raises SealBroken."""
    return opened(key, stored.person.hex(), stored.secret)
