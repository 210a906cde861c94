"""Counts the records of a delimited text and finds broken quotes, by its bytes alone and without reading values.

A quote opens a value where a value begins and closes it where a delimiter or a line end follows; two within a value
are one that is meant. Quotes amid an unquoted value are ordinary text. The count is independent of the reader that
makes rows: what both say must agree.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]

_LF, _CR = 10, 13
_DIGITS = re.compile(rb"[0-9]+")


class BrokenQuote(ValueError):
    """A value's quote opens at `line` (from 1) in value `place` (from 0) of its row, and does not close as it should.

    close: the line of a closing quote that text follows. inner: a line within the quotes that looks like a row.
    Both None: the text ends within quotes.
    """

    def __init__(self, line: int, place: int, close: int | None = None, inner: int | None = None) -> None:
        super().__init__(f"line {line}")
        self.line, self.place, self.close, self.inner = line, place, close, inner


def shape(text: bytes) -> bytes:
    """The text with every run of digits as one: equal for times that are written in the same way."""
    return _DIGITS.sub(b"0", text.strip())


class RecordScan:
    """Fed with blocks of the text below the header, in order.

    columns: values of a row. telling: the place of a value whose shape tells a row, and the shapes it has; with it,
    lines within quotes that look like rows are refused. line: of the first byte, for messages.
    Cost: O(bytes), in numpy.
    """

    def __init__(
        self,
        delimiter: str,
        quote: str | None,
        columns: int,
        telling: tuple[int, Collection[bytes]] | None = None,
        line: int = 1,
    ) -> None:
        self.records = 0
        self.multiline = False
        self._delimiter = delimiter.encode()
        self._quote = quote.encode() if quote is not None else None
        self._columns, self._telling = columns, telling
        self._line, self._before, self._rest = line, _LF, b""
        # Where the open quote is: its line and place in the row. None: outside of quotes.
        self._open: tuple[int, int] | None = None
        # The unfinished row, as far as it is needed to say in which value a quote opens.
        self._row_start = b""

    def feed(self, block: bytes) -> None:
        block = self._rest + block
        # What follows a quote decides what it means: it waits for the next block.
        cut = len(block.rstrip(b"\"'\r \t"))
        self._rest = block[cut:]
        if cut:
            self._scan(block[:cut], last=False)

    def finish(self) -> int:
        """The number of records; raises BrokenQuote where the text ends within quotes."""
        if self._rest:
            self._scan(self._rest, last=True)
            self._rest = b""
        if self._open is not None:
            raise BrokenQuote(*self._open)
        if self._before not in (_LF, _CR):
            self.records += 1
        return self.records

    def _scan(self, block: bytes, last: bool) -> None:
        given = np.frombuffer(block, np.uint8)
        inside = self._open is not None
        bounds = self._bounds(block, given, last)
        ends = np.flatnonzero((given == _LF) | (given == _CR))
        quoted = ((np.searchsorted(bounds, ends) + inside) & 1).astype(np.bool_) if inside or len(bounds) else None
        outer = ends if quoted is None else ends[~quoted]
        before = np.where(outer > 0, given[outer - 1], self._before)
        self.records += int(np.count_nonzero((before != _LF) & (before != _CR)))
        if quoted is not None:
            self._note_open(block, bounds, inside)
            if quoted.any():
                self.multiline = True
                self._refuse_rows_within(block, given, bounds, ends[quoted], inside)
        feeds = int(np.count_nonzero(given[ends] == _LF))
        # Of a carriage return and a line feed that follows, only one ends a line.
        self._line += feeds if feeds == len(ends) else len(ends) - block.count(b"\r\n")
        self._before = int(given[-1])
        tail = block[max(block.rfind(b"\n"), block.rfind(b"\r")) + 1 :]
        self._row_start = tail if len(tail) < len(block) else (self._row_start + tail)[:65_536]

    def _bounds(self, block: bytes, given: NDArray[np.uint8], last: bool) -> Positions:
        """Positions where quoted values begin and end, in turn; a doubled quote within may be both."""
        if self._quote is None or self._quote not in block:
            return np.zeros(0, np.int64)
        mark, delimiter = self._quote[0], self._delimiter[0]
        quotes = np.flatnonzero(given == mark)
        opens = ((np.arange(len(quotes)) + (self._open is not None)) & 1) == 0
        before = np.where(quotes > 0, given[quotes - 1], self._before)
        after = np.where(quotes + 1 < len(given), given[np.minimum(quotes + 1, len(given) - 1)], _LF)
        beside = np.where(opens, before, after)
        if np.isin(beside, (delimiter, _LF, _CR, mark)).all():
            return quotes
        return self._bounds_one_by_one(block, last)

    def _bounds_one_by_one(self, block: bytes, last: bool) -> Positions:
        """The same where quotes are ordinary text too, or where one is broken."""
        assert self._quote is not None
        mark, delimiter = re.escape(self._quote), re.escape(self._delimiter)
        begins = re.compile(rb"(?<=[" + delimiter + rb"\r\n])" + mark)
        closes = re.compile(rb"[^" + mark + rb"]*(?:" + mark * 2 + rb"[^" + mark + rb"]*)*(" + mark + rb")")
        follows = re.compile(rb"[ \t]*(?:[" + delimiter + rb"\r\n]|\Z)")
        found: list[int] = []
        opened = -1 if self._open is not None else None
        place = 0
        if opened is None and block.startswith(self._quote) and self._before in (self._delimiter[0], _LF, _CR):
            opened, place = 0, 1
            found.append(0)
        while True:
            if opened is None:
                opening = begins.search(block, place)
                if opening is None:
                    return np.array(found, np.int64)
                opened, place = opening.start(), opening.end()
                found.append(opened)
            closing = closes.match(block, place)
            if closing is None:
                return np.array(found, np.int64)
            if not follows.match(block, closing.end()):
                line, value = self._place(block, opened) if opened >= 0 else self._open or (self._line, 0)
                raise BrokenQuote(line, value, close=self._line_at(block, closing.start(1)))
            found.append(closing.start(1))
            opened, place = None, closing.end()

    def _note_open(self, block: bytes, bounds: Positions, inside: bool) -> None:
        if (len(bounds) + inside) % 2 == 0:
            self._open = None
            return
        # The beginning of the value, not the second of two quotes within it.
        opens = bounds[int(inside) :: 2]
        again = np.isin(opens - 1, bounds) if len(opens) else np.zeros(0, np.bool_)
        true = opens[~again]
        if len(true):
            self._open = self._place(block, int(true[-1]))

    def _refuse_rows_within(
        self, block: bytes, given: NDArray[np.uint8], bounds: Positions, inner: Positions, inside: bool
    ) -> None:
        """A line within quotes that has as many values as a row, and in the right place one of the right shape."""
        if self._telling is None or self._columns < 2:
            return
        place, shapes = self._telling
        stops = np.sort(np.concatenate([inner, bounds]))
        after = np.searchsorted(stops, inner, side="right")
        inner, after = inner[after < len(stops)], after[after < len(stops)]
        until = stops[after]
        delimiters = np.flatnonzero(given == self._delimiter[0])
        values = np.searchsorted(delimiters, until) - np.searchsorted(delimiters, inner) + 1
        for start, stop in zip(inner[values == self._columns], until[values == self._columns], strict=True):
            if shape(block[start + 1 : stop].split(self._delimiter)[place]) in shapes:
                opens = bounds[int(inside) :: 2]
                opened = opens[opens < start]
                again = np.isin(opened - 1, bounds)
                true = opened[~again]
                line, value = self._place(block, int(true[-1])) if len(true) else self._open or (self._line, 0)
                raise BrokenQuote(line, value, inner=self._line_at(block, int(start) + 1))

    def _line_at(self, block: bytes, position: int) -> int:
        part = block[:position]
        return self._line + part.count(b"\n") + part.count(b"\r") - part.count(b"\r\n")

    def _place(self, block: bytes, position: int) -> tuple[int, int]:
        """Line and value of a quote that opens at this position of the block."""
        start = max(block.rfind(b"\n", 0, position), block.rfind(b"\r", 0, position)) + 1
        row = block[start:position] if start else self._row_start + block[:position]
        if self._quote is not None:
            row = re.sub(
                re.escape(self._quote) + rb"[^" + re.escape(self._quote) + rb"]*" + re.escape(self._quote), b"", row
            )
        return self._line_at(block, position), row.count(self._delimiter)
