"""ClauseService: clauses, whether a live indicator watches each, and indicators that no clause names."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from andon.scoring.v1 import clause_pb2 as pb
from andon.scoring.v1 import clause_pb2_grpc as grpc_stubs
from google.protobuf.message import DecodeError

from services.runtime.errors import Aborted, AlreadyExists, NotFound
from services.runtime.field_checks import FieldChecks
from services.runtime.page_tokens import page_size, page_token, place_of
from services.runtime.requests import idempotency_key
from services.scoring.servicer.clause_rules import NAME, check_clause
from services.scoring.servicer.request_context import RequestContext
from services.scoring.store.systems import SystemEditor
from services.scoring.system.hierarchy import OVERALL
from services.scoring.system.model import SystemSpec
from services.scoring.system.stored_clause import StoredClause
from services.scoring.system.version import SystemVersion
from services.scoring.wire.clauses import CLAUSE_PREFIX, clause_body, clause_message
from services.scoring.wire.scores import text
from services.scoring.wire.systems import stored_system

LIST_DEFAULT, LIST_MAX = 100, 1_000
Live = Mapping[str, frozenset[str]]
"""By the name of a system: what its active version scores."""


class ClauseServicer(grpc_stubs.ClauseServiceServicer):
    def __init__(self, requests: RequestContext, now_us: Callable[[], int]) -> None:
        self._requests = requests
        self._now_us = now_us

    async def CreateClause(self, request: pb.CreateClauseRequest, context: Any) -> pb.CreateClauseResponse:
        checks, name = FieldChecks(), request.clause_id
        checks.require(NAME.fullmatch(name) is not None, "clause_id", "must be 1 to 64 of [a-z0-9-]")
        check_clause(request.clause, name, checks)
        checks.done()
        await self._check_links(request.clause)
        body, live, key = clause_body(request.clause), await self._live(), idempotency_key(request)
        async with self._requests.store.editing(self._requests.tenant) as editor:
            if (first := await editor.first_answer(key)) is not None:
                return pb.CreateClauseResponse.FromString(first)
            await _check_successor(editor, request.clause)
            if request.validate_only:
                made = await editor.clauses.clause(name)
                made = _unsaved(name, body) if made is None else None
            else:
                made = await editor.clauses.create(name, body, uuid.uuid4().hex)
            if made is None:
                raise AlreadyExists("ALREADY_EXISTS", "a clause of this name exists")
            answer = pb.CreateClauseResponse(clause=clause_message(made, self._now_us(), live))
            await editor.store_answer(key, "CreateClause", answer.SerializeToString())
        return answer

    async def UpdateClause(self, request: pb.UpdateClauseRequest, context: Any) -> pb.UpdateClauseResponse:
        checks, one, name = FieldChecks(), request.clause, _id(request.clause.name)
        check_clause(one, name, checks)
        checks.done()
        await self._check_links(one)
        body, live, key = clause_body(one), await self._live(), idempotency_key(request)
        async with self._requests.store.editing(self._requests.tenant) as editor:
            if (first := await editor.first_answer(key)) is not None:
                return pb.UpdateClauseResponse.FromString(first)
            before = await editor.clauses.clause(name)
            if before is None:
                raise _not_found()
            if one.etag and one.etag != before.etag:
                raise Aborted("ETAG_STALE", "the clause changed since it was read")
            await _check_successor(editor, one)
            after = StoredClause(name, body, before.etag, before.create_time, before.update_time)
            if not request.validate_only:
                after = await editor.clauses.replace(name, body, uuid.uuid4().hex)
            answer = pb.UpdateClauseResponse(clause=clause_message(after, self._now_us(), live))
            await editor.store_answer(key, "UpdateClause", answer.SerializeToString())
        return answer

    async def GetClause(self, request: pb.GetClauseRequest, context: Any) -> pb.GetClauseResponse:
        found = await self._requests.store.clause(self._requests.tenant, _id(request.name))
        if found is None:
            raise _not_found()
        return pb.GetClauseResponse(clause=clause_message(found, self._now_us(), await self._live()))

    async def ListClauses(self, request: pb.ListClausesRequest, context: Any) -> pb.ListClausesResponse:
        size, (after,) = page_size(request.page_size, LIST_DEFAULT, LIST_MAX), place_of(request, "")
        live, now_us = await self._live(), self._now_us()
        found: list[pb.Clause] = []
        # Coverage follows from the clock and the active systems, so the database cannot filter by it.
        while len(found) <= size:
            page = await self._requests.store.clauses(self._requests.tenant, after, LIST_MAX)
            messages = await asyncio.to_thread(_messages, page, now_us, live)
            found += [
                one
                for one in messages
                if request.document in ("", one.document)
                and (not request.coverages or one.coverage in request.coverages)
            ]
            if len(page) < LIST_MAX:
                break
            after = page[-1].name
        token = page_token(request, _id(found[size - 1].name)) if len(found) > size else ""
        return pb.ListClausesResponse(clauses=found[:size], next_page_token=token)

    async def ListUnclaimedIndicators(
        self, request: pb.ListUnclaimedIndicatorsRequest, context: Any
    ) -> pb.ListUnclaimedIndicatorsResponse:
        size = page_size(request.page_size, LIST_DEFAULT, LIST_MAX)
        place = place_of(request, "", "")
        names = [request.indicator_system] if request.indicator_system else None
        tenant, store = self._requests.tenant, self._requests.store
        stored = await store.active_systems(tenant, names)
        if names and not stored:
            raise NotFound("NOT_FOUND", "there is no such active indicator system")
        claimed: set[tuple[str, str]] = set()
        after, now_us = "", self._now_us()
        while page := await store.clauses(tenant, after, LIST_MAX):
            for one in await asyncio.to_thread(_messages, page, now_us, {}):
                if one.coverage != pb.CLAUSE_COVERAGE_NOT_IN_FORCE:
                    claimed |= {(link.indicator_system, link.indicator) for link in one.links}
            after = page[-1].name
        found = await asyncio.to_thread(_unclaimed, stored, claimed)
        rest = [one for one in found if (one.indicator_system, one.indicator) > tuple(place)]
        last = rest[size - 1] if len(rest) > size else None
        token = page_token(request, last.indicator_system, last.indicator) if last else ""
        return pb.ListUnclaimedIndicatorsResponse(indicators=rest[:size], next_page_token=token)

    async def _check_links(self, one: pb.Clause) -> None:
        """By the active version of a system, else by its newest one."""
        checks = FieldChecks()
        known: dict[str, frozenset[str] | None] = {}
        for index, link in enumerate(one.links):
            if link.indicator_system not in known:
                stored = await self._requests.store.system(self._requests.tenant, link.indicator_system)
                scored = await asyncio.to_thread(_scored, [stored]) if stored else {}
                known[link.indicator_system] = scored.get(link.indicator_system)
            names = known[link.indicator_system]
            at = f"clause.links[{index}]"
            checks.require(names is not None, f"{at}.indicator_system", "must be an indicator system that exists")
            is_there = names is None or link.indicator in names
            checks.require(is_there, f"{at}.indicator", "must be an indicator or a composite of the system")
        checks.done()

    async def _live(self) -> Live:
        stored = await self._requests.store.active_systems(self._requests.tenant)
        return await asyncio.to_thread(_scored, stored)


async def _check_successor(editor: SystemEditor, one: pb.Clause) -> None:
    checks = FieldChecks()
    there = not one.superseded_by or await editor.clauses.clause(_id(one.superseded_by)) is not None
    checks.require(there, "clause.superseded_by", "must be a clause that exists")
    checks.done()


def _specs(versions: Iterable[SystemVersion]) -> dict[str, SystemSpec]:
    """Without those whose document cannot be read."""
    found = {}
    for one in versions:
        try:
            found[one.name] = stored_system(one).spec
        except DecodeError:
            continue
    return found


def _scored(versions: Iterable[SystemVersion]) -> dict[str, frozenset[str]]:
    return {
        name: frozenset(spec.indicator_by_name) | frozenset(spec.composite_names) | {OVERALL}
        for name, spec in _specs(versions).items()
    }


def _unclaimed(versions: Iterable[SystemVersion], claimed: set[tuple[str, str]]) -> list[pb.UnclaimedIndicator]:
    """By system and indicator."""
    found = [
        pb.UnclaimedIndicator(indicator_system=name, indicator=one.name, title=text(one.title))
        for name, spec in _specs(versions).items()
        for one in spec.indicators
        if (name, one.name) not in claimed
    ]
    return sorted(found, key=lambda one: (one.indicator_system, one.indicator))


def _messages(page: Iterable[StoredClause], now_us: int, live: Live) -> list[pb.Clause]:
    return [clause_message(one, now_us, live) for one in page]


def _unsaved(name: str, body: bytes) -> StoredClause:
    now = datetime.now(UTC)
    return StoredClause(name, body, "", now, now)


def _not_found() -> NotFound:
    return NotFound("NOT_FOUND", "no such clause")


def _id(name: str) -> str:
    return name.removeprefix(CLAUSE_PREFIX)
