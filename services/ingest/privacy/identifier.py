"""An identifier of a person in a text: where it is, and of which class."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class IdentifierClass(StrEnum):
    EMAIL = "email"
    PHONE = "phone"
    # The 18-digit identity card of mainland China, and its 15-digit predecessor.
    CHINESE_ID = "chinese_id"
    # Other states' numbers of persons: social security, tax and identity numbers.
    NATIONAL_ID = "national_id"
    IBAN = "iban"
    CARD = "card"
    PLATE = "plate"
    NAME = "name"
    ADDRESS = "address"
    POSTAL_CODE = "postal_code"
    # A messenger's account after its name: QQ, WeChat, WhatsApp.
    ACCOUNT = "account"


@dataclass(frozen=True, order=True)
class Identifier:
    """Characters [start, end) of the text."""

    start: int
    end: int
    kind: IdentifierClass


def resolved(found: Iterable[Identifier]) -> tuple[Identifier, ...]:
    """Without overlaps: the longest wins, then the class that is listed first. In order of their places."""
    ranked = list(found)
    if len(ranked) < 2:
        return tuple(ranked)
    ranked.sort(key=lambda one: (one.start - one.end, _RANK[one.kind], one.start))
    chosen: list[Identifier] = []
    for one in ranked:
        if all(one.end <= other.start or other.end <= one.start for other in chosen):
            chosen.append(one)
    return tuple(sorted(chosen))


# Where two classes claim the same characters: what a checksum confirms comes first.
_RANK = {
    kind: rank
    for rank, kind in enumerate(
        (
            IdentifierClass.CHINESE_ID,
            IdentifierClass.IBAN,
            IdentifierClass.NATIONAL_ID,
            IdentifierClass.CARD,
            IdentifierClass.EMAIL,
            IdentifierClass.ACCOUNT,
            IdentifierClass.PHONE,
            IdentifierClass.PLATE,
            IdentifierClass.POSTAL_CODE,
            IdentifierClass.ADDRESS,
            IdentifierClass.NAME,
        )
    )
}
