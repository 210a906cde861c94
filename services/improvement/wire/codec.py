"""Problems as they are stored, and the hash by which two deployments compare them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from andon.improvement.v1 import improvement_pb2, problem_pb2

from services.improvement.model import Problem, ProblemState
from services.improvement.wire.problems import problem_message, problem_of


def encode_changes(problems: Iterable[Problem]) -> bytes:
    return improvement_pb2.WatchProblemsResponse(problems=map(problem_message, problems)).SerializeToString()


def decode_changes(raw: bytes) -> list[Problem]:
    return [problem_of(one) for one in improvement_pb2.WatchProblemsResponse.FromString(raw).problems]


def encode_problem(problem: Problem) -> bytes:
    return problem_message(problem).SerializeToString()


def decode_problem(raw: bytes) -> Problem:
    return problem_of(problem_pb2.Problem.FromString(raw))


def content_hash(problems: Sequence[Problem]) -> str:
    """SHA-256 over live and settled problems by name, without revisions and times of processing."""
    digest = hashlib.sha256()
    for problem in sorted(problems, key=lambda one: one.name):
        if problem.state is ProblemState.WITHDRAWN:
            continue
        message = problem_message(problem)
        for field in ("revision", "etag", "open_time", "update_time", "allowed_transitions"):
            message.ClearField(field)
        digest.update(message.SerializeToString(deterministic=True))
    return digest.hexdigest()
