"""The contract, served: parse, call, answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import grpc
from andon.improvement.v1 import improvement_pb2 as pb
from andon.improvement.v1 import improvement_pb2_grpc, problem_pb2
from andon.scoring.v1 import indicator_system_pb2, scoring_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from services.improvement import moves, wire
from services.improvement.checks import check_action, check_cause, check_reason, page_key, page_size, page_token
from services.improvement.followers import Followers
from services.improvement.metrics import metrics
from services.improvement.model import Problem, SignalReference
from services.improvement.peer import ScoringPeer
from services.improvement.proof import verify
from services.improvement.refusals import refusals
from services.improvement.store import Entry, ProblemStore, Session, Wanted
from services.runtime.errors import Aborted, FailedPrecondition, InvalidArgument, NotFound, Unavailable
from services.runtime.following import CursorCodec, foreign_position
from services.runtime.identity import current_caller
from services.runtime.requests import fingerprint, parsed_request_id, request_id_reused

SERVICE_NAME = pb.DESCRIPTOR.services_by_name["ImprovementService"].full_name
SETTLING_S_MAX = 300.0
EVENTS_DEFAULT, EVENTS_MAX = 20, 1000
EXPLAINED_AT_ONCE = 8

Answer = TypeVar("Answer", bound=Message)
Change = Callable[[Problem], Problem]


class ImprovementServicer(improvement_pb2_grpc.ImprovementServiceServicer):
    def __init__(
        self,
        store: ProblemStore,
        followers: Followers,
        peer: Callable[[str], ScoringPeer],
        clock_us: Callable[[], int],
    ) -> None:
        self._store = store
        self._followers = followers
        self._peer = peer
        self._clock_us = clock_us

    def register(self, server: grpc.aio.Server) -> None:
        improvement_pb2_grpc.add_ImprovementServiceServicer_to_server(self, server)

    # --- reading

    async def ListProblems(self, request: pb.ListProblemsRequest, context: Any) -> pb.ListProblemsResponse:
        tenant = current_caller().tenant
        limit, (severity, name) = page_size(request.page_size), page_key(request.page_token)
        if request.at_least:
            await self._reached(tenant, foreign_position(request.at_least), context)
        wanted = Wanted(
            request.filter.process,
            request.filter.system,
            request.filter.indicators,
            request.filter.states or wire.LISTED_NUMBERS,
        )
        async with self._store.session(tenant) as session:
            head = await session.head()
            problems = await session.page(wanted, severity, name, limit + 1)
        shown = problems[:limit]
        return pb.ListProblemsResponse(
            problems=[wire.problem_message(problem, self._clock_us()) for problem in shown],
            next_page_token=page_token(shown[-1]) if len(problems) > limit else "",
            through=CursorCodec(head.origin).encode(head.position),
        )

    async def _reached(self, tenant: str, position: int, context: Any) -> None:
        """Waits until the problems hold everything of scoring's log through `position`."""
        remaining_s = context.time_remaining()
        patience_s = SETTLING_S_MAX if remaining_s is None else min(SETTLING_S_MAX, remaining_s * 0.95)
        changed = self._followers.of(tenant).changed
        try:
            async with asyncio.timeout(patience_s):
                while True:
                    ticket = changed.ticket()
                    async with self._store.session(tenant) as session:
                        if (await session.head()).settled_position >= position:
                            return
                    await changed.changed(ticket, 0.5)
        except TimeoutError as error:
            raise Unavailable("NOT_YET_REACHED", "the signals through at_least are not followed yet") from error

    async def GetProblem(self, request: pb.GetProblemRequest, context: Any) -> pb.GetProblemResponse:
        return pb.GetProblemResponse(problem=self._message(await self._known(request.name)))

    async def _known(self, name: str) -> Problem:
        async with self._store.session(current_caller().tenant) as session:
            return _present(await session.problem(name), name)

    def _message(self, problem: Problem) -> problem_pb2.Problem:
        return wire.problem_message(problem, self._clock_us())

    async def WatchProblems(
        self, request: pb.WatchProblemsRequest, context: Any
    ) -> AsyncIterator[pb.WatchProblemsResponse]:
        tenant = current_caller().tenant
        if request.snapshot and request.after:
            raise InvalidArgument("FIELD_INVALID", "a snapshot begins from nothing: `after` must be empty")
        async with self._store.session(tenant) as session:
            head = await session.head()
            standing = await session.problems() if request.snapshot else []
        codec = CursorCodec(head.origin)
        after = codec.check_kept(codec.decode(request.after), head.oldest) if request.after else head.position
        wanted = [problem for problem in standing if wire.matches(request.filter, problem)]
        yield pb.WatchProblemsResponse(
            problems=map(self._message, wanted), through=codec.encode(after), snapshot_complete=request.snapshot
        )
        heartbeat_s = request.heartbeat.ToTimedelta().total_seconds() if request.HasField("heartbeat") else None
        async for batch in self._followers.of(tenant).tail.follow(after, heartbeat_s=heartbeat_s):
            yield self._changes(request.filter, batch.items, codec.encode(batch.through))

    def _changes(self, filter_: pb.ProblemFilter, entries: Any, through: str) -> pb.WatchProblemsResponse:
        problems = [problem for _, entry in entries for problem in wire.unpack(entry.changes)]
        return pb.WatchProblemsResponse(
            problems=[self._message(problem) for problem in problems if wire.matches(filter_, problem)],
            through=through,
            lag=self._lag(entries[0][1]) if entries else None,
        )

    def _lag(self, oldest: Entry) -> Duration:
        micros = max(0, self._clock_us() - int(oldest.committed_at.timestamp() * 1_000_000))
        return Duration(seconds=micros // 1_000_000, nanos=micros % 1_000_000 * 1000)

    async def GetWatchBounds(self, request: pb.GetWatchBoundsRequest, context: Any) -> pb.GetWatchBoundsResponse:
        async with self._store.session(current_caller().tenant) as session:
            head = await session.head()
        codec = CursorCodec(head.origin)
        return pb.GetWatchBoundsResponse(oldest=codec.encode(head.oldest), newest=codec.encode(head.position))

    async def GetImprovementStatus(
        self, request: pb.GetImprovementStatusRequest, context: Any
    ) -> pb.GetImprovementStatusResponse:
        async with self._store.session(current_caller().tenant) as session:
            head = await session.head()
            total, live = await session.counts(wire.LIVE_NUMBERS)
            problems = await session.problems()
        return pb.GetImprovementStatusResponse(
            signals_through=head.signals_through,
            through=CursorCodec(head.origin).encode(head.position),
            open_count=live,
            total_count=total,
            content_hash=wire.content_hash(problems),
        )

    async def ExplainProblem(self, request: pb.ExplainProblemRequest, context: Any) -> pb.ExplainProblemResponse:
        problem = await self._known(request.name)
        peer = self._peer(current_caller().tenant)
        most = min(request.events_max or EVENTS_DEFAULT, EVENTS_MAX)
        room = asyncio.Semaphore(EXPLAINED_AT_ONCE)

        async def link(reference: SignalReference) -> pb.ExplainProblemResponse.Link:
            async with room:
                return _link(reference, await peer.explain(reference.series, reference.start_us, most), most)

        links = await asyncio.gather(*(link(reference) for reference in problem.signals))
        return pb.ExplainProblemResponse(problem=self._message(problem), links=links)

    # --- moving

    async def AcknowledgeProblem(
        self, request: pb.AcknowledgeProblemRequest, context: Any
    ) -> pb.AcknowledgeProblemResponse:
        now_us = self._clock_us()
        return await self._move(
            request, request.name, lambda problem: moves.acknowledge(problem, now_us), pb.AcknowledgeProblemResponse
        )

    async def AddCause(self, request: pb.AddCauseRequest, context: Any) -> pb.AddCauseResponse:
        cause, now_us = check_cause(request.cause), self._clock_us()
        return await self._move(
            request, request.parent, lambda problem: moves.add_cause(problem, cause, now_us), pb.AddCauseResponse
        )

    async def PlanAction(self, request: pb.PlanActionRequest, context: Any) -> pb.PlanActionResponse:
        action, now_us = check_action(request.action), self._clock_us()
        with refusals():
            direction = await self._peer(current_caller().tenant).direction(action.goal.series)
        lower = indicator_system_pb2.DIRECTION_LOWER_IS_BETTER
        if (action.goal.expected_effect < 0) != (direction == lower):
            raise InvalidArgument("FIELD_INVALID", "the expected effect would make the series worse")
        answer = await self._move(
            request, request.parent, lambda problem: moves.plan_action(problem, action, now_us), pb.PlanActionResponse
        )
        answer.action.CopyFrom(answer.problem.actions[-1])
        return answer

    async def StartAction(self, request: pb.StartActionRequest, context: Any) -> pb.StartActionResponse:
        now_us = self._clock_us()
        started_us = wire.micros(request.start_time) if request.HasField("start_time") else now_us
        return await self._act(
            request,
            lambda problem: moves.start_action(problem, request.name, started_us, now_us),
            pb.StartActionResponse,
        )

    async def CompleteAction(self, request: pb.CompleteActionRequest, context: Any) -> pb.CompleteActionResponse:
        now_us = self._clock_us()
        done_us = wire.micros(request.done_time) if request.HasField("done_time") else now_us
        return await self._act(
            request,
            lambda problem: moves.complete_action(problem, request.name, done_us, now_us),
            pb.CompleteActionResponse,
        )

    async def CancelAction(self, request: pb.CancelActionRequest, context: Any) -> pb.CancelActionResponse:
        now_us = self._clock_us()
        return await self._act(
            request, lambda problem: moves.cancel_action(problem, request.name, now_us), pb.CancelActionResponse
        )

    async def VerifyAction(self, request: pb.VerifyActionRequest, context: Any) -> pb.VerifyActionResponse:
        problem, now_us = await self._known(_problem_of(request.name)), self._clock_us()
        peer = self._peer(current_caller().tenant)
        with refusals():
            action = moves.check_verifiable(problem, request.name)
            lower = indicator_system_pb2.DIRECTION_LOWER_IS_BETTER
            readings = await peer.readings(action.goal.series)
            direction = await peer.direction(action.goal.series)
            proof = verify(problem, action, readings, direction == lower, now_us)
        if request.validate_only:
            return pb.VerifyActionResponse(
                problem=self._message(problem), verification=wire.verification_message(proof)
            )
        answer = await self._act(
            request, lambda known: moves.verified(known, request.name, proof, now_us), pb.VerifyActionResponse
        )
        answer.verification.CopyFrom(wire.verification_message(proof))
        metrics.add("andon.improvement.verifications", verdict=proof.verdict.value)
        return answer

    async def CloseProblem(self, request: pb.CloseProblemRequest, context: Any) -> pb.CloseProblemResponse:
        now_us = self._clock_us()
        return await self._move(
            request, request.name, lambda problem: moves.close(problem, now_us), pb.CloseProblemResponse
        )

    async def DismissProblem(self, request: pb.DismissProblemRequest, context: Any) -> pb.DismissProblemResponse:
        reason, now_us = check_reason(request.reason), self._clock_us()
        return await self._move(
            request, request.name, lambda problem: moves.dismiss(problem, reason, now_us), pb.DismissProblemResponse
        )

    async def _act(self, request: Any, change: Change, answer: type[Answer]) -> Answer:
        return await self._move(request, _problem_of(request.name), change, answer)

    async def _move(self, request: Any, name: str, change: Change, answer: type[Answer]) -> Answer:
        """One change under the tenant's lock; the same request id gets the first answer again."""
        tenant = current_caller().tenant
        request_id = parsed_request_id(request.request_id)
        mark = fingerprint(type(request).__name__.encode() + request.SerializeToString(deterministic=True))
        async with self._store.session(tenant) as session:
            head = await session.lock()
            if request_id is not None and (known := await session.answer(request_id)) is not None:
                return _first_answer(known, mark, answer)
            before = _present(await session.problem(name), name)
            if request.etag and request.etag != wire.etag(before):
                raise Aborted("ETAG_STALE", "the problem changed since it was read")
            with refusals():
                after = change(before)
            made = answer(problem=self._message(after))
            if getattr(request, "validate_only", False):
                return made
            await session.keep([after], head)
            await _remember(session, request_id, mark, made)
        self._followers.of(tenant).changed.notify()
        return made


async def _remember(session: Session, request_id: Any, mark: bytes, answer: Message) -> None:
    if request_id is not None:
        await session.keep_answer(request_id, mark, answer.SerializeToString())


def _first_answer(known: tuple[bytes, bytes], mark: bytes, answer: type[Answer]) -> Answer:
    if known[0] != mark:
        raise request_id_reused()
    return answer.FromString(known[1])


def _present(problem: Problem | None, name: str) -> Problem:
    if problem is None:
        raise NotFound("NOT_FOUND", "there is no such problem", metadata={"name": name})
    return problem


def _problem_of(action_name: str) -> str:
    """ "problems/p/actions/1" -> "problems/p"."""
    return action_name.partition("/actions/")[0]


def _link(
    reference: SignalReference, explained: scoring_pb2.ExplainScoreResponse, events_max: int
) -> pb.ExplainProblemResponse.Link:
    event_ids = [event_id for case in explained.cases for event_id in case.event_ids]
    if not event_ids:
        raise FailedPrecondition("NOT_ENOUGH_DATA", f"the chain is broken: no events below signal {reference.signal}")
    return pb.ExplainProblemResponse.Link(
        signal=reference.signal,
        series=reference.series,
        interval=explained.score.interval,
        value=explained.score.value,
        case_count=explained.total_count,
        case_ids=[case.case_id for case in explained.cases],
        event_ids=event_ids[:events_max],
    )
