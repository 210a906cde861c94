"""The lists of names and words that this package has, read once.

A line that begins with # is a comment; [section] begins the next section of a list; an underscore joins two words.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "dictionaries"


def _entries(name: str, section: str) -> Iterator[str]:
    current = ""
    for line in (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            current = line.strip("[]")
        elif not line.startswith("#") and current == section:
            yield from line.split()


@cache
def words(name: str, section: str = "") -> frozenset[str]:
    """Of a list of words."""
    return frozenset(entry.replace("_", " ") for entry in _entries(name, section))


@cache
def characters(name: str) -> frozenset[str]:
    """Of a list of single characters, written without spaces."""
    return frozenset(one for entry in _entries(name, "") if len(entry) > 2 for one in entry)


@cache
def pairs(name: str) -> frozenset[str]:
    """The words of two characters of such a list."""
    return frozenset(entry for entry in _entries(name, "") if len(entry) == 2)


def contains_any(text: str, words: tuple[str, ...]) -> bool:
    """A loop and no generator expression, which takes as long again for each text."""
    for word in words:  # noqa: SIM110
        if word in text:
            return True
    return False
