"""The Shewhart run length against Champ and Woodall, textbook figures and what must hold for every rule set."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.arl import design_shewhart, shewhart, shewhart_run, steady_state_delay
from andon_quality.errors import OutOfRange
from hypothesis import given, settings
from hypothesis import strategies as st

WESTERN = ("WE1", "WE2", "WE3", "WE4")
RULE_1 = [
    *(370.40, 308.43, 200.08, 119.67, 71.55, 43.89, 27.82, 18.25),
    *(12.38, 8.69, 6.30, 4.72, 3.65, 2.90, 2.38, 2.00),
]
RULES_1_AND_2 = [
    *(225.44, 177.56, 104.46, 57.92, 33.12, 20.01, 12.81, 8.69),
    *(6.21, 4.66, 3.65, 2.96, 2.48, 2.13, 1.87, 1.68),
]


@pytest.mark.parametrize(("step", "printed"), list(enumerate(RULE_1)))
def test_rule_one_two_sided_is_champ_and_woodall_table_1_at_shifts_of_a_fifth_of_sigma(
    step: int, printed: float
) -> None:
    assert shewhart(["WE1"], 0.2 * step) == pytest.approx(printed, abs=0.0051)


@pytest.mark.parametrize(("step", "printed"), list(enumerate(RULES_1_AND_2)))
def test_rules_one_and_two_of_three_are_champ_and_woodall_table_1(step: int, printed: float) -> None:
    assert shewhart(["WE1", "WE2"], 0.2 * step) == pytest.approx(printed, abs=0.0051)


def test_all_four_western_electric_rules_alarm_falsely_every_92_points() -> None:
    assert shewhart(WESTERN) == pytest.approx(91.75, abs=0.005)


@pytest.mark.parametrize(("size", "printed"), [(1, 353), (5, 296), (10, 244)])
def test_means_of_subgroups_shifted_by_a_tenth_of_sigma_match_the_textbook(size: int, printed: float) -> None:
    assert shewhart(["WE1"], 0.1 * size**0.5) == pytest.approx(printed, abs=1.0)


@pytest.mark.parametrize(("shift", "printed"), [(0.1, (0.9972, 0.9966, 0.9959)), (0.2, (0.9968, 0.9944, 0.9909))])
def test_the_chance_to_miss_a_shift_of_subgroups_of_1_5_and_10_matches_the_textbook(
    shift: float, printed: tuple[float, ...]
) -> None:
    for size, probability in zip((1, 5, 10), printed, strict=True):
        assert shewhart_run(["WE1"], shift * size**0.5).survival(1) == pytest.approx(probability, abs=6e-5)


@pytest.mark.parametrize("length", [8, 9])
def test_a_run_on_one_side_of_the_centre_has_the_run_length_of_coin_tosses(length: int) -> None:
    name = {8: "WE4", 9: "N2"}[length]
    assert shewhart([name]) == pytest.approx(2.0**length - 1.0, rel=1e-9)


def test_fifteen_points_within_a_sigma_have_the_closed_form_of_a_run_of_successes() -> None:
    p = 0.6826894921370859
    assert shewhart(["N7"]) == pytest.approx((1 - p**15) / ((1 - p) * p**15), rel=1e-9)


def test_the_rules_agree_with_a_simulation_of_the_points() -> None:
    def fires(points: np.ndarray) -> int:
        for end in range(1, len(points) + 1):
            for side in (points[:end], -points[:end]):
                if side[-1] > 3 or (side[-3:] > 2).sum() >= 2 or (side[-5:] > 1).sum() >= 4 or (side[-8:] > 0).all():
                    if side[-1] <= 3 and (side[-3:] > 2).sum() < 2 and (side[-5:] > 1).sum() < 4 and end < 8:
                        continue
                    return end
        return len(points)

    draws = np.random.default_rng(5).normal(1.0, 1.0, (4000, 200))
    runs = np.array([fires(row) for row in draws])
    assert shewhart(WESTERN, 1.0) == pytest.approx(runs.mean(), abs=4 * runs.std() / len(runs) ** 0.5)


@settings(deadline=None, max_examples=30)
@given(st.sets(st.sampled_from([*WESTERN, "N2", "N8"]), min_size=1, max_size=3), st.floats(0.6, 1.6))
def test_shifts_up_and_down_are_alike_and_more_rules_alarm_sooner(rules: set[str], scale: float) -> None:
    assert shewhart(rules, 0.7, scale) == pytest.approx(shewhart(rules, -0.7, scale), rel=1e-9)
    assert shewhart(rules | {"WE3"}, 0.7, scale) <= shewhart(rules, 0.7, scale) * (1 + 1e-9)


@settings(deadline=None, max_examples=30)
@given(st.sampled_from([WESTERN[:1], WESTERN[:2], WESTERN[:3]]), st.floats(20.0, 5000.0))
def test_the_designed_scale_has_the_requested_run_length(rules: tuple[str, ...], requested: float) -> None:
    assert shewhart(rules, 0.0, design_shewhart(rules, requested)) == pytest.approx(requested, rel=1e-7)


def test_design_is_deterministic() -> None:
    assert design_shewhart(WESTERN, 200.0) == design_shewhart(WESTERN, 200.0)


def test_what_no_scale_can_reach_is_refused_with_the_ceiling() -> None:
    with pytest.raises(OutOfRange, match="at most 255"):
        design_shewhart(WESTERN, 370.0)


@pytest.mark.parametrize("rules", [[], ["WE9"]])
def test_an_empty_set_and_unknown_rules_are_refused(rules: list[str]) -> None:
    with pytest.raises(OutOfRange):
        shewhart(rules)


def test_the_quantiles_of_a_single_rule_are_those_of_a_geometric_law() -> None:
    p = 1 / shewhart(["WE1"])
    run = shewhart_run(["WE1"])
    for probability in (0.05, 0.5, 0.95):
        assert run.quantile(probability) == int(np.ceil(np.log1p(-probability) / np.log1p(-p)))
    assert run.sd() == pytest.approx((1 - p) ** 0.5 / p, rel=1e-9)


def test_in_the_steady_state_the_run_rules_are_a_little_ahead() -> None:
    delay = steady_state_delay(shewhart_run(WESTERN), shewhart_run(WESTERN, 1.0))
    assert delay < shewhart(WESTERN, 1.0)
