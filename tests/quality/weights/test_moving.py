"""Combined and dynamic weights keep the sum and the cap; stability says how far a ranking hangs on them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from andon_quality.arrays import FloatArray
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange, TooFew
from andon_quality.weights import Mix, combined, critic, dynamic, rank_reversals, rank_stability
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose


@st.composite
def two_weightings(draw: st.DrawFn) -> tuple[FloatArray, FloatArray]:
    size = draw(st.integers(2, 8))
    part = st.lists(st.floats(0.01, 1.0), min_size=size, max_size=size)
    first, second = np.array(draw(part)), np.array(draw(part))
    return first / first.sum(), second / second.sum()


@settings(max_examples=60, deadline=None)
@given(pair=two_weightings(), share=st.floats(0.0, 1.0), mix=st.sampled_from(Mix))
def test_combined_weights_sum_to_one_and_end_at_either_side(
    pair: tuple[FloatArray, FloatArray], share: float, mix: Mix
) -> None:
    assert combined(*pair, share, mix).sum() == pytest.approx(1.0)
    assert_allclose(combined(*pair, 1.0, mix), pair[0], atol=1e-12)
    assert_allclose(combined(*pair, 0.0, mix), pair[1], atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(pair=two_weightings(), cap=st.floats(0.01, 1.0))
def test_no_weight_moves_by_more_than_the_cap_and_the_proposal_is_reached_in_time(
    pair: tuple[FloatArray, FloatArray], cap: float
) -> None:
    now, goal = pair
    steps = math.ceil(np.abs(goal - now).max() / cap * (1 + 1e-9)) or 1
    for _ in range(steps):
        step = dynamic(now, goal, cap)
        assert np.abs(step.after - now).max() <= cap + 1e-12
        assert step.after.sum() == pytest.approx(1.0)
        assert (step.after >= 0.0).all()
        now = step.after
    assert_allclose(now, goal, atol=1e-9)


def test_weights_that_do_not_sum_to_one_or_fit_are_refused() -> None:
    with pytest.raises(Inconsistent):
        combined([0.5, 0.6], [0.5, 0.5])
    with pytest.raises(Inconsistent):
        dynamic([0.5, 0.5], [0.2, 0.3, 0.5], 0.1)
    with pytest.raises(OutOfRange):
        dynamic([0.5, 0.5], [0.4, 0.6], 0.0)
    with pytest.raises(OutOfRange):
        combined([0.5, 0.5], [0.5, 0.5], 1.5)
    with pytest.raises(NoSpread):
        combined([1.0, 0.0], [0.0, 1.0], mix=Mix.GEOMETRIC)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 500))
def test_moving_a_weight_by_the_margin_makes_a_tie_for_the_first_place(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores, weights = random.uniform(0, 100, (4, 3)), random.dirichlet(np.ones(3))
    margin = rank_stability(scores, weights, draws=10).margin
    first = int(np.argmax(scores @ weights))
    ties = []
    for j in range(3):
        for move in () if margin is None else (margin, -margin):
            moved = weights * (1 - (weights[j] + move)) / (1 - weights[j])
            moved[j] = weights[j] + move
            totals = scores @ moved
            ties.append(np.abs(np.delete(totals, first) - totals[first]).min())
    assert margin is None or min(ties) < 1e-6
    if margin is None:
        assert (scores[first] >= scores).all(axis=1).sum() >= 1


def test_a_unit_that_is_better_at_everything_stays_first_and_has_no_margin() -> None:
    result = rank_stability([[90, 80], [50, 60], [50, 60]], [0.4, 0.6], radius=0.9)
    assert result.ranks.tolist() == [1, 2, 2]
    assert (result.first_kept, result.margin) == (1.0, None)
    assert result.kept.tolist() == [1.0, 1.0, 1.0]


def test_a_close_race_is_reported_as_unstable_and_the_same_for_the_same_seed() -> None:
    close = [[90, 40], [41, 90]], [0.5, 0.5]
    result = rank_stability(*close, seed=7)
    assert 0.3 < result.first_kept < 0.8
    assert result.first_kept == rank_stability(*close, seed=7).first_kept


def test_data_driven_weights_turn_two_units_round_and_fixed_weights_do_not() -> None:
    random = np.random.default_rng(3)
    fixed = np.array([0.5, 0.3, 0.2])
    found = 0
    for _ in range(40):
        rows = random.uniform(1, 9, (4, 3))
        assert rank_reversals(rows, lambda part: part @ fixed) == ()
        flags = rank_reversals(rows, lambda part: part @ critic(part))
        for flag in flags:
            rest = np.delete(np.arange(4), flag.left).tolist()
            before, after = rows @ critic(rows), rows[rest] @ critic(rows[rest])
            assert before[flag.above] > before[flag.below]
            assert after[rest.index(flag.above)] < after[rest.index(flag.below)]
        found += bool(flags)
    assert found > 0


def test_two_units_cannot_reverse() -> None:
    with pytest.raises(TooFew):
        rank_reversals([[1.0], [2.0]], lambda rows: rows[:, 0])
