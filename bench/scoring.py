"""How fast scoring replays a log, beside a plain per-event Python fold of the same indicators over the same events."""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from andon.scoring.v1 import indicator_system_pb2 as pb
from andon_client.documents import load_document

from services.scoring.fold.cases import CaseFold
from services.scoring.fold.step import DecodedPage
from services.scoring.scores.statistics import PartChange, PartStats, Place, accumulate
from services.scoring.system.model import IndicatorSystem
from services.scoring.wire.systems import spec_of

SYSTEM = Path(__file__).with_suffix(".system.yaml")
NAME = "processes/desk/indicatorSystems/main"
SECOND, DAY = 1_000_000, 86_400 * 1_000_000
START_US = 1_767_571_200 * SECOND
"""Monday 2026-01-05."""
PAGE_EVENTS = 5_000
AIM = 20.0
TEAMS, PRIORITIES = ("red", "blue", "green", "grey"), ("1 - critical", "2 - high", "3 - normal")
CHANNELS, AGENTS = ("mail", "phone", "web"), tuple(f"agent-{n:02d}" for n in range(40))
ATTRIBUTES = ("channel", "priority", "team", "csat")
Key = tuple[str, str, int, tuple[tuple[str, str], ...]]


def simulated(cases: int, seed: int = 7) -> pa.Table:
    """A support desk's log over 60 days, in order of time; every instant is its own."""
    dice = np.random.default_rng(seed)
    opened = START_US + dice.integers(0, 60 * DAY, cases)
    rounds = 1 + (dice.random(cases) < 0.12)
    plan: list[tuple[str, np.ndarray[Any, Any], np.ndarray[Any, Any]]] = []
    everyone = np.arange(cases)
    clock = opened.copy()
    plan += [("Created", everyone, clock), ("Assigned", everyone, clock + dice.integers(1, 3_600 * SECOND, cases))]
    clock = plan[-1][2]
    for turn in (1, 2):
        there = everyone[rounds >= turn]
        for name, share, hours in (
            ("Started", 1.0, 3),
            ("Escalated", 0.15, 5),
            ("Waiting for customer", 0.3, 20),
            ("Resolved", 1.0, 8),
        ):
            some = there[dice.random(len(there)) < share]
            clock = clock.copy()
            clock[some] += dice.integers(1, hours * 3_600 * SECOND, len(some))
            plan.append((name, some, clock[some]))
        if turn == 1:
            again = everyone[rounds == 2]
            clock = clock.copy()
            clock[again] += dice.integers(1, DAY, len(again))
            plan.append(("Reopened", again, clock[again]))
    closed = clock + dice.integers(1, DAY, cases)
    asked = everyone[dice.random(cases) < 0.4]
    plan += [("Closed", everyone, closed), ("Surveyed", asked, closed[asked] + dice.integers(1, 2 * DAY, len(asked)))]
    return _table(plan, cases, dice)


def _table(plan: Sequence[tuple[str, Any, Any]], cases: int, dice: np.random.Generator) -> pa.Table:
    case = np.concatenate([where for _, where, _ in plan])
    times = np.concatenate([when for _, _, when in plan])
    code = np.repeat(np.arange(len(plan)), [len(where) for _, where, _ in plan])
    order = np.argsort(times, kind="stable")
    case, code = case[order], code[order]
    times = times[order] + np.arange(len(order))  # no two events at one instant
    size = len(order)
    team, channel, priority = (dice.integers(0, len(kinds), cases) for kinds in (TEAMS, CHANNELS, PRIORITIES))
    moved = np.where(dice.random(size) < 0.05, dice.integers(0, len(TEAMS), size), team[case])
    surveyed = np.array([name == "Surveyed" for name, _, _ in plan])[code]
    ids = pa.array([f"evt-{number:09d}" for number in dice.permutation(size)])
    return pa.table(
        {
            "id": ids,
            "source": _coded(np.zeros(size, np.int64), ("service-desk",)),
            "case_id": pa.array([f"case-{number:07d}" for number in case]),
            "activity": _coded(code, [name for name, _, _ in plan]),
            "time": pa.array(times, pa.timestamp("us", tz="UTC")),
            "resource": _coded(dice.integers(0, len(AGENTS), size), AGENTS),
            "attributes.channel": _coded(channel[case], CHANNELS),
            "attributes.priority": _coded(priority[case], PRIORITIES),
            "attributes.team": _coded(moved, TEAMS),
            "attributes.csat": pa.array(dice.integers(1, 6, size), pa.int64(), mask=~surveyed),
        }
    )


def _coded(codes: Any, names: Sequence[str]) -> pa.Array:
    distinct = list(dict.fromkeys(names))
    place = np.array([distinct.index(name) for name in names], dtype=np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(place[codes]), pa.array(distinct))


