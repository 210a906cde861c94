"""Starts and completions of work are paired first in, first out, whatever the order in which they arrive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from services.scoring.fold.batch import MISSING, batch_of
from services.scoring.fold.work_pairs import WorkPairs, unmatched

MORNING = datetime(2026, 3, 2, 9, tzinfo=UTC)
# The log of two steps that overlap, of which one comes twice: minutes after nine.
SPANS = [("Check", 0, 20), ("Repair", 15, 60), ("Repair", 120, 150)]


def worked(page: Any, rows: list[dict[str, Any]]) -> tuple[int, int, int]:
    """Seconds, starts and completions without a partner of one case; each event is a batch of its own."""
    pairs = WorkPairs((), np.subtract)
    pairs.reserve(1)
    for row in rows:
        pairs.update(batch_of([page([row]).events]), np.zeros(1, np.int64))
    (seconds,) = pairs.seconds(np.zeros(1, np.int64))
    return int(seconds), int(pairs.running[0]), int(pairs.unstarted[0])


@pytest.fixture
def happened(event: Any) -> Any:
    def make(activity: str, minute: int, transition: str, instance: str | None = None) -> Any:
        attributes = {"lifecycle:transition": transition} | ({"concept:instance": instance} if instance else {})
        at = MORNING + timedelta(minutes=minute)
        return event(f"{activity}{minute}{transition}", "A", activity, at, attributes=attributes)

    return make


def test_pairs_that_overlap_and_repeat_are_added_up_in_every_order(page: Any, happened: Any) -> None:
    rows = [
        happened(step, minute, said)
        for step, began, ended in SPANS
        for minute, said in ((began, "start"), (ended, "COMPLETE"))
    ]
    assert {worked(page, list(order)) for order in permutations(rows)} == {((20 + 45 + 30) * 60, 0, 0)}


def test_events_without_a_partner_are_counted_and_have_no_part_in_the_time(page: Any, happened: Any) -> None:
    rows = [
        happened("Check", 0, "complete"),
        happened("Check", 5, "start"),
        happened("Check", 10, "complete"),
        happened("Check", 20, "start"),
        happened("Check", 30, "schedule"),
    ]
    assert {worked(page, list(order)) for order in permutations(rows)} == {(5 * 60, 1, 1)}
    assert unmatched([page(rows).events], ()) == (1, 1)
    assert unmatched([page(rows).events], ("Repair",)) == (0, 0)
    assert unmatched([], ()) == (0, 0)


def test_a_case_without_a_complete_pair_has_no_working_time(page: Any, happened: Any) -> None:
    assert worked(page, [happened("Check", 0, "start")]) == (MISSING, 1, 0)
    assert worked(page, [happened("Check", 0, "complete")]) == (MISSING, 0, 1)


def test_an_instance_says_which_start_a_completion_ends(page: Any, happened: Any) -> None:
    rows = [
        happened("Check", 0, "start", "a"),
        happened("Check", 10, "start", "b"),
        happened("Check", 30, "complete", "b"),
    ]
    assert worked(page, rows) == (20 * 60, 1, 0)


def test_work_that_is_suspended_is_not_worked_on(page: Any, happened: Any) -> None:
    said = ((0, "start"), (10, "suspend"), (60, "resume"), (65, "complete"))
    assert worked(page, [happened("Check", minute, one) for minute, one in said]) == (15 * 60, 0, 0)


def test_a_start_and_a_completion_of_one_instant_are_a_pair_of_no_length(page: Any, happened: Any) -> None:
    rows = [happened("Check", 0, "complete"), happened("Check", 0, "start")]
    assert {worked(page, list(order)) for order in permutations(rows)} == {(0, 0, 0)}
