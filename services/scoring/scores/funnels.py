"""Slices of an indicator as units of a funnel, with ranks and how sure they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from andon_quality import funnel, ranks
from andon_quality.arrays import FloatArray
from andon_quality.errors import NoSpread, TooFew

from services.scoring.scores.results import Score
from services.scoring.system.case_model import Text
from services.scoring.system.decimals import exact
from services.scoring.system.model import Aggregate, Direction, Indicator

Overdispersion = Literal["none", "multiplicative", "additive"]


@dataclass(frozen=True)
class Unit:
    """Exact moments over all its windows, in multiples of the resolution."""

    slice_: tuple[tuple[str, str], ...]
    count: int
    total: int
    squares: int


@dataclass(frozen=True)
class PlacedUnit:
    """limits: by level. beyond: the highest level whose limits it lies beyond, 0: none. rank: 1 is the best."""

    unit: Unit
    value: float
    limits: tuple[tuple[float, float], ...]
    z: float
    beyond: float
    is_worse: bool
    rank: int
    rank_lower: int
    rank_upper: int


@dataclass(frozen=True)
class Placed:
    units: tuple[PlacedUnit, ...]
    target: float
    dispersion: float
    tau: float
    is_widened: bool
    levels: tuple[float, ...]
    summary: Text


def unit_of(slice_: tuple[tuple[str, str], ...], scores: Sequence[Score]) -> Unit:
    """Of the windows of one series."""
    return Unit(
        slice_,
        sum(one.count for one in scores),
        sum(one.total or 0 for one in scores),
        sum(one.squares or 0 for one in scores),
    )


def placed(
    units: Sequence[Unit],
    indicator: Indicator,
    resolution: float,
    target: float | None,
    overdispersion: Overdispersion,
    confidence: float,
) -> Placed:
    """units: at least two, each with cases. Raises QualityError."""
    if len(units) < 2:
        raise TooFew("a funnel needs at least two units with enough cases")
    sizes = np.array([float(one.count) for one in units])
    step = exact(resolution)
    sign = -1 if indicator.direction is Direction.HIGHER_IS_BETTER else 1
    if indicator.aggregate is Aggregate.SHARE:
        counts = np.array([float(one.total) for one in units])
        found = funnel.proportions(counts, sizes, target, overdispersion=overdispersion)
        places = ranks.rank_proportions(counts if sign > 0 else sizes - counts, sizes, confidence)
    else:
        means = np.array([float(Fraction(one.total, one.count) * step) for one in units])
        within = sum(one.squares - Fraction(one.total**2, one.count) for one in units) * step**2
        df = sum(one.count - 1 for one in units)
        sigma = math.sqrt(float(within / df)) if df > 0 else 0.0
        if not sigma > 0:
            raise NoSpread("the cases of every unit are alike: there is no spread to compare units by")
        found = funnel.means(means, sizes, sigma, target, overdispersion=overdispersion)
        places = ranks.rank_means(sign * means, sigma / np.sqrt(sizes), confidence)
    return _placed(units, found, places, indicator.direction, sign, overdispersion)


def _placed(
    units: Sequence[Unit],
    found: funnel.Funnel,
    places: ranks.Ranks,
    direction: Direction,
    sign: int,
    overdispersion: Overdispersion,
) -> Placed:
    values: FloatArray = found.estimates
    is_directed = direction in (Direction.LOWER_IS_BETTER, Direction.HIGHER_IS_BETTER)
    made = [
        PlacedUnit(
            unit,
            float(values[at]),
            tuple((float(low), float(high)) for low, high in zip(found.lower[:, at], found.upper[:, at], strict=True)),
            float(found.z[at]),
            max((level for level, out in zip(found.levels, found.beyond[:, at], strict=True) if out), default=0.0),
            is_directed and bool(sign * (values[at] - found.target) > 0),
            int(places.ranks[at]),
            int(places.lower[at]),
            int(places.upper[at]),
        )
        for at, unit in enumerate(units)
    ]
    made.sort(key=lambda one: (one.rank, one.unit.slice_))
    outside = sum(one.beyond == max(found.levels) for one in made)
    spread = sum(one.rank_upper - one.rank_lower + 1 for one in made) / len(made)
    is_widened = overdispersion != "none" and float(found.phi) > 1 + 2 * math.sqrt(2 / len(made))
    summary = Text(
        f"{outside} of {len(made)} units lie beyond the {100 * max(found.levels):.4g} % limits;"
        f" the interval of a rank spans {spread:.1f} places on average.",
        f"{len(made)} 个单元中有 {outside} 个超出 {100 * max(found.levels):.4g} % 限；名次区间平均跨 {spread:.1f} 位。",
    )
    return Placed(
        tuple(made), float(found.target), float(found.phi), float(found.tau), is_widened, found.levels, summary
    )
