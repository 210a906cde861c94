"""Substitution along a chain against the plain solve of its kernel."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.arl import shewhart, shewhart_curve, shewhart_run
from andon_quality.arl.elimination import substituted_means
from hypothesis import given, settings
from hypothesis import strategies as st


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 4), st.integers(1, 3))
def test_any_chain_has_the_means_of_its_kernel(seed: int, states: int, zones: int, charts: int) -> None:
    rng = np.random.default_rng(seed)
    ahead = rng.integers(0, states + 1, (states, zones + 1))
    ahead[:, -1] = states
    probabilities = rng.dirichlet(np.ones(zones + 1), charts)
    kernel = np.zeros((charts, states, states + 1))
    for state in range(states):
        for zone in range(zones + 1):
            kernel[:, state, ahead[state, zone]] += probabilities[:, zone]
    plain = np.linalg.solve(np.eye(states) - kernel[:, :, :-1], np.ones((charts, states, 1)))[:, 0, 0]
    assert substituted_means(ahead, probabilities) == pytest.approx(plain, rel=1e-9)


def test_a_chain_that_cannot_alarm_runs_for_ever() -> None:
    never, coin = substituted_means(np.array([[0, 1]]), np.array([[1.0, 0.0], [0.5, 0.5]]))
    assert never == np.inf
    assert coin == pytest.approx(2.0)


def test_curves_of_large_and_small_chains_are_their_points() -> None:
    shifts = np.array([-1.0, 0.0, 0.3, 2.0])
    for rules in (["WE1"], ["WE1", "WE2", "WE3", "WE4"], ["N1", "N3"]):
        points = [shewhart(rules, float(shift)) for shift in shifts]
        assert shewhart_curve(rules, shifts) == pytest.approx(points, rel=1e-9)


def test_the_zone_rules_of_nelson_have_the_mean_of_their_distribution() -> None:
    rules = ["N1", "N2", "N5", "N6", "N7", "N8"]
    assert shewhart(rules, 0.5) == pytest.approx(shewhart_run(rules, 0.5).mean(), rel=1e-9)
