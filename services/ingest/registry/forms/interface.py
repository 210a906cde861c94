"""What is stored of a tenant's forms, within one transaction."""

from collections.abc import Sequence
from typing import Protocol

from services.ingest.model import SourceId
from services.ingest.registry.forms.model import Observation, ObservationForm


class Forms(Protocol):
    async def create(self, form: ObservationForm, position: int) -> None:
        """position: of the log; no observation is before it."""

    async def form(self, name: SourceId) -> ObservationForm | None: ...

    async def forms(self, after: str, count_max: int) -> list[ObservationForm]:
        """By name."""

    async def locked_position(self, name: SourceId) -> int:
        """Through which the log's observations are stored; nobody else moves it until this transaction is over."""

    async def advance(self, name: SourceId, through: int, observations: Sequence[Observation]) -> None:
        """Stores observations, in whatever order they come."""

    async def observations(
        self, name: SourceId, start_us: int, end_us: int, after: str, count_max: int
    ) -> list[Observation]:
        """Current observations of a span of time after an id, by id."""
