"""Gauge repeatability and reproducibility where every operator measures every part, by analysis of variance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import OutOfRange, TooFew
from andon_quality.measurement.gauge import GaugeStudy, Variances, study, tested


@checked
def crossed(
    values: ArrayLike,
    tolerance: float | None = None,
    study_sigmas: float = 6.0,
    alpha: float = 0.05,
    confidence: float = 0.95,
    seed: int = 0,
) -> GaugeStudy:
    """How much of what is measured is the measurement: components of variance of parts x operators x repeats.

    With mean squares P, O, PO, E of p parts, o operators, r repeats: repeatability E, interaction (PO - E) / r,
    operator (O - PO) / (p r), part (P - PO) / (o r), negative ones 0. Where the interaction is not significant at
    `alpha` it is pooled with E, as AIAG and Minitab do (1 never pools).
    values: shape (p >= 2, o >= 2, r >= 2), in any unit; `arranged` makes it of a list. tolerance: upper minus lower
    specification limit, in that unit. study_sigmas: 6 covers 99.73 % of a normal, 5.15 of older manuals 99 %. Assumes
    parts and operators drawn at random, and errors alike for all. Prefer `nested` where measuring destroys the part.
    Cost O(values). Raises TooFew, NotFinite, OutOfRange, NoSpread.
    Sources: AIAG, Measurement Systems Analysis, 4th ed. (2010), III B; Montgomery, Introduction to Statistical Quality
    Control, 7th ed., 8.7.

    >>> found = crossed([[[1.0, 1.1], [1.2, 1.1]], [[2.0, 2.1], [2.1, 2.3]], [[3.0, 3.2], [3.2, 3.1]]])
    >>> round(found.gauge.study_share, 3), found.distinct_categories, found.grade.value
    (0.107, 13, 'conditional')
    """
    x = finite(values)
    if x.ndim != 3 or min(x.shape) < 2:
        raise TooFew(f"needs at least 2 parts, 2 operators and 2 repeats, got shape {x.shape}")
    if not 0.0 <= alpha <= 1.0:
        raise OutOfRange(f"alpha must lie in 0..1, got {alpha}")
    p, o, r = x.shape
    mean, by_part, by_operator, by_cell = x.mean(), x.mean(axis=(1, 2)), x.mean(axis=(0, 2)), x.mean(axis=2)
    between_parts = float(o * r * np.square(by_part - mean).sum())
    between_operators = float(p * r * np.square(by_operator - mean).sum())
    between_cells = float(r * np.square(by_cell - by_part[:, None] - by_operator + mean).sum())
    within = float(np.square(x - by_cell[..., None]).sum())
    repeats = tested("repeatability", p * o * (r - 1), within, None)
    both = tested("part x operator", (p - 1) * (o - 1), between_cells, repeats)
    if both.p_value is not None and both.p_value > alpha:
        repeats = tested("repeatability", repeats.df + both.df, within + between_cells, None)
        rows = [repeats]
    else:
        rows = [both, repeats]
    parts = tested("part", p - 1, between_parts, rows[0])
    operators = tested("operator", o - 1, between_operators, rows[0])

    def components(squares: Sequence[FloatArray]) -> Variances:
        of_parts, of_operators, residual, error = squares[0], squares[1], squares[2], squares[-1]
        return Variances(
            repeatability=error,
            operator=np.maximum((of_operators - residual) / (p * r), 0.0),
            interaction=np.maximum((residual - error) / r, 0.0) if len(squares) == 4 else None,
            part=np.maximum((of_parts - residual) / (o * r), 0.0),
        )

    return study([parts, operators, *rows], components, tolerance, study_sigmas, confidence, seed)
