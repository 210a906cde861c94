"""What is found by index instead of by reading all: runs of alarms, settled spans, and the evidence behind causes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple
from typing import Any

import asyncpg

from services.improvement.model import (
    ActiveSignal,
    AlarmRun,
    ChangedScore,
    EvidenceSpan,
    Family,
    ProblemName,
    Reach,
    SettledSpan,
)
from services.improvement.store.statements import QUERIES
from services.improvement.wire.codec import decode_signal


class OccurrenceIndex:
    """Inside one transaction of one tenant."""

    def __init__(self, connection: asyncpg.Connection, tenant: str) -> None:
        self._connection = connection
        self._tenant = tenant

    async def signals(self, names: Sequence[str]) -> dict[str, ActiveSignal]:
        """Those of these signals that are active and that no settled problem has dealt with."""
        rows = await self._fetch(QUERIES.read_signals, list(names))
        return {signal.name: signal for signal in map(decode_signal, (row["body"] for row in rows))}

    async def signals_of(self, found: Sequence[AlarmRun]) -> list[ActiveSignal]:
        starts, ends = [run.start_us for run in found], [run.end_us for run in found]
        rows = await self._fetch(QUERIES.read_signals_of_runs, *_columns(run.family for run in found), starts, ends)
        return [decode_signal(row["body"]) for row in rows]

    async def runs_near(self, reaches: Sequence[Reach], ahead_us: int) -> dict[AlarmRun, ProblemName]:
        """`ahead_us`: no run joins an earlier one over a longer quiet."""
        starts, ends = [reach.start_us for reach in reaches], [reach.end_us for reach in reaches]
        families, linked = _columns(reach.family for reach in reaches), [reach.linked for reach in reaches]
        return _runs(await self._fetch(QUERIES.read_runs_near, *families, starts, ends, linked, ahead_us))

    async def runs_of(self, problems: Iterable[ProblemName]) -> dict[AlarmRun, ProblemName]:
        return _runs(await self._fetch(QUERIES.read_runs_of, list(problems)))

    async def symptoms_of(self, families: Iterable[Family]) -> dict[Family, list[Family]]:
        """The families that signals of these may explain."""
        found: dict[Family, list[Family]] = defaultdict(list)
        for row in await self._fetch(QUERIES.read_symptoms, *_columns(families)):
            driver = Family(row["process"], row["system"], row["driver"])
            found[driver].append(Family(row["process"], row["system"], row["indicator"]))
        return found

    async def settled(self, signals: Sequence[ActiveSignal]) -> set[str]:
        """Names of those that lie where a settled problem has dealt with their indicator."""
        starts, ends = [signal.start_us for signal in signals], [signal.end_us for signal in signals]
        names = [signal.name for signal in signals]
        families = _columns(signal.family for signal in signals)
        return {row["name"] for row in await self._fetch(QUERIES.read_settled, names, *families, starts, ends)}

    async def store_signals(self, active: Sequence[ActiveSignal], bodies: Mapping[str, bytes]) -> None:
        """`bodies`: as scoring sent them, by name."""
        if not active:
            return
        names, families = [signal.name for signal in active], _columns(signal.family for signal in active)
        starts, ends = [signal.start_us for signal in active], [signal.end_us for signal in active]
        await self._execute(QUERIES.store_signals, names, *families, starts, ends, [bodies[name] for name in names])
        links = {(signal.family, driver) for signal in active for driver in signal.symptom_of}
        processes, systems, indicators = _columns(family for family, _ in links)
        drivers = [driver for _, driver in links]
        await self._execute(QUERIES.store_symptoms, processes, systems, drivers, indicators)

    async def delete_signals(self, names: Sequence[str]) -> None:
        await self._execute(QUERIES.delete_signals, list(names))

    async def replace_runs(self, of: Sequence[ProblemName], found: Mapping[AlarmRun, ProblemName]) -> None:
        """The runs of some problems as they are now."""
        await self._execute(QUERIES.delete_runs_of, list(of))
        starts, ends = [run.start_us for run in found], [run.end_us for run in found]
        joins, families = [run.joins_us for run in found], _columns(run.family for run in found)
        await self._execute(QUERIES.store_runs, *families, starts, ends, joins, list(found.values()))

    async def settle(self, spans: Mapping[ProblemName, Sequence[SettledSpan]]) -> None:
        """Problems that were closed or dismissed have dealt with their spans: their signals are not looked at again."""
        problems = list(spans)
        found = await self.runs_of(problems)
        await self.delete_signals([signal.name for signal in await self.signals_of(list(found))])
        await self.end(problems)
        rows = [
            (self._tenant, *astuple(run.family), run.joins_us, run.start_us, run.end_us, until_us, problem)
            for problem, dealt_with in spans.items()
            for run, until_us in ((span.run, span.until_us) for span in dealt_with)
        ]
        await self._connection.executemany(QUERIES.store_settled, rows)

    async def unsettle(self, problem: ProblemName, spans: Sequence[SettledSpan]) -> None:
        """A problem of these spans is worked on again: its runs are its own once more."""
        await self._execute(QUERIES.delete_settled, problem)
        await self.replace_runs([problem], {span.run: problem for span in spans})

    async def end(self, problems: Sequence[ProblemName]) -> None:
        """Nothing of problems that have ended is looked up again."""
        await self._execute(QUERIES.delete_runs_of, list(problems))
        await self._execute(QUERIES.delete_evidence, list(problems))

    async def store_evidence(self, spans: Sequence[EvidenceSpan]) -> None:
        await self._execute(
            QUERIES.store_evidence,
            [span.problem for span in spans],
            *_columns(span.family for span in spans),
            [span.baseline_start_us for span in spans],
            [span.baseline_end_us for span in spans],
            [span.start_us for span in spans],
            [span.end_us for span in spans],
            [span.position for span in spans],
        )

    async def age_evidence(self, scores: Sequence[ChangedScore]) -> None:
        """Causes that rest on scores from before these changes are to be found again."""
        starts, positions = [score.start_us for score in scores], [score.position for score in scores]
        await self._execute(QUERIES.age_evidence, *_columns(score.family for score in scores), starts, positions)

    async def expire_evidence(self) -> None:
        await self._execute(QUERIES.expire_evidence)

    async def unread(self, limit: int) -> list[ProblemName]:
        """Live problems whose causes are to be found again."""
        return [ProblemName(row["problem"]) for row in await self._fetch(QUERIES.read_unread, limit)]

    async def evidence_families(self, limit: int) -> list[Family]:
        """The indicators of live problems."""
        return [Family(*row) for row in await self._fetch(QUERIES.read_evidence_families, limit)]

    async def _fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        found: list[asyncpg.Record] = await self._connection.fetch(query, self._tenant, *arguments)
        return found

    async def _execute(self, query: str, *arguments: Any) -> None:
        await self._connection.execute(query, self._tenant, *arguments)


def _columns(families: Iterable[Family]) -> tuple[list[str], list[str], list[str]]:
    found = list(families)
    return [one.process for one in found], [one.system for one in found], [one.indicator for one in found]


def _runs(rows: Iterable[asyncpg.Record]) -> dict[AlarmRun, ProblemName]:
    return {
        AlarmRun(
            Family(row["process"], row["system"], row["indicator"]), row["start_us"], row["end_us"], row["joins_us"]
        ): ProblemName(row["problem"])
        for row in rows
    }
