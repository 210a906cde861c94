"""Gauge repeatability and reproducibility where each operator measures parts of their own, as destructive tests do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import TooFew
from andon_quality.measurement.gauge import GaugeStudy, Variances, study, tested


@checked
def nested(
    values: ArrayLike,
    tolerance: float | None = None,
    study_sigmas: float = 6.0,
    confidence: float = 0.95,
    seed: int = 0,
) -> GaugeStudy:
    """Components of variance where parts are nested within operators: no part is measured by two of them.

    With mean squares O, P(O), E of o operators with p parts each, r repeats: repeatability E, part (P(O) - E) / r,
    operator (O - P(O)) / (p r), negative ones 0. The repeats of a destructive test are specimens so alike that they
    count as one part: where they are not, their difference counts as repeatability.
    values: shape (o >= 2, p >= 2, r >= 2). tolerance, study_sigmas, assumptions, cost and errors as `crossed`, to be
    preferred where operators can measure the same parts: it separates more with fewer measurements.
    Sources: AIAG, Measurement Systems Analysis, 4th ed. (2010), IV; Montgomery, Design and Analysis of Experiments,
    8th ed., 14.1.

    >>> found = nested([[[1.0, 1.1], [2.2, 2.1]], [[2.0, 2.1], [1.1, 1.3]], [[3.0, 3.2], [1.2, 1.1]]])
    >>> round(found.repeatability.sd, 3), found.operator.variance, found.distinct_categories
    (0.1, 0.0, 13)
    """
    x = finite(values)
    if x.ndim != 3 or min(x.shape) < 2:
        raise TooFew(f"needs at least 2 operators, 2 parts each and 2 repeats, got shape {x.shape}")
    o, p, r = x.shape
    mean, by_operator, by_part = x.mean(), x.mean(axis=(1, 2)), x.mean(axis=2)
    within = float(np.square(x - by_part[..., None]).sum())
    between_parts = float(r * np.square(by_part - by_operator[:, None]).sum())
    between_operators = float(p * r * np.square(by_operator - mean).sum())
    repeats = tested("repeatability", o * p * (r - 1), within, None)
    parts = tested("part (operator)", o * (p - 1), between_parts, repeats)
    operators = tested("operator", o - 1, between_operators, parts)

    def components(squares: Sequence[FloatArray]) -> Variances:
        of_operators, of_parts, error = squares
        return Variances(
            repeatability=error,
            operator=np.maximum((of_operators - of_parts) / (p * r), 0.0),
            interaction=None,
            part=np.maximum((of_parts - error) / r, 0.0),
        )

    return study([operators, parts, repeats], components, tolerance, study_sigmas, confidence, seed)
