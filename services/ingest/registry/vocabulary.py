"""What the events of a log are called: activities, attributes and their types, and the values of texts that have few.

Small and without order: it only grows, up to its limits, so processes that write one log record the same in any order.
What is recorded may be more than what is logged (a commit can fail after it), never less. A commit looks at its own
events; what is known costs nothing more, however long the log is. Values of a field that names persons are not
recorded, in whatever form they are stored.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from andon_records.mapping.value_texts import attribute_type

from services.ingest.model import ATTRIBUTE_PREFIX

ACTIVITIES_MAX = 2_000
ATTRIBUTES_MAX = 2_000
VALUES_MAX = 50
"""Of one attribute. More are names, numbers or sentences, and nobody lists them in a document."""
VALUE_CHARS_MAX = 100
BEGUN, ACTIVITY, ATTRIBUTE, VALUE, MANY = "begun", "activity", "attribute", "value", "many"


@dataclass(frozen=True, order=True)
class Word:
    """One thing that is recorded; see the table `vocabulary`."""

    kind: str
    name: str = ""
    value: str = ""


class Vocabulary:
    def __init__(self, words: Iterable[Word] = ()) -> None:
        self._words: set[Word] = set()
        self._values: dict[str, set[str]] = {}
        self._many: set[str] = set()
        self._activities: set[str] = set()
        self._types: dict[str, set[str]] = {}
        self.learn(words)

    @property
    def is_recorded(self) -> bool:
        """Whether it holds everything from the log's first event on."""
        return Word(BEGUN) in self._words

    @property
    def is_full(self) -> bool:
        """Whether more activities or attributes came than are recorded."""
        return "" in self._many or len(self._activities) > ACTIVITIES_MAX or len(self._types) > ATTRIBUTES_MAX

    @property
    def activities(self) -> list[str]:
        return sorted(self._activities)

    @property
    def types(self) -> dict[str, list[str]]:
        """The types of each attribute: text, number, integer, flag or time."""
        return {name: sorted(kinds) for name, kinds in sorted(self._types.items())}

    def values(self, attribute: str) -> list[str] | None:
        """Every text that it has; None: more than are recorded."""
        found = self._values.get(attribute, set())
        return None if attribute in self._many or len(found) > VALUES_MAX else sorted(found)

    def learn(self, words: Iterable[Word]) -> None:
        for word in words:
            self._words.add(word)
            match word.kind:
                case "activity":
                    self._activities.add(word.name)
                case "attribute":
                    self._types.setdefault(word.name, set()).add(word.value)
                case "value":
                    self._values.setdefault(word.name, set()).add(word.value)
                case "many":
                    self._many.add(word.name)
                    self._values.pop(word.name, None)

    def attributes_with(self, pattern: re.Pattern[str]) -> list[str]:
        """The attributes of which a recorded value holds the pattern."""
        return sorted(name for name, values in self._values.items() if any(map(pattern.search, values)))

    def unknown(self, page: pa.RecordBatch, personal: Collection[str] = ()) -> list[Word]:
        """What these events have that is not recorded; nothing where the log is older than its vocabulary.

        personal: attributes whose values are not recorded.
        """
        if not self.is_recorded or not page.num_rows:
            return []
        return sorted(set(self._met(page, personal)) - self._words)

    def _met(self, page: pa.RecordBatch, personal: Collection[str]) -> Iterator[Word]:
        # An attribute that has values of several types has as many columns.
        columns = [
            (name.removeprefix(ATTRIBUTE_PREFIX), page.column(place))
            for place, name in enumerate(page.schema.names)
            if name.startswith(ATTRIBUTE_PREFIX)
        ]
        if not self.is_full:
            activities = (Word(ACTIVITY, one) for one in _texts(page.column("activity")))
            yield from self._up_to(ACTIVITIES_MAX, self._activities, activities)
            types = (Word(ATTRIBUTE, name, attribute_type(column.type)) for name, column in columns)
            yield from self._up_to(ATTRIBUTES_MAX, self._types, types)
        for name, column in columns:
            if name in personal:
                yield Word(MANY, name)
            elif name not in self._many and attribute_type(column.type) == "text":
                texts = _texts(column)
                many = len(self._values.get(name, set()) | set(texts)) > VALUES_MAX
                if many or any(len(text) > VALUE_CHARS_MAX for text in texts):
                    yield Word(MANY, name)
                else:
                    yield from (Word(VALUE, name, text) for text in texts)

    def _up_to(self, most: int, known: Iterable[str], words: Iterable[Word]) -> Iterator[Word]:
        names = set(known)
        for word in words:
            names.add(word.name)
            if len(names) > most:
                yield Word(MANY)
                return
            yield word


def _texts(column: pa.Array) -> list[str]:
    found = pc.unique(column)
    if pa.types.is_dictionary(found.type):
        found = pc.unique(found.dictionary.take(found.indices))
    return [text for text in found.to_pylist() if text is not None]
