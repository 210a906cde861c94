"""What is said of values that were read in one of two ways, or were no value of their type."""

from __future__ import annotations

import re
from collections.abc import Iterator

from andon_records.mapping.conversion import TimeDoubts, Unparsed
from andon_records.mapping.document import CsvMapping
from andon_records.mapping.times import named, unread
from andon_records.messages import Message, message

_MARKED = re.compile(r"[+-]?[0-9.,]*[0-9][0-9.,]*")
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:(?:,[0-9]{3})+|(?:\.[0-9]{3})+)")


def _number_hint(lost: Unparsed, mapping: CsvMapping) -> Message:
    if not any(letter.isdigit() for letter in lost.text):
        return message("hint_unknown", text=f'"{lost.text}"')
    if mapping.decimal is not None or not _MARKED.fullmatch(lost.text):
        return message("hint_number")
    mark = "," if lost.text.rfind(",") > lost.text.rfind(".") else "."
    other = "." if mark == "," else ","
    if lost.text.count(mark) > 1 or (lost.type == "integer" and _THOUSANDS.fullmatch(lost.text)):
        return message("hint_thousands", mark=mark, other=other)
    if _THOUSANDS.fullmatch(lost.text):
        return message("hint_decimal_or", mark=mark, other=other)
    return message("hint_decimal", mark=mark)


def doubt_messages(doubts: TimeDoubts, mapping: CsvMapping) -> Iterator[Message]:
    """What was read in one of two ways, said aloud."""
    if doubts.folded:
        yield message("folded", count=doubts.folded, zone=mapping.time_zone)
    if doubts.swappable and not doubts.telling:
        yield message("swappable", count=doubts.swappable, formats=named(mapping.time_formats))


def type_hint(lost: Unparsed, mapping: CsvMapping) -> Message:
    """What to write where a value is of its type after all, or none on purpose."""
    if lost.type in ("number", "integer"):
        return _number_hint(lost, mapping)
    if lost.type == "flag":
        return message("hint_flag", text=lost.text)
    if lost.type == "time":
        return message("hint_why", why=unread(lost.text, mapping.time_formats, mapping.time_zone))
    return message("no_hint")


def unparsed_message(name: str, lost: Unparsed, mapping: CsvMapping) -> Message:
    """How many values are none of their type, the first of them, and what to write where that is meant."""
    shown = f'"{lost.text[:80]}"'
    hint = type_hint(lost, mapping)
    return message("unparsed", count=lost.count, name=name, type=lost.type, row=lost.row, text=shown, hint=hint)
