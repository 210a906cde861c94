"""Finds the identifiers of a text and masks them; a column's distinct texts once, and only those that can hold one.

Theory of operation. A column's distinct texts are searched together, once, for anything that an identifier needs: a
digit, an at sign, a capital word, a Chinese word of context. Texts that have none are done. The others are brought to
their normal form (`normal_text`: full-width forms, odd hyphens and invisible characters become plain, place by place).
Then each family of classes searches for what is rare in it (a run of digits, a title, a street with a number) and looks
at what is next to it. No search begins with an optional part: its cost is in proportion to the text, whatever is in it.
Everything found is resolved together: the longest wins.
"""

import re
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from services.ingest.privacy.addresses import addresses
from services.ingest.privacy.chinese_names import chinese_names
from services.ingest.privacy.codes import codes, emails
from services.ingest.privacy.english_names import english_names
from services.ingest.privacy.identifier import Identifier, IdentifierClass, resolved
from services.ingest.privacy.normal_text import normal_text
from services.ingest.privacy.numbers import numbers

_HAN = re.compile("[\u4e00-\u9fff]")
_DIGIT = re.compile(r"\d")
_NUMERAL_ROAD = re.compile("[路街巷弄][一二三四五六七八九十百零〇]{1,5}[号號弄]")
# What any identifier needs, for a search that takes time in proportion to the text (RE2).
_ANY = (
    r"\p{Nd}|[@＠]|\p{Lu}\p{Ll}|(?i:[\[({<] ?at ?[\])}>])"
    r"|先生|女士|小姐|太太|夫人|[经經]理|主管|主任|老[师師板闆]|[医醫]生|大夫|[护護]士|"
    r"[师師]|律|教授|博士|同[学學志事]|阿姨|大[姐哥]|小哥|叔叔|[长長]|警官|顾问|客服"
    r"|[总總]|董|[我名字][叫是]|[这這他她]是|姓名|[联聯]|人|[户戶]主|患者|[客旅]|本人|"
    r"[亲親]|尊敬|前台|服[务務]|司[机機]|[员員]|[销銷]售|管家|[导導]|坐席|[专專]|[签簽署落]"
    r"|[路街巷弄][一二三四五六七八九十百零〇]"
)


def identifiers(text: str) -> tuple[Identifier, ...]:
    """In the order of their places, without overlaps."""
    plain = normal_text(text)
    return resolved(_found(plain))


def _found(text: str) -> Iterator[Identifier]:
    digits = _DIGIT.search(text) is not None
    han = not text.isascii() and _HAN.search(text) is not None
    lowered = text.lower()
    yield from emails(text, lowered)
    if digits:
        yield from numbers(text)
        yield from codes(text, lowered)
    if digits or (han and _NUMERAL_ROAD.search(text)):
        yield from addresses(text, lowered, han)
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
    suspects = pc.indices_nonzero(pc.match_substring_regex(texts, _ANY).fill_null(False)).to_pylist()
    changed: dict[int, str] = {}
    for place in suspects:
        text = texts[place].as_py()
        if found := identifiers(text):
            changed[place] = masked(text, found)
            for one in found:
                counts[one.kind] = counts.get(one.kind, 0) + 1
    if not changed:
        return texts, counts
    values = texts.to_pylist()
    for place, value in changed.items():
        values[place] = value
    return pa.array(values, pa.string()), counts
