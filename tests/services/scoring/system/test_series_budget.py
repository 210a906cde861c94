"""What a document leaves to each slice, and when a slice has more."""

from __future__ import annotations

import random

from services.scoring.system.model import Aggregate, Indicator, Slice, SystemSpec, Window
from services.scoring.system.series_budget import COMBINATIONS_MAX, SERIES_BUDGET, combinations_max, slice_limit

TEAM, SITE, BOTH = Slice(("team",)), Slice(("site",)), Slice(("team", "site"))


def spec(indicators: int, *slices: Slice, windows: tuple[Window, ...] = (Window.HOUR,)) -> SystemSpec:
    return SystemSpec(
        indicators=tuple(
            Indicator(f"i{number}", "m", Aggregate.MEAN, windows=windows, slices=slices) for number in range(indicators)
        )
    )


def test_the_budget_is_shared_by_all_kinds_of_sliced_series_and_never_exceeded() -> None:
    assert combinations_max(spec(5)) == COMBINATIONS_MAX
    assert combinations_max(spec(1, TEAM)) == COMBINATIONS_MAX
    for indicators, slices, windows in ((20, (TEAM,), 1), (500, (TEAM, SITE, BOTH), 4), (1_000, (TEAM,), 2)):
        made = spec(indicators, *slices, windows=tuple(Window)[:windows])
        most = combinations_max(made)
        assert indicators * len(slices) * windows * most <= SERIES_BUDGET
        assert indicators * len(slices) * windows * (most + 1) > SERIES_BUDGET or most == COMBINATIONS_MAX


def test_a_slice_is_over_by_the_product_of_its_dimensions() -> None:
    limit = slice_limit(spec(1_000, TEAM, BOTH))
    assert limit.combinations_max == 50
    assert limit.over({"team": 50}) == frozenset()
    assert limit.over({"team": 51}) == {("team",)}
    assert limit.over({"team": 10, "site": 5}) == frozenset()
    assert limit.over({"team": 10, "site": 6}) == {("team", "site")}
    assert limit.over({"team": 51, "site": 1}) == {("team",), ("team", "site")}


def test_the_same_values_in_any_order_and_any_batches_drop_the_same_slices() -> None:
    limit, dice = slice_limit(spec(1_000, TEAM, SITE)), random.Random(7)
    values = [("team", f"t{number}") for number in range(51)] + [("site", f"s{number}") for number in range(50)]
    for _ in range(20):
        dice.shuffle(values)
        known: dict[str, set[str]] = {}
        place = 0
        while place < len(values):
            size = dice.randint(1, 30)
            met: dict[str, set[str]] = {}
            for name, value in values[place : place + size]:
                met.setdefault(name, set()).add(value)
            for name, fresh in limit.fresh(known, met).items():
                known.setdefault(name, set()).update(fresh)
            place += size
        assert limit.over({name: len(found) for name, found in known.items()}) == {("team",)}
        assert all(len(found) <= limit.values_max for found in known.values())
