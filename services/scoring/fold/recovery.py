"""The state of a fold as bytes and back: what a replica starts from instead of the whole log, and cases at rest."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from services.scoring.fold.archive import PAGE_CASES, CasePage, case_hashes
from services.scoring.fold.batch import IntArray
from services.scoring.fold.columns import Arrays, Column, Picked, integers
from services.scoring.fold.hashing import HashArray
from services.scoring.fold.sequences import Handovers, Presence
from services.scoring.fold.snapshots import packed, unpacked
from services.scoring.fold.sources import Labels, LabelSource
from services.scoring.fold.windows import Book, Cell
from services.scoring.scores.statistics import Histogram
from services.scoring.system.model import IndicatorSystem, Window

if TYPE_CHECKING:
    from services.scoring.fold.cases import CaseFold

FORMAT = 2
OBSERVED = ("anchor", "value", "label", "negative", "seen_us")


class ForeignSnapshot(ValueError):
    """The snapshot belongs to another system, version or format; the log has to be read again."""


def fingerprint(system: IndicatorSystem) -> str:
    """Equal for documents that mean the same to the fold of this format."""
    return hashlib.sha256(f"{FORMAT} {system.name} {system.version} {system.spec!r}".encode()).hexdigest()


def snapshot(fold: CaseFold) -> bytes:
    """Of what is in memory; costs nothing for the cases that have left it."""
    everyone = np.arange(len(fold.case_ids))
    texts: dict[str, Sequence[str]] = {"cases": fold.case_ids, "corrected": sorted(fold.corrected)}
    texts |= {f"{name}/names": _names(column) for name, column in fold.columns.by_name.items()}
    books, cells, amounts = _cells(fold)
    header = {
        "fingerprint": fingerprint(fold.system),
        "watermark_us": fold.watermark_us,
        "negative_spans": fold.negative_spans,
        "archived": len(fold.archive),
        "books": books,
    }
    return packed(header, _taken(fold, everyone) | cells, texts | amounts)


def page_of(fold: CaseFold, cases: IntArray, number: int) -> CasePage:
    """Some cases as a page. Codes of activities and labels are the fold's own, so it is no use to any other."""
    names = [fold.case_ids[case] for case in cases.tolist()]
    texts = {"cases": names, "corrected": sorted(fold.corrected.intersection(names))}
    return CasePage(number, np.sort(case_hashes(names)), packed({}, _taken(fold, cases), texts))


def pages_of(fold: CaseFold, cases: IntArray) -> list[CasePage]:
    first = fold.archive.next_number
    return [
        page_of(fold, cases[start : start + PAGE_CASES], first + number)
        for number, start in enumerate(range(0, len(cases), PAGE_CASES))
    ]


def recall(fold: CaseFold, content: bytes, hashes: HashArray) -> None:
    """Brings the cases of a page with these hashes back."""
    _, arrays, texts = unpacked(content)
    places = np.flatnonzero(np.isin(case_hashes(texts["cases"]), hashes))
    names = [texts["cases"][place] for place in places.tolist()]
    chosen: Arrays = {name: arrays[name][..., places] for name in OBSERVED}
    for name, column in fold.columns.by_name.items():
        chosen |= {f"{name}/{key}": values for key, values in column.chosen(_own(name, arrays), places).items()}
    _put(fold, names, chosen)
    fold.corrected.update(set(texts["corrected"]).intersection(names))


def _taken(fold: CaseFold, cases: IntArray) -> Arrays:
    arrays: Arrays = {name: getattr(fold, name)[..., cases] for name in OBSERVED}
    for name, column in fold.columns.by_name.items():
        arrays |= {f"{name}/{key}": values for key, values in column.taken(cases).items()}
    return arrays


def _put(fold: CaseFold, names: list[str], arrays: Arrays) -> None:
    cases = np.arange(len(fold.case_ids), len(fold.case_ids) + len(names))
    fold.know(names)
    for name in OBSERVED:
        getattr(fold, name)[..., cases] = arrays[name]
    for name, column in fold.columns.by_name.items():
        column.put(cases, _own(name, arrays))


