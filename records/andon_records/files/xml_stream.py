"""XML read as a stream of elements, without document types: nothing is expanded, fetched or held."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat

from andon_records.files.utf8_stream import bytes_of, is_gzip, refuse
from andon_records.messages import message

# Of one tag with its attributes, and of elements within each other.
TAG_BYTES_MAX = 16 << 20
DEPTH_MAX = 200
_BLOCK_BYTES = 1 << 20

OnStart = Callable[[str, dict[str, str]], None]
OnEnd = Callable[[str], None]
OnText = Callable[[str], None]


class XmlStream:
    """Feeds a file to handlers; names come without their namespace prefix. `line` is where the parser is."""

    def __init__(
        self, path: Path, start: OnStart, end: OnEnd, text: OnText | None = None, part: Iterator[bytes] | None = None
    ) -> None:
        self._path = path
        # Of a file that is an archive, the part to read.
        self._blocks = part if part is not None else bytes_of(path, is_gzip(path), _BLOCK_BYTES)
        self._depth = 0
        self._start, self._end = start, end
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._started
        self._parser.EndElementHandler = self._ended
        self._parser.StartDoctypeDeclHandler = self._refuse_document_type
        if text is not None:
            self._parser.CharacterDataHandler = text

    @property
    def line(self) -> int:
        return self._parser.CurrentLineNumber

    def blocks(self) -> Iterator[None]:
        """Gives control back after each block of the file. Raises UnreadableFile with the line where it is broken."""
        fed = 0
        try:
            for block in self._blocks:
                self._parser.Parse(block, False)
                fed += len(block)
                if fed - self._parser.CurrentByteIndex > TAG_BYTES_MAX:
                    raise refuse(self._path, message("xml_tag_long", bytes=TAG_BYTES_MAX), self.line)
                yield
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            problem = expat.ErrorString(error.code)
            raise refuse(self._path, message("xml_broken", problem=problem), error.lineno) from error
        except (LookupError, ValueError) as error:
            if isinstance(error, UnicodeError | LookupError) or "encoding" in str(error):
                raise refuse(self._path, message("xml_encoding"), self.line) from error
            raise
        yield

    def _started(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise refuse(self._path, message("nested_deep", most=DEPTH_MAX), self.line)
        self._start(name.rpartition(":")[2] if ":" in name else name, attributes)

    def _ended(self, name: str) -> None:
        self._depth -= 1
        self._end(name.rpartition(":")[2] if ":" in name else name)

    def _refuse_document_type(self, *_: Any) -> None:
        raise refuse(self._path, message("xml_doctype"), self.line)
