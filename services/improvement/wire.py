"""The contract's messages and the model, both ways. Nothing else in improvement knows both."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from andon.common.v1 import interval_pb2, text_pb2
from andon.improvement.v1 import improvement_pb2, problem_pb2
from andon.scoring.v1 import indicator_system_pb2, score_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.improvement.lifecycle import LIVE
from services.improvement.model import (
    Action,
    ActionKind,
    ActionName,
    ActionState,
    Cause,
    CauseClass,
    Family,
    Goal,
    Problem,
    ProblemName,
    ProblemState,
    SignalReference,
    StandingSignal,
    Text,
    Verdict,
    Verification,
)
from services.improvement.moves import moves

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stamp(time_us: int) -> Timestamp:
    return Timestamp(seconds=time_us // 1_000_000, nanos=time_us % 1_000_000 * 1_000)


def micros(time: Timestamp) -> int:
    return time.seconds * 1_000_000 + time.nanos // 1_000


def _interval(start_us: int, end_us: int) -> interval_pb2.Interval:
    return interval_pb2.Interval(start=stamp(start_us), end=stamp(end_us))


def _text(text: Text) -> text_pb2.Text:
    return text_pb2.Text(en=text.en, zh=text.zh)


def text_of(message: text_pb2.Text) -> Text:
    return Text(message.en, message.zh)


# --- scoring's signals

Z_LIMIT = 1e-12


def is_standing(signal: score_pb2.Signal) -> bool:
    """Only a raised, adverse signal speaks for a problem."""
    return signal.state == score_pb2.Signal.STATE_RAISED and signal.adverse


def standing_signal(signal: score_pb2.Signal) -> StandingSignal:
    process, system, rest = signal.series.split("/", 2)
    indicator, _, window = rest.partition("@")
    return StandingSignal(
        name=signal.name,
        family=Family(process, system, indicator),
        series=signal.series,
        window=window.partition("{")[0],
        start_us=micros(signal.interval.start),
        end_us=micros(signal.interval.end),
        rule=signal.rule,
        value=signal.value,
        centre=signal.centre,
        severity=_severity(signal),
        promised_arl=signal.promised_arl,
        baseline_start_us=micros(signal.baseline.interval.start),
        baseline_end_us=micros(signal.baseline.interval.end),
        symptom_of=tuple(signal.symptom_of),
    )


def _severity(signal: score_pb2.Signal) -> float:
    """Distance from the centre in sigma, by the limit on that side: a limit lies `limit_scale` sigma away."""
    limit = signal.upper if signal.value >= signal.centre else signal.lower
    reach = abs(limit - signal.centre)
    return abs(signal.value - signal.centre) / reach * signal.baseline.limit_scale if reach > Z_LIMIT else 0.0


def window_of(name: str) -> indicator_system_pb2.Window.ValueType:
    return indicator_system_pb2.Window.Value(f"WINDOW_{name.upper()}")


# --- model to contract


def problem_message(problem: Problem, now_us: int | None = None) -> problem_pb2.Problem:
    """`now_us` None: as it is kept, without what depends on the time of reading."""
    kept = now_us is None
    return problem_pb2.Problem(
        name=problem.name,
        title=_text(problem.title),
        state=_enum(problem_pb2.ProblemState, "PROBLEM_STATE", problem.state.name),  # type: ignore[arg-type]
        process=problem.family.process,
        system=problem.family.system,
        indicator=problem.family.indicator,
        slice=dict(problem.slice),
        interval=_interval(problem.start_us, problem.end_us),
        signals=[_reference_message(reference) for reference in problem.signals],
        causes=[_cause_message(cause) for cause in problem.causes],
        actions=[action_message(action, problem, now_us) for action in problem.actions],
        severity=problem.severity,
        reason=problem.reason,
        merged_into=problem.merged_into,
        revision=problem.revision,
        etag="" if kept else etag(problem),
        open_time=stamp(problem.opened_us),
        update_time=stamp(problem.updated_us),
        moves=[] if kept else moves(problem),
    )


def etag(problem: Problem) -> str:
    return hashlib.blake2b(f"{problem.name}@{problem.revision}".encode(), digest_size=9).hexdigest()


def _enum(kind: object, prefix: str, name: str) -> int:
    return int(kind.Value(f"{prefix}_{name}"))  # type: ignore[attr-defined]


def _reference_message(reference: SignalReference) -> problem_pb2.SignalReference:
    return problem_pb2.SignalReference(
        signal=reference.signal,
        series=reference.series,
        interval=_interval(reference.start_us, reference.end_us),
        rule=reference.rule,
        value=reference.value,
        centre=reference.centre,
        promised_arl=reference.promised_arl,
        symptom=reference.symptom,
    )


def _cause_message(cause: Cause) -> problem_pb2.Cause:
    return problem_pb2.Cause(
        name=cause.name,
        cause_class=_enum(problem_pb2.CauseClass, "CAUSE_CLASS", cause.cause_class.name),  # type: ignore[arg-type]
        title=_text(cause.title),
        parent=cause.parent,
        slice=dict(cause.slice),
        contribution=cause.contribution,
        evidence=cause.evidence,
        confirmed=cause.confirmed,
    )


def action_message(action: Action, problem: Problem, now_us: int | None = None) -> problem_pb2.Action:
    unfinished = action.state in (ActionState.PLANNED, ActionState.STARTED)
    return problem_pb2.Action(
        name=action.name,
        kind=_enum(problem_pb2.ActionKind, "ACTION_KIND", action.kind.name),  # type: ignore[arg-type]
        title=_text(action.title),
        cause=action.cause,
        owner=action.owner,
        due_time=stamp(action.due_us),
        goal=_goal_message(action.goal),
        state=_enum(problem_pb2.ActionState, "ACTION_STATE", action.state.name),  # type: ignore[arg-type]
        start_time=None if action.started_us is None else stamp(action.started_us),
        done_time=None if action.done_us is None else stamp(action.done_us),
        verifications=[verification_message(one) for one in action.verifications],
        etag="" if now_us is None else etag(problem),
        overdue=now_us is not None and unfinished and now_us > action.due_us,
    )


def _goal_message(goal: Goal) -> problem_pb2.Goal:
    before = None if goal.before_us is None else Duration(seconds=goal.before_us // 1_000_000)
    return problem_pb2.Goal(
        series=goal.series,
        expected_effect=goal.expected_effect,
        test=problem_pb2.Goal.TEST_BEFORE_AFTER,
        confidence=goal.confidence,
        before=before,
        windows_min=goal.windows_min,
    )


def verification_message(one: Verification) -> problem_pb2.Verification:
    return problem_pb2.Verification(
        verdict=_enum(problem_pb2.Verdict, "VERDICT", one.verdict.name),  # type: ignore[arg-type]
        effect=one.effect,
        lower=one.lower,
        upper=one.upper,
        confidence=one.confidence,
        before_mean=one.before_mean,
        after_mean=one.after_mean,
        before_windows=one.before_windows,
        after_windows=one.after_windows,
        before_interval=_interval(one.before_start_us, one.before_end_us),
        after_interval=_interval(one.after_start_us, one.after_end_us),
        method=one.method,
        warnings=one.warnings,
        verify_time=stamp(one.verified_at_us),
    )


# --- contract to model


def problem_of(message: problem_pb2.Problem) -> Problem:
    return Problem(
        name=ProblemName(message.name),
        family=Family(message.process, message.system, message.indicator),
        title=text_of(message.title),
        state=ProblemState[_short(problem_pb2.ProblemState, message.state, "PROBLEM_STATE")],
        slice=tuple(sorted(message.slice.items())),
        start_us=micros(message.interval.start),
        end_us=micros(message.interval.end),
        signals=tuple(_reference_of(one) for one in message.signals),
        causes=tuple(cause_of(one) for one in message.causes),
        actions=tuple(action_of(one) for one in message.actions),
        severity=message.severity,
        reason=message.reason,
        merged_into=message.merged_into,
        revision=message.revision,
        opened_us=micros(message.open_time),
        updated_us=micros(message.update_time),
    )


def _short(kind: object, value: int, prefix: str) -> str:
    return str(kind.Name(value)).removeprefix(f"{prefix}_")  # type: ignore[attr-defined]


def _reference_of(message: problem_pb2.SignalReference) -> SignalReference:
    return SignalReference(
        message.signal,
        message.series,
        micros(message.interval.start),
        micros(message.interval.end),
        message.rule,
        message.value,
        message.centre,
        message.promised_arl,
        message.symptom,
    )


def cause_of(message: problem_pb2.Cause) -> Cause:
    return Cause(
        name=message.name,
        title=text_of(message.title),
        slice=tuple(sorted(message.slice.items())),
        cause_class=CauseClass[_short(problem_pb2.CauseClass, message.cause_class, "CAUSE_CLASS")],
        parent=message.parent,
        contribution=message.contribution if message.HasField("contribution") else None,
        evidence=tuple(message.evidence),
        confirmed=message.confirmed,
    )


def action_of(message: problem_pb2.Action) -> Action:
    return Action(
        name=ActionName(message.name),
        kind=ActionKind[_short(problem_pb2.ActionKind, message.kind, "ACTION_KIND")],
        title=text_of(message.title),
        owner=message.owner,
        due_us=micros(message.due_time),
        goal=goal_of(message.goal),
        cause=message.cause,
        state=ActionState[_short(problem_pb2.ActionState, message.state, "ACTION_STATE")],
        started_us=micros(message.start_time) if message.HasField("start_time") else None,
        done_us=micros(message.done_time) if message.HasField("done_time") else None,
        verifications=tuple(_verification_of(one) for one in message.verifications),
    )


def goal_of(message: problem_pb2.Goal) -> Goal:
    before = message.before.ToTimedelta() // timedelta(microseconds=1) if message.HasField("before") else None
    return Goal(message.series, message.expected_effect, message.confidence or 0.95, before, message.windows_min or 8)


def _verification_of(message: problem_pb2.Verification) -> Verification:
    return Verification(
        Verdict[_short(problem_pb2.Verdict, message.verdict, "VERDICT")],
        message.effect,
        message.lower,
        message.upper,
        message.confidence,
        message.before_mean,
        message.after_mean,
        message.before_windows,
        message.after_windows,
        micros(message.before_interval.start),
        micros(message.before_interval.end),
        micros(message.after_interval.start),
        micros(message.after_interval.end),
        message.method,
        tuple(message.warnings),
        micros(message.verify_time),
    )


# --- what is kept, and what is asked for


def state_number(state: ProblemState) -> int:
    return _enum(problem_pb2.ProblemState, "PROBLEM_STATE", state.name)


LIVE_NUMBERS = [state_number(state) for state in LIVE]
# Without a wish: every state but dismissed and withdrawn.
LISTED_NUMBERS = [*LIVE_NUMBERS, state_number(ProblemState.CLOSED)]


def pack(problems: Iterable[Problem]) -> bytes:
    return improvement_pb2.WatchProblemsResponse(problems=map(problem_message, problems)).SerializeToString()


def unpack(raw: bytes) -> list[Problem]:
    return [problem_of(one) for one in improvement_pb2.WatchProblemsResponse.FromString(raw).problems]


def pack_problem(problem: Problem) -> bytes:
    return problem_message(problem).SerializeToString()


def unpack_problem(raw: bytes) -> Problem:
    return problem_of(problem_pb2.Problem.FromString(raw))


def matches(filter_: improvement_pb2.ProblemFilter, problem: Problem) -> bool:
    """For a watch: without wanted states every change passes, so that a reader sees problems go."""
    return (
        (not filter_.process or filter_.process == problem.family.process)
        and (not filter_.system or filter_.system == problem.family.system)
        and (not filter_.indicators or problem.family.indicator in filter_.indicators)
        and (not filter_.states or state_number(problem.state) in filter_.states)
    )


def content_hash(problems: Sequence[Problem]) -> str:
    """SHA-256 over live and settled problems by name, without revisions and times of processing."""
    digest = hashlib.sha256()
    for problem in sorted(problems, key=lambda one: one.name):
        if problem.state is ProblemState.WITHDRAWN:
            continue
        message = problem_message(problem)
        for field in ("revision", "etag", "open_time", "update_time", "moves"):
            message.ClearField(field)
        digest.update(message.SerializeToString(deterministic=True))
    return digest.hexdigest()
