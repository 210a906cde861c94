"""Numbers that identify a person: cards, identity and social security numbers, telephones."""

import re
from collections.abc import Callable, Iterator

import phonenumbers

from services.ingest.privacy import checksums
from services.ingest.privacy.identifier import Identifier, IdentifierClass

# A run of digits with at most two separators between two of them; not the tail of a word, a version or a decimal.
_RUN = re.compile(r"(?a)\d(?:[ ()（）./-]{0,2}\d){5,22}[Xx]?(?![A-Za-z0-9_@])")
_NOT_BEFORE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.#/@=&-")
_PARTS = re.compile(r"\S+")
_SEPARATORS = re.compile("[ ()./+-]")
_DIGITS_ONLY = re.compile(r"[^\d]")
# What a number is said to be, within the characters before it.
_CONTEXT_CHARS = 24
_PHONE_WORDS = re.compile(
    r"(?ia)(?:\b(?:tel|phone|telephone|mobile|cell|cellphone|fax|whatsapp|hotline|dial|text me|ring|contact number|"
    r"contact|reach (?:me|him|her|us|them)(?: (?:at|on))?|call(?:ed|ing)?(?: (?:me|him|her|us|them))?"
    r"(?: (?:back|at|on))*)\b|\b(?:tél|telefon|telefono|teléfono|handy|portable)\b|"
    r"电话|電話|手机|手機|号码|號碼|座机|座機|传真|傳真|致电|致電|"
    r"拨打|撥打|联系方式|聯繫方式|联系|聯絡|回电|回電|短信|微信)"
    r"(?:\s*(?:number|no\.?|nr\.?|#|号码|号|號|是|为|為|is|:|：|,|，)){0,3}[\s(:+：]*$"
)
_SSN_WORDS = re.compile(r"(?ia)(?:\bssn|social\s+security(?:\s+(?:number|no\.?))?)[\s:#is]*$")
_ID_WORDS = re.compile(r"(?:身份证|身份證|证件|證件|(?i:\bid\s*card))[^\d]{0,8}$")
_QUANTITY_AFTER = re.compile(
    r"\s*(?:元|块|塊|美元|人民币|日元|韩元|欧元|万|億|亿|%|％|km\b|kg\b|ms\b|yen\b|usd\b|eur\b|rmb\b)", re.I
)
_QUANTITY_BEFORE = re.compile(r"(?i)(?:[$€£¥￥]|\b(?:usd|eur|gbp|rmb|cny|jpy))\s*$")
_DATE = re.compile(
    r"(?:(?:19|20)\d\d[-/. ]\d{1,2}[-/. ]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:(?:19|20)\d\d|\d\d))(?!\d)"
    r"(?:[ /.-]{1,2}\d{1,2}.?\d{0,2}.?\d{0,2})?"
)
_CHINESE_MOBILE = re.compile(r"(?:\+?\(?(?:0{0,2}86)\)?[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}")
_CHINESE_FIXED = re.compile(
    r"\(?0(?:10|2\d|[3-9]\d{2})\)?[ -]\d{3,4}[ -]?\d{4}(?:[ -]\d{1,5})?|[48]00[ -]\d{3,4}[ -]?\d{3,4}"
)
_SSN = re.compile(r"\d{3}-\d{2}-\d{4}")
_AHV = re.compile(r"756\.\d{4}\.\d{4}\.\d{2}")
_CPF = re.compile(r"\d{3}\.\d{3}\.\d{3}-\d{2}")
_NIR = re.compile(r"[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d{2}")
# By how many digits each has.
_NATIONAL_IDS: dict[int, tuple[re.Pattern[str], Callable[[str], bool]]] = {
    11: (_CPF, checksums.brazilian_cpf),
    13: (_AHV, checksums.swiss_ahv),
    15: (_NIR, checksums.french_nir),
}
_CARD = re.compile(r"\d{4}([ -]?)\d{4}\1\d{4}\1\d{1,7}|3\d{3}([ -]?)\d{6}\2\d{4,5}|\d{13,19}")
# A national number as people group it, by the regions whose grouping it is.
_NATIONAL: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}"), ("US",)),
    (re.compile(r"\(?0\d{2,4}\)?[ -]\d{3,4}[ -]?\d{3,4}"), ("GB", "TW", "DE", "IT", "AU")),
    (re.compile(r"07\d{9}|07\d{3} \d{6}|07\d{3} \d{3} \d{3}"), ("GB",)),
    (re.compile(r"0\d(?:[ .-]\d\d){4}|0[67]\d{8}"), ("FR",)),
    (re.compile(r"0\d{2,5}[ /-]\d{4,9}|01[567]\d{8,9}"), ("DE",)),
    (re.compile(r"09\d{8}|09\d{2}[ -]\d{3}[ -]?\d{3}"), ("TW",)),
    (re.compile(r"0\d{1,4}-\d{1,4}-\d{4}"), ("JP", "KR", "TW")),
    (re.compile(r"3\d{2}[ -]\d{3}[ -]?\d{4}|0\d{1,3}[ -]\d{5,8}"), ("IT",)),
    (re.compile(r"[6789]\d{2} ?\d{3} ?\d{3}|[6789]\d{2}(?: \d\d){3}"), ("ES",)),
    (re.compile(r"[2-9]\d{3}[ -]\d{4}"), ("HK", "SG")),
)
_BARE_REGIONS = ("US", "CN", "GB", "DE", "FR", "IT", "ES", "TW", "HK", "SG", "IN", "BR", "AU", "NL", "CH")
# Groupings that mean much else too: only after a word that says telephone.
_WEAK = frozenset({("ES",), ("HK", "SG")})


