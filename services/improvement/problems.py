"""From sessions to problems: opened, updated, withdrawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from services.improvement.causes import Evidence, Ranking, rank
from services.improvement.lifecycle import LIVE, PROBLEM_MOVES, ProblemEvent, move
from services.improvement.model import (
    Cause,
    Problem,
    ProblemName,
    ProblemState,
    SignalReference,
    StandingSignal,
    Text,
)
from services.improvement.sessions import Session, sessions

SETTLED = (ProblemState.CLOSED, ProblemState.DISMISSED)


def current_sessions(signals: Iterable[StandingSignal], problems: Sequence[Problem]) -> list[Session]:
    """Sessions of the signals that no settled problem has dealt with."""
    settled = {reference.signal for problem in problems if problem.state in SETTLED for reference in problem.signals}
    return sessions(signal for signal in signals if signal.name not in settled)


def decide(
    found: Sequence[Session], evidence: Mapping[ProblemName, Evidence], problems: Sequence[Problem], now_us: int
) -> list[Problem]:
    """The problems that change. `evidence` by session name; a session without evidence keeps the causes it had."""
    live = [problem for problem in problems if problem.state in LIVE]
    changed: list[Problem] = []
    taken: dict[ProblemName, ProblemName] = {}
    for session in found:
        before = _owner(session, live, taken)
        name = before.name if before else session.name
        taken[name] = session.name
        after = _described(session, evidence.get(session.name), before, _ghost(name, problems), now_us)
        if before is None or _differs(before, after):
            changed.append(after)
    gone = [problem for problem in live if problem.name not in taken]
    return [*changed, *(_withdrawn(problem, found, taken, now_us) for problem in gone)]


def _owner(session: Session, live: Sequence[Problem], taken: Mapping[ProblemName, ProblemName]) -> Problem | None:
    """The problem that a session belongs to: one that people work on keeps its name, an untouched one is named anew."""
    touched = [
        problem
        for problem in live
        if problem.state is not ProblemState.OPEN
        and problem.name not in taken
        and session.signal_names & {reference.signal for reference in problem.signals}
    ]
    if touched:
        return min(touched, key=lambda problem: (problem.start_us, problem.name))
    return next((problem for problem in live if problem.name == session.name), None)


def _ghost(name: ProblemName, problems: Sequence[Problem]) -> Problem | None:
    """A withdrawn problem whose signals have come back: its revisions go on."""
    return next((problem for problem in problems if problem.name == name), None)


def _described(
    session: Session, evidence: Evidence | None, before: Problem | None, ghost: Problem | None, now_us: int
) -> Problem:
    past = before or ghost
    name = past.name if past else session.name
    ranking = rank(evidence, name, session.own[0].series) if evidence else _known_ranking(past)
    title = _title(evidence, ranking, session) if evidence or past is None else past.title
    base = before or Problem(name, session.family, title, opened_us=now_us, revision=past.revision if past else 0)
    return replace(
        base,
        title=title,
        slice=ranking.slice,
        start_us=session.start_us,
        end_us=session.end_us,
        signals=_references(session),
        causes=(*(cause for cause in base.causes if cause.confirmed), *_fresh(ranking, base)),
        severity=max(signal.severity for signal in session.own),
        revision=base.revision + 1,
        updated_us=now_us,
    )


def _known_ranking(past: Problem | None) -> Ranking:
    return (
        Ranking(past.slice, tuple(cause for cause in past.causes if not cause.confirmed)) if past else Ranking((), ())
    )


def _fresh(ranking: Ranking, base: Problem) -> list[Cause]:
    confirmed = {cause.name for cause in base.causes if cause.confirmed}
    return [cause for cause in ranking.causes if cause.name not in confirmed]


def _title(evidence: Evidence | None, ranking: Ranking, session: Session) -> Text:
    known = evidence.title if evidence else Text()
    where = ", ".join(f"{name} = {value}" for name, value in ranking.slice)
    english, chinese = known.en or session.family.indicator, known.zh or known.en or session.family.indicator
    return Text(
        f"{english}: worse than its baseline" + (f" ({where})" if where else ""),
        f"{chinese}：劣于基线" + (f"（{where}）" if where else ""),
    )


def _references(session: Session) -> tuple[SignalReference, ...]:
    return tuple(
        SignalReference(
            signal.name,
            signal.series,
            signal.start_us,
            signal.end_us,
            signal.rule,
            signal.value,
            signal.centre,
            signal.arl0,
            symptom=signal in session.symptoms,
        )
        for signal in (*session.own, *session.symptoms)
    )


def _differs(before: Problem, after: Problem) -> bool:
    return replace(after, revision=before.revision, updated_us=before.updated_us) != before


def _withdrawn(
    problem: Problem, found: Sequence[Session], taken: Mapping[ProblemName, ProblemName], now_us: int
) -> Problem:
    mine = {reference.signal for reference in problem.signals if not reference.symptom}
    heirs = [session for session in found if mine & session.signal_names]
    owners = {session: name for name, session in taken.items()}
    heir = owners[heirs[0].name] if heirs else ""
    return replace(
        problem,
        state=move(PROBLEM_MOVES, problem.name, problem.state, ProblemEvent.WITHDRAW),
        reason="merged" if heir else "every signal was retracted",
        merged_into=heir,
        revision=problem.revision + 1,
        updated_us=now_us,
    )
