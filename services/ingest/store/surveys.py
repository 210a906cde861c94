"""Surveys in Postgres: what is asked, invitations, and responses as the log has them."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import asyncpg

from services.ingest.model import SourceId, TenantId
from services.ingest.registry.surveys.model import (
    AnswerIndex,
    AnswerScale,
    Invitation,
    InvitationState,
    InvitationTally,
    Item,
    Response,
    ResponseState,
    Survey,
)
from services.ingest.store.schema import micros, queries


class PostgresSurveys:
    """Of one tenant, within one transaction."""

    def __init__(self, connection: asyncpg.Connection, tenant: TenantId) -> None:
        self._connection = connection
        self._tenant = tenant

    async def create(self, survey: Survey, position: int) -> int:
        """When, in microseconds."""
        at = await self._connection.fetchval(
            queries.create_survey,
            self._tenant,
            survey.id,
            survey.title_en,
            survey.title_zh,
            survey.frame_en,
            survey.frame_zh,
            survey.frame_size,
            json.dumps([asdict(one) for one in survey.items]),
            position,
        )
        return micros(at)

    async def survey(self, name: SourceId) -> Survey | None:
        row = await self._connection.fetchrow(queries.survey, self._tenant, name)
        return _survey(row) if row is not None else None

    async def surveys(self, after: str, count_max: int) -> list[Survey]:
        return [_survey(row) for row in await self._connection.fetch(queries.surveys, self._tenant, after, count_max)]

    async def locked_position(self, name: SourceId) -> int:
        return int(await self._connection.fetchval(queries.lock_survey, self._tenant, name))

    async def advance(self, name: SourceId, through: int, responses: Sequence[Response]) -> None:
        if responses:
            await self._connection.execute(
                queries.store_responses,
                self._tenant,
                name,
                [one.response_id for one in responses],
                [one.state for one in responses],
                [one.time_us for one in responses],
                [one.answers for one in responses],
                [one.replaces for one in responses],
            )
        await self._connection.execute(queries.move_survey, self._tenant, name, through)

    async def answers(self, name: SourceId, start_us: int, end_us: int, after: str, count_max: int) -> list[Response]:
        span = (start_us, end_us)
        rows = await self._connection.fetch(queries.survey_answers, self._tenant, name, *span, after, count_max)
        return [Response(**{**row, "state": ResponseState(row["state"])}) for row in rows]

    async def uninvited(self, name: SourceId, start_us: int, end_us: int) -> int:
        return int(await self._connection.fetchval(queries.uninvited_responses, self._tenant, name, start_us, end_us))

    async def invite(self, name: SourceId, invitation_ids: Sequence[str], segment: str) -> None:
        await self._connection.execute(queries.create_invitations, self._tenant, name, list(invitation_ids), segment)

    async def invitations(
        self, name: SourceId, states: Sequence[InvitationState], after: str, count_max: int
    ) -> list[Invitation]:
        numbers = [int(one) for one in states]
        rows = await self._connection.fetch(queries.invitations, self._tenant, name, numbers, after, count_max)
        return [
            Invitation(row["invitation_id"], row["segment"], InvitationState(row["state"]), micros(row["invited_at"]))
            for row in rows
        ]

    async def known_invitations(self, name: SourceId, invitation_ids: Sequence[str]) -> set[str]:
        rows = await self._connection.fetch(queries.known_invitations, self._tenant, name, list(invitation_ids))
        return {row["invitation_id"] for row in rows}

    async def move_invitations(self, name: SourceId, invitation_ids: Sequence[str], state: InvitationState) -> int:
        """How many were not in this state."""
        ids = list(invitation_ids)
        return len(await self._connection.fetch(queries.move_invitations, self._tenant, name, ids, int(state)))

    async def tallies(self, name: SourceId) -> list[InvitationTally]:
        rows = await self._connection.fetch(queries.invitation_tallies, self._tenant, name)
        return [InvitationTally(**row) for row in rows]


def items_of(document: str) -> tuple[Item, ...]:
    """As they are stored."""
    return tuple(
        Item(
            **{
                **values,
                "choices": tuple(values["choices"]),
                "scale": values["scale"]
                and AnswerScale(**{**values["scale"], "index": AnswerIndex(values["scale"]["index"])}),
            }
        )
        for values in json.loads(document)
    )


def _survey(row: asyncpg.Record) -> Survey:
    values = dict(row)
    return Survey(
        id=SourceId(values.pop("source")),
        items=items_of(values.pop("items")),
        created_at_us=micros(values.pop("created_at")),
        **values,
    )
