"""Records of a file that become no events, and what to write where they are meant to be none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from andon_records.messages import Message, message

EXAMPLES_MAX = 20
_TOTAL = re.compile(r"(?i)(?:grand |sub-?)?total|summe|gesamt|zwischensumme|sum\b|somme|suma\b|合计|总计|小计|共计")


@dataclass(frozen=True)
class SetAside:
    """Records that become no events: unreadable ones, the first of them by number with why, and omitted ones."""

    unreadable: int = 0
    examples: Sequence[tuple[int, Message]] = ()
    omitted: int = 0

    @property
    def records(self) -> int:
        return self.unreadable + self.omitted


NOTHING_SET_ASIDE = SetAside()


def omit_hint(cells: Mapping[str, str]) -> Message:
    """What to write where a row is a total, or holds nothing at all."""
    if cells and not any(cells.values()):
        return message("hint_omit", column=next(iter(cells)), text='""')
    total = next(((name, text) for name, text in cells.items() if _TOTAL.match(text)), None)
    return message("hint_omit", column=total[0], text=f'"{total[1]}"') if total else message("no_hint")
