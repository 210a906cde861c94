"""One-sided charts: against simulation, against two-sided charts, and against what is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality import arl
from andon_quality.arl import ewma_one_sided, shewhart_one_sided
from andon_quality.errors import OutOfRange
from andon_quality.rules import WESTERN_ELECTRIC, fire
from scipy.special import ndtr


def simulated_runs(rules, shift, scale, streams, points, seed=5):
    dice = np.random.default_rng(seed)
    runs = np.full(streams, points)
    for stream in range(streams):
        z = dice.normal(shift, 1.0, points)
        hits = fire(rules, z, 0.0, 1.0, 3.0 * scale)
        # A rule fires at a point on its own side, so what fires above the centre is the upper side's.
        above = np.flatnonzero(np.any(list(hits.values()), axis=0) & (z > 0.0))
        runs[stream] = above[0] + 1 if above.size else points
    return runs


@pytest.mark.parametrize("shift", [0.0, 0.5, -0.3])
def test_a_single_limit_waits_geometrically(shift):
    assert shewhart_one_sided(["WE1"], shift) == pytest.approx(1.0 / ndtr(shift - 3.0), rel=1e-9)


def test_eight_above_the_centre_is_the_waiting_time_for_a_run_of_heads():
    assert shewhart_one_sided(["WE4"]) == pytest.approx(2.0**9 - 2.0, rel=1e-9)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_sets_of_rules_run_as_long_as_simulated_charts(count):
    names = [f"WE{number}" for number in range(1, count + 1)]
    runs = simulated_runs(WESTERN_ELECTRIC[:count], 0.8, 1.0, streams=1500, points=200)
    error = runs.std() / np.sqrt(len(runs))
    assert abs(shewhart_one_sided(names, 0.8) - runs.mean()) < 4.0 * error


def test_both_sides_alarm_about_twice_as_often_as_one():
    for names in (["WE1"], ["WE1", "WE2"], ["WE1", "WE2", "WE3"]):
        assert shewhart_one_sided(names) == pytest.approx(2.0 * arl.shewhart(names), rel=2e-3)


@pytest.mark.parametrize(("smoothing", "width"), [(0.2, 2.0), (0.5, 2.3)])
def test_an_average_runs_as_long_as_simulated_ones(smoothing, width):
    dice, streams = np.random.default_rng(3), 20_000
    average, runs, alive = np.zeros(streams), np.zeros(streams), np.arange(streams)
    for point in range(1, 4000):
        average = (1.0 - smoothing) * average + smoothing * dice.standard_normal(len(average))
        sd = np.sqrt(smoothing / (2.0 - smoothing) * (1.0 - (1.0 - smoothing) ** (2 * point)))
        out = average > width * sd
        runs[alive[out]] = point
        average, alive = average[~out], alive[~out]
        if not alive.size:
            break
    error = runs.std() / np.sqrt(streams)
    assert abs(ewma_one_sided(smoothing, width) - runs.mean()) < 4.0 * error


def test_an_average_of_one_point_is_the_point():
    assert ewma_one_sided(1.0, 2.5, 0.4) == pytest.approx(shewhart_one_sided(["WE1"], 0.4, 2.5), rel=1e-6)


def test_an_average_far_from_its_lower_side_forgets_that_it_has_one():
    # A shift this large leaves by the upper limit whether or not a lower one is drawn.
    assert ewma_one_sided(0.2, 3.0, 2.0) == pytest.approx(arl.ewma(0.2, 3.0, 2.0, limits="varying"), rel=1e-4)


def test_what_has_no_sides_or_no_meaning_is_refused():
    with pytest.raises(OutOfRange, match="sides"):
        shewhart_one_sided(["N3"])
    for smoothing, width in ((0.0, 3.0), (0.2, 0.0)):
        with pytest.raises(OutOfRange):
            ewma_one_sided(smoothing, width)
    with pytest.raises(OutOfRange):
        shewhart_one_sided(["WE1"], width=0.0)
