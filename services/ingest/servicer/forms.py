"""FormService: observation forms, their sampling plans, and what was observed."""

from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np
from andon.ingest.v1 import form_pb2
from andon.ingest.v1 import form_pb2_grpc as grpc_stubs

from services.ingest.log.segments import decoded
from services.ingest.model import DAY_US, RESERVED_PREFIX, SOURCE, SourceId
from services.ingest.registry.forms.model import Observation, ObservationForm
from services.ingest.registry.forms.observations import observations_in
from services.ingest.registry.forms.plan import Planned, PlanTooLarge, Seen, compared, planned
from services.ingest.registry.forms.report import (
    coverage_of,
    item_results,
    object_results,
    observed,
    rater_results,
)
from services.ingest.registry.surveys.responses import ANSWER_TYPE
from services.ingest.servicer.form_rules import check_form
from services.ingest.servicer.request_context import RequestContext
from services.ingest.servicer.source_responses import caught_up, collected, span_of
from services.ingest.wire import forms as form_wire
from services.ingest.workers import AT_ONCE_ROWS_MAX, computed
from services.ingest.writer.interface import LockedSession, StoreSession
from services.runtime.cursors import CursorCodec
from services.runtime.errors import AlreadyExists, NotFound, invalid
from services.runtime.field_checks import FieldChecks
from services.runtime.page_tokens import page_size, page_token, place_of

PAGE_SIZE, PAGE_SIZE_MAX = 20, 100
CONFIDENCE = 0.95
PLAN_DAYS = 7
# A plan is always drawn in a thread: how much there is to draw is known when it is drawn.
_MANY = AT_ONCE_ROWS_MAX + 1


