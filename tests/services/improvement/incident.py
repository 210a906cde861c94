"""A share of cases over an incident: the problem opened on day 60, and the action ran on day 72."""

from __future__ import annotations

import numpy as np

from services.improvement.model import DAY_US, Reading

NOW = 10**15
FAULT, START, DONE = 60, 72, 73


def days(clean: float, faulty: float, after: float, after_days: int = 12, seed: int = 3) -> list[float]:
    """Shares of 200 cases: as they were, as they are while it lasts, and as they became."""
    dice = np.random.default_rng(seed)
    level = [clean] * FAULT + [faulty] * (DONE - FAULT) + [after] * after_days
    return list(dice.binomial(200, level) / 200)


def means(values) -> list[Reading]:
    return [Reading(d * DAY_US, (d + 1) * DAY_US, float(v), 50, 7, 90) for d, v in enumerate(values)]
