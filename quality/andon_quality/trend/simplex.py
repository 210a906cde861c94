"""Many small minimisations side by side, each by its own downhill simplex."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from andon_quality.arrays import FloatArray, IntArray

Cost = Callable[[FloatArray, IntArray], FloatArray]

STEP = 0.5
CLOSE = 1e-3


def minimise(cost: Cost, begin: FloatArray, problems: int, rounds: int = 125) -> FloatArray:
    """The point of least cost for each problem, shape (problems, d), from `begin`, shape (d,).

    cost(points, which): the costs, shape (m,), of a point each, shape (m, d), of the problems `which`, shape (m,).
    Reflection, expansion, contraction and shrinking with the usual factors 1, 2, 1/2, 1/2. A problem rests when its
    simplex lies within 1e-3 of its best point; the others go on, up to `rounds`. Each takes the path that it takes
    alone. Assumes few dimensions and a smooth cost. About 2 costs a round and problem.
    Source: Nelder and Mead, Computer Journal 7 (1965) 308.

    >>> minimise(lambda x, which: ((x - which[:, None]) ** 2).sum(axis=1), np.array([5.0]), 2).round(2).tolist()
    [[0.0], [1.0]]
    """
    d = begin.size
    corners = np.tile(np.vstack([begin, begin + STEP * np.eye(d)]), (problems, 1, 1))
    every = np.arange(problems)
    costs = np.stack([cost(np.ascontiguousarray(corners[:, i]), every) for i in range(d + 1)], axis=1)
    for _ in range(rounds):
        order = np.argsort(costs, axis=1, kind="stable")
        costs = np.take_along_axis(costs, order, axis=1)
        corners = np.take_along_axis(corners, order[:, :, None], axis=1)
        moving = np.flatnonzero(np.abs(corners[:, 1:] - corners[:, :1]).max(axis=(1, 2)) > CLOSE)
        if moving.size == 0:
            break
        corners[moving], costs[moving] = _moved(cost, corners[moving], costs[moving], moving)
    best = np.argmin(costs, axis=1)
    return np.asarray(corners[every, best])


def _moved(cost: Cost, corners: FloatArray, costs: FloatArray, which: IntArray) -> tuple[FloatArray, FloatArray]:
    """One round for simplices whose corners are sorted, the best first."""
    worst = corners[:, -1]
    centre = np.add.reduce([corners[:, i] for i in range(corners.shape[1] - 1)]) / (corners.shape[1] - 1)
    point = centre + (centre - worst)
    value = cost(point, which)
    is_best, is_worst = value < costs[:, 0], value >= costs[:, -1]
    again = np.flatnonzero(is_best | (value >= costs[:, -2]))
    # Twice as far when the first step was the best so far; half as far, on the better side, when it was not worth it.
    reach = np.where(is_best, 2.0, np.where(is_worst, -0.5, 0.5))[again, None]
    second = centre[again] + reach * (centre[again] - worst[again])
    second_value = cost(second, which[again]) if again.size else np.empty(0)
    better = second_value < np.where(is_worst, costs[:, -1], value)[again]
    point[again[better]], value[again[better]] = second[better], second_value[better]
    stuck = np.zeros(len(which), dtype=np.bool_)
    stuck[again] = ~better & ~is_best[again]
    corners[:, -1], costs[:, -1] = np.where(stuck[:, None], worst, point), np.where(stuck, costs[:, -1], value)
    _shrink(cost, corners, costs, which, np.flatnonzero(stuck))
    return corners, costs


def _shrink(cost: Cost, corners: FloatArray, costs: FloatArray, which: IntArray, stuck: IntArray) -> None:
    if stuck.size == 0:
        return
    for i in range(1, corners.shape[1]):
        nearer = (corners[stuck, 0] + corners[stuck, i]) / 2
        corners[stuck, i], costs[stuck, i] = nearer, cost(nearer, which[stuck])
