"""Forms in Postgres: what is graded and planned, and observations as the log has them."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import asyncpg

from services.ingest.model import SourceId, TenantId
from services.ingest.registry.forms.model import (
    FormItem,
    Grade,
    Observation,
    ObservationForm,
    PlanPeriod,
    PlanShift,
    PlanStratum,
    SamplingPlan,
)
from services.ingest.registry.surveys.model import ResponseState
from services.ingest.store.schema import micros, queries


class PostgresForms:
    """Of one tenant, within one transaction."""

    def __init__(self, connection: asyncpg.Connection, tenant: TenantId) -> None:
        self._connection = connection
        self._tenant = tenant

    async def create(self, form: ObservationForm, position: int) -> None:
        await self._connection.execute(
            queries.create_form,
            self._tenant,
            form.id,
            form.title_en,
            form.title_zh,
            form.object_kind,
            json.dumps([asdict(one) for one in form.items]),
            json.dumps(asdict(form.plan)) if form.plan else None,
            position,
        )

    async def form(self, name: SourceId) -> ObservationForm | None:
        row = await self._connection.fetchrow(queries.form, self._tenant, name)
        return _form(row) if row is not None else None

    async def forms(self, after: str, count_max: int) -> list[ObservationForm]:
        return [_form(row) for row in await self._connection.fetch(queries.forms, self._tenant, after, count_max)]

    async def locked_position(self, name: SourceId) -> int:
        return int(await self._connection.fetchval(queries.lock_form, self._tenant, name))

    async def advance(self, name: SourceId, through: int, observations: Sequence[Observation]) -> None:
        if observations:
            await self._connection.execute(
                queries.store_observations,
                self._tenant,
                name,
                [one.response_id for one in observations],
                [one.state for one in observations],
                [one.time_us for one in observations],
                [one.answers for one in observations],
                [one.replaces for one in observations],
                [one.case_id for one in observations],
                [one.rater for one in observations],
                [one.object for one in observations],
                [one.place for one in observations],
            )
        await self._connection.execute(queries.move_form, self._tenant, name, through)

    async def observations(
        self, name: SourceId, start_us: int, end_us: int, after: str, count_max: int
    ) -> list[Observation]:
        span = (start_us, end_us)
        rows = await self._connection.fetch(queries.observations, self._tenant, name, *span, after, count_max)
        return [Observation(**{**row, "state": ResponseState(row["state"])}) for row in rows]


def form_items_of(document: str) -> tuple[FormItem, ...]:
    """As they are stored."""
    return tuple(
        FormItem(**{**values, "grades": tuple(Grade(**one) for one in values["grades"])})
        for values in json.loads(document)
    )


def _form(row: asyncpg.Record) -> ObservationForm:
    values = dict(row)
    return ObservationForm(
        id=SourceId(values.pop("source")),
        items=form_items_of(values.pop("items")),
        plan=_plan(values.pop("plan")),
        created_at_us=micros(values.pop("created_at")),
        **values,
    )


def _plan(document: str | None) -> SamplingPlan | None:
    if document is None:
        return None
    values = json.loads(document)
    return SamplingPlan(
        **{
            **values,
            "period": PlanPeriod(values["period"]),
            "stratum": PlanStratum(values["stratum"]),
            "units": tuple(values["units"]),
            "shifts": tuple(PlanShift(**one) for one in values["shifts"]),
        }
    )
