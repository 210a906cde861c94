"""The charts a promise can be kept with, as a fold over the points of many series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

import numpy as np

from andon_quality.arrays import BoolArray, FloatArray
from andon_quality.errors import OutOfRange

Kind = Literal["ewma", "cusum", "shewhart"]


@dataclass(frozen=True)
class Scheme:
    """kind, and its one parameter: `smoothing` of an EWMA, the reference value `k` in sigma of a CUSUM.

    >>> Scheme("ewma", smoothing=0.2)
    Scheme(kind='ewma', smoothing=0.2, k=0.5)
    """

    kind: Kind
    smoothing: float = 0.1
    k: float = 0.5

    def __post_init__(self) -> None:
        if not (0.0 < self.smoothing <= 1.0 and self.k >= 0.0):
            raise OutOfRange(f"smoothing must lie in (0, 1] and k be at least 0, got {self.smoothing}, {self.k}")


@dataclass(frozen=True)
class ChartState:
    """What a chart remembers: the last deviations, latest first, shape (order, series), and its two sums, (series,)."""

    past: FloatArray
    up: FloatArray
    down: FloatArray


def start(order: int, series: int) -> ChartState:
    """The state before the first point.

    >>> start(1, 2).past.shape
    (1, 2)
    """
    return ChartState(np.zeros((order, series)), np.zeros(series), np.zeros(series))


def advance(
    scheme: Scheme, state: ChartState, deviations: FloatArray, phi: FloatArray, sd: FloatArray
) -> tuple[ChartState, FloatArray, FloatArray]:
    """The next points: the new state and the statistics against the upper and the lower limit, shape (time, series).

    deviations: shape (time, series) from the expected level, NaN = missing; phi: shape (order, series), what a point is
    expected to keep of those before it; sd: shape (series,), of what is new. A missing point leaves the chart where it
    was and counts as its own forecast for the ones after it. Equal however the points are split; O(1) a point.

    >>> _, up, down = advance(Scheme("shewhart"), start(0, 1), np.array([[2.0]]), np.zeros((0, 1)), np.ones(1))
    >>> up.item(), down.item()
    (2.0, -2.0)
    """
    ups, downs = np.empty(deviations.shape), np.empty(deviations.shape)
    past, up, down = state.past, state.up, state.down
    missing: BoolArray = np.asarray(np.isnan(deviations))
    gaps: BoolArray = np.asarray(missing.any(axis=1))
    for at, deviation in enumerate(deviations):
        forecast = (phi * past).sum(axis=0)
        known = np.where(missing[at], forecast, deviation) if gaps[at] else deviation
        higher, lower = _step(scheme, up, down, (known - forecast) / sd)
        up, down = (
            (np.where(missing[at], up, higher), np.where(missing[at], down, lower)) if gaps[at] else (higher, lower)
        )
        if len(past):
            past = np.vstack([known[None, :], past[:-1]])
        ups[at], downs[at] = up, down
    return ChartState(past, up, down), ups, downs


def _step(scheme: Scheme, up: FloatArray, down: FloatArray, new: FloatArray) -> tuple[FloatArray, FloatArray]:
    match scheme.kind:
        case "ewma":
            # In units of the asymptotic standard deviation, so that limits of all schemes read alike.
            gain = np.sqrt(scheme.smoothing * (2.0 - scheme.smoothing))
            level = (1.0 - scheme.smoothing) * up + gain * new
            return level, -level
        case "cusum":
            return np.maximum(0.0, up + new - scheme.k), np.maximum(0.0, down - new - scheme.k)
        case "shewhart":
            return new, -new
        case _:
            assert_never(scheme.kind)
