"""What corrections leave of a case, and how the fold asks for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from services.scoring.fold.corrections import live_events
from tests.services.scoring.fold.counted_fold import CountedFold

TIME = datetime(2026, 5, 4, 9, tzinfo=UTC)


def left(table: Any, event: Any, *rows: dict[str, Any]) -> list[str]:
    events = [event(**{"case_id": "A", "activity": "Started", "time": TIME} | row) for row in rows]
    return [name for one in live_events([table(events)]) for name in one.column("id").to_pylist()]


def test_a_retracted_event_and_its_retraction_are_no_occurrences(table: Any, event: Any) -> None:
    assert left(table, event, {"id": "a"}, {"id": "b"}, {"id": "r", "retracts": "a"}) == ["b"]


def test_of_a_chain_of_corrections_the_last_link_stands(table: Any, event: Any) -> None:
    rows = [{"id": "a"}, {"id": "b", "supersedes": "a"}, {"id": "c", "supersedes": "b"}]
    assert left(table, event, *rows) == ["c"]
    assert left(table, event, *reversed(rows)) == ["c"]


def test_an_unknown_target_harms_nothing(table: Any, event: Any) -> None:
    assert left(table, event, {"id": "a"}, {"id": "b", "supersedes": "zz"}, {"id": "r", "retracts": "zz"}) == ["a", "b"]


def test_an_id_of_another_source_is_another_event(table: Any, event: Any) -> None:
    assert left(table, event, {"id": "a"}, {"id": "r", "retracts": "a", "source": "other"}) == ["a"]


def test_an_event_that_supersedes_itself_stands(table: Any, event: Any) -> None:
    assert left(table, event, {"id": "a", "supersedes": "a"}) == ["a"]


def test_a_late_event_of_a_corrected_case_asks_for_its_rebuild_again(
    system: Any, page: Any, table: Any, event: Any
) -> None:
    fold = CountedFold(system)
    retraction = event("r", "A", "Started", TIME, retracts="a")
    assert fold.fold([page([retraction])]).corrected_cases == ["A"]
    late = event("a", "A", "Started", TIME - timedelta(days=1))
    step = fold.fold([page([late, event("x", "B", "Created", TIME)])])
    assert step.corrected_cases == ["A"]
    assert step.cases == 1
    fold.rebuild(["A"], [table([retraction, late])])
    assert {part.stats.case_count for part in fold.parts()} == {1}


def test_a_case_without_events_left_is_in_no_window(system: Any, page: Any, table: Any, event: Any) -> None:
    fold = CountedFold(system)
    first, retraction = event("a", "A", "Created", TIME), event("r", "A", "Created", TIME, retracts="a")
    assert fold.fold([page([first])]).parts
    assert fold.fold([page([retraction])]).corrected_cases == ["A"]
    step = fold.rebuild(["A"], [table([first, retraction])])
    assert all(part.stats.case_count < 0 for part in step.parts)
    assert fold.parts() == []
    assert step.observations.column("anchor").null_count == len(step.observations)
