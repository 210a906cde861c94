"""How times are written: patterns and words of `time_formats`, compiled to what reads a column of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

ISO = "iso"
# Units since 1970-01-01 UTC, in microseconds as numerator and denominator.
EPOCHS = {"epoch_s": (1_000_000, 1), "epoch_ms": (1_000, 1), "epoch_us": (1, 1), "epoch_ns": (1, 1_000)}
# Days since 1899-12-30 in local time, as spreadsheets count them from March 1900 on.
EXCEL = "excel"
WORDS = (ISO, *EPOCHS, EXCEL)

_OFFSET = r"(?P<z>[Zz]|[+\-−][0-9]{2}(?::?[0-9]{2})?)"
_ZONE_NAME = r"(?P<Z>[A-Za-z][A-Za-z0-9_+\-/]*)"
_DIRECTIVES = {
    "Y": r"(?P<Y>[0-9]{4})",
    "y": r"(?P<y>[0-9]{2})",
    "m": r"(?P<m>[0-9]{1,2})",
    "b": r"(?P<b>\pL{3,9})\.?",
    "d": r" ?(?P<d>[0-9]{1,2})",
    "j": r"(?P<j>[0-9]{1,3})",
    "G": r"(?P<G>[0-9]{4})",
    "V": r"(?P<V>[0-9]{1,2})",
    "u": r"(?P<u>[1-7])",
    "H": r" ?(?P<H>[0-9]{1,2})",
    "I": r" ?(?P<I>[0-9]{1,2})",
    "M": r"(?P<M>[0-9]{1,2})",
    "S": r"(?P<S>[0-9]{1,2})",
    "f": r"(?P<f>[0-9]+)",
    "p": r"(?P<p>[AaPp]\.?[Mm]\.?|上午|下午)",
    "a": r"\pL+\.?",
    "z": r" ?" + _OFFSET,
    "Z": _ZONE_NAME,
    "%": "%",
}
_SAME = {"B": "b", "h": "b", "e": "d", "k": "H", "l": "I", "A": "a"}
_SHORT = {"T": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y", "F": "%Y-%m-%d"}
_ISO_DATES = (
    r"(?P<Y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})",
    r"(?P<Y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})",
    r"(?P<G>[0-9]{4})-?W(?P<V>[0-9]{2})-?(?P<u>[1-7])",
    r"(?P<Y>[0-9]{4})-?(?P<j>[0-9]{3})",
)
_ISO_TIME = (
    r"(?:(?:[Tt]| +)(?P<H>[0-9]{2})(?::?(?P<M>[0-9]{2})(?::?(?P<S>[0-9]{2}))?)?(?:[.,](?P<f>[0-9]+))?"
    r"(?: ?" + _OFFSET + r")?(?: ?\[?" + _ZONE_NAME + r"\]?)?)?"
)


class UnknownFormat(ValueError):
    """`part` of a format has no meaning."""

    def __init__(self, part: str) -> None:
        super().__init__(part)
        self.part = part


class NoDate(ValueError):
    """A format names no year, so it says no date."""


@dataclass(frozen=True)
class TimeFormat:
    """`written` as in the mapping. Each regular expression has a group per part that it reads, named as in strptime.

    epoch: for counts since 1970, the length of a unit in microseconds as a fraction; else None.
    """

    written: str
    patterns: Sequence[str]
    groups: Sequence[Sequence[str]]
    epoch: tuple[int, int] | None = None


@lru_cache(maxsize=1024)
def time_format(written: str) -> TimeFormat:
    """`%d/%m/%Y %H:%M`, `iso`, `epoch_ms` and the like. Raises UnknownFormat and NoDate."""
    if written in EPOCHS:
        return _compiled(written, [r"(?P<w>-?(?:[0-9]{1,18}|[1-8][0-9]{18}))(?:\.(?P<f>[0-9]+))?"], EPOCHS[written])
    if written == EXCEL:
        return _compiled(written, [r"(?P<w>[0-9]{2,7})(?:[.,](?P<f>[0-9]+))?"])
    if written == ISO:
        return _compiled(written, [date + _ISO_TIME for date in _ISO_DATES])
    if written == "%s":
        return _compiled(written, time_format("epoch_s").patterns, EPOCHS["epoch_s"])
    pattern = _pattern(written)
    if not re.search(r"\(\?P<[YyG]>", pattern):
        raise NoDate(written)
    return _compiled(written, [pattern])


_NUMERIC_DAY_AND_MONTH = re.compile(r"(%[de]|%m)([^%]*)(%[de]|%m)")


@lru_cache(maxsize=1024)
def day_and_month_swapped(format: TimeFormat) -> TimeFormat | None:
    """`%m/%d/%Y` of `%d/%m/%Y` and the other way round; None where the year comes first or the month has a name."""
    written = format.written.replace("%D", _SHORT["D"])
    found = _NUMERIC_DAY_AND_MONTH.search(written)
    if found is None or found[1] == found[3] or re.search("%[YyGF]", written[: found.start()]):
        return None
    other = f"{written[: found.start()]}{found[3]}{found[2]}{found[1]}{written[found.end() :]}"
    return time_format(other)


def _compiled(written: str, bare: Sequence[str], epoch: tuple[int, int] | None = None) -> TimeFormat:
    patterns = tuple(pattern if pattern.startswith("^") else f"^{pattern}$" for pattern in bare)
    groups = tuple(tuple(re.findall(r"\(\?P<(\w)>", pattern)) for pattern in patterns)
    return TimeFormat(written, patterns, groups, epoch)


def _pattern(written: str) -> str:
    for short, whole in _SHORT.items():
        written = written.replace(f"%{short}", whole)
    pieces, seen = [], set()
    for part in re.findall(r"%.?|\s+|[^%\s]+", written, re.DOTALL):
        if part.startswith("%"):
            directive = _SAME.get(part[1:], part[1:])
            if directive not in _DIRECTIVES or directive in seen:
                raise UnknownFormat(part)
            if directive not in ("a", "%"):
                seen.add(directive)
            pieces.append(_DIRECTIVES[directive])
        elif part.isspace():
            pieces.append(r"\s+")
        else:
            pieces.append(re.escape(part))
    # "10:30PM" is read by "%I:%M %p" too.
    return "".join(pieces).replace(r"\s+(?P<p>", r"\s*(?P<p>")
