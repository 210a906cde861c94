"""Intervals for the size of an effect that is tested by F or chi-square, by inverting the noncentral distribution."""

from __future__ import annotations

from collections.abc import Callable

from andon_quality.inference.interval import tail

STEPS = 200


def chi_square_range(statistic: float, freedom: float, confidence: float) -> tuple[float, float]:
    """The noncentralities at which `statistic` is the upper and the lower tail point; 0 where there is none.

    Cost: about a hundred evaluations. Source: Steiger and Fouladi, 1997, in What If There Were No Significance Tests?

    >>> [round(end, 3) for end in chi_square_range(15.0, 2, 0.95)]
    [2.958, 32.794]
    """
    from scipy.special import chndtr

    return _inverted(lambda size: float(chndtr(statistic, freedom, size)), statistic, confidence)


def f_range(statistic: float, between: float, within: float, confidence: float) -> tuple[float, float]:
    """The same for an F statistic with `between` and `within` degrees of freedom.

    >>> f_range(0.5, 3, 40, 0.95)[0]
    0.0
    """
    from scipy.special import ncfdtr

    return _inverted(lambda size: float(ncfdtr(between, within, size, statistic)), statistic * between, confidence)


def _inverted(below: Callable[[float], float], scale: float, confidence: float) -> tuple[float, float]:
    outside = tail(confidence)
    return _where(below, 1.0 - outside, scale), _where(below, outside, scale)


def _where(below: Callable[[float], float], share: float, scale: float) -> float:
    """The noncentrality at which `below`, which falls as it grows, equals `share`."""
    if below(0.0) <= share:
        return 0.0
    low, high = 0.0, max(scale, 1.0)
    while below(high) > share and high < 1e12:
        low, high = high, high * 2.0
    for _ in range(STEPS):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        low, high = (middle, high) if below(middle) > share else (low, middle)
    return (low + high) / 2.0
