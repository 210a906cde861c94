"""Control charts: one file per chart, each with `baseline`, `chart`, `start` and `advance`; loaded when first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from andon_quality.control import (
        chart,
        constants,
        cusum,
        ewma,
        gap,
        hotelling,
        laney,
        mewma,
        operating_characteristic,
        proportion,
        rate,
        rebase,
        run_chart,
        stages,
        subgroups,
        time_between,
        xbar_r,
        xbar_s,
        xmr,
    )

__all__ = [
    "chart",
    "constants",
    "cusum",
    "ewma",
    "gap",
    "hotelling",
    "laney",
    "mewma",
    "operating_characteristic",
    "proportion",
    "rate",
    "rebase",
    "run_chart",
    "stages",
    "subgroups",
    "time_between",
    "xbar_r",
    "xbar_s",
    "xmr",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
