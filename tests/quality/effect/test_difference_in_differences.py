"""Effects against a control group."""

import numpy as np
import pytest
import statsmodels.api as sm
from andon_quality.effect.always_valid import always_valid
from andon_quality.effect.difference_in_differences import difference_in_differences, gap, two_by_two
from andon_quality.effect.verdict import Verdict
from andon_quality.errors import Inconsistent, OutOfRange


def groups(rng, effect):
    common = rng.normal(0, 3, 80).cumsum()
    treated = 20 + common + rng.normal(0, 1, 80) + effect * (np.arange(80) >= 50)
    return treated, 15 + common + rng.normal(0, 1, 80)


def test_the_estimate_is_the_interaction_of_the_two_by_two_regression():
    treated, control = groups(np.random.default_rng(1), -4.0)
    after = (np.arange(80) >= 50).astype(float)
    group = np.repeat([1.0, 0.0], 80)
    both = np.tile(after, 2)
    design = np.column_stack([np.ones(160), group, both, group * both])
    theirs = sm.OLS(np.concatenate([treated, control]), design).fit().params[3]
    assert two_by_two(treated, control, 50) == pytest.approx(theirs)
    assert difference_in_differences(treated, control, 50).estimate == pytest.approx(theirs)


def test_a_common_drift_is_not_an_effect_and_a_real_one_is():
    rng = np.random.default_rng(2)
    wrong = sum(difference_in_differences(*groups(rng, 0.0), 50).verdict is not Verdict.UNDECIDED for _ in range(200))
    assert wrong <= 18
    assert difference_in_differences(*groups(rng, -4.0), 50).verdict is Verdict.IMPROVED


def test_the_gap_can_be_watched_day_by_day():
    series = gap(*groups(np.random.default_rng(3), -4.0))
    assert always_valid(series[:50], series[50:]).verdict is Verdict.IMPROVED


def test_several_controls_count_by_their_mean():
    treated, control = groups(np.random.default_rng(4), 1.0)
    assert gap(treated, np.stack([control - 1, control + 1])) == pytest.approx(gap(treated, control))


def test_bad_input_is_refused():
    with pytest.raises(Inconsistent):
        gap([1.0, 2.0], [1.0])
    with pytest.raises(OutOfRange):
        two_by_two([1.0, 2.0], [1.0, 2.0], 2)