def _own(name: str, arrays: Arrays) -> Arrays:
    """The arrays of one column."""
    return {key.removeprefix(f"{name}/"): values for key, values in arrays.items() if key.startswith(f"{name}/")}


def _labels(column: Column) -> Labels | None:
    if isinstance(column, (Picked, Handovers)) and isinstance(column.source, LabelSource):
        return column.source.labels
    return None


def _names(column: Column) -> list[str]:
    if isinstance(column, Presence):
        return list(column.bit_by_activity)
    labels = _labels(column)
    return labels.names if labels else []


def _cells(fold: CaseFold) -> tuple[list[object], Arrays, dict[str, list[str]]]:
    """Books as (indicator, window, slice, label codes); cells as columns, sums as decimal digits of any length."""
    books: list[object] = []
    places: list[tuple[int, int, int]] = []
    cells: list[Cell] = []
    for (position, window, sliced), by_codes in fold.books.by_key.items():
        for codes, book in by_codes.items():
            places += [(len(books), number, cell.count) for number, cell in book.cells.items()]
            cells += book.cells.values()
            books.append([position, window.value, sliced, list(codes)])
    nothing = np.zeros(0, dtype=np.int64)
    spreads = [(nothing, nothing) if cell.histogram is None else cell.histogram for cell in cells]
    arrays: Arrays = {
        "cells": np.array(places, dtype=np.int64).reshape(len(places), 3),
        "histogram sizes": np.array(
            [len(v) if c.histogram else -1 for c, (v, _) in zip(cells, spreads, strict=True)], int
        ),
        "histogram values": np.concatenate([nothing, *(values for values, _ in spreads)]),
        "histogram counts": np.concatenate([nothing, *(counts for _, counts in spreads)]),
    }
    amounts = {"totals": [str(cell.total) for cell in cells], "squares": [str(cell.squares) for cell in cells]}
    return books, arrays, amounts


def restore(fold: CaseFold, content: bytes) -> None:
    """Fills a new fold, whose archive is known already. Raises ForeignSnapshot."""
    header, arrays, texts = unpacked(content)
    if header["fingerprint"] != fingerprint(fold.system) or header["archived"] != len(fold.archive):
        raise ForeignSnapshot("a snapshot of another indicator system or version, or of another archive")
    fold.watermark_us = cast("int | None", header["watermark_us"])
    fold.negative_spans = cast(int, header["negative_spans"])
    fold.corrected = set(texts["corrected"])
    for name, column in fold.columns.by_name.items():
        _learn(column, texts[f"{name}/names"])
    _put(fold, texts["cases"], arrays)
    _fill_cells(fold, cast("list[list[object]]", header["books"]), arrays, texts)


def _learn(column: Column, names: list[str]) -> None:
    """Numbers activities and labels as they were."""
    if isinstance(column, Presence):
        column.bit_by_activity = {name: bit for bit, name in enumerate(names)}
    labels = _labels(column)
    if labels:
        labels.codes(names)


def _fill_cells(fold: CaseFold, books: list[list[object]], arrays: Arrays, texts: dict[str, list[str]]) -> None:
    known = [_book(fold, *book) for book in books]
    spreads = _histograms(arrays)
    amounts = zip(map(int, texts["totals"]), map(int, texts["squares"]), strict=True)
    for (book, number, count), (total, squares), spread in zip(arrays["cells"].tolist(), amounts, spreads, strict=True):
        known[book].cells[number] = Cell(count, total, squares, spread)


def _book(fold: CaseFold, position: object, window: object, sliced: object, codes: object) -> Book:
    key = (cast(int, position), Window(window), cast(int, sliced))
    return fold.books.book(key, tuple(cast("list[int]", codes)))


def _histograms(arrays: Arrays) -> list[Histogram | None]:
    sizes = integers(arrays["histogram sizes"])
    edges = np.cumsum(np.maximum(sizes, 0))
    values, counts = integers(arrays["histogram values"]), integers(arrays["histogram counts"])
    return [
        None if size < 0 else (values[end - size : end].copy(), counts[end - size : end].copy())
        for size, end in zip(sizes.tolist(), edges.tolist(), strict=True)
    ]
