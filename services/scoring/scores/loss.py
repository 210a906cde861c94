"""Taguchi's loss of windows in money, from the exact moments of their cases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import assert_never

import numpy as np
from andon_quality import loss
from andon_quality.arrays import FloatArray

from services.scoring.scores.results import Score
from services.scoring.system.decimals import exact
from services.scoring.system.model import Direction, Indicator
from services.scoring.system.windows import WindowId


class LossForm(Enum):
    NOMINAL = "nominal"
    SMALLER = "smaller"
    LARGER = "larger"


@dataclass(frozen=True)
class LossTerms:
    """What a deviation costs. coefficient: money per unit squared (larger: times). target: of the nominal form."""

    form: LossForm
    coefficient: float
    tolerance: float
    target: float | None = None


@dataclass(frozen=True)
class WindowLoss:
    """In money; mean and sd in the unit of the series, sd with n in its denominator."""

    window: WindowId
    count: int
    mean: float
    sd: float
    per_case: float
    off_target: float
    spread: float

    @property
    def total(self) -> float:
        return self.per_case * self.count


class MissingTerm(ValueError):
    """A field of the request is needed, because the indicator does not say it: `field`."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def form_of(direction: Direction) -> LossForm:
    match direction:
        case Direction.LOWER_IS_BETTER:
            return LossForm.SMALLER
        case Direction.HIGHER_IS_BETTER:
            return LossForm.LARGER
        case Direction.TARGET_IS_BETTER | Direction.UNSPECIFIED:
            return LossForm.NOMINAL
        case _:
            assert_never(direction)


def terms_of(
    indicator: Indicator, form: LossForm | None, cost: float, tolerance: float, target: float | None
) -> LossTerms:
    """form None, tolerance 0, target None: as the indicator says. Raises MissingTerm where it does not."""
    chosen = form or form_of(indicator.direction)
    stated = indicator.target
    if chosen is not LossForm.NOMINAL:
        size = tolerance or (abs(stated.value) if stated else 0.0)
        if not size:
            raise MissingTerm("tolerance")
        of = loss.coefficient if chosen is LossForm.SMALLER else loss.coefficient_larger
        return LossTerms(chosen, of(cost, size), size)
    aim = target if target is not None else stated.value if stated else None
    if aim is None:
        raise MissingTerm("target")
    limits = [one for one in (stated.lower, stated.upper) if one is not None] if stated else []
    size = tolerance or max((abs(one - aim) for one in limits), default=0.0)
    if not size:
        raise MissingTerm("tolerance")
    return LossTerms(chosen, loss.coefficient(cost, size), size, aim)


def losses(scores: Iterable[Score], terms: LossTerms) -> list[WindowLoss]:
    """Of windows with at least one value. Raises QualityError where the form does not fit a mean."""
    some = [one for one in scores if one.count and one.total is not None and one.squares is not None]
    if not some:
        return []
    means, sds = (np.array(row) for row in zip(*map(_moments, some), strict=True))
    found = _loss(means, sds, terms)
    rows = zip(some, means, sds, found.per_unit, found.off_target, found.spread, strict=True)
    return [WindowLoss(one.window, one.count, *map(float, figures)) for one, *figures in rows]


def _loss(means: FloatArray, sds: FloatArray, terms: LossTerms) -> loss.Loss:
    match terms.form:
        case LossForm.NOMINAL:
            return loss.nominal(means, sds, terms.target if terms.target is not None else 0.0, terms.coefficient)
        case LossForm.SMALLER:
            return loss.smaller(means, sds, terms.coefficient)
        case LossForm.LARGER:
            return loss.larger(means, sds, terms.coefficient)
        case _:
            assert_never(terms.form)


def _moments(score: Score) -> tuple[float, float]:
    """Mean and standard deviation of the window's own values, each rounded once."""
    total, squares, step = score.total or 0, score.squares or 0, exact(score.resolution)
    variance = Fraction(score.count * squares - total**2, score.count**2) * step**2
    return float(Fraction(total, score.count) * step), float(variance) ** 0.5
