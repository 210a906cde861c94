"""The mapping of a file that says itself what its columns mean: every column becomes an attribute of its type."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from andon_records.mapping.document import ATTRIBUTES_MAX, Attribute, AttributeType, Column
from andon_records.messages import Message, message

NAMES_SHOWN = 8
_NAME_MAX = 64


@dataclass(frozen=True)
class SourceChoice:
    """What someone may say who writes no mapping. source: of the events; None: the name of the file."""

    source: str | None = None
    case_object: str | None = None
    time_zone: str = "UTC"


def source_name(file_name: str) -> str:
    """A source named as the file: "Help Desk.xes.gz" is "help-desk"."""
    stem = file_name.split(".", 1)[0].lower()
    return re.sub(r"[^a-z0-9_-]+", "-", stem).strip("-")[:_NAME_MAX] or "file"


def column(name: str) -> Column:
    return Column(f"{{{name}}}")


def attributes_of(
    types: Mapping[str, AttributeType], taken: Collection[str]
) -> tuple[list[Attribute], Iterator[Message]]:
    """An attribute for each column that is not taken, and what is said of names that changed or found no place."""
    attributes: dict[str, Attribute] = {}
    renamed, left_out = [], []
    for name, kind in types.items():
        if name in taken:
            continue
        if len(attributes) >= ATTRIBUTES_MAX:
            left_out.append(name)
            continue
        allowed = _allowed(name, attributes)
        attributes[allowed] = Attribute(allowed, column(name), kind)
        if allowed != name:
            renamed.append(f'"{name}" -> {allowed}')
    return list(attributes.values()), _said(renamed, left_out)


def _allowed(name: str, known: Collection[str]) -> str:
    plain = re.sub(r"[^A-Za-z0-9_.:-]+", "_", name, flags=re.ASCII)[:_NAME_MAX] or "_"
    number, free = 2, plain
    while free in known:
        free, number = f"{plain[: _NAME_MAX - 8]}.{number}", number + 1
    return free


def _said(renamed: list[str], left_out: list[str]) -> Iterator[Message]:
    if renamed:
        yield message("default_renamed", pairs=_shown(renamed))
    if left_out:
        yield message("default_left_out", most=ATTRIBUTES_MAX, count=len(left_out), names=_shown(left_out))


def _shown(names: list[str]) -> str:
    return ", ".join(names[:NAMES_SHOWN]) + (", ..." if len(names) > NAMES_SHOWN else "")