def encoded(log: pa.Table) -> list[bytes]:
    """Pages as ingest keeps them: an Arrow stream each, LZ4."""
    pages = []
    for start in range(0, len(log), PAGE_EVENTS):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, log.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
            writer.write_table(log.slice(start, PAGE_EVENTS).combine_chunks())
        pages.append(bytes(sink.getvalue()))
    return pages


def decoded(page: bytes) -> pa.Table:
    with pa.ipc.open_stream(page, options=pa.ipc.IpcReadOptions(use_threads=False)) as reader:
        return reader.read_all()


def replayed(system: IndicatorSystem, pages: Sequence[bytes], pages_per_step: int) -> list[PartChange]:
    fold, sums = CaseFold(system), dict[Place, PartStats]()
    for start in range(0, len(pages), pages_per_step):
        step = pages[start : start + pages_per_step]
        decoded_pages = [DecodedPage(decoded(page), 0, start + place) for place, page in enumerate(step)]
        accumulate(sums, fold.fold(decoded_pages).parts)
    return [PartChange(*place, stats) for place, stats in sums.items()]


@dataclass(slots=True)
class Case:
    """What the plain fold keeps of a case; times in microseconds."""

    created: int | None = None
    started: int | None = None
    resolved: int | None = None
    closed: int | None = None
    surveyed: int | None = None
    waits: int = 0
    reopened: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    hands: list[tuple[int, str]] = field(default_factory=list)
    teams: list[tuple[int, str]] = field(default_factory=list)
    priority: tuple[int, str] | None = None
    channel: tuple[int, str] | None = None
    csat: tuple[int, int] | None = None


def take(
    case: Case, activity: str, when: int, resource: str, channel: str, priority: str, team: str, csat: int | None
) -> None:
    """One event into its case, in any order."""
    match activity:
        case "Created":
            case.created = when if case.created is None else min(case.created, when)
        case "Started":
            case.started = when if case.started is None else min(case.started, when)
            case.steps[activity] += 1
        case "Resolved":
            case.resolved = when if case.resolved is None else max(case.resolved, when)
            case.steps[activity] += 1
        case "Escalated":
            case.steps[activity] += 1
        case "Closed":
            case.closed = when if case.closed is None else max(case.closed, when)
        case "Surveyed":
            case.surveyed = when if case.surveyed is None else min(case.surveyed, when)
        case "Waiting for customer":
            case.waits += 1
        case "Reopened":
            case.reopened = 1
    case.hands.append((when, resource))
    case.teams.append((when, team))
    if case.priority is None or case.priority[0] < when:
        case.priority = (when, priority)
    if case.channel is None or case.channel[0] > when:
        case.channel = (when, channel)
    if csat is not None and (case.csat is None or case.csat[0] < when):
        case.csat = (when, csat)


def changes(sequence: list[tuple[int, str]]) -> int:
    sequence.sort()
    return sum(before[1] != after[1] for before, after in itertools.pairwise(sequence))


