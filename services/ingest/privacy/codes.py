"""Codes of letters and digits that identify a person: mail addresses, accounts, identity numbers, vehicle plates."""

import re
from collections.abc import Callable, Iterator

from services.ingest.privacy import checksums
from services.ingest.privacy.dictionary import contains_any
from services.ingest.privacy.identifier import Identifier, IdentifierClass

# Read backwards and forwards from the at sign, so that a long word without one costs nothing.
_LOCAL = frozenset("!#$%&'*+/=?^_`{|}~.-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") | {
    chr(code) for code in range(0xC0, 0x250) if chr(code).isalpha()
}
_LOCAL_CHARS_MAX = 64
_DOMAIN = re.compile(r"(?:[A-Za-z0-9À-ɏ](?:[A-Za-z0-9À-ɏ-]{0,61}[A-Za-z0-9À-ɏ])?\.){1,8}[A-Za-z]{2,24}")
_AT_SAID = re.compile(
    r"[(\[{<] ?[Aa][Tt] ?[)\]}>] ?[A-Za-z0-9-]{1,63}"
    r"(?:(?: ?[(\[{<] ?[Dd][Oo][Tt] ?[)\]}>] ?|\.)[A-Za-z0-9-]{2,63}){1,3}"
)
_SAID = ("(at", "[at", "{at", "<at", "( at", "[ at")
_BEFORE_AT_SAID = re.compile(r"[A-Za-z0-9._+-]{1,64} ?\Z")
# Anchored at the check digits; the two letters of the country are before them.
_IBAN = re.compile(r"(?a)\d\d(?:[ -]?[A-Za-z0-9]){11,30}")
# The letter is rarer than the province before it, which is a character of many words: 新, 云, 青.
_CHINESE_PLATE = re.compile(
    r"[A-HJ-NP-Z](?<=[京津沪滬渝冀豫云雲辽遼黑湘皖鲁魯新苏蘇浙赣贛鄂桂甘晋晉蒙陕陝吉闽閩贵貴粤粵青藏川宁寧琼瓊].)"
    r"[ -]{0,2}(?:[DF][A-HJ-NP-Z0-9]\d{4}|\d{5}[DF]|[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂掛学學警港澳领領])"
    r"(?![A-Za-z0-9])"
)
_PLATE_SAID = re.compile(
    r"(?ia:\b(?:licen[cs]e\s+plate|number\s*plate|plate|registration|"
    r"reg(?:\.|\s+no\.?)|kennzeichen|immatriculation|targa|"
    r"matr[ií]cula)\b|车牌|車牌)(?i:\s*(?:number|no\.?|nr\.?|is|was|号码|号|號|是|为|為))*[\s:,#]*"
    r"(?P<plate>[A-ZÄÖÜ]{1,3}[ -]?(?:\d{1,4}[ -]?[A-Z]{1,3}(?:[ -]?\d{1,4})?|"
    r"[A-Z]{1,2}[ -]?\d{1,4}[EH]?)|\d{4}[ -]?[A-Z]{3}"
    r"|\d{1,3}[ -]?[A-Z]{2,3}[ -]?\d{1,3})(?![A-Za-z0-9])"
)
# Messengers name people by what looks like any other word, so only what follows the messenger's name counts.
_ACCOUNT = re.compile(
    r"(?<![A-Za-z])(?i:qq|wechat|weixin|whatsapp|telegram|skype|微信|vx|line\s+id)"
    r"(?i:\s*(?:id|号码|号|號|account|账号|是|为|is)){0,2}\s*(?:[:：]\s*|(?<=[号號是])\s*)@?"
    r"(?P<account>[A-Za-z0-9][A-Za-z0-9_-]{4,29})(?![A-Za-z0-9])"
)
_ACCOUNT_QQ = re.compile(r"(?i)(?<![a-z])qq(?:号码|号|號)?\s*[:：]?\s*(?P<account>[1-9]\d{4,10})(?!\d)")

