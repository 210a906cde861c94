"""Many actions judged in one call are, bit for bit, the actions judged one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from andon_quality.effect import (
    Direction,
    always_valid,
    before_after,
    before_after_proportion,
    begin,
    difference_in_differences,
    look,
    sequential,
)
from andon_quality.errors import Inconsistent, NoSpread
from hypothesis import given, settings
from hypothesis import strategies as st

MANY = settings(max_examples=25, deadline=None)


def windows(seed: int, actions: int, before: int, after: int) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    level = random.normal(0, 4, (actions, 1))
    return random.normal(level, 1.0, (actions, before)), random.normal(level - 1.0, 2.0, (actions, after))


@MANY
@given(
    seed=st.integers(0, 999),
    actions=st.integers(1, 8),
    n=st.integers(14, 60),
    after=st.integers(14, 40),
    season=st.sampled_from([None, 4, 7]),
)
def test_windows_are_as_one_by_one(
    each_the_same: Any, seed: int, actions: int, n: int, after: int, season: int | None
) -> None:
    was, now = windows(seed, actions, n, after)
    pairs = list(zip(was, now, strict=True))
    each_the_same(
        before_after(was, now, season=season, margin=0.5),
        [before_after(a, b, season=season, margin=0.5) for a, b in pairs],
    )
    each_the_same(always_valid(was, now, season=season), [always_valid(a, b, season=season) for a, b in pairs])
    control = was[0]
    treated = np.concatenate([was[:, : n // 2], now[:, : n - n // 2]], axis=1) if after >= n - n // 2 else was
    each_the_same(
        difference_in_differences(treated, control, n // 2),
        [difference_in_differences(one, control, n // 2) for one in treated],
    )


@MANY
@given(seed=st.integers(0, 999), actions=st.integers(1, 8), gaps=st.booleans(), periods=st.integers(1, 20))
def test_shares_are_as_one_by_one(each_the_same: Any, seed: int, actions: int, gaps: bool, periods: int) -> None:
    random = np.random.default_rng(seed)
    n = random.integers(0 if gaps else 1, 40, (2, actions, periods)).astype(float)
    n[:, :, 0] += 1.0
    k = np.floor(n * random.uniform(0, 1, (2, actions, 1)) * random.uniform(0, 1, n.shape))
    one_by_one = [before_after_proportion(k[0, i], n[0, i], k[1, i], n[1, i]) for i in range(actions)]
    each_the_same(before_after_proportion(k[0], n[0], k[1], n[1]), one_by_one)


@MANY
@given(seed=st.integers(0, 999), actions=st.integers(1, 6), days=st.integers(1, 30), season=st.sampled_from([None, 7]))
def test_many_watched_actions_say_at_every_look_what_the_batch_says(
    each_the_same: Any, seed: int, actions: int, days: int, season: int | None
) -> None:
    was, now = windows(seed, actions, 40, days)
    watch = begin(was, Direction.HIGHER, season=season)
    for day in range(days):
        watch, effect = look(watch, now[:, day])
    batch = [always_valid(a, b, Direction.HIGHER, season=season) for a, b in zip(was, now, strict=True)]
    each_the_same(effect, batch)


def test_estimates_of_many_regressions_are_as_one_by_one(each_the_same: Any) -> None:
    estimates, errors = np.array([-3.0, 0.1, 2.0]), np.array([0.8, 0.5, 0.9])
    one_by_one = [sequential(a, b, 0.7, degrees=30.0) for a, b in zip(estimates.tolist(), errors.tolist(), strict=True)]
    each_the_same(sequential(estimates, errors, 0.7, degrees=30.0), one_by_one)


def test_each_action_has_its_own_margin(each_the_same: Any) -> None:
    was, now = windows(2, 3, 40, 30)
    expected = np.array([-1.0, -4.0, -40.0])
    one_by_one = [before_after(a, b, expected=e) for a, b, e in zip(was, now, expected.tolist(), strict=True)]
    each_the_same(before_after(was, now, expected=expected), one_by_one)


def test_an_action_that_can_not_be_judged_is_named_and_points_belong_to_actions() -> None:
    was, now = windows(1, 4, 40, 10)
    was[2] = 5.0
    with pytest.raises(NoSpread, match="series 2"):
        always_valid(was, now)
    with pytest.raises(Inconsistent):
        look(begin(was[:2]), 1.0)
    with pytest.raises(Inconsistent):
        before_after(was[:2], now[:3])
