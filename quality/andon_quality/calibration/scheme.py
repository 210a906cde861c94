"""The charts that can be calibrated, as a fold over the points of many series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

import numpy as np

from andon_quality.arguments import checked_fields
from andon_quality.arrays import BoolArray, FloatArray
from andon_quality.errors import OutOfRange

SchemeKind = Literal["ewma", "cusum", "shewhart"]


@checked_fields
@dataclass(frozen=True)
class Scheme:
    """kind, and its one parameter: `smoothing` of an EWMA, the reference value `k` in sigma of a CUSUM.

    >>> Scheme("ewma", smoothing=0.2)
    Scheme(kind='ewma', smoothing=0.2, k=0.5)
    """

    kind: SchemeKind
    smoothing: float = 0.1
    k: float = 0.5

    def __post_init__(self) -> None:
        if not (0.0 < self.smoothing <= 1.0 and self.k >= 0.0):
            raise OutOfRange(f"smoothing must lie in (0, 1] and k be at least 0, got {self.smoothing}, {self.k}")


@dataclass(frozen=True)
class ChartState:
    """What a chart carries on: the last deviations, latest first, shape (order, series), and two sums, (series,)."""

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
    expected to repeat of those before it; sd: shape (series,), of what is new. A missing point leaves the chart where
    it was and counts as its own forecast for the ones after it. Equal however the points are split; O(1) a point.

    >>> _, up, down = advance(Scheme("shewhart"), start(0, 1), np.array([[2.0]]), np.zeros((0, 1)), np.ones(1))
    >>> up.item(), down.item()
    (2.0, -2.0)
    """
    missing: BoolArray = np.asarray(np.isnan(deviations))
    order = len(phi)
    known = np.vstack([state.past[::-1], deviations])
    for at in np.flatnonzero(missing.any(axis=1)):
        forecast = _forecast(known[at : at + order + 1], phi)[0]
        known[at + order] = np.where(missing[at], forecast, deviations[at])
    new = (known[order:] - _forecast(known, phi)) / sd
    up, down = _charted(scheme, state, np.where(missing, np.nan, new) if missing.any() else new)
    last = (up[-1], down[-1]) if len(up) else (state.up, state.down)
    return ChartState(known[len(known) - order :][::-1], *last), up, down


def _forecast(known: FloatArray, phi: FloatArray) -> FloatArray:
    """What is expected of each row but the first `order` from those before it."""
    order, count = len(phi), len(known) - len(phi)
    forecast = np.zeros((count, known.shape[1]))
    for lag, share in enumerate(phi, 1):
        forecast += share * known[order - lag : order - lag + count]
    return forecast


def _charted(scheme: Scheme, state: ChartState, new: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Both statistics after each point; a missing one leaves them where they were."""
    up, down = np.empty(new.shape), np.empty(new.shape)
    match scheme.kind:
        case "ewma":
            # In units of the asymptotic standard deviation, so that limits of all schemes read alike.
            gained = np.sqrt(scheme.smoothing * (2.0 - scheme.smoothing)) * new
            before = state.up
            for at, gain in enumerate(gained):
                before = _or_before((1.0 - scheme.smoothing) * before + gain, before)
                up[at] = before
            np.negative(up, out=down)
        case "cusum":
            higher, lower = state.up, state.down
            for at, point in enumerate(new):
                higher = _or_before(np.maximum(0.0, higher + (point - scheme.k)), higher)
                lower = _or_before(np.maximum(0.0, lower - (point + scheme.k)), lower)
                up[at], down[at] = higher, lower
        case "shewhart":
            before = state.up
            for at, point in enumerate(new):
                before = _or_before(point, before)
                up[at] = before
            np.negative(up, out=down)
        case _:
            assert_never(scheme.kind)
    return up, down


def _or_before(after: FloatArray, before: FloatArray) -> FloatArray:
    gaps = np.isnan(after)
    return np.where(gaps, before, after) if gaps.any() else after