# The look behind comes after the first character: a search that begins with a set of characters is several times
# faster.
_NATIONAL: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    # United Kingdom: no check digit, but prefixes that are never issued.
    (
        re.compile(
            r"[A-CEGHJ-PR-TW-Z](?<![A-Za-z0-9].)(?<!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]"
            r"(?![A-Za-z0-9])"
        ),
        lambda text: text[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ"),
    ),
    (
        re.compile(r"[A-Z](?<![A-Za-z0-9].)[A-Z]{5}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z](?![A-Za-z0-9])"),
        checksums.italian_tax_code,
    ),
    (
        re.compile(r"[XYZ\d](?<![A-Za-z0-9].)-?\d{7}-?[A-HJ-NP-TV-Z](?![A-Za-z0-9])"),
        checksums.spanish_id,
    ),
    (re.compile(r"[A-Z](?<![A-Za-z0-9].)[12]\d{8}(?![A-Za-z0-9])"), checksums.taiwan_id),
    (re.compile(r"[A-Z](?<![A-Za-z0-9].)[A-Z]?\d{6} ?\([0-9A]\)"), checksums.hong_kong_id),
    (re.compile(r"[12](?<![A-Za-z0-9].)\d{2}(?:0[1-9]|1[0-2])2[AB]\d{8}(?![A-Za-z0-9])"), checksums.french_nir),
)
# What all of them have in common: a letter next to a digit.
_LETTERED = re.compile(r"[A-Z0-9](?:(?<=[A-Z])[ -]?[0-9]|(?<=[0-9])[ -]?[A-Z])")
_PLATE_WORDS = ("plate", "regist", "reg.", "reg n", "kennzeichen", "immatric", "targa", "matr", "车牌", "車牌")
_MESSENGERS = ("qq", "wechat", "weixin", "whatsapp", "telegram", "skype", "微信", "vx")
_MESSENGERS_HAN = ("微信",)
# The word alone is in many others: online, deadline.
_LINE_ID = re.compile(r"line\s+id")


def emails(text: str, lowered: str) -> Iterator[Identifier]:
    """Of a normal text, and the same in small letters."""
    at = text.find("@")
    while at >= 0:
        start = at
        while start and at - start < _LOCAL_CHARS_MAX and text[start - 1] in _LOCAL:
            start -= 1
        domain = _DOMAIN.match(text, at + 1)
        if start < at and domain:
            yield Identifier(start, domain.end(), IdentifierClass.EMAIL)
        at = text.find("@", at + 1)
    for match in _AT_SAID.finditer(text) if "at" in lowered and contains_any(lowered, _SAID) else ():
        before = _BEFORE_AT_SAID.search(text[max(0, match.start() - 66) : match.start()])
        if before:
            yield Identifier(match.start() - len(before.group()), match.end(), IdentifierClass.EMAIL)


def codes(text: str, lowered: str, han: bool, letters: bool) -> Iterator[Identifier]:
    """Of a normal text that has digits, and the same in small letters.

    han: it has Han characters; letters: it has any from A to Z.
    """
    if contains_any(lowered, _MESSENGERS if letters else _MESSENGERS_HAN) or (letters and _LINE_ID.search(lowered)):
        for form in (_ACCOUNT, _ACCOUNT_QQ):
            for match in form.finditer(text):
                yield Identifier(*match.span("account"), IdentifierClass.ACCOUNT)
    if not letters:
        return
    for match in _CHINESE_PLATE.finditer(text) if han else ():
        yield Identifier(match.start() - 1, match.end(), IdentifierClass.PLATE)
    if contains_any(lowered, _PLATE_WORDS):
        for match in _PLATE_SAID.finditer(text):
            yield Identifier(*match.span("plate"), IdentifierClass.PLATE)
    yield from _ibans(text)
    if _LETTERED.search(text):
        for form, check in _NATIONAL:
            for match in form.finditer(text):
                if check(re.sub(r"[ ()-]", "", match.group())):
                    yield Identifier(match.start(), match.end(), IdentifierClass.NATIONAL_ID)


def _ibans(text: str) -> Iterator[Identifier]:
    for match in _IBAN.finditer(text):
        start = match.start() - 2
        size = checksums.IBAN_LENGTHS.get(text[start : start + 2].upper()) if start >= 0 else None
        before = text[max(0, start - 1) : start]
        # A Chinese character before it is a word of its own.
        if size is None or (before.isascii() and before.isalnum()):
            continue
        # The words that follow may look like more of it: exactly the country's length counts.
        end, count = start, 0
        while count < size and end < match.end():
            count += text[end].isalnum()
            end += 1
        inside = text[end : end + 1]
        whole = not (inside.isascii() and inside.isalnum())
        if count == size and whole and checksums.iban(re.sub(r"[ -]", "", text[start:end]).upper()):
            yield Identifier(start, end, IdentifierClass.IBAN)
