"""Where a problem is opened, updated or withdrawn: from occurrences to problems, and the spans of settled ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from services.improvement.causes import Evidence, Ranking, rank
from services.improvement.lifecycle import PROBLEM_TRANSITIONS, ProblemEvent, next_state
from services.improvement.model import (
    LIVE,
    SETTLED,
    ActionState,
    Family,
    Problem,
    ProblemName,
    ProblemState,
    SettledSpan,
    SignalReference,
    Text,
    family_of,
)
from services.improvement.occurrences import Occurrence, placed, runs


@dataclass(frozen=True)
class ProblemDecision:
    """`changed`: problems as they are now. `owners`: the live problem of each occurrence, by the occurrence's name."""

    changed: tuple[Problem, ...]
    owners: Mapping[ProblemName, ProblemName]


def settled_spans(problem: Problem) -> list[SettledSpan]:
    """What a closed or dismissed problem has dealt with.

    A cause and a stretch of time, not names of signals: a new version of the system names its signals otherwise, and
    late events move them. A proven action ends the fault when it is done; what alarms before that is the same fault.
    """
    proven = [action.done_us for action in problem.actions if action.state is ActionState.VERIFIED and action.done_us]
    by_family: dict[Family, list[SignalReference]] = defaultdict(list)
    for reference in problem.signals:
        by_family[family_of(reference.series)].append(reference)
    found = [placed(family, run) for family, references in by_family.items() for run in runs(references)]
    return [SettledSpan(run, max([run.end_us, *proven])) for run in found]


def needs_evidence(
    found: Sequence[Occurrence], problems: Sequence[Problem], touched: Iterable[str]
) -> list[Occurrence]:
    """Occurrences whose causes may be others now: a signal of their own is new, restated or gone (`touched`: names)."""
    names = set(touched)
    own = {problem.name: {one.signal for one in problem.signals if not one.symptom} for problem in problems}
    known = {frozenset(signals) for signals in own.values()}
    return [
        one
        for one in found
        if (signals := frozenset(signal.name for signal in one.own)) & names or signals not in known
    ]


def decide(
    found: Sequence[Occurrence], evidence: Mapping[ProblemName, Evidence], problems: Sequence[Problem], now_us: int
) -> ProblemDecision:
    """Opens, updates and withdraws problems: what changes among those that the occurrences can reach.

    `evidence`: by occurrence name; without it the causes stay as they were.
    """
    live = [problem for problem in problems if problem.state in LIVE]
    settled = {problem.name for problem in problems if problem.state in SETTLED}
    changed: list[Problem] = []
    taken: dict[ProblemName, ProblemName] = {}
    for occurrence in found:
        before = _owner(occurrence, live, taken)
        # Without one that it belongs to, a problem is opened.
        name = before.name if before else _free_name(occurrence.name, settled | taken.keys())
        taken[name] = occurrence.name
        # A withdrawn problem whose signals have come back: its revisions go on.
        past = before or next((problem for problem in problems if problem.name == name), None)
        after = _described(name, occurrence, evidence.get(occurrence.name), before, past, now_us)
        if before is None or replace(after, revision=before.revision, updated_us=before.updated_us) != before:
            changed.append(after)
    # What a person opened rests on no signal.
    gone = [problem for problem in live if problem.name not in taken and problem.signals]
    changed += [_withdrawn(problem, found, taken, now_us) for problem in gone]
    return ProblemDecision(tuple(changed), {occurrence: problem for problem, occurrence in taken.items()})


def _owner(occurrence: Occurrence, live: Sequence[Problem], taken: Mapping[ProblemName, ProblemName]) -> Problem | None:
    """The problem of an occurrence: one that people work on has its own name, another one the occurrence's."""
    free = [problem for problem in live if problem.name not in taken]
    touched = [
        problem for problem in free if problem.state is not ProblemState.OPEN and _same_fault(problem, occurrence)
    ]
    if touched:
        return min(touched, key=lambda problem: (problem.start_us, problem.name))
    return next((problem for problem in free if problem.name == occurrence.name), None)


def _same_fault(problem: Problem, occurrence: Occurrence) -> bool:
    """They share a signal, or a new version of the system names signals of the same span otherwise."""
    if occurrence.signal_names & {reference.signal for reference in problem.signals}:
        return True
    overlaps = problem.start_us < occurrence.end_us and occurrence.start_us < problem.end_us
    return problem.family == occurrence.family and overlaps


def _free_name(name: ProblemName, used: Iterable[ProblemName]) -> ProblemName:
    """A second fault that begins where a settled one, or one with a name of before, has begun gets a number."""
    names = set(used)
    if name not in names:
        return name
    return next(free for number in count(2) if (free := ProblemName(f"{name}-{number}")) not in names)


def _described(
    name: ProblemName,
    occurrence: Occurrence,
    evidence: Evidence | None,
    before: Problem | None,
    past: Problem | None,
    now_us: int,
) -> Problem:
    if evidence:
        ranking = rank(evidence, name, occurrence.own[0].series)
    elif past:
        ranking = Ranking(past.slice, tuple(cause for cause in past.causes if not cause.judged))
    else:
        ranking = Ranking((), ())
    title = _title(evidence, ranking, occurrence) if evidence or past is None else past.title
    base = before or _opened(Problem(name, occurrence.family, title, opened_us=now_us, revision=0), past)
    judged = {cause.name: cause for cause in base.causes if cause.judged}
    return replace(
        base,
        title=title,
        slice=ranking.slice,
        start_us=occurrence.start_us,
        end_us=occurrence.end_us,
        signals=_references(occurrence),
        causes=(*judged.values(), *(cause for cause in ranking.causes if cause.name not in judged)),
        severity=max(signal.severity for signal in occurrence.own),
        revision=base.revision + 1,
        updated_us=now_us,
    )


def _opened(new: Problem, past: Problem | None) -> Problem:
    """What people said of a withdrawn problem holds when its signals have come back."""
    if past is None:
        return new
    return replace(new, revision=past.revision, owner=past.owner, watchers=past.watchers, note_count=past.note_count)


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
