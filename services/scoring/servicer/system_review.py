"""SystemReviewService: GetIndicatorSystemDiff, and back-tests."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Any

from andon.scoring.v1 import indicator_system_pb2 as system_pb
from andon.scoring.v1 import system_review_pb2 as pb
from andon.scoring.v1 import system_review_pb2_grpc

from services.runtime.errors import (
    FailedPrecondition,
    NotFound,
    PreconditionViolation,
    QuotaViolation,
    ResourceExhausted,
    invalid,
)
from services.runtime.page_tokens import page_size, page_token, place_of
from services.runtime.requests import idempotency_key
from services.scoring.servicer.request_context import RequestContext
from services.scoring.store.backtests import LATEST
from services.scoring.store.overviews import FIRST_ID
from services.scoring.system.lint import lint
from services.scoring.system.lint_findings import Severity
from services.scoring.system.stored_backtest import BacktestRow, BacktestState
from services.scoring.system.version import SystemVersion
from services.scoring.wire.scores import bounds, microseconds, text
from services.scoring.wire.system_diff import summary_of, system_changes
from services.scoring.wire.system_review import backtest_message
from services.scoring.wire.systems import spec_of

WAITING_MAX = 5
INCIDENTS_MAX = 500
TITLE_MAX = 200
CATCH_DAYS_MAX = 366
PAGE_SIZE, PAGE_SIZE_MAX = 50, 100
NEWEST = 2**31 - 1
DAY_S = 86_400


class SystemReviewServicer(system_review_pb2_grpc.SystemReviewServiceServicer):
    def __init__(self, requests: RequestContext) -> None:
        self.requests = requests

    async def GetIndicatorSystemDiff(
        self, request: pb.GetIndicatorSystemDiffRequest, context: Any
    ) -> pb.GetIndicatorSystemDiffResponse:
        before = await self._version(request.name, request.version_before)
        if request.HasField("document"):
            if request.version_after:
                raise invalid("version_after", "must be empty where a document is compared")
            after, version_after = request.document, 0
        else:
            newest = await self._version(request.name, request.version_after or await self._newest(request.name))
            after, version_after = system_pb.IndicatorSystemSpec.FromString(newest.document), newest.version
        first = system_pb.IndicatorSystemSpec.FromString(before.document)
        # Documents of a thousand indicators: nothing for a loop.
        changes = await asyncio.to_thread(system_changes, first, after)
        return pb.GetIndicatorSystemDiffResponse(
            version_before=before.version,
            version_after=version_after,
            changes=changes,
            summary=text(summary_of(changes)),
        )

    async def CreateBacktest(self, request: pb.CreateBacktestRequest, context: Any) -> pb.CreateBacktestResponse:
        key, tenant = idempotency_key(request), self.requests.tenant
        _check(request)
        if request.HasField("document"):
            await asyncio.to_thread(_refuse_errors, request.document)
            version = 0
            if not await self.requests.store.system(tenant, request.name):
                raise NotFound("NOT_FOUND", "there is no such indicator system")
        else:
            asked = request.version or await self._newest(request.name)
            version = (await self._version(request.name, asked)).version
        content = request.SerializeToString(deterministic=True)
        if request.validate_only:
            now = datetime.now(UTC)
            row = BacktestRow(
                FIRST_ID, request.name, version, BacktestState.WAITING, 0, content, 0, 0, "", b"", now, None
            )
            return pb.CreateBacktestResponse(backtest=backtest_message(row))
        async with self.requests.store.editing(tenant) as editor:
            first = await editor.first_answer(key)
            if first is not None:
                return pb.CreateBacktestResponse.FromString(first)
            if await editor.backtests.waiting_count() >= WAITING_MAX:
                description = f"at most {WAITING_MAX} back-tests of a tenant wait: cancel one, or wait for one to end"
                raise ResourceExhausted(
                    "QUOTA_EXCEEDED",
                    description,
                    quota_violations=[QuotaViolation(f"tenants/{tenant}", description)],
                    retry_after_s=10.0,
                )
            row = await editor.backtests.add(uuid.uuid4(), request.name, version, content)
            answer = pb.CreateBacktestResponse(backtest=backtest_message(row))
            await editor.store_answer(key, "CreateBacktest", answer.SerializeToString())
        return answer

    async def GetBacktest(self, request: pb.GetBacktestRequest, context: Any) -> pb.GetBacktestResponse:
        row = await self.requests.store.backtest(self.requests.tenant, _id(request.name))
        if row is None:
            raise NotFound("NOT_FOUND", "there is no such back-test")
        return pb.GetBacktestResponse(backtest=await asyncio.to_thread(backtest_message, row))

    async def ListBacktests(self, request: pb.ListBacktestsRequest, context: Any) -> pb.ListBacktestsResponse:
        size = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        time, id_ = place_of(request, LATEST.isoformat(), str(uuid.UUID(int=2**128 - 1)))
        before = (datetime.fromisoformat(time), uuid.UUID(id_))
        rows = await self.requests.store.list_backtests(self.requests.tenant, before, size + 1)
        last = rows[size - 1] if len(rows) > size else None
        return pb.ListBacktestsResponse(
            backtests=await asyncio.to_thread(lambda: [backtest_message(one) for one in rows[:size]]),
            next_page_token=page_token(request, last.create_time.isoformat(), str(last.id)) if last else "",
        )

    async def CancelBacktest(self, request: pb.CancelBacktestRequest, context: Any) -> pb.CancelBacktestResponse:
        key, id_ = idempotency_key(request), _id(request.name)
        async with self.requests.store.editing(self.requests.tenant) as editor:
            first = await editor.first_answer(key)
            if first is not None:
                return pb.CancelBacktestResponse.FromString(first)
            if not request.validate_only:
                await editor.backtests.cancel(id_)
            row = await editor.backtests.backtest(id_)
            if row is None:
                raise NotFound("NOT_FOUND", "there is no such back-test")
            answer = pb.CancelBacktestResponse(backtest=backtest_message(row))
            answer.backtest.ClearField("report")
            if not request.validate_only:
                await editor.store_answer(key, "CancelBacktest", answer.SerializeToString())
        return answer

    async def _version(self, name: str, version: int) -> SystemVersion:
        found = await self.requests.store.system(self.requests.tenant, name, version)
        if found is None:
            raise NotFound("NOT_FOUND", "there is no such version of this indicator system")
        return found

    async def _newest(self, name: str) -> int:
        """NOT_FOUND where there is no version at all."""
        process, _, _ = name.partition("/indicatorSystems/")
        after = (name, NEWEST)
        for one in await self.requests.store.list_systems(self.requests.tenant, process, False, after, 1):
            if one.name == name:
                return one.version
        raise NotFound("NOT_FOUND", "there is no such indicator system")


def _id(name: str) -> uuid.UUID:
    try:
        return uuid.UUID(name.removeprefix("backtests/"))
    except ValueError as error:
        raise invalid("name", "must be backtests/{id}") from error


def _check(request: pb.CreateBacktestRequest) -> None:
    if request.HasField("document") and request.version:
        raise invalid("version", "must be empty where a document is scored")
    start_us, end_us = bounds(request.interval)
    if start_us == end_us:
        raise invalid("interval", "must end after its start")
    if len(request.incidents) > INCIDENTS_MAX:
        raise invalid("incidents", f"has more than {INCIDENTS_MAX} members")
    for place, one in enumerate(request.incidents):
        if not one.interval.HasField("start"):
            raise invalid(f"incidents[{place}].interval.start", "is required", "FIELD_REQUIRED")
        if one.interval.HasField("end") and microseconds(one.interval.end) < microseconds(one.interval.start):
            raise invalid(f"incidents[{place}].interval.end", "must not lie before the start")
        if len(one.title) > TITLE_MAX:
            raise invalid(f"incidents[{place}].title", f"has more than {TITLE_MAX} characters")
    if not 0 <= request.catch_within.seconds <= CATCH_DAYS_MAX * DAY_S:
        raise invalid("catch_within", f"must lie between 0 and {CATCH_DAYS_MAX} days")


def _refuse_errors(document: system_pb.IndicatorSystemSpec) -> None:
    errors = [one for one in lint(spec_of(document)) if one.severity is Severity.ERROR]
    if errors:
        violations = [PreconditionViolation(one.check, one.field, one.message.en) for one in errors]
        raise FailedPrecondition(
            "LINT_FAILED", "the document does not pass its lint", precondition_violations=violations
        )
