"""What customers write in their own words is a source of kind feedback: loaded whole, with nobody named in it."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
CHINESE = SHARED / "reviews" / "zh_hotel_chnsenticorp.csv.gz"


@pytest.mark.skipif(not CHINESE.exists(), reason="the published reviews are not at hand")
def test_chinese_hotel_reviews_are_loaded_as_feedback_and_counted_as_published(andon: Any, tmp_path: Path) -> None:
    mapping = str(ROOT / "examples" / "hotel-reviews.mapping.yaml")
    andon("source", "create", "hotel-reviews", "--kind", "feedback", "--title", "Hotel reviews")
    andon("load", str(CHINESE), "--mapping", mapping)
    exported = str(tmp_path / "reviews.csv")
    andon("export", exported, "--source", "hotel-reviews")
    with open(exported, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    expected = json.loads((SHARED / "EXPECTED.json").read_text(encoding="utf-8"))["zh_hotel"]
    labels = Counter(row["label"] for row in rows)
    assert (len(rows), labels["1"], labels["0"]) == (expected["rows"], expected["positive"], expected["negative"])
    assert sum(not row["review"] for row in rows) == expected["blank"]
