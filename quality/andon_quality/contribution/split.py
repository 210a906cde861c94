"""The change of a sum or of a ratio, split over the values of a dimension so that the parts add up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from andon_quality.arguments import checked
from andon_quality.contribution.measure import MeasureType, NotAdditive, refuse_unless_additive
from andon_quality.errors import Inconsistent, NotFinite, OutOfRange, TooFew
from andon_quality.result import Result

V = TypeVar("V")


@dataclass(frozen=True)
class Part(Generic[V]):
    """What one value of the dimension did. `contribution` = `rate` + `mix`; a sum has no mix part (0).

    before, after: the value's own figure (its sum, or its ratio; None where it had no denominator).
    share: contribution / total change; None when the total did not change.
    """

    value: V
    before: float | None
    after: float | None
    contribution: float
    rate: float
    mix: float
    share: float | None


@dataclass(frozen=True)
class Split(Result, Generic[V]):
    """A change with its parts, largest contribution (in size) first."""

    before: float
    after: float
    change: float
    parts: tuple[Part[V], ...]


@checked
def additive(
    before_by_value: Mapping[V, float],
    after_by_value: Mapping[V, float],
    *,
    measure: MeasureType = MeasureType.SUM,
    totals: tuple[float, float] | None = None,
) -> Split[V]:
    """The change of a sum over the values of one dimension: contribution_i = after_i - before_i.

    before_by_value, after_by_value: the sum under each value, same unit; a value absent from one side is 0 there.
    totals: the sums over everything, if known; when the values do not add up to them (values that overlap, or values
    left out) the request is refused. Assumes that everything is counted under one value and no more. The parts add up
    to the change to rounding error. For a rate, mean or share prefer `ratio`, for combinations of dimensions
    `localize`. O(values log values). Raises NotAdditive, NotFinite, TooFew.
    Source: elementary; the order is by absolute contribution, ties in order of appearance.

    >>> split = additive({"web": 10.0, "phone": 5.0}, {"web": 11.0, "phone": 9.0})
    >>> split.change, [(part.value, part.contribution, part.share) for part in split.parts]
    (5.0, [('phone', 4.0, 0.8), ('web', 1.0, 0.2)])
    """
    refuse_unless_additive(measure)
    if measure in (MeasureType.RATIO, MeasureType.MEAN):
        raise NotAdditive(
            f"{measure.value}: give numerators and denominators to `ratio`; the values alone do not add up"
        )
    values = _values(before_by_value, after_by_value)
    before, after = math.fsum(before_by_value.values()), math.fsum(after_by_value.values())
    _agree(totals, before, after)
    rows = [(v, float(before_by_value.get(v, 0.0)), float(after_by_value.get(v, 0.0))) for v in values]
    change = math.fsum([*after_by_value.values(), *(-x for x in before_by_value.values())])
    return _ranked(before, after, change, [(v, b, a, a - b, 0.0) for v, b, a in rows])


@checked
def ratio(
    num_before: Mapping[V, float],
    den_before: Mapping[V, float],
    num_after: Mapping[V, float],
    den_after: Mapping[V, float],
    *,
    measure: MeasureType = MeasureType.RATIO,
) -> Split[V]:
    """The change of R = sum(num) / sum(den), split into what each value's own ratio did and what its weight did.

    With weight w_i = den_i / sum(den) and ratio r_i = num_i / den_i, bars meaning the average of before and after:
    rate_i = wbar_i (r_i' - r_i), mix_i = (w_i' - w_i) (rbar_i - Rbar). Both are symmetric in time, and
    sum(rate_i + mix_i) = R' - R exactly, since the weights' changes add to 0. A value that appears or goes has no
    ratio of its own to change: it contributes by mix alone.

    den_* >= 0 with a positive sum, in one unit, num_* in another; a value absent from a mapping counts as 0 there; num
    without den is refused. A mean is a ratio of sum over count. Assumes that everything is counted under one value and
    no more; for a plain sum prefer `additive`. O(values log values). Raises NotAdditive,
    NotFinite, OutOfRange, Inconsistent, TooFew. Source: Bennet, Journal of the Royal Statistical Society 83 (1920) 455;
    Kitagawa, Journal of the American Statistical Association 50 (1955) 1168.

    >>> split = ratio({"a": 1.0, "b": 4.0}, {"a": 10.0, "b": 10.0}, {"a": 1.0, "b": 12.0}, {"a": 10.0, "b": 30.0})
    >>> [(part.value, round(part.rate, 6), round(part.mix, 6)) for part in split.parts]
    [('a', 0.0, 0.046875), ('b', 0.0, 0.028125)]
    """
    refuse_unless_additive(measure)
    values = _values(num_before, den_before, num_after, den_after)
    was = [_fraction(v, num_before, den_before) for v in values]
    now = [_fraction(v, num_after, den_after) for v in values]
    den_was, den_now = (math.fsum(den for _, den in side) for side in (was, now))
    if den_was <= 0 or den_now <= 0:
        raise TooFew("a ratio needs a positive denominator before and after")
    before = math.fsum(num for num, _ in was) / den_was
    after = math.fsum(num for num, _ in now) / den_now
    rows = []
    for value, (num0, den0), (num1, den1) in zip(values, was, now, strict=True):
        r0, r1 = (num0 / den0 if den0 else None), (num1 / den1 if den1 else None)
        rate, mix = _rate_and_mix(r0, r1, den0 / den_was, den1 / den_now, (before + after) / 2)
        rows.append((value, r0, r1, rate, mix))
    return _ranked(before, after, after - before, rows)


def _rate_and_mix(r0: float | None, r1: float | None, w0: float, w1: float, middle: float) -> tuple[float, float]:
    known = [r for r in (r0, r1) if r is not None]
    if not known:
        return 0.0, 0.0
    own = math.fsum(known) / len(known)
    rate = (w0 + w1) / 2 * (r1 - r0) if r0 is not None and r1 is not None else 0.0
    return rate, (w1 - w0) * (own - middle)


def _fraction(value: V, num: Mapping[V, float], den: Mapping[V, float]) -> tuple[float, float]:
    top, bottom = float(num.get(value, 0.0)), float(den.get(value, 0.0))
    if bottom < 0:
        raise OutOfRange(f"negative denominator under {value!r}")
    if bottom == 0 and top != 0:
        raise Inconsistent(f"numerator without denominator under {value!r}")
    return top, bottom


def _values(*sides: Mapping[V, float]) -> list[V]:
    values = list(dict.fromkeys(value for side in sides for value in side))
    if not values:
        raise TooFew("needs at least one value")
    if not all(math.isfinite(x) for side in sides for x in side.values()):
        raise NotFinite("figures must be finite numbers")
    return values


def _agree(totals: tuple[float, float] | None, before: float, after: float) -> None:
    if totals is None:
        return
    for stated, summed in zip(totals, (before, after), strict=True):
        if abs(stated - summed) > 1e-9 * max(1.0, abs(stated)):
            raise NotAdditive(
                f"the values add up to {summed:g}, the whole is {stated:g}: values overlap or are left out"
            )


def _ranked(
    before: float, after: float, change: float, rows: list[tuple[V, float | None, float | None, float, float]]
) -> Split[V]:
    parts = [
        Part(value, b, a, rate + mix, rate, mix, (rate + mix) / change if change else None)
        for value, b, a, rate, mix in rows
    ]
    return Split(before, after, change, tuple(sorted(parts, key=lambda part: -abs(part.contribution))))
