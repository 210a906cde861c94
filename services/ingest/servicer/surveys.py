"""SurveyService: surveys, their invitations, and what came back."""

import re
from collections.abc import Callable
from functools import partial
from operator import attrgetter
from secrets import token_hex
from typing import Any

import numpy as np
from andon.ingest.v1 import survey_pb2
from andon.ingest.v1 import survey_pb2_grpc as grpc_stubs

from services.ingest.log.segments import decoded
from services.ingest.model import ATTRIBUTE_NAME, RESERVED_PREFIX, SOURCE, SourceId
from services.ingest.registry.surveys.model import InvitationState, Response, Survey
from services.ingest.registry.surveys.report import dimension_results, item_results
from services.ingest.registry.surveys.responses import ANSWER_TYPE, responses_in
from services.ingest.servicer.request_context import RequestContext
from services.ingest.servicer.source_responses import caught_up, collected, span_of
from services.ingest.servicer.survey_rules import check_survey
from services.ingest.wire import surveys as survey_wire
from services.ingest.workers import computed
from services.ingest.writer.interface import LockedSession, StoreSession
from services.runtime.cursors import CursorCodec
from services.runtime.errors import AlreadyExists, NotFound, invalid
from services.runtime.field_checks import FieldChecks
from services.runtime.page_tokens import page_size, page_token, place_of

PAGE_SIZE, PAGE_SIZE_MAX = 20, 100
INVITATIONS_SIZE, INVITATIONS_SIZE_MAX = 100, 1_000
INVITATIONS_MAX = 5_000
CONFIDENCE = 0.95
INVITATION_ID = re.compile(r"[0-9a-f]{22}")
_SETTABLE = (InvitationState.OPEN, InvitationState.UNDELIVERABLE, InvitationState.REFUSED)


