"""Postal addresses: streets with a number, in Chinese and European forms, and postal codes that are said to be one.

Every form is searched by what is certain in it (a street's word with a number); what is before it is read backwards
from there.
"""

import re
from collections.abc import Iterator

from services.ingest.privacy.dictionary import contains_any
from services.ingest.privacy.identifier import Identifier, IdentifierClass

_HAN = "\u4e00-\u9fff"
_PROVINCES = (
    "北京|天津|上海|重庆|重慶|河北|山西|内蒙古|辽宁|遼寧|吉林|黑龙江|黑龍江|"
    "江苏|江蘇|浙江|安徽|福建|江西|山东|山東|河南|湖北|湖南|广东|廣東|"
    "广西|廣西|海南|四川|贵州|貴州|云南|雲南|西藏|陕西|陝西|甘肃|甘肅|青海|宁夏|寧夏|新疆|台湾|臺灣|香港|澳门|澳門"
)
_NUMBER = r"(?:\d{1,5}(?:-\d{1,4})?|[一二三四五六七八九十百零〇]{1,5})"
_UNIT = (
    rf"(?:[ ,，]?(?:[A-Za-z]|{_NUMBER}|[东西南北甲乙丙丁]){{1,3}}"
    "(?:号楼|號樓|栋|棟|幢|座|楼|樓|层|層|单元|單元|门|室|房|户|戶|号|號))"
)
_ESTATE = "小区|小區|花园|花園|新村|公寓|家园|家園|苑|庭|城|大厦|大廈|广场|廣場"
_ROAD = re.compile(
    r"[路街道巷弄同里村](?:[东西南北中一二三四五][段路])?\s?(?:\d{1,5}(?:-\d{1,4})?\s?[号號弄]|"
    r"[一二三四五六七八九十百零〇]{1,5}[号號])"
    rf"(?!线|線|地铁|地鐵|出口|门店){_UNIT}{{0,5}}(?:[{_HAN}]{{1,8}}?(?:{_ESTATE}))?{_UNIT}{{0,5}}"
)
# A home in an estate, without a street: 阳光花园3栋2单元501室. Searched by the last character of the estate's word.
_HOME = re.compile(rf"[区區园園村寓苑庭城厦廈场場]{_NUMBER}(?:号楼|號樓|栋|棟|幢|座){_UNIT}{{1,4}}")
_ESTATES = tuple(_ESTATE.split("|"))
_RUN_BEFORE = re.compile(rf"[{_HAN}]{{1,24}}\Z")
_DIVISION = re.compile(rf"(?:{_PROVINCES})(?:省|市|自治区|自治區|特别行政区)?|[{_HAN}]{{2,4}}?[市区區县縣镇鎮乡鄉]")
# What leads to an address and is no part of it.
_LEADING = re.compile(
    "^.*(?:住在|住址是|住址|地址是|地址为|地址|家住|寄到|寄往|送到|送往|"
    "搬到|位于|位於|我在|我住|来自|來自|前往|就在|在|到|是|于|於|距离|距離|"
    "离|離|靠近|走|往|从|從|的|了|后面|後面|附近|远处|遠處)"
)
_LABEL_CHARS = 7

