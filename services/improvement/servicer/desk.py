"""What every family of RPCs works with: the store, the caller's tenant, and the one way in which a problem is moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from andon.improvement.v1 import problem_pb2
from google.protobuf.message import Message

from services.improvement.checks import check_problem_name, problem_of_action
from services.improvement.followers import Followers
from services.improvement.model import Problem
from services.improvement.peer import ScoringPeer
from services.improvement.refusals import refusals
from services.improvement.store import ProblemStore, Session
from services.improvement.wire.problems import etag, problem_message
from services.runtime.errors import Aborted, NotFound
from services.runtime.identity import current_caller
from services.runtime.requests import fingerprint, parsed_request_id, request_id_reused

Answer = TypeVar("Answer", bound=Message)
Change = Callable[[Problem], Problem]


class Desk:
    def __init__(
        self,
        store: ProblemStore,
        followers: Followers,
        peer: Callable[[str], ScoringPeer],
        clock_us: Callable[[], int],
    ) -> None:
        self.store = store
        self.followers = followers
        self.clock_us = clock_us
        self._peer = peer

    @property
    def tenant(self) -> str:
        return current_caller().tenant

    @property
    def peer(self) -> ScoringPeer:
        return self._peer(self.tenant)

    def message(self, problem: Problem) -> problem_pb2.Problem:
        return problem_message(problem, self.clock_us())

    async def known(self, name: str) -> Problem:
        check_problem_name("name", name)
        async with self.store.session(self.tenant) as session:
            return _present(await session.problem(name), name)

    async def answered(self, request: Any, answer: type[Answer]) -> Answer | None:
        """The first answer to this request's id. None: it is new, or has no id."""
        async with self.store.session(self.tenant) as session:
            return await _first_answer(session, request, answer)

    async def move(self, request: Any, name: str, change: Change, answer: type[Answer]) -> Answer:
        """One change under the tenant's lock; the same request id gets the first answer again."""
        async with self.store.session(self.tenant) as session:
            head = await session.lock()
            if (first := await _first_answer(session, request, answer)) is not None:
                return first
            before = _present(await session.problem(name), name)
            if request.etag and request.etag != etag(before):
                raise Aborted("ETAG_STALE", "the problem changed since it was read")
            with refusals():
                after = change(before)
            made = answer(problem=self.message(after))
            if request.validate_only:
                return made
            await session.keep([after], head)
            await _remember(session, request, made)
        self.followers.of(self.tenant).changed.notify()
        return made

    async def act(self, request: Any, change: Change, answer: type[Answer]) -> Answer:
        """A move of an action; an action is moved with its problem."""
        return await self.move(request, problem_of_action("name", request.name), change, answer)


def _mark(request: Message) -> bytes:
    return fingerprint(type(request).__name__.encode() + request.SerializeToString(deterministic=True))


async def _first_answer(session: Session, request: Any, answer: type[Answer]) -> Answer | None:
    request_id = parsed_request_id(request.request_id)
    known = None if request_id is None else await session.answer(request_id)
    if known is None:
        return None
    if known[0] != _mark(request):
        raise request_id_reused()
    return answer.FromString(known[1])


async def _remember(session: Session, request: Any, answer: Message) -> None:
    if request.request_id:
        await session.keep_answer(UUID(request.request_id), _mark(request), answer.SerializeToString())


def _present(problem: Problem | None, name: str) -> Problem:
    if problem is None:
        raise NotFound("NOT_FOUND", "there is no such problem", metadata={"name": name})
    return problem