def working_s(start: int | None, end: int | None) -> int | None:
    """Monday to Friday, 08:00 to 18:00 UTC, rounded to the second."""
    if start is None or end is None or end < start:
        return None
    total = 0
    for day in range(start // DAY, end // DAY + 1):
        if (day + 3) % 7 < 5:
            opens = day * DAY + 8 * 3_600 * SECOND
            total += max(0, min(end, opens + 10 * 3_600 * SECOND) - max(start, opens))
    return (total + SECOND // 2) // SECOND


def observations(case: Case) -> Iterator[tuple[str, int | None, int | None, str, tuple[tuple[str, ...], ...]]]:
    """Indicator, anchor, value, windows and slices, as in the document."""
    by_team, both = (("team",),), "dw"
    response, resolution = working_s(case.created, case.started), working_s(case.started, case.resolved)
    yield "first_response", case.started, response, both, (("priority",), ("channel",))
    yield "late_response", case.started, None if response is None else int(response > 14_400), "w", ()
    yield "satisfaction", case.surveyed, case.csat[1] if case.csat else None, both, (("team",), ("channel",))
    if case.closed is None:
        return
    repeats = sum(times - 1 for times in case.steps.values())
    yield "resolution_time", case.closed, resolution, both, (("team",), ("priority",))
    yield "resolution_median", case.closed, resolution, "w", ()
    yield "rework_share", case.closed, int(repeats > 0), both, by_team
    yield "handovers", case.closed, changes(case.hands), both, by_team
    yield "team_changes", case.closed, changes(case.teams), "w", ()
    yield "waits", case.closed, case.waits, "w", ()
    yield "reopen_share", case.closed, case.reopened, both, by_team


def plain(rows: Sequence[tuple[Any, ...]]) -> dict[Key, list[Any]]:
    """The same indicators event by event: cases in a dict, windows in a dict."""
    cases: dict[str, Case] = defaultdict(Case)
    for case_id, *event in rows:
        take(cases[case_id], *event)
    windows: dict[Key, list[Any]] = {}
    for case in cases.values():
        labels = {"priority": case.priority, "channel": case.channel, "team": max(case.teams)}
        named = {name: value[1] for name, value in labels.items() if value}
        for indicator, anchor, value, widths, slices in observations(case):
            if anchor is None or value is None:
                continue
            for width in widths:
                number = anchor // DAY if width == "d" else (anchor // DAY + 3) // 7
                for names in ((), *slices):
                    key = (indicator, width, number, tuple((name, named[name]) for name in names))
                    cell = windows.get(key)
                    if cell is None:
                        cell = windows[key] = [0, 0, 0, Counter()]
                    cell[0] += 1
                    cell[1] += value
                    cell[2] += value * value
                    if indicator == "resolution_median":
                        cell[3][value] += 1
    return windows


def as_rows(tables: Sequence[pa.Table]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for table in tables:
        columns = [
            table["case_id"].to_pylist(),
            table["activity"].to_pylist(),
            table["time"].cast(pa.int64()).to_pylist(),
        ]
        columns += [table["resource"].to_pylist(), *(table[f"attributes.{name}"].to_pylist() for name in ATTRIBUTES)]
        rows += zip(*columns, strict=True)
    return rows


def same(parts: Sequence[PartChange], windows: dict[Key, list[Any]]) -> bool:
    """Whether both folds hold the same statistics of the same windows."""
    told = {}
    for (indicator, width, number, pairs), (count, total, squares, spread) in windows.items():
        slice_ = "{" + ",".join(f"{name}={value}" for name, value in pairs) + "}" if pairs else ""
        start = number * DAY if width == "d" else (number * 7 - 3) * DAY
        key = (f"desk/main/{indicator}@{'day' if width == 'd' else 'week'}{slice_}", start)
        told[key] = (count, total, squares, sorted(spread.items()))
    found = {}
    for part in parts:
        spread = part.stats.histogram
        pairs_ = [] if spread is None else list(zip(spread[0].tolist(), spread[1].tolist(), strict=True))
        found[part.series, part.window.start_us] = (part.stats.count, part.stats.total, part.stats.squares, pairs_)
    return told == found


def timed(call: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    """Best of some rounds, in seconds of processor time: other load on the machine does not count."""
    best, answer = float("inf"), None
    for _ in range(rounds):
        start = time.process_time()
        answer = call()
        best = min(best, time.process_time() - start)
    return best, answer


def measured(cases: int, pages_per_step: int, rounds: int) -> dict[str, Any]:
    log = simulated(cases)
    pages, size = encoded(log), len(log)
    system = IndicatorSystem(NAME, 1, spec_of(load_document(SYSTEM, pb.IndicatorSystemSpec)))
    rows_s, rows = timed(lambda: as_rows([decoded(page) for page in pages]), 1)
    plain_s, windows = timed(lambda: plain(rows), rounds)
    replay_s, parts = timed(lambda: replayed(system, pages, pages_per_step), rounds)
    single_s, _ = timed(lambda: replayed(system, pages, 1), 1)
    return {
        "events": size,
        "cases": cases,
        "windows": len(parts),
        "equal": same(parts, windows),
        "replay_events_per_s": round(size / replay_s),
        "replay_page_by_page_events_per_s": round(size / single_s),
        "plain_events_per_s": round(size / plain_s),
        "plain_with_decoding_events_per_s": round(size / (plain_s + rows_s)),
        "ratio": round(plain_s / replay_s, 1),
        "ratio_with_decoding": round((plain_s + rows_s) / replay_s, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=60_000)
    parser.add_argument("--pages-per-step", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    figures = measured(given.cases, given.pages_per_step, given.rounds)
    if given.json:
        print(json.dumps(figures))
        return
    print(f"scoring replay: {figures['events']:,} events, {figures['cases']:,} cases, {figures['windows']:,} windows")
    print(f"  decode + fold + parts            {figures['replay_events_per_s']:>12,} events/s")
    print(f"  the same, one page of 5,000 a step {figures['replay_page_by_page_events_per_s']:>10,} events/s")
    print(
        f"  plain Python, rows in memory     {figures['plain_events_per_s']:>12,} events/s   ratio {figures['ratio']}x"
    )
    print(
        f"  plain Python from the same pages {figures['plain_with_decoding_events_per_s']:>12,} events/s"
        f"   ratio {figures['ratio_with_decoding']}x (aim {AIM:.0f}x)"
    )
    print(f"  results equal: {figures['equal']}")


if __name__ == "__main__":
    main()
