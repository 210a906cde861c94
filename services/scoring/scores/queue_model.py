"""A queue as it is and under what-ifs: what is given or fitted, by formula where there is one, else by simulation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from andon_quality import queues
from andon_quality.arrays import IntArray
from andon_quality.queues import Durations, Queue

from services.scoring.system.case_model import Text

# Customers x replications, so that each outcome takes about a second; more servers make fewer replications.
REPLICATIONS, CUSTOMERS = 200, 10_000
SERVERS_SLOW = 50
REPLICATIONS_MIN = 50


@dataclass(frozen=True)
class Scenario:
    title: str
    staff: int
    arrivals_factor: float = 1.0
    service_factor: float = 1.0


@dataclass(frozen=True)
class QueueOutcome:
    """In hours. queue None: the line would grow for ever."""

    scenario: Scenario
    utilisation: float
    queue: Queue | None
    is_formula: bool
    summary: Text


def gaps_of(anchors_us: IntArray, variation: float | None) -> Durations:
    """Gaps in hours between the moments of cases, in order of time; at least two. variation None: that of the gaps."""
    hours = np.diff(np.asarray(anchors_us, dtype=np.float64)) / 3.6e9
    mean = float(hours.mean())
    found = float(hours.std() / mean) if variation is None and mean > 0 else variation
    return gaps(1.0 / mean if mean > 0 else 0.0, found)


def gaps(per_hour: float, variation: float | None) -> Durations:
    """Poisson arrivals where the variation is 1 or not given. Raises QualityError."""
    if variation is None or variation == 1.0:
        return Durations("exponential", 1.0 / per_hour if per_hour else 0.0)
    return Durations("gamma", 1.0 / per_hour if per_hour else 0.0, variation)


def outcome(
    arrivals: Durations,
    service: Durations,
    scenario: Scenario,
    quantiles: Sequence[float],
    confidence: float,
    seed: int,
) -> QueueOutcome:
    """One scenario. Raises QualityError."""
    waits = Durations(arrivals.shape, arrivals.mean / scenario.arrivals_factor, arrivals.variation, arrivals.values)
    times = Durations(service.shape, service.mean * scenario.service_factor, service.variation, service.values)
    load = times.mean / waits.mean / scenario.staff
    if load >= queues.LOAD_MAX:
        words = Text(
            f"{load:.0%} of the staff's time would be needed: the line would grow for ever.",
            f"所需为人力时间的 {load:.0%}：队列将无限增长。",
        )
        return QueueOutcome(scenario, load, None, False, words)
    is_formula = waits.shape == times.shape == "exponential"
    if is_formula:
        found = queues.markovian(1 / waits.mean, times.mean, scenario.staff, quantiles)
    else:
        replications = max(REPLICATIONS_MIN, REPLICATIONS * min(1, SERVERS_SLOW // max(1, scenario.staff)))
        found = queues.simulate(waits, times, scenario.staff, quantiles, replications, CUSTOMERS, confidence, seed)
    words = Text(
        f"{found.waiting:.0%} wait, {60 * found.mean:.3g} min on average; staff are busy {load:.0%} of their time.",
        f"{found.waiting:.0%} 需等待，平均 {60 * found.mean:.3g} 分钟；人力利用率 {load:.0%}。",
    )
    return QueueOutcome(scenario, load, found, is_formula, words)
