"""A text in which full-width forms and unusual separators are plain ones, character by character."""

import re
import sys
import unicodedata

_HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fb\u00b7\u2022\u2027"
_SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
# Invisible characters between two digits must not hide a number: they count as spaces.
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad"


def _plain_forms() -> dict[int, str]:
    forms = {
        code: str(unicodedata.digit(chr(code)))
        for code in range(128, sys.maxunicode + 1)
        if unicodedata.category(chr(code)) == "Nd"
    }
    forms |= {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    forms |= {ord(one): "-" for one in _HYPHENS}
    forms |= {ord(one): " " for one in _SPACES + _INVISIBLE}
    return forms


_PLAIN = _plain_forms()
# Full-width commas and brackets are in every Chinese text; only what changes how a number or an address is read is odd.
_COMMON = frozenset(range(0xFF01, 0xFF5F)) - {ord(one) for one in "＠－．＋＿＃／"}
# Up to the end of the basic plane: a set of characters beyond it is searched fifty times slower.
_ODD_CHARACTERS = "".join(
    chr(code) for code in sorted(_PLAIN) if code < 0x10000 and (code not in _COMMON or chr(code).isalnum())
)
_ODD = re.compile(f"[{_ODD_CHARACTERS}]")
_ODD_BEYOND = frozenset(chr(code) for code in _PLAIN if code >= 0x10000)


def normal_text(text: str) -> str:
    """As long as `text`, so that a place in one is the same place in the other.

    >>> normal_text("电话１３８－１２３４－５６７８")
    '电话138-1234-5678'
    >>> normal_text("\N{MATHEMATICAL BOLD DIGIT ONE}3")
    '13'
    """
    if text.isascii():
        return text
    # Characters beyond the basic plane take two units: to count these is ten times faster than to search.
    beyond = len(text.encode("utf-16-le", "surrogatepass")) > 2 * len(text) and not _ODD_BEYOND.isdisjoint(text)
    return text.translate(_PLAIN) if beyond or _ODD.search(text) else text
