"""The filtered fit of a wandering level, against the same algebra with whole matrices."""

import numpy as np
import pytest
from andon_quality.effect.local_level import fit_level


def whole_matrix(y, design, start, wander):
    """Generalised least squares and the best linear prediction of the mean after `start`."""
    n = y.size
    steps = np.minimum.outer(np.arange(1, n + 1), np.arange(1, n + 1))
    v = np.eye(n) + wander * steps
    inner, x = np.linalg.inv(v[:start, :start]), design[:start]
    covariance = np.linalg.inv(x.T @ inner @ x)
    beta = covariance @ x.T @ inner @ y[:start]
    rest = y[:start] - x @ beta
    scale = rest @ inner @ rest / (start - x.shape[1])
    weights = np.full(n - start, 1 / (n - start))
    gain = weights @ v[start:, :start] @ inner
    gap = weights @ design[start:] - gain @ x
    spread = weights @ v[start:, start:] @ weights - gain @ v[:start, start:] @ weights + gap @ covariance @ gap
    sizes = np.linalg.slogdet(v[:start, :start])[1] + np.linalg.slogdet(np.linalg.inv(covariance))[1]
    log_likelihood = -0.5 * (sizes + (start - x.shape[1]) * np.log(scale))
    return beta, scale, weights @ design[start:] @ beta + gain @ rest, np.sqrt(scale * spread), log_likelihood


@pytest.mark.parametrize("wander", [0.0, 0.01, 1.0, 10.0])
def test_the_filter_equals_generalised_least_squares_with_whole_matrices(wander):
    rng = np.random.default_rng(4)
    design = np.column_stack([np.ones(40), rng.normal(size=(40, 2))])
    y = design @ [5.0, 2.0, -1.0] + rng.normal(size=40) + rng.normal(size=40).cumsum()
    beta, scale, mean, deviation, log_likelihood = whole_matrix(y, design, 30, wander)
    fit = fit_level(y[:30], design[:30].T, np.array([wander]))
    assert fit.beta[0] == pytest.approx(beta)
    assert (fit.scale[0], fit.log_likelihood[0]) == pytest.approx((scale, log_likelihood))
    predicted = fit.predicted(np.full((1, 10), 0.1), design[30:].T)
    assert [float(figure[0, 0]) for figure in predicted] == pytest.approx((mean, deviation))
