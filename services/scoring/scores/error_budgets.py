"""The error budget of a share: what is used of it, and whether the latest windows burn it faster than allowed.

Looks back over the latest window, about a week of it, and the whole period. All looks of a month share the false alarms
that are wanted (`andon_quality.error_budget.level`), so their number is bounded at any traffic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from andon_quality import error_budget

from services.scoring.scores.backtest_report import WINDOWS_A_MONTH
from services.scoring.scores.results import Score
from services.scoring.system.case_model import Text
from services.scoring.system.model import DAY_US, Direction, Window
from services.scoring.system.windows import WindowId

DAYS_A_MONTH = 30.4375
# Of the budget of the period, what a lookback may use before it counts: the workbook's 2, 5 and 10 %.
SHARES_OF_BUDGET = (0.02, 0.05, 0.10)


@dataclass(frozen=True)
class Burn:
    windows: int
    span: WindowId
    count: int
    failures: int
    rate: float
    lower: float
    p_value: float
    threshold: float
    is_burning: bool


@dataclass(frozen=True)
class BudgetReport:
    span: WindowId
    count: int
    failures: int
    allowed_count: float
    consumed: float
    burns: tuple[Burn, ...]
    alpha: float
    summary: Text


def failures_of(score: Score, direction: Direction) -> int:
    """Of a window of a share: ones where lower is better, zeros where higher is."""
    ones = score.total or 0
    return score.count - ones if direction is Direction.HIGHER_IS_BETTER else ones


def burnt(
    scores: Sequence[Score], direction: Direction, kind: Window, allowed: float, period_days: int, wanted: float
) -> BudgetReport:
    """scores: the complete windows of the period in order of time, at least one. Raises QualityError."""
    counts = np.array([one.count for one in scores])
    failures = np.array([failures_of(one, direction) for one in scores])
    used = error_budget.budget(float(failures.sum()), float(max(1, counts.sum())), allowed)
    a_month = WINDOWS_A_MONTH[kind]
    period = max(1, round(a_month * period_days / DAYS_A_MONTH))
    lookbacks = sorted({1, max(1, period // 4), period})
    alpha = error_budget.level(wanted, max(a_month * len(lookbacks), wanted * 1.001))
    burns = []
    for windows in lookbacks:
        share = SHARES_OF_BUDGET[min(lookbacks.index(windows), len(SHARES_OF_BUDGET) - 1)]
        # A rate that uses this share of the budget in this time; at least 1.
        threshold = max(1.0, share * period / windows)
        some, bad = int(counts[-windows:].sum()), int(failures[-windows:].sum())
        found = error_budget.burn_rate(float(bad), float(some), allowed, threshold, alpha)
        span = WindowId(scores[-min(windows, len(scores))].window.start_us, scores[-1].window.end_us)
        burns.append(
            Burn(
                windows,
                span,
                some,
                bad,
                float(found.rate),
                float(found.lower),
                float(found.p_value),
                threshold,
                bool(found.is_burning),
            )
        )
    span = WindowId(scores[0].window.start_us, scores[-1].window.end_us)
    consumed, is_burning = float(used.consumed), any(one.is_burning for one in burns)
    days = (span.end_us - span.start_us) / DAY_US
    method = "exact binomial test of each look"
    summary = Text(
        f"{100 * consumed:.3g} % of the budget of {days:.0f} days is used; "
        + ("it burns faster than allowed" if is_burning else "no lookback burns it faster than allowed")
        + f" ({method}, at most {wanted:.3g} false alarms a month).",
        f"{days:.0f} 天的错误预算已用 {100 * consumed:.3g} %；"
        + ("消耗快于允许" if is_burning else "各回看窗口的消耗均未快于允许")
        + f"（逐次精确二项检验，每月误报至多 {wanted:.3g} 次）。",
    )
    return BudgetReport(
        span, int(counts.sum()), int(failures.sum()), float(used.allowed), consumed, tuple(burns), alpha, summary
    )
