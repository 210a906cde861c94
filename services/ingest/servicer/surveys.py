"""SurveyService: surveys, their invitations, and what came back."""

import re
from functools import partial
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
from services.ingest.servicer.survey_rules import check_survey
from services.ingest.wire import surveys as survey_wire
from services.ingest.wire.times import micros
from services.ingest.workers import computed
from services.ingest.writer.interface import LockedSession, StoreSession
from services.runtime.cursors import CursorCodec
from services.runtime.errors import AlreadyExists, NotFound, invalid
from services.runtime.field_checks import FieldChecks
from services.runtime.page_tokens import page_size, page_token, place_of

PAGE_SIZE, PAGE_SIZE_MAX = 20, 100
INVITATIONS_SIZE, INVITATIONS_SIZE_MAX = 100, 1_000
INVITATIONS_MAX = 5_000
RESPONSES_MAX = 200_000
CONFIDENCE = 0.95
INVITATION_ID = re.compile(r"[0-9a-f]{22}")
_COMMITS_AT_ONCE = 50
_ANSWERS_AT_ONCE = 2_000
_ALWAYS_US = (-(2**62), 2**62)
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
        start_us, end_us = _ALWAYS_US
        if request.interval.HasField("start"):
            start_us = micros(request.interval.start)
        if request.interval.HasField("end"):
            end_us = micros(request.interval.end)
        if start_us > end_us:
            raise invalid("interval", "must not end before it begins")
        name = _id(request.name)
        through = await self._caught_up(name)
        tenant_log = await self._requests.log()
        async with self._requests.store.session(tenant_log.tenant) as session:
            survey = await _survey(session, name)
            tallies = await session.surveys.tallies(name)
            uninvited = await session.surveys.uninvited(name, start_us, end_us)
            parts = await _answers(session, name, start_us, end_us)
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
        """Through which position the responses are stored: at least where the log ended when this was asked."""
        tenant_log = await self._requests.log()
        store = self._requests.store
        head = (await store.log(tenant_log.tenant).head()).position
        through = -1
        while through < head:
            # Some at a time: each part is stored, whatever becomes of the call.
            async with store.changing(tenant_log.tenant) as session:
                survey = await _survey(session, name)
                after = await session.surveys.locked_position(name)
                if after >= head:
                    return after
                commits = await session.surveys.commits_of(name, after, head, _COMMITS_AT_ONCE)
                through = commits[-1] if len(commits) == _COMMITS_AT_ONCE else head
                segments = [one for some in (await session.log.read_segments(commits)).values() for one in some]
                rows = sum(len(one.id_hashes) for one in segments) // 8
                pages = [one.events for one in segments]
                responses = await computed(rows * len(survey.items), partial(_responses, survey, pages))
                await session.surveys.advance(name, through, responses)
        return through


def _responses(survey: Survey, pages: list[bytes]) -> list[Response]:
    return responses_in(survey, (decoded(one) for one in pages))


async def _answers(session: StoreSession, name: SourceId, start_us: int, end_us: int) -> list[bytes]:
    found: list[bytes] = []
    after = ""
    while page := await session.surveys.answers(name, start_us, end_us, after, _ANSWERS_AT_ONCE):
        found += [one.answers for one in page if one.answers is not None]
        if len(found) > RESPONSES_MAX:
            raise invalid("interval", f"holds more than {RESPONSES_MAX} responses: ask for a shorter one")
        after = page[-1].response_id
    return found


async def _survey(session: StoreSession, name: SourceId) -> Survey:
    found = await session.surveys.survey(name)
    if found is None:
        raise NotFound("NOT_FOUND", "no such survey")
    return found


def _id(name: str) -> SourceId:
    return SourceId(name.removeprefix(survey_wire.SURVEY_PREFIX))
