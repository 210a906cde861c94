"""The survey data that several tests of structure read."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

DATA = Path(__file__).parents[3] / ".." / "shared" / "data"


@pytest.fixture
def expected() -> Any:
    if not DATA.exists():
        pytest.skip("the shared data set is not here")
    return json.loads((DATA / "EXPECTED.json").read_text())


def columns(name: str) -> dict[str, NDArray[np.float64]]:
    path = DATA / name
    if not path.exists():
        pytest.skip("the shared data set is not here")
    with path.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    numeric = [key for key in rows[0] if key not in {"rownames", "gender"}]
    return {key: np.array([float(row[key]) for row in rows]) for key in numeric}


@pytest.fixture
def attitude() -> dict[str, NDArray[np.float64]]:
    return columns("surveys/attitude.csv")


@pytest.fixture
def bank() -> dict[str, NDArray[np.float64]]:
    return columns("surveys/bank_satisfaction_ecsi.csv")
