"""Numbers as people and programs write them, read from whole columns of text."""

from __future__ import annotations

import re
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

DecimalMark = Literal[".", ","]

# Thousands are set apart by the other mark, a space (also no-break and thin ones) or an apostrophe.
_SPACES = "  \u00a0\u2009\u202f'’"
_EXPONENT = r"(?:[eE][+-]?[0-9]{1,3})?"
_INT64_MAX = "9223372036854775807"


def numbers(texts: pa.Array, decimal: DecimalMark | None = None) -> pa.Array:
    """float64; null where a text is no finite number.

    decimal: the mark before the fraction. None: a point, and no thousands marks, since 1,234 could mean either;
    given, thousands marks are read too: with a comma "1.234,5" is 1234.5 and "1.234" is 1234.
    """
    plain = _plain(texts, decimal)
    if plain.null_count == len(plain):
        return pa.nulls(len(texts), pa.float64())
    parsed = pc.cast(plain, pa.float64())
    return pc.if_else(pc.is_finite(parsed), parsed, None)


def integers(texts: pa.Array, decimal: DecimalMark | None = None) -> pa.Array:
    """int64; null where a text is no whole number of 64 bits. "3.0" is 3, as spreadsheets write it."""
    plain = pc.replace_substring_regex(_plain(texts, decimal), r"^\+|\.0*$", "")
    digits = pc.replace_substring_regex(plain, r"^(-?)0+([0-9])", r"\1\2")
    length = pc.utf8_length(pc.utf8_ltrim(digits, "-"))
    fits = pc.or_(
        pc.less(length, 19), pc.and_(pc.equal(length, 19), pc.less_equal(pc.utf8_ltrim(digits, "-"), _INT64_MAX))
    )
    whole = pc.and_(pc.match_substring_regex(digits, r"^-?[0-9]+$"), fits)
    return pc.cast(pc.if_else(whole, digits, None), pa.int64())


def _plain(texts: pa.Array, decimal: DecimalMark | None) -> pa.Array:
    """The texts as a computer writes numbers; null where they are none."""
    if decimal is None:
        return pc.if_else(pc.match_substring_regex(texts, _pattern(r"[0-9]+", r"\.")), texts, None)
    apart = "." if decimal == "," else ","
    mark = re.escape(decimal)
    grouped = "|".join(rf"[0-9]{{1,3}}(?:{re.escape(one)}[0-9]{{3}})+" for one in (apart, *dict.fromkeys(_SPACES)))
    fits = pc.match_substring_regex(texts, _pattern(rf"(?:[0-9]+|{grouped})", mark))
    bare = pc.replace_substring_regex(pc.if_else(fits, texts, None), f"[{re.escape(apart)}{_SPACES}]", "")
    return pc.replace_substring(bare, decimal, ".") if decimal == "," else bare


def _pattern(whole: str, mark: str) -> str:
    return rf"^[+-]?(?:{whole}(?:{mark}[0-9]*)?|{mark}[0-9]+){_EXPONENT}$"
