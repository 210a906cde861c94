"""The state of a fold as bytes and back: what a replica starts from instead of the whole log, and evicted cases."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import cast

import numpy as np

from services.scoring.fold.batch import IntArray
from services.scoring.fold.columns import Arrays, Picked, StateColumn
from services.scoring.fold.evicted_cases import PAGE_CASES, CasePage, case_hashes
from services.scoring.fold.hashes import HashArray
from services.scoring.fold.sequences import Handovers, Presence
from services.scoring.fold.snapshots import packed, unpacked
from services.scoring.fold.sources import Labels, LabelSource
from services.scoring.fold.state import CASE_FILLS, CaseState
from services.scoring.system.model import IndicatorSystem

FORMAT = 7


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
    header = {
        "fingerprint": fingerprint(state.system),
        "watermark_us": state.watermark_us,
        "negative_spans": state.negative_spans,
        "archived": len(state.evicted),
    }
    return packed(header, _taken(state, everyone), texts)


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


def _labels(column: StateColumn) -> Labels | None:
    if isinstance(column, (Picked, Handovers)) and isinstance(column.source, LabelSource):
        return column.source.labels
    return None


def _names(column: StateColumn) -> list[str]:
    if isinstance(column, Presence):
        return list(column.bit_by_activity)
    labels = _labels(column)
    return labels.names if labels else []


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


def _learn(column: StateColumn, names: list[str]) -> None:
    """Numbers activities and labels as they were."""
    if isinstance(column, Presence):
        column.bit_by_activity = {name: bit for bit, name in enumerate(names)}
    labels = _labels(column)
    if labels:
        labels.codes(names)
