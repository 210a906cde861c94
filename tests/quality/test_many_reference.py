"""The reference of many series a call tells of every function: how it takes many, or why it takes one."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest
from andon_quality import (
    capability,
    contribution,
    effect,
    funnel,
    inference,
    loss,
    normalisation,
    pareto,
    reliability,
    satisfaction,
    structure,
    trend,
)

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "quality" / "many.md"
PACKAGES = (capability, contribution, effect, inference, structure, trend)
FILES = (funnel, loss, normalisation, pareto, reliability, satisfaction)


def functions(module: ModuleType) -> list[str]:
    """What a package names as its own, or what a file defines."""
    return [
        name
        for name in getattr(module, "__all__", vars(module))
        if not name.startswith("_")
        and inspect.isfunction(getattr(module, name))
        and (module in PACKAGES or getattr(module, name).__module__ == module.__name__)
    ]


@pytest.mark.parametrize("module", [*PACKAGES, *FILES], ids=lambda module: module.__name__.rpartition(".")[2])
def test_every_function_is_listed(module: ModuleType) -> None:
    names = functions(module)
    listed = set(re.findall(r"[`.](\w+)`", PAGE.read_text(encoding="utf-8")))
    assert names
    assert sorted(set(names) - listed) == []
