"""What the tests of many series at once share: a result of many, taken apart, is the result of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest


def _same(many: Any, one: Any, series: int, where: str) -> None:
    if is_dataclass(many):
        for field in fields(many):
            _same(getattr(many, field.name), getattr(one, field.name), series, f"{where}.{field.name}")
    elif isinstance(many, tuple):
        assert len(many) == len(one), where
        for place, (part, own) in enumerate(zip(many, one, strict=True)):
            _same(part, own, series, f"{where}[{place}]")
    elif isinstance(many, np.ndarray):
        mine = many[series]
        absent = one is None and bool(np.isnan(mine))
        assert absent or np.array_equal(mine, one, equal_nan=np.asarray(one).dtype.kind == "f"), (where, mine, one)
    else:
        assert many == one, (where, many, one)


def _each_the_same(many: Any, ones: Sequence[Any]) -> None:
    for series, one in enumerate(ones):
        _same(many, one, series, type(one).__name__)


@pytest.fixture(scope="session")
def each_the_same() -> Callable[[Any, Sequence[Any]], None]:
    """Asserts that the result of many series holds, bit for bit, the results of every one of them by itself."""
    return _each_the_same
