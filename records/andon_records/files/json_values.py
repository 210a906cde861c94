"""The values of a JSON text, taken one at a time: of an array of any length only one item is in memory."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from andon_records.files.utf8_stream import NotInEncoding, bytes_of, is_gzip, marked_encoding, refuse, utf8_blocks
from andon_records.messages import message

VALUE_CHARACTERS_MAX = 64 << 20
# Objects within each other that are looked into for the array of records.
DEPTH_MAX = 6
_SPACE = " \t\r\n"
# What is missing at the end of a text may be in the next block.
_NEAR_END = 16
_BLOCK_BYTES = 1 << 20
JsonPath = tuple[str, ...]
Hook = Callable[[list[tuple[str, Any]]], dict[str, Any]]


def text_encoding(path: Path) -> str:
    """UTF-8, or what a byte order mark says; JSON knows no other."""
    sample = next(bytes_of(path, is_gzip(path), 4096), b"")
    return marked_encoding(sample) or "utf-8"


class JsonValues:
    """Walks through one JSON text. Raises UnreadableFile with the line where it is broken."""

    def __init__(self, path: Path, hook: Hook | None = None) -> None:
        self._path = path
        self._decode = json.JSONDecoder(object_pairs_hook=hook, strict=False).raw_decode
        self._blocks = _texts(path)
        self._text, self._place, self._lines, self._over = "", 0, 0, False

    def items(self) -> Iterator[tuple[JsonPath, Any]]:
        """Each value with the keys that lead to it, in file order; an item of an array has the path of the array.

        Objects are entered and not given, but those in an array; so is what lies deeper than DEPTH_MAX.
        """
        yield from self._within((), DEPTH_MAX)
        if self._next():
            raise self._broken("Extra data", self._place)

    def _within(self, path: JsonPath, depth: int) -> Iterator[tuple[JsonPath, Any]]:
        first = self._next()
        if first == "[":
            for _ in self._members("]"):
                yield path, self._value()
        elif first == "{" and depth:
            for _ in self._members("}"):
                key = self._value()
                if not isinstance(key, str):
                    raise self._broken("Expecting property name enclosed in double quotes", self._place)
                if self._next() != ":":
                    raise self._broken("Expecting ':' delimiter", self._place)
                self._place += 1
                yield from self._within((*path, key), depth - 1)
        else:
            yield path, self._value()

    def _members(self, end: str) -> Iterator[None]:
        """Once before each member of an array or object, whose bracket is next."""
        self._place += 1
        if self._next() == end:
            self._place += 1
            return
        while True:
            yield
            found = self._next()
            if found not in (",", end):
                raise self._broken("Expecting ',' delimiter", self._place)
            self._place += 1
            if found == end:
                return

    def _next(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self._place < len(self._text):
                if self._text[self._place] not in _SPACE:
                    return self._text[self._place]
                self._place += 1
            if not self._more(1):
                return ""

    def _value(self) -> Any:
        wanted = 1
        self._next()
        while True:
            try:
                value, end = self._decode(self._text, self._place)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - _NEAR_END
                if not cut or not self._more(wanted):
                    raise self._broken(error.msg, error.pos) from error
            except RecursionError as error:
                raise refuse(self._path, message("json_deep"), self._line(self._place)) from error
            except ValueError as error:
                raise refuse(self._path, message("json_number"), self._line(self._place)) from error
            else:
                # A number that ends where the block ends may go on.
                if end < len(self._text) or not self._more(1):
                    self._place = end
                    return value
            wanted *= 2
            if len(self._text) - self._place > VALUE_CHARACTERS_MAX:
                raise refuse(self._path, message("json_value_long", most=VALUE_CHARACTERS_MAX), self._line(self._place))

    def _more(self, blocks: int) -> bool:
        """Reads on; what lies before the present place is forgotten."""
        parts = [self._text[self._place :]]
        for _ in range(blocks):
            block = next(self._blocks, None)
            if block is None:
                self._over = True
                break
            parts.append(block)
        if len(parts) == 1:
            return False
        self._lines += self._text.count("\n", 0, self._place)
        self._text, self._place = "".join(parts), 0
        return True

    def _line(self, place: int) -> int:
        return self._lines + self._text.count("\n", 0, place) + 1

    def _broken(self, problem: str, place: int) -> Exception:
        return refuse(self._path, message("json_broken", problem=problem), self._line(place))


def _texts(path: Path) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in utf8_blocks(path, is_gzip(path), text_encoding(path)):
            for start in range(0, len(block), _BLOCK_BYTES):
                yield decoder.decode(block[start : start + _BLOCK_BYTES])
    except NotInEncoding as error:
        raise refuse(path, message("json_encoding", byte=error.byte), error.line) from error
