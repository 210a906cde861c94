"""Published reviews in both languages, which name hardly anybody: what share of their tokens is masked.

`python -m tests.services.ingest.privacy.reviews` prints it for docs/concepts/privacy.md. A token is a Chinese
character or a run of other letters and digits.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from services.ingest.privacy.engine import identifiers

FOLDER = Path(__file__).parents[5] / "shared" / "data" / "reviews"
COLUMNS = {
    "zh_hotel_chnsenticorp": "review",
    "zh_restaurant_asap_train_sample": "reviewbody",
    "en_hotel_opinrank_5000": "text",
    "en_yelp_labelled_1000": "sentence",
    "en_fastfood_complaint_causes": "review",
}
_TOKEN = re.compile(r"[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+")


def texts(name: str) -> list[str]:
    """Each once, in order."""
    with gzip.open(FOLDER / f"{name}.csv.gz", "rt", encoding="utf-8-sig", errors="replace") as lines:
        return sorted({row[COLUMNS[name]] or "" for row in csv.DictReader(lines)})


def masked_tokens(reviews: Iterable[str]) -> tuple[int, Counter[str]]:
    """How many tokens there are, and how many of them are masked, by class."""
    count, hidden = 0, Counter[str]()
    for text in reviews:
        count += len(_TOKEN.findall(text))
        for one in identifiers(text):
            hidden[one.kind] += len(_TOKEN.findall(text[one.start : one.end]))
    return count, hidden


if __name__ == "__main__":
    print("| reviews | texts | tokens | masked | by class |\n| --- | --- | --- | --- | --- |")
    for file in COLUMNS:
        reviews = texts(file)
        count, hidden = masked_tokens(reviews)
        shown = ", ".join(f"`{kind}` {number}" for kind, number in hidden.most_common())
        print(f"| {file} | {len(reviews):,} | {count:,} | {hidden.total() / count:.3%} | {shown} |", flush=True)
