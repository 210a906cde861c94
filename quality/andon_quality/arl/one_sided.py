"""The exact run length of charts that alarm on one side only, whatever happens on the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from andon_quality.arl.growing_limits import varying_mean
from andon_quality.arl.run_length import RunLength
from andon_quality.arl.shewhart import explored, some_of
from andon_quality.arrays import FloatArray, IntArray
from andon_quality.errors import OutOfRange
from andon_quality.rules import Pattern, Rule

# In asymptotic standard deviations: the average of a process in control is not seen further down than this.
DEPTH = 9.0


def shewhart_one_sided(rules: Iterable[str | Rule], shift: float = 0.0, width: float = 3.0) -> float:
    """The average run length of a chart of independent normal points whose `rules` look at the upper side alone.

    rules: as in `shewhart`, of the pattern "k of n beyond a line". shift: of the mean, in sigma. width: of the limits,
    in sigma, with which every zone but the centre line moves. The lower side is the same with the shift turned round.
    Exact: as `shewhart`, with one memory a rule in place of two; cost n^3 for n states (3 for WE1 and WE2). Raises
    OutOfRange for a rule without sides, an unknown rule, none at all, or a width that is not positive. Source: Champ
    and Woodall (1987), Technometrics 29, 393-399.

    >>> round(shewhart_one_sided(["WE1"]), 3), round(shewhart_one_sided(["WE1", "WE2"]), 2)
    (740.797, 450.72)
    """
    chosen = some_of(rules)
    if any(rule.pattern is not Pattern.BEYOND for rule in chosen):
        raise OutOfRange("only rules about points beyond a line have sides")
    if not (0.0 < width < np.inf and np.isfinite(shift)):
        raise OutOfRange(f"width must be positive and shift finite, got {width}, {shift}")
    ahead = _chain(chosen)
    states, weights = len(ahead), _zones(chosen, shift, width / 3.0)
    kernel = np.zeros((states, states + 1))
    for zone, weight in enumerate(weights.tolist()):
        np.add.at(kernel, (np.arange(states), ahead[:, zone]), weight)
    return RunLength(kernel[:, :states], np.eye(1, states)[0], escape=kernel[:, states]).mean()


def ewma_one_sided(smoothing: float, width: float, shift: float = 0.0) -> float:
    """The average run length of an EWMA with varying limits that alarms above only and has no barrier below.

    smoothing, width, shift: as in `ewma` with limits="varying"; the average starts at the centre and may sink as deep
    as the points take it, so a long good time delays the alarm of a bad one (`ewma` with sided="upper" forgets it).
    Nystroem as in `ewma`, varying limits followed as there: seven digits, cost n^2 / smoothing, 10 ms at 0.01.
    Raises OutOfRange for smoothing outside (0, 1] or too small (below 0.001), a width that is not positive or a shift
    that is not finite.
    Sources: Crowder (1987), Technometrics 29, 401-407; Knoth (2003), Sequential Analysis 22, 89-108.

    >>> round(ewma_one_sided(1.0, 3.0), 2)
    740.8
    """
    if not 0.0 < smoothing <= 1.0:
        raise OutOfRange(f"smoothing must lie in (0, 1], got {smoothing}")
    if not (0.0 < width < np.inf and np.isfinite(shift)):
        raise OutOfRange(f"width must be positive and shift finite, got {width}, {shift}")
    return varying_mean(smoothing, width, shift, depth=DEPTH)


def _zones(rules: Sequence[Rule], shift: float, scale: float) -> FloatArray:
    from scipy.special import ndtr

    lines = scale * np.array(sorted({rule.zone_sigma for rule in rules})) - shift
    beyond = np.concatenate([[1.0], ndtr(-lines), [0.0]])
    return np.asarray(beyond[:-1] - beyond[1:])


@lru_cache(maxsize=64)
def _chain(rules: tuple[Rule, ...]) -> IntArray:
    """For each memory and zone, lowest first, the next memory, shape (memories, zones); their number means alarm."""
    lines = sorted({rule.zone_sigma for rule in rules})
    zones = range(len(lines) + 1)
    return explored([(rule.k, rule.n, tuple(zone > lines.index(rule.zone_sigma) for zone in zones)) for rule in rules])
