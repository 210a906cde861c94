"""The part of a tenant's past that changed signals can reach: read from the index, and nothing else is.

Theory of operation. Problems follow from the set of active signals (see `occurrences`), but no settle reads that set:
every active signal lies in one stored run, every run belongs to one live problem, and a change can alter only problems
whose runs it touches. So a settle begins with the windows of what changed, takes the runs that these touch, all runs
of the problems that own them, and again whatever those touch, until nothing new is found. What is left outside shares
no run and no link with what is inside, before and after the change; deciding about the inside alone gives what
deciding about everything would. The cost is that of the occurrences concerned, however many others there are or were.

Signals that a closed or dismissed problem has dealt with are in no run; its spans keep them out (`settled_spans`).
Everything is read in the transaction that stores the outcome, and nothing is remembered from one settle to the next: a
restart, or another owner of the tenant, goes on from the same rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from services.improvement.model import ActiveSignal, AlarmRun, EvidenceSpan, Problem, ProblemName, Reach
from services.improvement.occurrences import QUIET_US_MAX, Occurrence, alarm_runs, joins_us, occurrences, reaches
from services.improvement.problems import ProblemDecision
from services.improvement.store import Transaction


@dataclass(frozen=True)
class Neighbourhood:
    """`occurrences`: with the changes made. `problems`: live ones of before, and ended ones of the same names.

    `runs`: as they are stored, by problem. `active`, `gone`: what is to be stored and deleted of the changed signals.
    """

    occurrences: tuple[Occurrence, ...]
    problems: tuple[Problem, ...]
    runs: Mapping[AlarmRun, ProblemName]
    active: tuple[ActiveSignal, ...]
    gone: tuple[str, ...]

    @property
    def owners(self) -> set[ProblemName]:
        """The live problems of before."""
        return set(self.runs.values())


async def gather(
    transaction: Transaction, changes: Mapping[str, ActiveSignal | None], stale: Collection[ProblemName] = ()
) -> Neighbourhood:
    """What `changes` can reach (None: the signal is retracted), and what the problems of `stale` can reach."""
    if not changes and not stale:
        return Neighbourhood((), (), {}, (), ())
    index = transaction.index
    before = await index.signals(list(changes))
    new = [signal for name, signal in changes.items() if signal is not None and name not in before]
    settled = await index.settled(new) if new else set()
    active = [signal for name, signal in changes.items() if signal is not None and name not in settled]
    signals = {signal.name: signal for signal in active}
    touched = [*before.values(), *active]
    waiting = {Reach(signal.family, joins_us(signal), signal.end_us) for signal in touched}
    runs: dict[AlarmRun, ProblemName] = {}
    found = await index.runs_of(stale) if stale else {}
    seen: set[Reach] = set()
    while True:
        if waiting:
            found |= await index.runs_near(list(waiting), QUIET_US_MAX)
        seen |= waiting
        unknown = set(found.values()) - set(runs.values())
        if unknown:
            runs |= (came := await index.runs_of(unknown))
            loaded = await index.signals_of(list(came))
            signals |= {signal.name: signal for signal in loaded if signal.name not in changes}
        linked = await index.symptoms_of({signal.family for signal in signals.values()})
        waiting = set(reaches(signals.values(), linked)) - seen
        if not waiting:
            break
    reached = occurrences(signals.values())
    names = {*runs.values(), *(one.name for one in reached)}
    problems = await transaction.problems(sorted(names))
    gone = [name for name in before if name not in signals]
    return Neighbourhood(tuple(reached), tuple(problems), runs, tuple(active), tuple(gone))


async def store_index(
    transaction: Transaction,
    found: Neighbourhood,
    decision: ProblemDecision,
    evidence: Collection[ProblemName],
    position: int,
) -> None:
    """Which runs belong to which live problem once `decision` is made, and which scores their causes rest on.

    `evidence`: the occurrences whose causes were found by scores of `position` in scoring's log.
    """
    owners, known = decision.owners, {problem.name for problem in found.problems}
    runs = {run: owners[one.name] for one in found.occurrences for run in alarm_runs(one)}
    await transaction.index.replace_runs(sorted(found.owners), runs)
    await transaction.index.end(sorted(found.owners - set(owners.values())))
    # One that came up while evidence was gathered for others is asked about at the next pause.
    spans = [
        EvidenceSpan(
            owners[one.name],
            one.family,
            one.own[0].baseline_start_us,
            one.own[0].baseline_end_us,
            one.start_us,
            one.end_us,
            position if one.name in evidence else -1,
        )
        for one in found.occurrences
        if one.name in evidence or owners[one.name] not in known
    ]
    await transaction.index.store_evidence(spans)
