"""Verdicts under daily peeking: their error rate is counted over simulated interventions."""

import numpy as np
import pytest
from andon_quality.effect.always_valid import always_valid, begin, learn, look
from andon_quality.effect.boundary import Boundary
from andon_quality.effect.verdict import Direction, Verdict
from andon_quality.errors import NoSpread, NotFinite, OutOfRange, TooFew
from hypothesis import given, settings
from hypothesis import strategies as st

SEASON = 7


def overdispersed_days(rng, days, shift_from, shift_sigma, phi):
    """Shares of 400 a day: weekly season, AR(1) rate, counting noise on top; the shift in sigmas of both together."""
    spread = rng.uniform(0.3, 2.0)  # variance of the rate over the counting variance: overdispersion 1.3 to 3
    noise = rng.normal(size=days) * np.sqrt(1 - phi**2)
    rate = np.empty(days)
    rate[0] = rng.normal()
    for day in range(1, days):
        rate[day] = phi * rate[day - 1] + noise[day]
    counting = np.sqrt(0.2 * 0.8 / 400)
    sigma = counting * np.sqrt(1 + spread)
    week = rng.normal(size=SEASON)
    share = 0.2 + counting * np.sqrt(spread) * rate + sigma * (week - week.mean())[np.arange(days) % SEASON]
    share[shift_from:] -= shift_sigma * sigma
    return rng.binomial(400, np.clip(share, 0.001, 0.999)) / 400


def share_improved(rng, runs, baseline_days, follow_up_days, shift_sigma, phi=(0.0, 0.6)):
    """All actions are watched side by side, one look a day."""
    days = baseline_days + follow_up_days
    values = np.stack(
        [overdispersed_days(rng, days, baseline_days, shift_sigma, rng.uniform(*phi)) for _ in range(runs)]
    )
    watch, improved = begin(values[:, :baseline_days], season=SEASON, planned=60), np.zeros(runs, dtype=bool)
    for day in range(baseline_days, days):
        watch, effect = look(watch, values[:, day])
        improved |= effect.verdict == Verdict.IMPROVED
    return improved.mean()


def test_false_improved_under_daily_peeking_is_at_most_5_percent_over_2000_null_actions():
    wrong = share_improved(np.random.default_rng(20), 2000, 364, 180, 0.0)
    print(f"false improved at any of 180 daily looks: {wrong:.4f}")
    assert wrong <= 0.05


def test_a_lasting_shift_of_half_a_sigma_is_seen_within_60_days_with_power_of_at_least_80_percent():
    power = share_improved(np.random.default_rng(21), 1000, 364, 60, 0.5)
    print(f"power for 0.5 sigma within 60 days after 364 days of baseline: {power:.4f}")
    assert power >= 0.80


@pytest.mark.parametrize("baseline_days", [56, 91, 182])
def test_shorter_baselines_keep_the_promise_and_lose_power(baseline_days):
    wrong = share_improved(np.random.default_rng(22), 1000, baseline_days, 180, 0.0)
    power = share_improved(np.random.default_rng(23), 1000, baseline_days, 60, 0.5)
    print(f"baseline {baseline_days} days: false improved {wrong:.4f}, power {power:.4f}")
    assert wrong <= 0.05
    assert power >= 0.5


def test_few_null_actions_look_improved_and_big_shifts_do():
    rng = np.random.default_rng(1)
    assert share_improved(rng, 60, 91, 60, 0.0) <= 0.10
    assert share_improved(rng, 20, 91, 60, 2.0) == 1.0


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 9999), days=st.integers(1, 90), season=st.sampled_from([None, 4, 7]))
def test_batch_equals_stream_to_the_last_bit(seed, days, season):
    rng = np.random.default_rng(seed)
    before, after = rng.normal(10, 2, 60), rng.normal(9, 2, days)
    watch = begin(before, season=season)
    for value in after:
        watch, effect = look(watch, value)
    assert effect == always_valid(before, after, season=season)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 9999), shift=st.floats(-3, 3), days=st.integers(1, 150))
def test_interval_p_value_and_verdict_agree(seed, shift, days):
    rng = np.random.default_rng(seed)
    effect = always_valid(rng.normal(0, 1, 80), rng.normal(shift, 1, days), Direction.HIGHER)
    excluded = effect.lower > 0 or effect.upper < 0
    assert excluded == (effect.p_value < 0.05)
    assert (effect.verdict is Verdict.IMPROVED) == (effect.lower > 0)


def test_the_interval_shrinks_with_time_up_to_the_plan():
    watch, widths = begin(np.random.default_rng(0).normal(size=200)), []
    for _ in range(60):
        watch, effect = look(watch, 0.0)
        widths.append(effect.upper - effect.lower)
    assert widths == sorted(widths, reverse=True)


def test_a_settled_null_becomes_no_change_when_a_margin_is_stated():
    rng = np.random.default_rng(4)
    effect = always_valid(rng.normal(0, 1, 400), rng.normal(0, 1, 300), margin=0.5, planned=300)
    assert effect.verdict is Verdict.NO_CHANGE


def test_brownian_motion_crosses_the_boundary_as_rarely_as_stated():
    rng = np.random.default_rng(7)
    paths = rng.normal(size=(4000, 600)).cumsum(axis=1)
    boundary = Boundary(60.0, 0.95)
    line = np.array([boundary.reach(i) * i for i in range(1, 601)])
    crossed = (paths > line).any(axis=1).mean()
    assert 0.02 < crossed <= 0.055


def test_season_offsets_continue_where_the_baseline_stopped():
    week = np.array([5.0, 1, 1, 1, 1, 1, -4])
    rng = np.random.default_rng(2)
    values = week[np.arange(80) % 7] + rng.normal(0, 0.01, 80)
    baseline = learn(values, season=7)
    assert baseline.offsets[0] + baseline.mean == pytest.approx(week[80 % 7], abs=0.05)


def test_bad_baselines_are_refused():
    with pytest.raises(TooFew):
        learn([1.0, 2.0])
    with pytest.raises(TooFew):
        learn([1.0, 2.0] * 5, season=7)
    with pytest.raises(NoSpread):
        learn([1.0] * 30)
    with pytest.raises(NotFinite):
        look(begin([1.0, 2.0, 4.0] * 5), float("nan"))
    with pytest.raises(OutOfRange):
        begin([1.0, 2.0, 4.0] * 5, planned=0)
    with pytest.raises(OutOfRange):
        learn([1.0, 2.0] * 5, season=1)
