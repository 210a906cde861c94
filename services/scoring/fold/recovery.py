"""The state of a fold as bytes and back: what a replica starts from instead of the whole log, and evicted cases."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import cast

import numpy as np

from services.scoring.fold.batch import IntArray
from services.scoring.fold.columns import Arrays, Column, Picked, integers
from services.scoring.fold.evicted_cases import PAGE_CASES, CasePage, case_hashes
from services.scoring.fold.hashing import HashArray
from services.scoring.fold.sequences import Handovers, Presence
from services.scoring.fold.snapshots import packed, unpacked
from services.scoring.fold.sources import Labels, LabelSource
from services.scoring.fold.state import CASE_FILLS, CaseState
from services.scoring.fold.windows import Cell, SeriesWindows
from services.scoring.scores.statistics import Histogram
from services.scoring.system.model import IndicatorSystem, Window

FORMAT = 4


class ForeignSnapshot(ValueError):
    """The snapshot belongs to another system, version or format; the log has to be read again."""


def fingerprint(system: IndicatorSystem) -> str:
    """Equal for documents that mean the same to the fold of this format."""
    return hashlib.sha256(f"{FORMAT} {system.name} {system.version} {system.spec!r}".encode()).hexdigest()


def snapshot(state: CaseState) -> bytes:
    """Of what is in memory; costs nothing for the cases that have left it."""
    everyone = np.arange(len(state.case_ids))
    texts: dict[str, Sequence[str]] = {"cases": state.case_ids, "corrected": sorted(state.corrected)}
    texts |= {f"{name}/names": _names(column) for name, column in state.columns.by_name.items()}
    books, cells, amounts = _cells(state)
    header = {
        "fingerprint": fingerprint(state.system),
        "watermark_us": state.watermark_us,
        "negative_spans": state.negative_spans,
        "archived": len(state.evicted),
        "books": books,
    }
    return packed(header, _taken(state, everyone) | cells, texts | amounts)


def page_of(state: CaseState, cases: IntArray, number: int) -> CasePage:
    """Some cases as a page. Codes of activities and labels are the fold's own, so it is no use to any other."""
    names = [state.case_ids[case] for case in cases.tolist()]
    texts = {"cases": names, "corrected": sorted(state.corrected.intersection(names))}
    return CasePage(number, np.sort(case_hashes(names)), packed({}, _taken(state, cases), texts))


def pages_of(state: CaseState, cases: IntArray) -> list[CasePage]:
    first = state.evicted.next_number
    return [
        page_of(state, cases[start : start + PAGE_CASES], first + number)
        for number, start in enumerate(range(0, len(cases), PAGE_CASES))
    ]


def reload_page(state: CaseState, content: bytes, hashes: HashArray) -> None:
    """Brings the cases of a page with these hashes back."""
    _, arrays, texts = unpacked(content)
    places = np.flatnonzero(np.isin(case_hashes(texts["cases"]), hashes))
    names = [texts["cases"][place] for place in places.tolist()]
    chosen: Arrays = {name: arrays[name][..., places] for name in CASE_FILLS}
    for name, column in state.columns.by_name.items():
        chosen |= {f"{name}/{key}": values for key, values in column.chosen(_own(name, arrays), places).items()}
    _put(state, names, chosen)
    state.corrected.update(set(texts["corrected"]).intersection(names))


def _taken(state: CaseState, cases: IntArray) -> Arrays:
    arrays: Arrays = {name: getattr(state, name)[..., cases] for name in CASE_FILLS}
    for name, column in state.columns.by_name.items():
        arrays |= {f"{name}/{key}": values for key, values in column.taken(cases).items()}
    return arrays


def _put(state: CaseState, names: list[str], arrays: Arrays) -> None:
    cases = np.arange(len(state.case_ids), len(state.case_ids) + len(names))
    state.add(names)
    for name in CASE_FILLS:
        getattr(state, name)[..., cases] = arrays[name]
    for name, column in state.columns.by_name.items():
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


def _cells(state: CaseState) -> tuple[list[object], Arrays, dict[str, list[str]]]:
    """Series as (indicator, window, slice, label codes); cells as columns, sums as decimal digits of any length."""
    books: list[object] = []
    places: list[tuple[int, int, int, int]] = []
    cells: list[Cell] = []
    for (position, window, sliced), by_codes in state.windows.by_key.items():
        for codes, book in by_codes.items():
            places += [(len(books), number, cell.count, cell.unobserved) for number, cell in book.cells.items()]
            cells += book.cells.values()
            books.append([position, window.value, sliced, list(codes)])
    nothing = np.zeros(0, dtype=np.int64)
    spreads = [(nothing, nothing) if cell.histogram is None else cell.histogram for cell in cells]
    arrays: Arrays = {
        "cells": np.array(places, dtype=np.int64).reshape(len(places), 4),
        "histogram sizes": np.array(
            [len(v) if c.histogram else -1 for c, (v, _) in zip(cells, spreads, strict=True)], int
        ),
        "histogram values": np.concatenate([nothing, *(values for values, _ in spreads)]),
        "histogram counts": np.concatenate([nothing, *(counts for _, counts in spreads)]),
    }
    amounts = {"totals": [str(cell.total) for cell in cells], "squares": [str(cell.squares) for cell in cells]}
    return books, arrays, amounts


def restore(state: CaseState, content: bytes) -> None:
    """Fills a new fold, whose evicted cases are known already. Raises ForeignSnapshot."""
    header, arrays, texts = unpacked(content)
    if header["fingerprint"] != fingerprint(state.system) or header["archived"] != len(state.evicted):
        raise ForeignSnapshot("a snapshot of another indicator system or version, or with other evicted cases")
    state.watermark_us = cast("int | None", header["watermark_us"])
    state.negative_spans = cast(int, header["negative_spans"])
    state.corrected = set(texts["corrected"])
    for name, column in state.columns.by_name.items():
        _learn(column, texts[f"{name}/names"])
    _put(state, texts["cases"], arrays)
    _fill_cells(state, cast("list[list[object]]", header["books"]), arrays, texts)


def _learn(column: Column, names: list[str]) -> None:
    """Numbers activities and labels as they were."""
    if isinstance(column, Presence):
        column.bit_by_activity = {name: bit for bit, name in enumerate(names)}
    labels = _labels(column)
    if labels:
        labels.codes(names)


def _fill_cells(state: CaseState, books: list[list[object]], arrays: Arrays, texts: dict[str, list[str]]) -> None:
    known: list[SeriesWindows] = []
    for position, window, sliced, codes in books:
        key = (cast(int, position), Window(window), cast(int, sliced))
        known.append(state.windows.book(key, tuple(cast("list[int]", codes))))
    spreads = _histograms(arrays)
    amounts = zip(map(int, texts["totals"]), map(int, texts["squares"]), strict=True)
    for (book, number, count, unobserved), (total, squares), spread in zip(
        arrays["cells"].tolist(), amounts, spreads, strict=True
    ):
        known[book].cells[number] = Cell(count, total, squares, spread, unobserved)


def _histograms(arrays: Arrays) -> list[Histogram | None]:
    sizes = integers(arrays["histogram sizes"])
    edges = np.cumsum(np.maximum(sizes, 0))
    values, counts = integers(arrays["histogram values"]), integers(arrays["histogram counts"])
    return [
        None if size < 0 else (values[end - size : end].copy(), counts[end - size : end].copy())
        for size, end in zip(sizes.tolist(), edges.tolist(), strict=True)
    ]
