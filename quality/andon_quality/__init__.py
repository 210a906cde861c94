"""The mathematics of service quality: pure functions over numpy arrays, no I/O, no clock.

Every module is reached from here and loaded when it is first used: `andon_quality.arl.cusum(0.5, 4.0)`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from andon_quality import (
        acceptance,
        anomaly,
        arl,
        calibration,
        capability,
        composite,
        contribution,
        control,
        describe,
        effect,
        error_budget,
        errors,
        funnel,
        inference,
        lifetime,
        loss,
        measurement,
        normalisation,
        normality,
        pareto,
        plot,
        power,
        queues,
        ranks,
        reliability,
        result,
        rules,
        satisfaction,
        silence,
        structure,
        tolerance,
        trend,
        weights,
    )

__version__ = "0.1.0"
__all__ = [
    "acceptance",
    "anomaly",
    "arl",
    "calibration",
    "capability",
    "composite",
    "contribution",
    "control",
    "describe",
    "effect",
    "error_budget",
    "errors",
    "funnel",
    "inference",
    "lifetime",
    "loss",
    "measurement",
    "normalisation",
    "normality",
    "pareto",
    "plot",
    "power",
    "queues",
    "ranks",
    "reliability",
    "result",
    "rules",
    "satisfaction",
    "silence",
    "structure",
    "tolerance",
    "trend",
    "weights",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
