"""Many actions judged in one call are, bit for bit, the actions judged one by one."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest
from andon_quality.effect import (
    Direction,
    always_valid,
    before_after,
    before_after_proportion,
    begin,
    cuped,
    difference_in_differences,
    interrupted_counts,
    interrupted_means,
    look,
    sequential,
    structural,
)
from andon_quality.effect.cuped import adjusted, adjustment
from andon_quality.effect.structural import Counterfactual
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange
from hypothesis import given, settings
from hypothesis import strategies as st

MANY = settings(max_examples=25, deadline=None)


def _only(result: Counterfactual, series: list[int]) -> Counterfactual:
    """The result of some of the series, in the order given."""

    def taken(part: Any) -> Any:
        if is_dataclass(part):
            return replace(part, **{field.name: taken(getattr(part, field.name)) for field in fields(part)})  # type: ignore[type-var]
        if isinstance(part, tuple):
            return tuple(taken(each) for each in part)
        return part[series] if isinstance(part, np.ndarray) else part

    return taken(result)


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
    one_by_one = [sequential(a, b, 0.7, df=30.0) for a, b in zip(estimates.tolist(), errors.tolist(), strict=True)]
    each_the_same(sequential(estimates, errors, 0.7, df=30.0), one_by_one)


@MANY
@given(
    seed=st.integers(0, 999),
    actions=st.integers(1, 8),
    units=st.integers(3, 50),
    others=st.integers(3, 50),
    shared=st.booleans(),
)
def test_groups_with_a_history_are_as_one_by_one(
    each_the_same: Any, seed: int, actions: int, units: int, others: int, shared: bool
) -> None:
    before, after = windows(seed, actions, units, others)
    history, old = windows(seed + 1, actions, units, others)
    outcome, new = before + 0.7 * history, after + 0.7 * old
    histories = [history[0]] * actions if shared else list(history)
    one_by_one = [cuped(*each, margin=0.5) for each in zip(outcome, histories, new, old, strict=True)]
    each_the_same(cuped(outcome, history[0] if shared else history, new, old, margin=0.5), one_by_one)
    known, centre = adjustment(outcome, history), history.mean(axis=-1)
    alone = [adjustment(y, x) for y, x in zip(outcome, history, strict=True)]
    each_the_same(known, alone)
    series = [adjusted(y, x, own, c) for y, x, own, c in zip(outcome, history, alone, centre, strict=True)]
    assert np.array_equal(adjusted(outcome, history, known, centre), series)


@MANY
@given(
    seed=st.integers(0, 999),
    actions=st.integers(1, 8),
    points=st.integers(16, 60),
    slope_change=st.booleans(),
    season=st.sampled_from([None, 4, 7]),
    lags=st.sampled_from([None, 0, 3]),
)
def test_interrupted_series_are_as_one_by_one(
    each_the_same: Any, seed: int, actions: int, points: int, slope_change: bool, season: int | None, lags: int | None
) -> None:
    random = np.random.default_rng(seed)
    start = int(random.integers(6, points - 5))
    how: dict[str, Any] = {"slope_change": slope_change, "season": season, "lags": lags}
    values = random.normal(random.normal(0, 5, (actions, 1)), 1.0, (actions, points))
    one_by_one = [interrupted_means(one, start, margin=0.5, **how) for one in values]
    each_the_same(interrupted_means(values, start, margin=0.5, **how), one_by_one)
    exposure = random.uniform(0.5, 2.0, (actions, points))
    counts = 1.0 + random.poisson(random.uniform(5, 80, (actions, 1)) * exposure)
    alone = [interrupted_counts(k, start, n, **how) for k, n in zip(counts, exposure, strict=True)]
    each_the_same(interrupted_counts(counts, start, exposure, **how), alone)
    alone = [interrupted_counts(k, start, exposure[0], **how) for k in counts]
    each_the_same(interrupted_counts(counts, start, exposure[0], **how), alone)


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 999),
    actions=st.integers(1, 6),
    controls=st.sampled_from(["none", "shared", "own"]),
    season=st.sampled_from([None, 4]),
    prior_level_sd=st.sampled_from([None, 0.01]),
)
def test_counterfactuals_are_as_one_by_one(
    each_the_same: Any, seed: int, actions: int, controls: str, season: int | None, prior_level_sd: float | None
) -> None:
    random = np.random.default_rng(seed)
    known = random.normal(size=(actions, 50, 2))
    values = (
        3.0 * known[..., 0] + random.normal(size=(actions, 50)) + random.normal(0, 0.2, (actions, 50)).cumsum(axis=1)
    )
    given_controls = {"none": None, "shared": known[0], "own": known}[controls]
    each = {"none": [None] * actions, "shared": [known[0]] * actions, "own": list(known)}[controls]
    one_by_one = [
        structural(y, 36, x, season=season, prior_level_sd=prior_level_sd, margin=1.0)
        for y, x in zip(values, each, strict=True)
    ]
    each_the_same(
        structural(values, 36, given_controls, season=season, prior_level_sd=prior_level_sd, margin=1.0), one_by_one
    )


def test_more_counterfactuals_than_one_block_holds_are_as_one_by_one(each_the_same: Any) -> None:
    random = np.random.default_rng(5)
    values, known = random.normal(size=(60, 120)), random.normal(size=(60, 120, 1))
    picked = [0, 17, 31, 59]
    each_the_same(_only(structural(values, 90), picked), [structural(values[i], 90) for i in picked])
    each_the_same(_only(structural(values, 90, known), picked), [structural(values[i], 90, known[i]) for i in picked])


def test_one_that_cannot_be_judged_keeps_its_number_however_many_blocks_there_are() -> None:
    random = np.random.default_rng(6)
    counts = random.poisson(30.0, (700, 100)).astype(float)
    counts[690, 60:] = 0.0
    with pytest.raises(Inconsistent, match="series 690"):
        interrupted_counts(counts, 60, season=7)
    known = random.normal(size=(60, 120, 1))
    known[55] = 1.0
    with pytest.raises(Inconsistent, match="series 55"):
        structural(random.normal(size=(60, 120)), 90, known)


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
    with pytest.raises(NoSpread, match="series 2"):
        cuped(now, was[:, :10], now, was[:, :10])
    with pytest.raises(OutOfRange, match="series 1"):
        interrupted_counts([[1.0] * 20, [-1.0] * 20], 10)
    with pytest.raises(NoSpread, match="series 1"):
        interrupted_counts([[1.0] * 20, [0.0] * 20], 10)
    with pytest.raises(Inconsistent, match="series 1: the regression does not settle"):
        interrupted_counts([[1.0] * 20, [1.0] * 10 + [0.0] * 10], 10)
    with pytest.raises(Inconsistent, match="series 1: the controls"):
        structural(was[:2], 20, np.stack([was[:2].T, np.ones((40, 2))]))
    with pytest.raises(Inconsistent, match="as many series"):
        structural(was[:2], 20, np.ones((3, 40, 1)))
