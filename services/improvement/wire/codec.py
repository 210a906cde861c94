"""Problems and signals as they are stored, and the hash by which two deployments compare them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from andon.improvement.v1 import improvement_pb2, problem_pb2
from andon.scoring.v1 import score_pb2

from services.improvement.model import ActiveSignal, HistoryEntry, Problem, ProblemName, ProblemState
from services.improvement.wire.history_entries import entry_message, entry_of
from services.improvement.wire.problems import problem_message, problem_of
from services.improvement.wire.signals import active_signal


def encode_changes(problems: Iterable[Problem]) -> bytes:
    return improvement_pb2.WatchProblemsResponse(problems=map(problem_message, problems)).SerializeToString()


def decode_changes(raw: bytes) -> list[Problem]:
    return [problem_of(one) for one in improvement_pb2.WatchProblemsResponse.FromString(raw).problems]


def encode_problem(problem: Problem) -> bytes:
    return problem_message(problem).SerializeToString()


def decode_problem(raw: bytes) -> Problem:
    return problem_of(problem_pb2.Problem.FromString(raw))


def encode_entry(entry: HistoryEntry) -> bytes:
    return entry_message(entry).SerializeToString()


def decode_entry(problem: ProblemName, raw: bytes) -> HistoryEntry:
    return entry_of(problem, problem_pb2.HistoryEntry.FromString(raw))


def decode_signal(raw: bytes) -> ActiveSignal:
    return active_signal(score_pb2.Signal.FromString(raw))


def digest(problem: Problem) -> bytes:
    """SHA-256 of a live or settled problem without revisions and times of processing. Withdrawn: empty."""
    if problem.state is ProblemState.WITHDRAWN:
        return b""
    message = problem_message(problem)
    for field in ("revision", "etag", "open_time", "update_time", "allowed_transitions"):
        message.ClearField(field)
    return hashlib.sha256(message.SerializeToString(deterministic=True)).digest()


def combined(total: bytes, came: Iterable[bytes], gone: Iterable[bytes] = ()) -> bytes:
    """A sum modulo 2**256 does not depend on the order of its terms, and a term can be taken out of it again."""
    number = int.from_bytes(total) + sum(map(int.from_bytes, came)) - sum(map(int.from_bytes, gone))
    return (number % 2**256).to_bytes(32)


def content_hash(problems: Iterable[Problem]) -> str:
    """The sum of the digests: equal sets of problems have equal hashes."""
    return combined(b"", map(digest, problems)).hex()
