"""Trends and alternation with and without zone rules, against the rules themselves run on simulated points."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.arl import design_shewhart, shewhart, shewhart_run, steady_state_delay
from andon_quality.errors import OutOfRange
from andon_quality.rules import NELSON, Pattern, Rule, fire


def simulated(rules: list[Rule], shift: float, horizon: int) -> tuple[float, float]:
    points = np.random.default_rng(23).normal(shift, 1.0, (2500, horizon))
    fired = np.any(list(fire(rules, points, 0.0, 1.0).values()), axis=0)
    runs = np.where(fired.any(axis=1), fired.argmax(axis=1) + 1.0, horizon)
    return float(runs.mean()), float(runs.std() / runs.size**0.5)


@pytest.mark.parametrize(
    ("names", "shift"), [(["N1", "N3"], 1.0), (["N2", "N3", "N4"], 1.5), (["N1", "N4", "N6"], 1.0)]
)
def test_they_agree_with_the_rules_run_on_simulated_points(names: list[str], shift: float) -> None:
    rules = [NELSON[int(name[1]) - 1] for name in names]
    mean, error = simulated(rules, shift, 600)
    assert shewhart(names, shift) == pytest.approx(mean, abs=4 * error)


@pytest.mark.parametrize("names", [["N3"], ["N4"], ["N3", "N4"]])
def test_the_order_of_values_does_not_depend_on_their_mean_or_scale(names: list[str]) -> None:
    plain = shewhart(names)
    assert shewhart(names, 1.7) == pytest.approx(plain, rel=1e-9)
    assert shewhart(names, 0.0, 6.0) == pytest.approx(plain, rel=1e-9)


@pytest.mark.parametrize("length", [2, 3])
def test_short_trends_have_the_run_length_of_permutations(length: int) -> None:
    # Two values always rise or fall. Of three or more, P(none yet after n) is 2 E_n / n! with the Euler numbers.
    rule = Rule("short", length, length, 0.0, Pattern.TREND)
    zigzags = [1, 1, 1, 2, 5, 16, 61, 272, 1385, 7936, 50521, 353792, 2702765, 22368256, 199360981]
    factorials = np.cumprod([1.0, *range(1, len(zigzags))])
    survival = 2.0 * np.array(zigzags) / factorials
    exact = 2.0 if length == 2 else 2.0 + survival[2:].sum() + survival[-1] * (2 / np.pi) / (1 - 2 / np.pi)
    assert shewhart([rule]) == pytest.approx(exact, rel=1e-6)


def test_a_width_is_found_for_a_set_with_a_trend() -> None:
    width = design_shewhart(["N1", "N3"], 300.0)
    assert shewhart(["N1", "N3"], 0.0, width) == pytest.approx(300.0, rel=1e-7)


def test_a_trend_sooner_than_the_request_is_refused_with_its_ceiling() -> None:
    with pytest.raises(OutOfRange, match="at most 421"):
        design_shewhart(["N1", "N3"], 500.0)


@pytest.mark.parametrize(("names", "shift"), [(["N3"], 0.0), (["N4"], 0.0), (["N1", "N3"], 0.0), (["N1", "N3"], 1.0)])
def test_the_distribution_has_the_mean_of_the_substitution(names: list[str], shift: float) -> None:
    assert shewhart_run(names, shift).mean() == pytest.approx(shewhart(names, shift), rel=1e-8)


def test_the_distribution_is_that_of_simulated_points() -> None:
    points = np.random.default_rng(5).normal(0.5, 1.0, (4000, 150))
    fired = np.any(list(fire([NELSON[0], NELSON[2]], points, 0.0, 1.0).values()), axis=0)
    alive = 1.0 - fired[:, :60].any(axis=1).mean()
    run = shewhart_run(["N1", "N3"], 0.5)
    survival = run.survival(60)
    at = run.quantile(0.5)
    assert run.survival(at) <= 0.5 < run.survival(at - 1)
    assert survival == pytest.approx(alive, abs=4 * (survival * (1 - survival) / 4000) ** 0.5)


def test_a_trend_is_found_after_a_quiet_time_as_from_the_start_of_one() -> None:
    quiet, shifted = shewhart_run(["N1", "N3"]), shewhart_run(["N1", "N3"], 2.0)
    assert 1.0 < steady_state_delay(quiet, shifted) < shifted.mean()


def test_a_distribution_of_too_many_rules_is_refused_and_the_mean_is_not() -> None:
    with pytest.raises(OutOfRange, match="few rules"):
        shewhart_run(["WE1", "WE2", "WE3", "WE4", "N3"])
    assert 70.0 < shewhart(["WE1", "WE2", "WE3", "WE4", "N3"]) < 91.75


def test_up_and_down_are_alike_for_rules_about_order_too() -> None:
    for names in (["N1", "N2", "N3"], ["N1", "N5", "N4"], ["WE1", "WE2", "WE3", "N3"]):
        assert shewhart(names, 0.7) == pytest.approx(shewhart(names, -0.7), rel=1e-8)
        assert shewhart(names, 1e-9) == pytest.approx(shewhart(names), rel=1e-7)


def test_all_eight_of_nelson_alarm_falsely_every_73_points() -> None:
    assert shewhart(NELSON) == pytest.approx(73.4800, abs=1e-4)


@pytest.mark.slow
def test_all_eight_of_nelson_agree_with_simulated_points() -> None:
    mean, error = simulated(list(NELSON), 0.0, 600)
    assert shewhart(NELSON) == pytest.approx(mean, abs=4 * error)
