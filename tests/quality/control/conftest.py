"""The published data sets that worked charts are checked on."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

DATA = Path(__file__).parents[3] / ".." / "shared" / "data"
WORDS = {"True": 1.0, "False": 0.0, "": float("nan")}
Columns = dict[str, NDArray[np.float64]]


@pytest.fixture(scope="session")
def spc() -> Callable[[str], Columns]:
    """Read one published SPC data set of numbers and truths."""

    def read(name: str) -> Columns:
        path = DATA / "spc" / f"{name}.csv"
        if not path.exists():
            pytest.skip("the published data sets are not next to this checkout")
        with path.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return {
            key: np.array([WORDS[row[key]] if row[key] in WORDS else float(row[key]) for row in rows])
            for key in rows[0]
        }

    return read


@pytest.fixture(scope="session")
def pistonrings(spc: Callable[[str], Columns]) -> NDArray[np.float64]:
    """40 samples of 5 diameters; the first 25 are phase I."""
    return spc("qcc_pistonrings")["diameter"].reshape(-1, 5)


@pytest.fixture(scope="session")
def expected() -> dict[str, Any]:
    """Known answers of the published data sets."""
    path = DATA / "EXPECTED.json"
    if not path.exists():
        pytest.skip("the known answers are not next to this checkout")
    return dict(json.loads(path.read_text(encoding="utf-8")))
