"""A JSON text as the texts of its values, each as it was sent: nothing is rounded or written otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from services.runtime.errors import InvalidArgument, invalid

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")


def text_of(body: bytes) -> str:
    """Raises InvalidArgument where it is not UTF-8."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise invalid("body", "is not valid UTF-8") from error


def values_of(text: str) -> Iterator[tuple[Any, bytes]]:
    """The items of an array, or the one value that it is: what it means, and how it was written.

    Raises InvalidArgument with the position where it is no JSON. Between items other threads get their turn.

    >>> [raw for _, raw in values_of(' [1.10, {"a": [2]}] ')]
    [b'1.10', b'{"a": [2]}']
    >>> [raw for _, raw in values_of('{"a": 1}')]
    [b'{"a": 1}']
    """
    place = _after_space(text, 0)
    is_array = text[place : place + 1] == "["
    if is_array:
        place = _after_space(text, place + 1)
        if text[place : place + 1] == "]":
            _end(text, place + 1)
            return
    while True:
        value, end = _value(text, place)
        yield value, text[place:end].encode("utf-8", "surrogatepass")
        place = _after_space(text, end)
        if not is_array:
            break
        mark = text[place : place + 1]
        if mark not in (",", "]"):
            raise _not_json(place)
        place = _after_space(text, place + 1)
        if mark == "]":
            break
    _end(text, place)


def _value(text: str, place: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, place)
    except json.JSONDecodeError as error:
        raise _not_json(error.pos) from error
    except (RecursionError, ValueError) as error:
        raise invalid("body", "is nested too deeply, or has a number of too many digits") from error


def _after_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    assert found is not None
    return found.end()


def _end(text: str, place: int) -> None:
    if _after_space(text, place) != len(text):
        raise _not_json(place)


def _not_json(place: int) -> InvalidArgument:
    return invalid("body", f"is not valid JSON at character {place + 1}")
