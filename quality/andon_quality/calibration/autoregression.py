"""An autoregression: how much of a point comes from the ones before it, and what is new in it."""

from __future__ import annotations

import numpy as np

from andon_quality.arrays import BoolArray, FloatArray

ORDER_MOST = 5


def autocovariances(deviations: FloatArray, present: BoolArray, lags: int) -> FloatArray:
    """Autocovariances at lags 0 to `lags`, shape (lags + 1, series), over the pairs of which neither is missing.

    deviations: shape (n, series), anything where not present; present: shape (n,).

    >>> autocovariances(np.array([[1.0], [-1.0], [1.0]]), np.array([True, True, True]), 1).ravel().tolist()
    [1.0, -1.0]
    """
    known = np.where(present[:, None], deviations, 0.0)
    found = [(known**2).sum(axis=0) / max(present.sum(), 1)]
    for lag in range(1, lags + 1):
        pairs = (present[lag:] & present[:-lag]).sum()
        found.append((known[lag:] * known[:-lag]).sum(axis=0) / max(pairs, 1))
    return np.array(found)


def autoregression(covariances: FloatArray, order: int) -> tuple[FloatArray, FloatArray]:
    """Yule-Walker: coefficients, shape (order, series), and the standard deviation of what is new, shape (series,).

    covariances: shape (>= order + 1, series). Coefficients that are not those of a stationary process are drawn in.
    Source: Brockwell and Davis (1991), Time Series: Theory and Methods, chapter 8.

    >>> phi, sd = autoregression(np.array([[1.0], [0.5]]), 1)
    >>> round(phi.item(), 6), round(sd.item(), 6)
    (0.5, 0.866025)
    """
    if order == 0:
        return np.zeros((0, covariances.shape[1])), np.sqrt(covariances[0])
    at = np.abs(np.arange(order)[:, None] - np.arange(order))
    matrices = covariances[at].transpose(2, 0, 1)
    right = covariances[1 : order + 1].T[..., None]
    phi = _stationary(np.linalg.solve(matrices, right)[..., 0])
    new = covariances[0] - (phi.T * covariances[1 : order + 1]).sum(axis=0)
    return phi.T, np.sqrt(np.maximum(new, 1e-6 * covariances[0]))


def choose_order(covariances: FloatArray, points: int) -> int:
    """The order of autoregression of one series, covariances: shape (lags + 1, 1).

    None at all unless Schwarz's criterion, n log s^2 + order log n, finds some: it seldom takes noise for
    autocorrelation. Then the order that Akaike's criterion, n log s^2 + 2 order, prefers: a chart suffers more from
    slow swings that a short autoregression misses than from a coefficient too many. Sources: Schwarz (1978), Annals of
    Statistics 6, 461-464; Akaike (1974), IEEE Transactions on Automatic Control 19, 716-723.

    >>> choose_order(np.array([[1.0], [0.02], [0.0]]), 100), choose_order(np.array([[1.0], [0.6], [0.36]]), 100)
    (0, 1)
    """
    orders = np.arange(len(covariances))
    spreads = np.array([autoregression(covariances, order)[1][0] for order in range(len(covariances))])
    misfit = points * 2.0 * np.log(spreads)
    if np.argmin(misfit + orders * np.log(points)) == 0:
        return 0
    return int(np.argmin(misfit[1:] + 2.0 * orders[1:])) + 1


def _stationary(phi: FloatArray) -> FloatArray:
    """phi: shape (series, order); where a root lies outside 0.985, all roots shrunk until the largest is there."""
    order = phi.shape[1]
    companion = np.zeros((len(phi), order, order))
    companion[:, 0, :], companion[:, 1:, :-1] = phi, np.eye(order - 1)
    largest = np.abs(np.linalg.eigvals(companion)).max(axis=1)
    shrink = np.minimum(1.0, 0.985 / np.maximum(largest, 1e-12))
    return np.asarray(phi * shrink[:, None] ** np.arange(1, order + 1))
