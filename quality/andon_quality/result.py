"""How results print: figures by name, and what has a value for each point in columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import numpy as np

# Of longer columns only the first and the last rows are shown.
ROWS_MAX = 20
LIST_MAX = 8


class Result:
    """A frozen dataclass whose `print` is a table; its `repr` stays that of the dataclass.

    A part names in PRINTED what it shows, where that is not its fields.
    """

    def __str__(self) -> str:
        return table(self)


def table(result: object) -> str:
    """The fields of a dataclass as text: single figures first, then arrays of one length as columns, then its parts.

    Arrays of one axis that have a common length of 2 or more share a table with a row each, numbered from 0; of more
    than 20 rows the middle is left out. Parts of one kind are the rows of a table, too. Arrays of more axes are named
    with their shape. Six significant digits. O(n).

    >>> from andon_quality.inference import Interval
    >>> print(table(Interval(1.0, 2.5, 0.95)))
    Interval
      lower       1
      upper       2.5
      confidence  0.95
    """
    return "\n".join(_lines(type(result).__name__, result))


def _lines(title: str, result: object) -> Iterator[str]:
    figures: list[tuple[str, str]] = []
    columns: dict[int, list[tuple[str, np.ndarray[Any, Any]]]] = {}
    parts: list[tuple[str, object]] = []
    for name, value in _fields(result):
        if isinstance(value, np.ndarray) and value.ndim == 1 and value.size > 1:
            columns.setdefault(value.size, []).append((name, value))
        elif isinstance(value, np.ndarray) and value.ndim > 1:
            figures.append((name, f"array of shape {value.shape}"))
        elif _is_part(value) or (isinstance(value, tuple) and value and _is_part(value[0])):
            parts.append((name, value))
        else:
            figures.append((name, cell(value)))
    yield title
    width = max((len(name) for name, _ in figures), default=0)
    for name, text in figures:
        yield f"  {name:<{width}}  {text}"
    for size, group in columns.items():
        yield from _columns(["", *(name for name, _ in group)], _rows(size, [values for _, values in group]))
    alike = [name for name, part in parts if _is_flat(part) and type(part) is type(parts[0][1])]
    if len(alike) > 1:
        yield from _columns(*_of_many([part for name, part in parts if name in alike], alike))
        parts = [(name, part) for name, part in parts if name not in alike]
    for name, part in parts:
        if isinstance(part, tuple):
            yield f"  {name}"
            yield from _columns(*_of_many(part, [str(at) for at in range(len(part))]))
        else:
            for line in _lines(f"{name}: {type(part).__name__}", part):
                yield f"  {line}"


def _fields(result: object) -> list[tuple[str, Any]]:
    if not is_dataclass(result):
        raise TypeError(f"a table is made of a dataclass, got {type(result).__name__}")
    names = getattr(result, "PRINTED", None) or [field.name for field in fields(result)]
    return [(name, getattr(result, name)) for name in names]


def _is_flat(value: object) -> bool:
    return _is_part(value) and not any(_is_part(one) or np.size(one) > 1 for _, one in _fields(value))


def _is_part(value: object) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


def _rows(size: int, columns: Sequence[np.ndarray[Any, Any]]) -> Iterator[list[str]]:
    shown = range(size) if size <= ROWS_MAX else [*range(ROWS_MAX // 2), None, *range(size - ROWS_MAX // 2, size)]
    for at in shown:
        if at is None:
            yield ["...", *("" for _ in columns)]
        else:
            yield [str(at), *(cell(values[at]) for values in columns)]


def _of_many(parts: Sequence[object], labels: Sequence[str]) -> tuple[list[str], Iterator[list[str]]]:
    head = ["", *(name for name, _ in _fields(parts[0]))]
    return head, (
        [label, *(cell(value) for _, value in _fields(part))] for label, part in zip(labels, parts, strict=True)
    )


def _columns(head: Sequence[str], rows: Iterator[list[str]]) -> Iterator[str]:
    lines = [list(head), *rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    for line in lines:
        yield ("  " + "  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True))).rstrip()


def cell(value: object) -> str:
    """One value as a reader writes it.

    >>> cell(370.39834745), cell(None), cell(True), cell((1.0, 2.0)), cell(np.float64(2.5))
    ('370.398', '-', 'yes', '1, 2', '2.5')
    """
    if value is None:
        return "-"
    if isinstance(value, np.ndarray):
        return cell(value.item()) if value.size == 1 else f"array of shape {value.shape}"
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (float, np.floating)):
        return f"{float(value):.6g}"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, (list, tuple, set, frozenset)):
        shown = [cell(one) for one in list(value)[:LIST_MAX]]
        return ", ".join(shown) + (", ..." if len(value) > LIST_MAX else "")
    if isinstance(value, Mapping):
        return ", ".join(f"{cell(key)}: {cell(one)}" for key, one in value.items())
    if _is_part(value):
        return ", ".join(f"{name} {cell(one)}" for name, one in _fields(value))
    return str(value)
