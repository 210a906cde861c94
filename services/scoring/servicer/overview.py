"""OverviewService: GetOverview, and annotations."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from andon.scoring.v1 import overview_pb2, overview_pb2_grpc

from services.runtime.errors import NotFound, invalid
from services.runtime.identity import current_caller
from services.runtime.page_tokens import page_size, page_token, place_of
from services.runtime.requests import idempotency_key
from services.scoring.servicer.request_context import RequestContext
from services.scoring.servicer.series_values import named_indicator
from services.scoring.store.overviews import FIRST_ID, AnnotationRow, SeriesRows
from services.scoring.system.model import IndicatorSystem, Window
from services.scoring.system.series import SeriesKey, scopes_of
from services.scoring.system.version import SystemVersion
from services.scoring.system.windows import EARLIEST_US
from services.scoring.wire.overview import NOTES_MAX, overview_message
from services.scoring.wire.scores import bounds, filter_of, microseconds
from services.scoring.wire.systems import stored_system

POINTS, POINTS_MIN, POINTS_MAX = 60, 2, 200
PAGE_SIZE, PAGE_SIZE_MAX = 100, 200
NOTES_PAGE, NOTES_PAGE_MAX = 100, 1_000
TEXT_MAX = 1_000
SCOPE = re.compile(r"[a-z0-9-]{1,64}(/[a-z0-9-]{1,64}(/[a-z0-9_]{1,64}(@(hour|day|week|month|all)(\{.*\})?)?)?)?", re.S)
SCOPE_MAX = 2_000


class OverviewServicer(overview_pb2_grpc.OverviewServiceServicer):
    def __init__(self, requests: RequestContext) -> None:
        self.requests = requests

    async def GetOverview(
        self, request: overview_pb2.GetOverviewRequest, context: Any
    ) -> overview_pb2.GetOverviewResponse:
        tenant, size = self.requests.tenant, page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        points_max = request.points_max or POINTS
        if not POINTS_MIN <= points_max <= POINTS_MAX:
            raise invalid("points_max", f"must lie between {POINTS_MIN} and {POINTS_MAX}; 0 means {POINTS}")
        (after,) = place_of(request, "")
        wanted = filter_of(request.filter)
        if not wanted.windows and not wanted.series:
            wanted = replace(wanted, windows=frozenset(set(Window) - {Window.ALL}))
        codec, newest, _ = await self.requests.cursors(tenant)
        keys = await self.requests.store.list_series(tenant, wanted, after, size + 1)
        shown = keys[:size]
        rows = await self.requests.store.overview(tenant, shown, points_max, NOTES_MAX)
        systems = await self.requests.systems_of(tenant, shown)
        return overview_pb2.GetOverviewResponse(
            # Charts of hundreds of series: nothing for a loop.
            series=await asyncio.to_thread(_overviews, shown, rows, systems),
            next_page_token=page_token(request, shown[-1]) if len(keys) > size else "",
            through=codec.encode(newest),
        )

    async def CreateAnnotation(
        self, request: overview_pb2.CreateAnnotationRequest, context: Any
    ) -> overview_pb2.CreateAnnotationResponse:
        key, row = idempotency_key(request), _annotation(request.annotation)
        process, system, indicator = [*row.scope.partition("@")[0].split("/"), "", ""][:3]
        names = [f"processes/{process}/indicatorSystems/{system}"] if system else None
        stored = await self.requests.store.active_systems(self.requests.tenant, names)
        # A document may be large: nothing for a loop.
        await asyncio.to_thread(_find_scope, process, indicator, stored)
        answer = overview_pb2.CreateAnnotationResponse(annotation=overview_pb2.Annotation.FromString(row.body))
        if request.validate_only:
            return answer
        async with self.requests.store.editing(self.requests.tenant) as editor:
            first = await editor.first_answer(key)
            if first is not None:
                return overview_pb2.CreateAnnotationResponse.FromString(first)
            await editor.add_annotation(row)
            await editor.store_answer(key, "CreateAnnotation", answer.SerializeToString())
        return answer

    async def ListAnnotations(
        self, request: overview_pb2.ListAnnotationsRequest, context: Any
    ) -> overview_pb2.ListAnnotationsResponse:
        size = page_size(request.page_size, NOTES_PAGE, NOTES_PAGE_MAX)
        scope, start_us, id_ = place_of(request, "", EARLIEST_US, str(FIRST_ID))
        scopes = _scopes(request.scope) if request.scope else ()
        found = await self.requests.store.list_annotations(
            self.requests.tenant, scopes, bounds(request.interval), (scope, start_us, uuid.UUID(id_)), size + 1
        )
        last = found[size - 1] if len(found) > size else None
        return overview_pb2.ListAnnotationsResponse(
            annotations=[overview_pb2.Annotation.FromString(row.body) for row in found[:size]],
            next_page_token=page_token(request, last.scope, last.start_us, str(last.id)) if last else "",
        )

    async def DeleteAnnotation(
        self, request: overview_pb2.DeleteAnnotationRequest, context: Any
    ) -> overview_pb2.DeleteAnnotationResponse:
        key, answer = idempotency_key(request), overview_pb2.DeleteAnnotationResponse()
        try:
            id_ = uuid.UUID(request.name.removeprefix("annotations/"))
        except ValueError as error:
            raise invalid("name", "must be annotations/{id}") from error
        async with self.requests.store.editing(self.requests.tenant) as editor:
            if await editor.first_answer(key) is not None:
                return answer
            if not await editor.has_annotation(id_):
                raise NotFound("NOT_FOUND", "there is no such annotation")
            if not request.validate_only:
                await editor.delete_annotation(id_)
                await editor.store_answer(key, "DeleteAnnotation", answer.SerializeToString())
        return answer


def _overviews(
    keys: Sequence[SeriesKey], rows: Sequence[SeriesRows], systems: Mapping[SeriesKey, IndicatorSystem]
) -> list[overview_pb2.SeriesOverview]:
    return [
        overview_message(key, row.scores, row.signals, row.annotations, systems.get(key))
        for key, row in zip(keys, rows, strict=True)
    ]


def _annotation(given: overview_pb2.Annotation) -> AnnotationRow:
    """As it is stored. INVALID_ARGUMENT with the field."""
    if len(given.scope) > SCOPE_MAX or not SCOPE.fullmatch(given.scope):
        raise invalid("annotation.scope", "must be a key of a series, or process/system/indicator or less of it")
    if not given.interval.HasField("start"):
        raise invalid("annotation.interval.start", "is required", "FIELD_REQUIRED")
    start_us = microseconds(given.interval.start)
    end_us = microseconds(given.interval.end) if given.interval.HasField("end") else start_us
    if end_us < start_us:
        raise invalid("annotation.interval.end", "must not lie before the start")
    if not (given.text.en.strip() or given.text.zh.strip()):
        raise invalid("annotation.text", "is required", "FIELD_REQUIRED")
    if max(len(given.text.en), len(given.text.zh)) > TEXT_MAX:
        raise invalid("annotation.text", f"has more than {TEXT_MAX:,} characters")
    id_, made = uuid.uuid4(), overview_pb2.Annotation()
    made.CopyFrom(given)
    made.name, made.author = f"annotations/{id_}", current_caller().subject
    made.kind = given.kind or overview_pb2.Annotation.KIND_NOTE
    made.create_time.FromDatetime(datetime.now(UTC))
    return AnnotationRow(id_, given.scope, start_us, end_us, made.SerializeToString())


def _find_scope(process: str, indicator: str, stored: Sequence[SystemVersion]) -> None:
    """NOT_FOUND where no active system has anything that a note of this scope would be shown on."""
    found = [one for one in stored if one.name.startswith(f"processes/{process}/")]
    if not found:
        raise NotFound("NOT_FOUND", "the scope names no process or indicator system that has an active version")
    if indicator:
        named_indicator(stored_system(found[0]), indicator)


def _scopes(scope: str) -> tuple[str, ...]:
    """A scope and all that it lies in."""
    if len(scope) > SCOPE_MAX or not SCOPE.fullmatch(scope):
        raise invalid("scope", "must be a key of a series, or process/system/indicator or less of it")
    if "@" in scope:
        return scopes_of(SeriesKey(scope))
    parts = scope.split("/")
    return tuple("/".join(parts[: place + 1]) for place in range(len(parts)))
