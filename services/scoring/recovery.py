"""The state of a fold as bytes and back: what a replica starts from instead of the whole log."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from services.scoring.columns import Arrays, Column, Picked, integers
from services.scoring.model import IndicatorSystem, Window
from services.scoring.sequences import Handovers, Presence
from services.scoring.snapshots import packed, unpacked
from services.scoring.sources import Labels, LabelSource
from services.scoring.statistics import Histogram
from services.scoring.windows import Book, Cell

if TYPE_CHECKING:
    from services.scoring.cases import CaseFold

FORMAT = 1
OBSERVED = ("anchor", "value", "label", "negative")


class ForeignSnapshot(ValueError):
    """The snapshot belongs to another system, version or format; the log has to be read again."""


def fingerprint(system: IndicatorSystem) -> str:
    """Equal for documents that mean the same to the fold of this format."""
    return hashlib.sha256(f"{FORMAT} {system.name} {system.version} {system.spec!r}".encode()).hexdigest()


def snapshot(fold: CaseFold) -> bytes:
    count = len(fold.case_ids)
    arrays: Arrays = {name: getattr(fold, name)[:, :count] for name in OBSERVED}
    texts: dict[str, Sequence[str]] = {"cases": fold.case_ids, "corrected": sorted(fold.corrected)}
    for name, column in fold.columns.by_name.items():
        # Before the column's own arrays: writing the rows anew moves the heads.
        rows = column.store_arrays() if isinstance(column, Handovers) else {}
        own = {key: values[..., :count] for key, values in column.arrays().items()}
        arrays |= {f"{name}/{key}": values for key, values in (rows | own).items()}
        texts |= {f"{name}/names": _names(column)}
    books, cells, amounts = _cells(fold)
    header = {
        "fingerprint": fingerprint(fold.system),
        "watermark_us": fold.watermark_us,
        "negative_spans": fold.negative_spans,
        "books": books,
    }
    return packed(header, arrays | cells, texts | amounts)


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
    """Fills a new fold. Raises ForeignSnapshot."""
    header, arrays, texts = unpacked(content)
    if header["fingerprint"] != fingerprint(fold.system):
        raise ForeignSnapshot("a snapshot of another indicator system or version")
    fold.watermark_us = cast("int | None", header["watermark_us"])
    fold.negative_spans = cast(int, header["negative_spans"])
    fold.corrected = set(texts["corrected"])
    fold.know(texts["cases"])
    for name in OBSERVED:
        getattr(fold, name)[:, : len(fold.case_ids)] = arrays[name]
    for name, column in fold.columns.by_name.items():
        own = {key.removeprefix(f"{name}/"): values for key, values in arrays.items() if key.startswith(f"{name}/")}
        _fill(column, own, texts[f"{name}/names"], fold.columns.capacity)
    _fill_cells(fold, cast("list[list[object]]", header["books"]), arrays, texts)


def _fill(column: Column, arrays: Arrays, names: list[str], capacity: int) -> None:
    if isinstance(column, Presence):
        column.bit_by_activity = {name: bit for bit, name in enumerate(names)}
    labels = _labels(column)
    if labels:
        labels.codes(names)
    column.load(arrays, capacity)
    if isinstance(column, Handovers):
        column.load_store(arrays)


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