_STREET = (
    "Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Way|Crescent|"
    "Close|Parkway|Pkwy|Highway|Hwy|Circle|Cir|Row|Mews|Grove"
)
_STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|"
    "MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|"
    "SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|DC"
)
_UK = r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}"
_ENGLISH = re.compile(
    rf"\d{{1,5}}[A-Za-z]?,? (?:[NSEW]\.? )?(?!(?:Minute|Min|Hour|Hr|Day|Star|Block|Mile)s? )"
    rf"(?:(?:[A-Z][A-Za-z'.-]*|\d{{1,3}}(?:st|nd|rd|th)) ){{1,4}}(?:{_STREET})\b\.?"
    rf"(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Flat|#)\.? ?\w{{1,5}})?"
    rf"(?:,? (?:[A-Z][A-Za-z.-]+[ ]?){{1,3}},? (?:(?:{_STATES}) \d{{5}}(?:-\d{{4}})?|{_UK}))?(?![A-Za-z])"
)
_FRENCH = re.compile(
    r"\d{1,4}(?:,| bis,?| ter,?)? (?:rue|avenue|boulevard|place|chemin|quai|allée|impasse) "
    r"(?:(?:de|du|des|la|le|les|l'|d') ?){0,2}[A-ZÉÈÀ][\w'’-]+(?: [A-ZÉÈÀ][\w'’-]+){0,3}"
)
_NUMBER_FIRST = re.compile(
    r"[0-9](?<![0-9].)[0-9]{0,4}[A-Za-z]?(?:,| bis,?| ter,?)? (?=[A-Z\d]|rue |ave|bou|pla|che|qua|all|imp)"
)
_NUMBER_LAST = re.compile(
    r"(?:Via|Viale|Piazza|Corso|Calle|Avenida|Plaza) (?:(?:de|del|della|di|la|los|las) ){0,2}"
    r"[A-ZÀ-Ö][\w'’-]+(?: [A-ZÀ-Ö][\w'’-]+){0,2},? \d{1,4}\b"
)
_CAPITAL = re.compile("[A-ZÀ-Ö]")
_GERMAN_ENDS = re.compile(
    r"(?:straße|strasse|str\.|weg|platz|allee|gasse|damm) \d{1,4}(?: ?[a-z]\b)?(?:,? (?:D-)?\d{5} [A-ZÄÖÜ][a-zäöüß]+)?"
)
_GERMAN_BEGINS = re.compile(r"[A-ZÄÖÜ][a-zäöüß-]*\Z|(?:[A-ZÄÖÜ][a-zäöüß-]+ ?)\Z")
_POSTAL = re.compile(
    rf"(?:(?<![A-Za-z])(?i:zip(?:\s*code)?|post\s?code|postal\s+code|plz)|邮编|郵編|邮政编码|郵政編碼|郵遞區號)"
    rf"(?i:\s*(?:is|was|是|为|為))?[\s:：]*(?P<code>{_UK}|\d{{5}}-\d{{4}}|\d{{3}}-\d{{4}}|[A-Z]\d[A-Z] ?\d[A-Z]\d|"
    rf"\d{{4}} ?[A-Z]{{2}}|\d{{3,6}})(?![A-Za-z0-9])"
)
_STREETS_FIRST = ("via ", "viale ", "piazza ", "corso ", "calle ", "avenida ", "plaza ")
_STREETS_LAST = ("straße ", "strasse ", "str. ", "weg ", "platz ", "allee ", "gasse ", "damm ")
_POSTAL_WORDS = ("zip", "post", "plz", "邮", "郵")


def addresses(text: str, lowered: str, han: bool, letters: bool) -> Iterator[Identifier]:
    """Of a normal text that has a number, and the same in small letters.

    han: it has Han characters; letters: it has any from A to Z.
    """
    if han:
        for match in _ROAD.finditer(text):
            start = _chinese_start(text, match.start())
            if start >= 0:
                yield Identifier(start, match.end(), IdentifierClass.ADDRESS)
        for match in _HOME.finditer(text):
            place = match.start() + 1
            estate = next((one for one in _ESTATES if text.endswith(one, 0, place)), "")
            start = _chinese_start(text, place - len(estate)) if estate else -1
            if start >= 0:
                yield Identifier(start, match.end(), IdentifierClass.ADDRESS)
    if letters and _CAPITAL.search(text):
        yield from _european(text, lowered)
    if contains_any(lowered, _POSTAL_WORDS):
        for match in _POSTAL.finditer(text):
            yield Identifier(*match.span("code"), IdentifierClass.POSTAL_CODE)


def _european(text: str, lowered: str) -> Iterator[Identifier]:
    for number in _NUMBER_FIRST.finditer(text):
        if text[max(0, number.start() - 1) : number.start()].strip(" \n(;,!?\"'") == "":
            match = _ENGLISH.match(text, number.start()) or _FRENCH.match(text, number.start())
            if match:
                yield Identifier(match.start(), match.end(), IdentifierClass.ADDRESS)
    for match in _NUMBER_LAST.finditer(text) if contains_any(lowered, _STREETS_FIRST) else ():
        yield Identifier(match.start(), match.end(), IdentifierClass.ADDRESS)
    for match in _GERMAN_ENDS.finditer(text) if contains_any(lowered, _STREETS_LAST) else ():
        before = _GERMAN_BEGINS.search(text[max(0, match.start() - 40) : match.start()])
        if before:
            start = match.start() - len(before.group())
            yield Identifier(start, match.end(), IdentifierClass.ADDRESS)


def _chinese_start(text: str, at: int) -> int:
    """Where the address begins whose street's or estate's last character is at `at`. -1: the street has no name."""
    run = _RUN_BEFORE.search(text[max(0, at - 24) : at])
    if run is None:
        return -1
    words = run.group()
    lead = _LEADING.match(words)
    if lead:
        words = words[lead.end() :]
    division = re.search(f"(?:{_PROVINCES})", words)
    if division:
        words = words[division.start() :]
    elif _DIVISION.search(words) is None:
        # A street alone: its name is short.
        words = words[-_LABEL_CHARS:]
    return at - len(words) if words else -1