def numbers(text: str) -> Iterator[Identifier]:
    """Of a normal text. Cost: one search for runs of digits; what follows is done for runs of six digits and more."""
    for run in _RUN.finditer(text):
        start, end = run.span()
        while start and text[start - 1] in "+(（" and run.start() - start < 2:
            start -= 1
        if text[start - 1 : start] in _NOT_BEFORE:
            continue
        piece = text[start:end].replace("（", "(").replace("）", ")")
        if piece[-1] in "Xx" and len(_DIGITS_ONLY.sub("", piece)) != 17:
            piece, end = piece[:-1], end - 1
        found = list(_exact(text, piece, start))
        if not found:
            found = list(_telephone(text, piece, start))
        if not found:
            # Two numbers next to each other look like one long run.
            for part in _PARTS.finditer(piece):
                inner = part.group()
                if inner == piece or sum(map(str.isdigit, inner)) < 7:
                    continue
                found += list(_exact(text, inner, start + part.start())) or list(
                    _telephone(text, inner, start + part.start())
                )
        yield from found


def _exact(text: str, piece: str, start: int) -> Iterator[Identifier]:
    """What a checksum or a fixed form confirms."""
    compact = _SEPARATORS.sub("", piece)
    end = start + len(piece)
    if len(compact) == 18 and checksums.chinese_id(compact):
        yield Identifier(start, end, IdentifierClass.CHINESE_ID)
        return
    before = text[max(0, start - _CONTEXT_CHARS) : start]
    if len(compact) == 15 and _ID_WORDS.search(before) and checksums.chinese_id(compact):
        yield Identifier(start, end, IdentifierClass.CHINESE_ID)
        return
    if _national_id(piece, compact, before):
        yield Identifier(start, end, IdentifierClass.NATIONAL_ID)
        return
    if 13 <= len(compact) <= 19 and _CARD.fullmatch(piece) and checksums.payment_card(compact):
        yield Identifier(start, end, IdentifierClass.CARD)


def _national_id(piece: str, compact: str, before: str) -> bool:
    form, check = _NATIONAL_IDS.get(len(compact), (None, None))
    if form and check and form.fullmatch(piece) and check(compact):
        return True
    if len(compact) != 9:
        return False
    said = _SSN.fullmatch(piece) is not None or _SSN_WORDS.search(before) is not None
    return said and checksums.us_social_security(compact)


def _telephone(text: str, piece: str, start: int) -> Iterator[Identifier]:
    compact = _DIGITS_ONLY.sub("", piece)
    if not 7 <= len(compact) <= 16:
        return
    # A bracket is part of a number only if the other one is too.
    if piece[0] == "(" and ")" not in piece:
        piece, start = piece[1:], start + 1
    end = start + len(piece)
    if _DATE.match(piece) or _QUANTITY_AFTER.match(text, end):
        return
    before = text[max(0, start - _CONTEXT_CHARS) : start]
    if _QUANTITY_BEFORE.search(before):
        return
    if _is_telephone(piece, compact, before):
        yield Identifier(start, end, IdentifierClass.PHONE)


def _is_telephone(piece: str, compact: str, before: str) -> bool:
    if _CHINESE_MOBILE.fullmatch(piece) or _CHINESE_FIXED.fullmatch(piece):
        return True
    if piece[0] in "+(" and "+" in piece[:2]:
        return _valid(piece.replace("(0)", ""), None) or (len(compact) >= 9 and _is_said(before))
    if piece.startswith("00") and _valid("+" + compact[2:], None):
        return True
    said = _is_said(before)
    if _national(piece, said):
        return True
    if said and "/" not in piece and (len(compact) >= 8 or "-" in piece or " " in piece or "." in piece):
        return len(compact) < 10 or any(_valid(piece, region) for region in _BARE_REGIONS)
    return False


def _is_said(before: str) -> bool:
    return _PHONE_WORDS.search(before) is not None


def _national(piece: str, said: bool) -> bool:
    # Ten digits in a row are an order's or a provider's number as often as a telephone's.
    grouped = not piece.isdigit()
    return any(
        (said or (grouped and regions not in _WEAK))
        and form.fullmatch(piece) is not None
        and any(_valid(piece, region) for region in regions)
        for form, regions in _NATIONAL
    )


def _valid(piece: str, region: str | None) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(piece, region))
    except phonenumbers.NumberParseException:
        return False
