"""What every family of RPCs works with: the store, the caller's tenant, and the one way to change a problem."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from andon.improvement.v1 import problem_pb2
from google.protobuf.message import Message

from services.improvement.audit_trail import Occasion, entries_from_signals, entry_of
from services.improvement.error_mapping import mapped_errors
from services.improvement.model import SETTLED, Problem
from services.improvement.problems import settled_spans
from services.improvement.reinstatement import reinstate
from services.improvement.scoring_client import ScoringClient
from services.improvement.store import ProblemStore, Transaction
from services.improvement.tenants import Tenants
from services.improvement.wire.problems import etag, problem_message
from services.improvement.wire.validation import check_problem_name, problem_of_action
from services.runtime.errors import Aborted, NotFound
from services.runtime.identity import current_caller
from services.runtime.requests import idempotency_key

Answer = TypeVar("Answer", bound=Message)
Change = Callable[[Problem], Problem]


class RequestContext:
    def __init__(
        self,
        store: ProblemStore,
        tenants: Tenants,
        clock_us: Callable[[], int],
    ) -> None:
        self.store = store
        self.tenants = tenants
        self.clock_us = clock_us

    @property
    def tenant(self) -> str:
        return current_caller().tenant

    @property
    def scoring(self) -> ScoringClient:
        return self.tenants.of(self.tenant).scoring

    def message(self, problem: Problem) -> problem_pb2.Problem:
        return problem_message(problem, self.clock_us())

    def messages(self, problems: Sequence[Problem]) -> list[problem_pb2.Problem]:
        """For a thread: a page of them takes longer than a loop should."""
        return [self.message(problem) for problem in problems]

    async def known(self, name: str) -> Problem:
        check_problem_name("name", name)
        async with self.store.transaction(self.tenant) as transaction:
            return _present(await transaction.problem(name), name)

    async def answered(self, request: Any, answer: type[Answer]) -> Answer | None:
        """The first answer to this request's id. None: it is new, or has no id."""
        async with self.store.transaction(self.tenant) as transaction:
            return await _first_answer(transaction, request, answer)

    async def change(self, request: Any, name: str, occasion: Occasion, change: Change, answer: type[Answer]) -> Answer:
        """One change under the tenant's lock, with its entry in the history; the same request id gets the first answer
        again.
        """
        async with self.store.transaction(self.tenant) as transaction:
            head = await transaction.lock()
            if (first := await _first_answer(transaction, request, answer)) is not None:
                return first
            before = _present(await transaction.problem(name), name)
            if request.etag and request.etag != etag(before):
                raise Aborted("ETAG_STALE", "the problem changed since it was read")
            with mapped_errors():
                after = change(before)
            made = answer(problem=self.message(after))
            if request.validate_only:
                return made
            await transaction.store([after], head)
            await transaction.append_history([entry_of(before, after, occasion, current_caller().subject)])
            if after.state in SETTLED:
                await transaction.index.settle({after.name: settled_spans(after)})
            elif before.state in SETTLED:
                decision = await reinstate(transaction, after, self.scoring, self.clock_us())
                await transaction.append_history(entries_from_signals({after.name: after}, decision.changed))
                made = answer(problem=self.message(_present(await transaction.problem(name), name)))
            if (key := idempotency_key(request)) is not None:
                await transaction.store_answer(key.request_id, key.fingerprint, made.SerializeToString())
        self.tenants.of(self.tenant).changed.notify()
        return made

    async def create(self, request: Any, problem: Problem, occasion: Occasion, answer: type[Answer]) -> Answer:
        """A problem that a person opens; the same request id gets the first answer again."""
        async with self.store.transaction(self.tenant) as transaction:
            head = await transaction.lock()
            if (first := await _first_answer(transaction, request, answer)) is not None:
                return first
            made = answer(problem=self.message(problem))
            if request.validate_only:
                return made
            await transaction.store([problem], head)
            await transaction.append_history([entry_of(None, problem, occasion, current_caller().subject)])
            if (key := idempotency_key(request)) is not None:
                await transaction.store_answer(key.request_id, key.fingerprint, made.SerializeToString())
        self.tenants.of(self.tenant).changed.notify()
        return made

    async def act(self, request: Any, occasion: Occasion, change: Change, answer: type[Answer]) -> Answer:
        """A transition of an action, made with its problem."""
        return await self.change(request, problem_of_action("name", request.name), occasion, change, answer)


async def _first_answer(transaction: Transaction, request: Any, answer: type[Answer]) -> Answer | None:
    key = idempotency_key(request)
    known = None if key is None else await transaction.answer(key.request_id)
    if key is None or known is None:
        return None
    key.check(known[0])
    return answer.FromString(known[1])


def _present(problem: Problem | None, name: str) -> Problem:
    if problem is None:
        raise NotFound("NOT_FOUND", "there is no such problem", metadata={"name": name})
    return problem
