"""From occurrences to problems: opened, updated, withdrawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from services.improvement.causes import Evidence, Ranking, rank
from services.improvement.lifecycle import LIVE, PROBLEM_TRANSITIONS, ProblemEvent, next_state
from services.improvement.model import (
    ActiveSignal,
    Cause,
    Problem,
    ProblemName,
    ProblemState,
    SignalReference,
    Text,
)
from services.improvement.occurrences import Occurrence, occurrences

SETTLED = (ProblemState.CLOSED, ProblemState.DISMISSED)


def current_occurrences(signals: Iterable[ActiveSignal], problems: Sequence[Problem]) -> list[Occurrence]:
    """Occurrences of the signals that no settled problem has dealt with."""
    settled = {reference.signal for problem in problems if problem.state in SETTLED for reference in problem.signals}
    return occurrences(signal for signal in signals if signal.name not in settled)


def decide(
    found: Sequence[Occurrence], evidence: Mapping[ProblemName, Evidence], problems: Sequence[Problem], now_us: int
) -> list[Problem]:
    """The problems that change. `evidence`: by occurrence name; without it the causes stay as they were."""
    live = [problem for problem in problems if problem.state in LIVE]
    changed: list[Problem] = []
    taken: dict[ProblemName, ProblemName] = {}
    for occurrence in found:
        before = _owner(occurrence, live, taken)
        name = before.name if before else occurrence.name
        taken[name] = occurrence.name
        after = _described(occurrence, evidence.get(occurrence.name), before, _withdrawn_before(name, problems), now_us)
        if before is None or _differs(before, after):
            changed.append(after)
    gone = [problem for problem in live if problem.name not in taken]
    return [*changed, *(_withdrawn(problem, found, taken, now_us) for problem in gone)]


def _owner(occurrence: Occurrence, live: Sequence[Problem], taken: Mapping[ProblemName, ProblemName]) -> Problem | None:
    """The problem of an occurrence: one that people work on keeps its name, an untouched one has the occurrence's."""
    touched = [
        problem
        for problem in live
        if problem.state is not ProblemState.OPEN
        and problem.name not in taken
        and occurrence.signal_names & {reference.signal for reference in problem.signals}
    ]
    if touched:
        return min(touched, key=lambda problem: (problem.start_us, problem.name))
    return next((problem for problem in live if problem.name == occurrence.name), None)


def _withdrawn_before(name: ProblemName, problems: Sequence[Problem]) -> Problem | None:
    """A withdrawn problem whose signals have come back: its revisions go on."""
    return next((problem for problem in problems if problem.name == name), None)


def _described(
    occurrence: Occurrence, evidence: Evidence | None, before: Problem | None, withdrawn: Problem | None, now_us: int
) -> Problem:
    past = before or withdrawn
    name = past.name if past else occurrence.name
    ranking = rank(evidence, name, occurrence.own[0].series) if evidence else _known_ranking(past)
    title = _title(evidence, ranking, occurrence) if evidence or past is None else past.title
    base = before or Problem(name, occurrence.family, title, opened_us=now_us, revision=past.revision if past else 0)
    return replace(
        base,
        title=title,
        slice=ranking.slice,
        start_us=occurrence.start_us,
        end_us=occurrence.end_us,
        signals=_references(occurrence),
        causes=(*(cause for cause in base.causes if cause.confirmed), *_fresh(ranking, base)),
        severity=max(signal.severity for signal in occurrence.own),
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


def _title(evidence: Evidence | None, ranking: Ranking, occurrence: Occurrence) -> Text:
    known = evidence.title if evidence else Text()
    where = ", ".join(f"{name} = {value}" for name, value in ranking.slice)
    english, chinese = known.en or occurrence.family.indicator, known.zh or known.en or occurrence.family.indicator
    return Text(
        f"{english}: worse than its baseline" + (f" ({where})" if where else ""),
        f"{chinese}：劣于基线" + (f"（{where}）" if where else ""),
    )


def _references(occurrence: Occurrence) -> tuple[SignalReference, ...]:
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
            symptom=signal in occurrence.symptoms,
        )
        for signal in (*occurrence.own, *occurrence.symptoms)
    )


def _differs(before: Problem, after: Problem) -> bool:
    return replace(after, revision=before.revision, updated_us=before.updated_us) != before


def _withdrawn(
    problem: Problem, found: Sequence[Occurrence], taken: Mapping[ProblemName, ProblemName], now_us: int
) -> Problem:
    mine = {reference.signal for reference in problem.signals if not reference.symptom}
    heirs = [occurrence for occurrence in found if mine & occurrence.signal_names]
    owners = {occurrence: name for name, occurrence in taken.items()}
    heir = owners[heirs[0].name] if heirs else ""
    return replace(
        problem,
        state=next_state(PROBLEM_TRANSITIONS, problem.name, problem.state, ProblemEvent.WITHDRAW),
        reason="merged" if heir else "every signal was retracted",
        merged_into=heir,
        revision=problem.revision + 1,
        updated_us=now_us,
    )
