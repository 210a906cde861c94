"""The fold against its definition: any order, batching and restart give what a plain fold of the same events gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.scoring.cases import CaseFold

EXAMPLES = settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
ACTIVITIES = ["Created", "Started", "Waiting", "Resolved", "Reopened", "Closed", "Cancelled"]
START = datetime(2026, 3, 6, 20, tzinfo=UTC)
"""Two days before clocks go forward in New York."""

minutes = st.integers(0, 12 * 24 * 60)
attributes = st.fixed_dictionaries(
    {},
    optional={
        "team": st.sampled_from(["red", "blue", "?"]),
        "channel": st.sampled_from(["mail", "phone,web"]),
        "sla": st.one_of(st.booleans(), st.just("no"), st.just("yes")),
        "csat": st.sampled_from([1.0, 2.5, 4.3, 5.0]),
        "cost": st.one_of(st.integers(-9, 9), st.just(12_345_678_901_234)),
        "due": minutes.map(lambda minute: START + timedelta(minutes=minute)),
    },
)


@st.composite
def logs(draw: Any, corrections: bool = False, sources: tuple[str, ...] = ("desk",)) -> list[dict[str, Any]]:
    """Rows of a log: ids are unique, times collide often."""
    size = draw(st.integers(1, 25))
    rows: list[Any] = []
    for number in range(size):
        row: dict[str, Any] = {
            "id": f"{draw(st.sampled_from(['e', 'event-']))}{number}",
            "case_id": draw(st.sampled_from(["A", "B", "Ce"])),
            "activity": draw(st.sampled_from(ACTIVITIES)),
            "time": START + timedelta(minutes=draw(minutes) // 60 * 60),
            "source": draw(st.sampled_from(sources)),
            "resource": draw(st.sampled_from([None, "ann", "bob"])),
            "attributes": draw(attributes),
        }
        if corrections and rows and draw(st.integers(0, 3)) == 0:
            target = draw(st.sampled_from(rows))
            row["case_id"], row["source"] = target["case_id"], target["source"]
            row[draw(st.sampled_from(["supersedes", "retracts"]))] = target["id"]
        rows.append(row)
    return rows


def one_kind(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Rows cut so that an attribute has one type in each piece, as in pages of ingest."""
    pieces: list[list[dict[str, Any]]] = []
    kinds: dict[str, type] = {}
    for row in rows:
        mine = {name: type(value) for name, value in row["attributes"].items()}
        if not pieces or any(kinds.get(name, kind) is not kind for name, kind in mine.items()):
            pieces.append([])
            kinds = {}
        kinds |= mine
        pieces[-1].append(row)
    return pieces


def folded(system: Any, page: Any, event: Any, batches: list[list[dict[str, Any]]]) -> CaseFold:
    fold = CaseFold(system)
    for batch in batches:
        fold.fold([page([event(**row) for row in piece]) for piece in one_kind(batch)])
    return fold


@EXAMPLES
@given(data=st.data())
def test_any_order_and_batching_equals_the_plain_fold(
    data: Any, system: Any, page: Any, event: Any, result: Any, reference: Any
) -> None:
    rows = data.draw(logs(sources=("desk", "other")))
    shuffled = data.draw(st.permutations(rows))
    cut = data.draw(st.integers(0, len(rows)))
    fold = folded(system, page, event, [batch for batch in (shuffled[:cut], shuffled[cut:]) if batch])
    assert result(fold.parts()) == reference(system, [event(**row) for row in rows])
    one_by_one = folded(system, page, event, [[row] for row in rows])
    assert one_by_one.parts() == fold.parts()


@EXAMPLES
@given(rows=logs(), cut=st.integers(0, 25))
def test_steps_add_up_to_the_parts(rows: Any, cut: int, system: Any, page: Any, event: Any) -> None:
    fold = CaseFold(system)
    state: dict[Any, Any] = {}
    for batch in (rows[:cut], rows[cut:]):
        step = fold.fold([page([event(**row) for row in piece]) for piece in one_kind(batch)])
        assert len({(part.series, part.window) for part in step.parts}) == len(step.parts)
        state |= {(part.series, part.window): part for part in step.parts}
    left = [part for part in state.values() if part.stats.count]
    assert sorted(left, key=lambda part: (part.series, part.window)) == fold.parts()


@EXAMPLES
@given(data=st.data())
def test_corrections_in_any_order_equal_the_plain_fold_of_what_stands(
    data: Any, system: Any, page: Any, event: Any, table: Any, result: Any, reference: Any
) -> None:
    rows = data.draw(logs(corrections=True))
    arrival = data.draw(st.permutations(rows))
    fold, arrived = CaseFold(system), []
    for row in arrival:
        arrived.append(event(**row))
        step = fold.fold([page([event(**row)])])
        if step.corrected_cases:
            every = [e for e in arrived if e.case_id in step.corrected_cases]
            pieces = one_kind([vars(e) for e in every])
            fold.rebuild(step.corrected_cases, [table([event(**row) for row in piece]) for piece in pieces])
    assert result(fold.parts()) == reference(system, arrived)


@EXAMPLES
@given(rows=logs(), cut=st.integers(1, 25))
def test_a_restored_snapshot_goes_on_as_if_nothing_had_happened(
    rows: Any, cut: int, system: Any, page: Any, event: Any
) -> None:
    whole = folded(system, page, event, [rows])
    first = folded(system, page, event, [rows[:cut]])
    again = CaseFold.restore(system, first.snapshot())
    assert again.parts() == first.parts()
    assert again.watermark == first.watermark
    for fold in (first, again):
        if rows[cut:]:
            fold.fold([page([event(**row) for row in piece]) for piece in one_kind(rows[cut:])])
        assert fold.parts() == whole.parts()
        assert fold.negative_spans == whole.negative_spans