class FormServicer(grpc_stubs.FormServiceServicer):
    def __init__(self, requests: RequestContext) -> None:
        self._requests = requests

    async def CreateForm(self, request: form_pb2.CreateFormRequest, context: Any) -> form_pb2.CreateFormResponse:
        checks = FieldChecks()
        own = SOURCE.fullmatch(request.form_id) is not None and not request.form_id.startswith(RESERVED_PREFIX)
        checks.require(own, "form_id", f"must be 1 to 64 of [a-z0-9._-], and not begin with {RESERVED_PREFIX}")
        check_form(request.form, checks)
        checks.done()
        form = form_wire.form(request.form, SourceId(request.form_id))

        async def create(session: LockedSession) -> form_pb2.CreateFormResponse:
            if await session.registry.source(form.id) is not None:
                raise AlreadyExists("ALREADY_EXISTS", "a source of this name exists")
            if not request.validate_only:
                await session.registry.create_source(form_wire.source_of(form))
                await session.forms.create(form, session.head.position)
            made = form if request.validate_only else await _form(session, form.id)
            return form_pb2.CreateFormResponse(form=form_wire.form_message(made))

        return await self._requests.once("CreateForm", request, form_pb2.CreateFormResponse, create)

    async def GetForm(self, request: form_pb2.GetFormRequest, context: Any) -> form_pb2.GetFormResponse:
        tenant_log = await self._requests.log()
        async with self._requests.store.session(tenant_log.tenant) as session:
            found = await _form(session, _id(request.name))
        return form_pb2.GetFormResponse(form=form_wire.form_message(found))

    async def ListForms(self, request: form_pb2.ListFormsRequest, context: Any) -> form_pb2.ListFormsResponse:
        size = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        (after,) = place_of(request, "")
        tenant_log = await self._requests.log()
        async with self._requests.store.session(tenant_log.tenant) as session:
            found = await session.forms.forms(after, size + 1)
        more = page_token(request, found[size - 1].id) if len(found) > size else ""
        messages = [form_wire.form_message(one) for one in found[:size]]
        return form_pb2.ListFormsResponse(forms=messages, next_page_token=more)

    async def ListPlannedObservations(
        self, request: form_pb2.ListPlannedObservationsRequest, context: Any
    ) -> form_pb2.ListPlannedObservationsResponse:
        now_us = self._requests.clock_us()
        name = _id(request.form)
        if request.HasField("interval"):
            start_us, end_us = span_of(request.interval)
            end_us = end_us if request.interval.HasField("end") else max(now_us, start_us)
        else:
            start_us, end_us = now_us, now_us + PLAN_DAYS * DAY_US
        await self._caught_up(name)
        tenant_log = await self._requests.log()
        async with self._requests.store.session(tenant_log.tenant) as session:
            form = await _form(session, name)
            plan = await _planned(form, start_us, end_us)
            if plan is None:
                raise invalid("interval", "holds more planned observations than one answer does: ask for a shorter one")
            until_us = max((one.end_us for one in plan), default=start_us)
            found = await collected(partial(session.forms.observations, name, start_us, until_us))

        def answered() -> form_pb2.ListPlannedObservationsResponse:
            done = compared(plan, _seen(found), now_us)
            messages = [form_wire.planned_message(one) for one in done]
            return form_pb2.ListPlannedObservationsResponse(observations=messages)

        return await computed(len(plan) + len(found), answered)

    async def GetFormReport(
        self, request: form_pb2.GetFormReportRequest, context: Any
    ) -> form_pb2.GetFormReportResponse:
        confidence = request.confidence or CONFIDENCE
        if not 0.5 <= confidence < 1.0:
            raise invalid("confidence", "must lie between 0.5 and 1; 0 means 0.95")
        start_us, end_us = span_of(request.interval)
        now_us = self._requests.clock_us()
        name = _id(request.name)
        through = await self._caught_up(name)
        tenant_log = await self._requests.log()
        async with self._requests.store.session(tenant_log.tenant) as session:
            form = await _form(session, name)
            found = await collected(partial(session.forms.observations, name, start_us, end_us))
            plan = await _planned(form, start_us, min(end_us, now_us)) if form.plan else None
            # An observation of a shift that begins in the interval may be after it.
            until_us = max((one.end_us for one in plan or ()), default=end_us)
            later = await collected(partial(session.forms.observations, name, end_us, max(until_us, end_us)))
        grades = [one.answers for one in found if one.answers is not None]

        def reported() -> form_pb2.FormReport:
            data = observed(
                np.frombuffer(b"".join(grades), ANSWER_TYPE).reshape(-1, len(form.items)),
                np.array([one.time_us or 0 for one in found], np.int64),
                [one.rater for one in found],
                [one.case_id for one in found],
                [one.object for one in found],
            )
            coverage = None
            if plan is not None:
                coverage = coverage_of(compared(plan, _seen([*found, *later]), now_us), confidence)
            report = form_wire.report_message(
                item_results(form, data, confidence),
                rater_results(form, data, confidence),
                object_results(form, data, confidence),
                coverage,
                confidence,
            )
            report.observations = len(found)
            report.rater_count, report.object_count = len(data.raters), len(data.objects)
            return report

        # A figure of each rater and each object costs as much as some hundred rows.
        report = await computed(max(len(found) * len(form.items), _MANY if len(found) > PAGE_SIZE_MAX else 0), reported)
        report.through = CursorCodec(tenant_log.origin).encode(through)
        return form_pb2.GetFormReportResponse(report=report)

    async def _caught_up(self, name: SourceId) -> int:
        async def reader(session: StoreSession) -> tuple[int, Callable[[list[bytes]], list[Observation]]]:
            form = await _form(session, name)
            return len(form.items), lambda pages: observations_in(form, map(decoded, pages))

        return await caught_up(self._requests, name, attrgetter("forms"), reader)


async def _planned(form: ObservationForm, start_us: int, end_us: int) -> list[Planned] | None:
    """None: more than one answer takes. Empty where the form has no plan."""
    plan = form.plan
    if plan is None or start_us >= end_us:
        return []
    try:
        return await computed(_MANY, lambda: planned(form.id, plan, start_us, end_us))
    except PlanTooLarge:
        return None


def _seen(found: Sequence[Observation]) -> list[Seen]:
    return [Seen(one.response_id, one.time_us or 0, one.object, one.place) for one in found]


async def _form(session: StoreSession, name: SourceId) -> ObservationForm:
    found = await session.forms.form(name)
    if found is None:
        raise NotFound("NOT_FOUND", "no such form")
    return found


def _id(name: str) -> SourceId:
    return SourceId(name.removeprefix(form_wire.FORM_PREFIX))
