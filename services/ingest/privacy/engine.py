"""Finds the identifiers of a text and masks them; a column's distinct texts once, and only those that can hold one.

Theory of operation. A column's distinct texts are searched together, once, for anything that an identifier needs
(`prefilter`). Texts that have nothing of it are done. The others are brought to
their normal form (`normal_text`: full-width forms, odd hyphens and invisible characters become plain, place by place).
Then each family of classes searches for what is rare in it (a run of digits, a title, a street with a number) and looks
at what is next to it. No search begins with an optional part: its cost is in proportion to the text, whatever is in it.
Everything found is resolved together: the longest wins.
"""

import re
from collections.abc import Iterator, Sequence

import pyarrow as pa

from services.ingest.privacy.addresses import addresses
from services.ingest.privacy.chinese_names import chinese_names
from services.ingest.privacy.codes import codes, emails
from services.ingest.privacy.english_names import english_names
from services.ingest.privacy.identifier import Identifier, IdentifierClass, resolved
from services.ingest.privacy.normal_text import normal_text
from services.ingest.privacy.numbers import numbers
from services.ingest.privacy.prefilter import suspects

_HAN = re.compile("[\u4e00-\u9fff]")
_DIGIT = re.compile("[0-9]")
_LETTER = re.compile("[A-Za-z]")
_SIX_DIGITS = re.compile("[0-9][^0-9]*" * 6)
_NUMERAL_ROAD = re.compile("[路街巷弄][一二三四五六七八九十百零〇]{1,5}[号號弄]")

# A key of a tracker or a UUID, which no identifier looks like.
_CODE = re.compile(
    r"(?!zip|plz|post|ZIP|PLZ|Zip)[A-Za-z]{3,12}[-_]?\d{1,12}|\d{1,5}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
# To compile the search over all texts takes as long as to look at so many one by one: about 5 ms.
_SEARCHED_ONE_BY_ONE_MAX = 200
# Short texts in which nothing was found: names of groups and states come again with every batch. Whatever identifies a
# person is not remembered.
_CLEAN: set[str] = set()
_CLEAN_CHARS_MAX, _CLEAN_TEXTS_MAX = 64, 100_000


def identifiers(text: str) -> tuple[Identifier, ...]:
    """In the order of their places, without overlaps."""
    plain = normal_text(text)
    return resolved(_found(plain))


def _found(text: str) -> Iterator[Identifier]:
    han = not text.isascii() and _HAN.search(text) is not None
    # Of Chinese a handful of characters; what they lack rules out most classes without a look at the text.
    plain = text.encode("ascii", "ignore").decode() if han else text
    digits, letters = _DIGIT.search(plain) is not None, _LETTER.search(plain) is not None
    lowered = text.lower() if letters else text
    if letters:
        yield from emails(text, lowered)
    if digits:
        if not han or _SIX_DIGITS.search(plain):
            yield from numbers(text)
        yield from codes(text, lowered, han, letters)
    if digits or (han and _NUMERAL_ROAD.search(text)):
        yield from addresses(text, lowered, han, letters)
    if letters:
        yield from english_names(text)
    if han:
        yield from chinese_names(text)


def masked(text: str, found: Sequence[Identifier] | None = None) -> str:
    """The text with each identifier replaced by its class in brackets.

    >>> masked("Call Mr. Miller at +44 20 7946 0958")
    'Call Mr. [name] at [phone]'
    """
    found = identifiers(text) if found is None else found
    pieces, at = [], 0
    for one in found:
        pieces += [text[at : one.start], f"[{one.kind}]"]
        at = one.end
    return "".join([*pieces, text[at:]])


def masked_texts(texts: pa.Array) -> tuple[pa.Array, dict[IdentifierClass, int]]:
    """Distinct texts of a column with their identifiers masked, and how many there were of each class.

    The same array comes back where nothing was found.
    """
    counts: dict[IdentifierClass, int] = {}
    values: list[str | None] = texts.to_pylist()
    unknown = [place for place, value in enumerate(values) if value and not _is_clean(value)]
    if len(unknown) > _SEARCHED_ONE_BY_ONE_MAX:
        may_hold = set(suspects(texts))
        unknown = [place for place in unknown if place in may_hold]
    changed = False
    for place in unknown:
        text = values[place] or ""
        if found := identifiers(text):
            changed = True
            values[place] = masked(text, found)
            for one in found:
                counts[one.kind] = counts.get(one.kind, 0) + 1
        elif len(text) <= _CLEAN_CHARS_MAX:
            if len(_CLEAN) >= _CLEAN_TEXTS_MAX:
                _CLEAN.clear()
            _CLEAN.add(text)
    return (pa.array(values, pa.string()) if changed else texts), counts


def _is_clean(text: str) -> bool:
    return text in _CLEAN or _CODE.fullmatch(text) is not None
