"""What depends on the order of events, on the logs of a help desk and of loans, against plain Python."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from services.scoring.fold.step import DecodedPage
from services.scoring.system.case_model import (
    CaseRule,
    Count,
    Elapsed,
    FirstOf,
    Handover,
    LastOf,
    Measure,
    Opened,
    Paused,
    Rework,
    Succession,
    Work,
)
from services.scoring.system.model import Aggregate, Indicator, IndicatorSystem, Observe, SystemSpec, Window
from tests.services.scoring.fold.counted_fold import CountedFold

LOGS = Path(__file__).parents[4] / ".." / "shared" / "data" / "eventlogs"
CASE, ACTIVITY, RESOURCE = "case:concept:name", "concept:name", "org:resource"
TIME, TRANSITION = "time:timestamp", "lifecycle:transition"

pytestmark = pytest.mark.skipif(not LOGS.exists(), reason="needs the shared data sets next to the repository")


def rows_of(name: str) -> list[dict[str, Any]]:
    with gzip.open(LOGS / name, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows):
        row["at"], row["number"] = datetime.fromisoformat(row[TIME]).astimezone(UTC), number
    return rows


def cases_of(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Events of each case, in the order of time and then of the file."""
    cases = defaultdict(list)
    for row in rows:
        cases[row[CASE]].append(row)
    return [sorted(case, key=lambda row: (row["at"], row["number"])) for case in cases.values()]


def sums_of(rows: list[dict[str, Any]], *measures: Measure) -> dict[str, tuple[int, int]]:
    """Of each measure the sum over all cases, and how many have it; the log comes shuffled in pages."""
    indicators = [
        Indicator(one.name, one.name, Aggregate.SUM, anchor=Opened(), observe=Observe.ALWAYS, windows=(Window.ALL,))
        for one in measures
    ]
    spec = SystemSpec(case_rule=CaseRule(), measures=measures, indicators=tuple(indicators))
    fold = CountedFold(IndicatorSystem("processes/desk/indicatorSystems/main", 1, spec))
    events = pa.table(
        {
            "id": [f"{row[CASE].replace(' ', '')}/{row['number']}" for row in rows],
            "source": ["log"] * len(rows),
            "case_id": [row[CASE] for row in rows],
            "activity": [row[ACTIVITY] for row in rows],
            "resource": [row[RESOURCE] or None for row in rows],
            "time": pa.array([row["at"] for row in rows], pa.timestamp("us", tz="UTC")),
            "attributes.lifecycle:transition": pa.array([row.get(TRANSITION) for row in rows], pa.utf8()),
        }
    )
    shuffled = events.take(np.random.default_rng(7).permutation(len(events)))
    for start in range(0, len(events), 40_000):
        fold.fold([DecodedPage(shuffled.slice(start, 40_000), 0, start)])
    return {part.series.split("/")[2].split("@")[0]: (part.stats.total, part.stats.count) for part in fold.parts()}


def ping_pong(case: list[dict[str, Any]]) -> int:
    """Handovers back to the one that the case came from."""
    runs = [who for who, _ in groupby(row[RESOURCE] for row in case if row[RESOURCE])]
    return sum(1 for first, third in zip(runs, runs[2:], strict=False) if first == third)


def followed(case: list[dict[str, Any]], first: str, second: str) -> int:
    return sum(1 for a, b in pairwise(case) if (a[ACTIVITY], b[ACTIVITY]) == (first, second))


def test_what_a_help_desk_repeats_sends_back_and_waits_for_is_that_of_plain_python() -> None:
    rows = rows_of("italian_helpdesk.csv.gz")
    take, resolve, wait = "Take in charge ticket", "Resolve ticket", "Wait"
    reply = FirstOf((take,), after=LastOf((wait,)))
    found = sums_of(
        rows,
        Measure("ping_pong", Handover(back=True)),
        Measure("again", Succession((take,), (take,))),
        Measure("resolved_next", Succession((take,), (resolve,))),
        Measure("rework", Rework()),
        Measure("after_wait", Count((take,), after=FirstOf((wait,)))),
        Measure("answer", Elapsed(LastOf((wait,)), reply)),
        Measure("ours", Elapsed(Opened(), LastOf(), paused=Paused((wait,)))),
    )
    cases = cases_of(rows)
    answers, ours, after_wait = [], [], 0
    for case in cases:
        waits = [row["at"] for row in case if row[ACTIVITY] == wait]
        taken = [row["at"] for row in case if row[ACTIVITY] == take]
        after_wait += sum(1 for at in taken if waits and at > waits[0])
        answers += [at - waits[-1] for at in [at for at in taken if waits and at > waits[-1]][:1]]
        paused = sum((b["at"] - a["at"] for a, b in pairwise(case) if a[ACTIVITY] == wait), timedelta())
        ours.append(case[-1]["at"] - case[0]["at"] - paused)

    def seconds(spans: list[timedelta]) -> tuple[int, int]:
        return sum(int(span.total_seconds() + 0.5) for span in spans), len(spans)

    assert len(cases) == 4_580
    assert found == {
        "ping_pong": (sum(map(ping_pong, cases)), 4_580),
        "again": (sum(followed(case, take, take) for case in cases), 4_580),
        "resolved_next": (sum(followed(case, take, resolve) for case in cases), 4_580),
        "rework": (sum(len(case) - len({row[ACTIVITY] for row in case}) for case in cases), 4_580),
        "after_wait": (after_wait, 4_580),
        "answer": seconds(answers),
        "ours": seconds(ours),
    }
    assert found["ping_pong"][0] > 0 < found["again"][0]


def test_working_times_and_ping_pong_of_loans_are_those_of_plain_python() -> None:
    rows = rows_of("bpic2012_loan.csv.gz")
    sent, calls = "O_SENT", "W_Nabellen offertes"
    found = sums_of(
        rows,
        Measure("ping_pong", Handover(back=True)),
        Measure("worked", Work()),
        Measure("sent_after_call", Succession((calls,), (sent,))),
    )
    cases, worked = cases_of(rows), []
    for case in cases:
        waiting: dict[str, list[datetime]] = defaultdict(list)
        spans = []
        for row in sorted(case, key=lambda row: (row["at"], row[TRANSITION] == "COMPLETE")):
            if row[TRANSITION] == "START":
                waiting[row[ACTIVITY]].append(row["at"])
            elif row[TRANSITION] == "COMPLETE" and waiting[row[ACTIVITY]]:
                spans.append(row["at"] - waiting[row[ACTIVITY]].pop(0))
        if spans:
            worked.append(int(sum(spans, timedelta()) / timedelta(seconds=1) + 0.5))
    assert found == {
        "ping_pong": (sum(map(ping_pong, cases)), 13_087),
        "worked": (sum(worked), len(worked)),
        "sent_after_call": (sum(followed(case, calls, sent) for case in cases), 13_087),
    }
