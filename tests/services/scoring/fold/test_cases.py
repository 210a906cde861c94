"""The fold against its definition: any order, batching and restart give what a plain fold of the same events gives."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.services.scoring.fold.counted_fold import CountedFold

EXAMPLES = settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def folded(system: Any, page: Any, event: Any, pieces: Any, batches: list[list[dict[str, Any]]]) -> CountedFold:
    fold = CountedFold(system)
    for batch in batches:
        fold.fold([page([event(**row) for row in piece]) for piece in pieces(batch)])
    return fold


@EXAMPLES
@given(data=st.data())
def test_any_order_and_batching_equals_the_plain_fold(
    data: Any, system: Any, page: Any, event: Any, result: Any, reference: Any, logs: Any, pieces: Any
) -> None:
    rows = data.draw(logs(sources=("desk", "other")))
    shuffled = data.draw(st.permutations(rows))
    cut = data.draw(st.integers(0, len(rows)))
    fold = folded(system, page, event, pieces, [batch for batch in (shuffled[:cut], shuffled[cut:]) if batch])
    assert result(fold.parts()) == reference(system, [event(**row) for row in rows])
    one_by_one = folded(system, page, event, pieces, [[row] for row in rows])
    assert one_by_one.parts() == fold.parts()


@EXAMPLES
@given(data=st.data(), cut=st.integers(0, 25))
def test_a_step_says_once_what_changes_about_a_window_and_nothing_about_others(
    data: Any, cut: int, system: Any, page: Any, event: Any, logs: Any, pieces: Any
) -> None:
    rows = data.draw(logs())
    fold = CountedFold(system)
    for batch in (rows[:cut], rows[cut:]):
        step = fold.fold([page([event(**row) for row in piece]) for piece in pieces(batch)])
        assert len({(part.series, part.window) for part in step.parts}) == len(step.parts)
        assert all(part.stats.changes_anything for part in step.parts)


@EXAMPLES
@given(data=st.data())
def test_corrections_in_any_order_equal_the_plain_fold_of_what_stands(
    data: Any, system: Any, page: Any, event: Any, table: Any, result: Any, reference: Any, logs: Any, pieces: Any
) -> None:
    rows = data.draw(logs(corrections=True))
    arrival = data.draw(st.permutations(rows))
    fold, arrived = CountedFold(system), []
    for row in arrival:
        arrived.append(event(**row))
        step = fold.fold([page([event(**row)])])
        if step.corrected_cases:
            every = [e for e in arrived if e.case_id in step.corrected_cases]
            parted = pieces([vars(e) for e in every])
            fold.rebuild(step.corrected_cases, [table([event(**row) for row in piece]) for piece in parted])
    assert result(fold.parts()) == reference(system, arrived)


@EXAMPLES
@given(data=st.data(), cut=st.integers(1, 25))
def test_a_restored_snapshot_goes_on_as_if_nothing_had_happened(
    data: Any, cut: int, system: Any, page: Any, event: Any, logs: Any, pieces: Any
) -> None:
    rows = data.draw(logs())
    whole = folded(system, page, event, pieces, [rows])
    first = folded(system, page, event, pieces, [rows[:cut]])
    again = first.again(first.snapshot())
    assert again.parts() == first.parts()
    assert again.watermark == first.watermark
    for fold in (first, again):
        if rows[cut:]:
            fold.fold([page([event(**row) for row in piece]) for piece in pieces(rows[cut:])])
        assert fold.parts() == whole.parts()
        assert fold.negative_spans == whole.negative_spans