class SurveyServicer(grpc_stubs.SurveyServiceServicer):
    def __init__(self, requests: RequestContext) -> None:
        self._requests = requests

    async def CreateSurvey(
        self, request: survey_pb2.CreateSurveyRequest, context: Any
    ) -> survey_pb2.CreateSurveyResponse:
        checks = FieldChecks()
        own = SOURCE.fullmatch(request.survey_id) is not None and not request.survey_id.startswith(RESERVED_PREFIX)
        checks.require(own, "survey_id", f"must be 1 to 64 of [a-z0-9._-], and not begin with {RESERVED_PREFIX}")
        check_survey(request.survey, checks)
        checks.done()
        survey = survey_wire.survey(request.survey, SourceId(request.survey_id))

        async def create(session: LockedSession) -> survey_pb2.CreateSurveyResponse:
            if await session.registry.source(survey.id) is not None:
                raise AlreadyExists("ALREADY_EXISTS", "a source of this name exists")
            if not request.validate_only:
                await session.registry.create_source(survey_wire.source_of(survey))
                await session.surveys.create(survey, session.head.position)
            made = survey if request.validate_only else await _survey(session, survey.id)
            return survey_pb2.CreateSurveyResponse(survey=survey_wire.survey_message(made))

        return await self._requests.once("CreateSurvey", request, survey_pb2.CreateSurveyResponse, create)

    async def GetSurvey(self, request: survey_pb2.GetSurveyRequest, context: Any) -> survey_pb2.GetSurveyResponse:
        tenant_log = await self._requests.log()
        async with self._requests.store.session(tenant_log.tenant) as session:
            found = await _survey(session, _id(request.name))
        return survey_pb2.GetSurveyResponse(survey=survey_wire.survey_message(found))

    async def ListSurveys(self, request: survey_pb2.ListSurveysRequest, context: Any) -> survey_pb2.ListSurveysResponse:
        size = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        (after,) = place_of(request, "")
        tenant_log = await self._requests.log()
        async with self._requests.store.session(tenant_log.tenant) as session:
            found = await session.surveys.surveys(after, size + 1)
        more = page_token(request, found[size - 1].id) if len(found) > size else ""
        messages = [survey_wire.survey_message(one) for one in found[:size]]
        return survey_pb2.ListSurveysResponse(surveys=messages, next_page_token=more)

    async def CreateInvitations(
        self, request: survey_pb2.CreateInvitationsRequest, context: Any
    ) -> survey_pb2.CreateInvitationsResponse:
        checks = FieldChecks()
        checks.require(1 <= request.count <= INVITATIONS_MAX, "count", f"must be 1 to {INVITATIONS_MAX}")
        named = not request.segment or ATTRIBUTE_NAME.fullmatch(request.segment) is not None
        checks.require(named, "segment", "must be at most 64 of [A-Za-z0-9_.:-]")
        checks.done()

        async def create(session: LockedSession) -> survey_pb2.CreateInvitationsResponse:
            survey = await _survey(session, _id(request.survey))
            if request.validate_only:
                return survey_pb2.CreateInvitationsResponse()
            # Nobody can guess one, so nobody answers in the place of another.
            ids = [token_hex(11) for _ in range(request.count)]
            await session.surveys.invite(survey.id, ids, request.segment)
            return survey_pb2.CreateInvitationsResponse(ids=ids)

        return await self._requests.once("CreateInvitations", request, survey_pb2.CreateInvitationsResponse, create)

    async def ListInvitations(
        self, request: survey_pb2.ListInvitationsRequest, context: Any
    ) -> survey_pb2.ListInvitationsResponse:
        size = page_size(request.page_size, INVITATIONS_SIZE, INVITATIONS_SIZE_MAX)
        (after,) = place_of(request, "")
        states = [InvitationState(one) for one in request.states if one] or list(InvitationState)
        name = _id(request.survey)
        await self._caught_up(name)
        tenant_log = await self._requests.log()
        async with self._requests.store.session(tenant_log.tenant) as session:
            found = await session.surveys.invitations(name, states, after, size + 1)
        more = page_token(request, found[size - 1].invitation_id) if len(found) > size else ""
        messages = [survey_wire.invitation_message(one) for one in found[:size]]
        return survey_pb2.ListInvitationsResponse(invitations=messages, next_page_token=more)

    async def UpdateInvitations(
        self, request: survey_pb2.UpdateInvitationsRequest, context: Any
    ) -> survey_pb2.UpdateInvitationsResponse:
        checks = FieldChecks()
        checks.require(1 <= len(request.ids) <= INVITATIONS_MAX, "ids", f"must be 1 to {INVITATIONS_MAX}")
        for index, one in enumerate(request.ids[:INVITATIONS_MAX]):
            checks.require(INVITATION_ID.fullmatch(one) is not None, f"ids[{index}]", "is no id of an invitation")
        names = ", ".join(one.name for one in _SETTABLE)
        checks.require(int(request.state) in _SETTABLE, "state", f"must be one of {names}")
        checks.done()

        async def move(session: LockedSession) -> survey_pb2.UpdateInvitationsResponse:
            survey = await _survey(session, _id(request.survey))
            if len(await session.surveys.known_invitations(survey.id, request.ids)) < len(set(request.ids)):
                raise NotFound("NOT_FOUND", "no such invitation")
            if request.validate_only:
                return survey_pb2.UpdateInvitationsResponse()
            state = InvitationState(request.state)
            changed = await session.surveys.move_invitations(survey.id, request.ids, state)
            return survey_pb2.UpdateInvitationsResponse(changed_count=changed)

        return await self._requests.once("UpdateInvitations", request, survey_pb2.UpdateInvitationsResponse, move)

    async def GetSurveyReport(
        self, request: survey_pb2.GetSurveyReportRequest, context: Any
    ) -> survey_pb2.GetSurveyReportResponse:
        confidence = request.confidence or CONFIDENCE
        if not 0.5 <= confidence < 1.0:
            raise invalid("confidence", "must lie between 0.5 and 1; 0 means 0.95")
        start_us, end_us = span_of(request.interval)
        name = _id(request.name)
        through = await self._caught_up(name)
        tenant_log = await self._requests.log()
        async with self._requests.store.session(tenant_log.tenant) as session:
            survey = await _survey(session, name)
            tallies = await session.surveys.tallies(name)
            uninvited = await session.surveys.uninvited(name, start_us, end_us)
            found = await collected(partial(session.surveys.answers, name, start_us, end_us))
        parts = [one.answers for one in found if one.answers is not None]
        rows = sum(map(len, parts)) // ANSWER_TYPE.itemsize

        def reported() -> survey_pb2.SurveyReport:
            answers = np.frombuffer(b"".join(parts), ANSWER_TYPE).reshape(-1, len(survey.items))
            items = item_results(survey, answers, confidence)
            dimensions = dimension_results(survey, answers, confidence)
            report = survey_wire.report_message(tallies, items, dimensions, confidence)
            report.responses = len(answers)
            return report

        report = await computed(rows, reported)
        report.uninvited_responses = uninvited
        report.through = CursorCodec(tenant_log.origin).encode(through)
        return survey_pb2.GetSurveyReportResponse(report=report)

    async def _caught_up(self, name: SourceId) -> int:
        async def reader(session: StoreSession) -> tuple[int, Callable[[list[bytes]], list[Response]]]:
            survey = await _survey(session, name)
            return len(survey.items), lambda pages: responses_in(survey, map(decoded, pages))

        return await caught_up(self._requests, name, attrgetter("surveys"), reader)


async def _survey(session: StoreSession, name: SourceId) -> Survey:
    found = await session.surveys.survey(name)
    if found is None:
        raise NotFound("NOT_FOUND", "no such survey")
    return found


def _id(name: str) -> SourceId:
    return SourceId(name.removeprefix(survey_wire.SURVEY_PREFIX))
