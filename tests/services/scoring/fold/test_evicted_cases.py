"""Cases leave memory and come back: what the fold says is the same to the last row, whoever left when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.scoring.fold.evicted_cases import PAGE_CASES, EvictedCases
from services.scoring.fold.hashes import HashArray
from tests.services.scoring.fold.counted_fold import CountedFold

EXAMPLES = settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
DAY_US = 86_400_000_000
MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass
class Kept:
    """What lies in the database: a snapshot, the pages that belong to it, and the batches since."""

    snapshot: bytes
    pages: dict[int, tuple[HashArray, bytes]] = field(default_factory=dict)
    since: list[Any] = field(default_factory=list)
    sums: dict[Any, Any] = field(default_factory=dict)

    def keep(self, fold: CountedFold, leaving: Sequence[int] = ()) -> None:
        fold.evict(np.array(sorted(leaving), dtype=np.int64))
        change = fold.evicted.change()
        self.pages |= {page.number: (page.hashes, page.content) for page in change.added}
        self.pages |= {number: (hashes, self.pages[number][1]) for number, hashes in change.thinned.items()}
        for number in change.emptied:
            del self.pages[number]
        self.snapshot, self.since, self.sums = fold.snapshot(), [], dict(fold.sums)

    def fold(self, system: Any) -> CountedFold:
        archive = EvictedCases((number, hashes) for number, (hashes, _) in self.pages.items())
        return CountedFold(system).again(self.snapshot, archive, self.sums)

    def reload(self, fold: CountedFold, tables: Sequence[pa.Table]) -> None:
        wanted = fold.evicted.named_in(tables)
        fold.reload(wanted, {number: self.pages[number][1] for number in wanted})


def say_the_same(one: Any, other: Any) -> None:
    assert one.parts == other.parts
    assert one.observations.equals(other.observations)
    counts = ("corrected_cases", "events", "cases", "cases_new", "negative_spans")
    assert [getattr(one, name) for name in counts] == [getattr(other, name) for name in counts]


@EXAMPLES
@given(data=st.data())
def test_cases_that_leave_at_any_moment_change_no_part_and_no_row(
    data: Any, system: Any, event: Any, page: Any, table: Any, logs: Any, pieces: Any
) -> None:
    rows = data.draw(st.permutations(data.draw(logs(corrections=True))))
    plain, moving = CountedFold(system), CountedFold(system)
    arrived: list[Any] = []
    kept = Kept(moving.snapshot())

    def step(fold: CountedFold, batch: list[Any], known: list[Any], away: bool) -> list[Any]:
        pages = [page([event(**row) for row in piece]) for piece in pieces(batch)]
        if away:
            kept.reload(fold, [one.events for one in pages])
        steps = [fold.fold(pages)]
        if steps[0].corrected_cases:
            every = [row for row in known if row["case_id"] in steps[0].corrected_cases]
            steps.append(
                fold.rebuild(steps[0].corrected_cases, [table([event(**r) for r in p]) for p in pieces(every)])
            )
        return steps

    while len(arrived) < len(rows):
        batch = rows[len(arrived) : len(arrived) + data.draw(st.integers(1, 4))]
        arrived += batch
        kept.since.append((batch, list(arrived)))
        for one, other in zip(step(plain, batch, arrived, False), step(moving, batch, arrived, True), strict=True):
            say_the_same(one, other)
        match data.draw(st.sampled_from(["go on", "leave", "die"])):
            case "leave":
                numbers = list(range(len(moving.state.case_ids)))
                kept.keep(moving, data.draw(st.sets(st.sampled_from(numbers))) if numbers else ())
            case "die":
                moving = kept.fold(system)
                for again, known in kept.since:
                    step(moving, again, known, True)
    assert moving.parts() == plain.parts()
    assert (moving.negative_spans, moving.watermark) == (plain.negative_spans, plain.watermark)
    assert moving.case_count == plain.case_count


def desk(event: Any, cases: range, day: int) -> list[Any]:
    at = MONDAY + timedelta(days=day)
    return [
        event(f"{case}-{day}-{place}", f"case-{case}", name, at + timedelta(minutes=place), resource=f"agent-{place}")
        for case in cases
        for place, name in enumerate(("Created", "Started", "Closed"))
    ]


def test_only_whole_pages_of_cases_at_rest_leave_and_memory_holds_the_others(
    system: Any, event: Any, page: Any
) -> None:
    fold = CountedFold(system)
    fold.fold([page(desk(event, range(2 * PAGE_CASES + 100), 0))])
    fold.fold([page(desk(event, range(10_000, 10_050), 20))])
    assert not fold.idle_cases(30 * DAY_US).size
    leaving = fold.idle_cases(7 * DAY_US)
    assert len(leaving) == 2 * PAGE_CASES
    before, whole = fold.parts(), len(fold.snapshot())
    pages = fold.evict(leaving)
    assert [len(one.hashes) for one in pages] == [PAGE_CASES, PAGE_CASES]
    assert (len(fold.state.case_ids), fold.case_count) == (150, 2 * PAGE_CASES + 150)
    assert fold.parts() == before
    assert len(fold.snapshot()) < whole / 2


def test_a_late_event_brings_its_case_back_alone_and_a_sparse_page_is_called_back_whole(
    system: Any, event: Any, page: Any
) -> None:
    fold = CountedFold(system)
    fold.fold([page(desk(event, range(PAGE_CASES), 0))])
    fold.fold([page(desk(event, range(5_000, 5_010), 20))])
    kept = Kept(fold.snapshot())
    kept.keep(fold, fold.idle_cases(DAY_US).tolist())
    late = [page(desk(event, range(7, 8), 3))]
    kept.reload(fold, [one.events for one in late])
    assert len(fold.state.case_ids) == 11
    fold.fold(late)
    kept.keep(fold)
    assert {number: len(hashes) for number, (hashes, _) in kept.pages.items()} == {0: PAGE_CASES - 1}
    assert not fold.evicted.sparse(8)

    most = [page(desk(event, range(600), 4))]
    kept.reload(fold, [one.events for one in most])
    fold.fold(most)
    sparse = fold.evicted.sparse(8)
    fold.reload(sparse, {number: kept.pages[number][1] for number in sparse})
    kept.keep(fold)
    assert not kept.pages
    assert len(fold.state.case_ids) == fold.case_count == PAGE_CASES + 10


def test_cases_whose_ids_share_a_hash_come_back_together(system: Any, event: Any, page: Any) -> None:
    fold = CountedFold(system)
    fold.fold([page(desk(event, range(4), 0))])
    pages = fold.evict(np.arange(4))
    twin = EvictedCases([(0, pages[0].hashes), (1, pages[0].hashes[:1])])
    wanted = twin.named_in([page(desk(event, range(4), 9)).events])
    assert {number: len(hashes) for number, hashes in wanted.items()} == {0: 4, 1: 1}
    twin.reloaded(wanted)
    assert len(twin) == 0
    assert not twin.named_in([page(desk(event, range(4), 9)).events])
