"""What is stored of a tenant's surveys, within one transaction."""

from collections.abc import Sequence
from typing import Protocol

from services.ingest.model import SourceId
from services.ingest.registry.surveys.model import Invitation, InvitationState, InvitationTally, Response, Survey


class Surveys(Protocol):
    async def create(self, survey: Survey, position: int) -> int:
        """When, in microseconds. position: of the log; no response is before it."""

    async def survey(self, name: SourceId) -> Survey | None: ...

    async def surveys(self, after: str, count_max: int) -> list[Survey]:
        """By name."""

    async def locked_position(self, name: SourceId) -> int:
        """Through which the log's responses are stored; nobody else moves it until this transaction is over."""

    async def advance(self, name: SourceId, through: int, responses: Sequence[Response]) -> None:
        """Stores responses, in whatever order they come."""

    async def answers(self, name: SourceId, start_us: int, end_us: int, after: str, count_max: int) -> list[Response]:
        """Current responses of a span of time after an id, by id."""

    async def uninvited(self, name: SourceId, start_us: int, end_us: int) -> int:
        """How many current responses of a span of time answer no invitation."""

    async def invite(self, name: SourceId, invitation_ids: Sequence[str], segment: str) -> None: ...

    async def invitations(
        self, name: SourceId, states: Sequence[InvitationState], after: str, count_max: int
    ) -> list[Invitation]:
        """By id."""

    async def known_invitations(self, name: SourceId, invitation_ids: Sequence[str]) -> set[str]: ...

    async def move_invitations(self, name: SourceId, invitation_ids: Sequence[str], state: InvitationState) -> int:
        """How many were not in this state."""

    async def tallies(self, name: SourceId) -> list[InvitationTally]:
        """By segment."""
