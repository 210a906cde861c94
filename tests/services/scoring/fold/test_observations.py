"""Observations tell where every case counts, and move it when its story changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.fold.batch import MISSING
from services.scoring.fold.cases import CaseFold
from services.scoring.fold.hashing import spans_of, text_hashes, trailing_numbers
from services.scoring.fold.sources import Labels

TIME = datetime(2026, 5, 4, 9, tzinfo=UTC)


def rows_of(step: Any, indicator: str) -> list[dict[str, Any]]:
    return [row for row in step.observations.to_pylist() if row["indicator"] == indicator]


def test_a_late_label_moves_the_case_between_series(system: Any, page: Any, event: Any) -> None:
    fold = CaseFold(system)
    story = [
        event("1", "A", "Created", TIME, attributes={"team": "red"}),
        event("2", "A", "Closed", TIME + timedelta(hours=1)),
    ]
    fold.fold([page(story)])
    step = fold.fold([page([event("3", "A", "Waiting", TIME + timedelta(minutes=5), attributes={"team": "blue"})])])
    moved = {part.series: part.stats.count for part in step.parts if "/cycle@week" in part.series}
    assert moved == {"desk/main/cycle@week{team=red}": 0, "desk/main/cycle@week{team=blue}": 1}
    (row,) = rows_of(step, "cycle")
    assert row["anchor"] == row["old_anchor"] == TIME + timedelta(hours=1)
    assert (row["value"], row["slice"]) == (3600, {"team": "blue", "channel": None})


def test_an_unknown_label_counts_in_the_whole_only(system: Any, page: Any, event: Any) -> None:
    fold = CaseFold(system)
    fold.fold([page([event("1", "A", "Created", TIME, attributes={"team": "?"}), event("2", "A", "Closed", TIME)])])
    series = {part.series for part in fold.parts() if "/cycle@day" in part.series}
    assert series == {"desk/main/cycle@day"}


def test_a_reopened_case_leaves_its_old_window_for_the_new_one(system: Any, page: Any, event: Any) -> None:
    fold = CaseFold(system)
    fold.fold([page([event("1", "A", "Created", TIME), event("2", "A", "Closed", TIME)])])
    step = fold.fold([page([event("3", "A", "Closed", TIME + timedelta(days=8))])])
    counts = {part.window.start_us: part.stats.count for part in step.parts if part.series == "desk/main/cycle@week"}
    assert sorted(counts.values()) == [0, 1]
    (row,) = rows_of(step, "waits")
    assert row["old_window_start"] < row["window_start"] <= row["anchor"] < row["window_end"]


def test_a_duration_that_ends_before_it_begins_is_a_value_and_counted(system: Any, page: Any, event: Any) -> None:
    fold = CaseFold(system)
    early = event("1", "A", "Created", TIME, attributes={"due": TIME - timedelta(hours=1)})
    assert fold.fold([page([early])]).negative_spans == 1
    promised = {part.stats.total for part in fold.parts() if part.series == "desk/main/promised@all"}
    assert promised == {-3_600}
    late = event("2", "A", "Started", TIME, attributes={"due": TIME + timedelta(hours=1)})
    assert fold.fold([page([late])]).negative_spans == -1
    assert fold.negative_spans == 0


@pytest.mark.parametrize(("named", "activity"), [((), "Reopened by customer"), (("Back",), "Back")])
def test_a_case_that_is_reopened_is_open_until_it_is_closed_again(
    system: Any, page: Any, event: Any, named: tuple[str, ...], activity: str
) -> None:
    rule = replace(system.spec.case_rule, reopened=named)
    fold = CaseFold(replace(system, spec=replace(system.spec, case_rule=rule)))
    counted = lambda: [part for part in fold.parts() if part.series == "desk/main/cycle@all"]  # noqa: E731
    fold.fold([page([event("1", "A", "Created", TIME), event("2", "A", "Closed", TIME + timedelta(hours=1))])])
    assert len(counted()) == 1
    fold.fold([page([event("3", "A", activity, TIME + timedelta(hours=2))])])
    assert not counted()
    fold.fold([page([event("4", "A", "Closed", TIME + timedelta(hours=3))])])
    assert len(counted()) == 1


def test_events_of_other_sources_are_not_folded(system: Any, page: Any, event: Any) -> None:
    fold = CaseFold(system)
    assert fold.fold([page([event("1", "A", "Created", TIME, source="other")])]).events == 0
    assert fold.parts() == []


def test_hashes_do_not_depend_on_the_layout_of_the_column() -> None:
    texts = ["", "a", "ab", "12345678", "123456789", "täglich-00017", "x" * 200]
    plain = text_hashes(pa.array(texts))
    assert len(set(plain.tolist())) == len(texts)
    assert text_hashes(pa.array(["before", *texts])[1:]).tolist() == plain.tolist()
    assert text_hashes(pa.array(texts, pa.large_utf8())).tolist() == plain.tolist()


def test_trailing_numbers_read_at_most_eight_digits() -> None:
    texts = pa.array(["", "7", "no", "INC7/0012", "1a2", "12345678", "99123456789", "día9", "é"])
    assert trailing_numbers(spans_of(texts)).tolist() == [0, 7, 0, 12, 2, 12345678, 23456789, 9, 0]


@settings(deadline=None, max_examples=60)
@given(codes=st.lists(st.sampled_from([MISSING, 0, 1, 2, 3]), max_size=12))
def test_labels_come_back_as_texts_and_no_text_is_carried_along_that_does_not_occur(codes: list[int]) -> None:
    names = ["red", "blue", "green", "grey"]
    column = Labels(names=names).column(np.array(codes, dtype=np.int64))
    assert column.to_pylist() == [None if code == MISSING else names[code] for code in codes]
    assert sorted(column.dictionary.to_pylist()) == sorted({names[code] for code in codes if code != MISSING})
