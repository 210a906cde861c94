"""Names of persons in text of Latin letters, by title, greeting, signature, introduction and dictionary.

A capital letter says little in English, so a word is a name only if a word before it says so, if a frequent given name
is followed by a frequent family name, or if somebody spoke with two capital words. Everything else (a rare name in
running text, a name in small letters) is not found.
Each capital word is looked up once; what is before and behind it is looked at only if it can be a name.
"""

import re
from collections.abc import Iterator

from services.ingest.privacy.dictionary import contains_any, words
from services.ingest.privacy.identifier import Identifier, IdentifierClass

_CAPITAL = "A-ZÀ-ÖØ-Þ"
_LETTER = "A-Za-zÀ-ÖØ-öø-ÿ"
# The look behind comes after the first letter: a search that begins with a set of letters is several times faster.
_CAPITAL_WORD = re.compile(rf"[{_CAPITAL}](?<![\w'’-].)[{_LETTER}]+")
# O'Brien, McDonald, Jean-Luc; not a word of capitals only, which is mostly an abbreviation.
_WORD = rf"(?:[OD]['’])?[{_CAPITAL}][a-zß-öø-ÿ]+(?:['’-]?[{_CAPITAL}][a-zß-öø-ÿ]+)*"
_INITIALS = rf"(?:[{_CAPITAL}]\.[ ]?){{0,2}}"
_PARTICLES = words("english_contexts", "particles")
_NAME = re.compile(
    rf"{_INITIALS}{_WORD}(?:[ ](?:(?:{'|'.join(sorted(_PARTICLES))})[ ]){{0,2}}{_INITIALS}{_WORD}){{0,2}}"
)
_NEXT_WORD = re.compile(rf"[ ](?:[{_CAPITAL}]\.?[ ])?({_WORD})(?![\w-])")
_AFTER_TITLE = re.compile(r"\.?[ ]")
_AFTER_NAME_SAID = re.compile(r"(?:['’]s|[ ](?:is|was)|[ ]?[:=])[ ]{0,2}")
_LABEL = re.compile(rf"[:=][ ]{{0,2}}(?=[{_CAPITAL}])")
_WORDS_BEFORE = re.compile(r"(?:([\w'’]+)[ ])?([\w'’]+)[,:]?[ ]\Z")
_LINE_BEFORE = re.compile(r"(?:([\w'’]+)[ ])?([\w'’]+)[ ]*[,.!–—-]*\s{0,3}[-–—~]{0,2}\s?\Z")
_CLAUSE_ENDS = re.compile(r"\s*(?:[\n,.;!]|\Z)")
_SIGNED = ("regards", "sincerely", "cheers", "yours truly", "yours faithfully", "best wishes", "cordialement", "grüße")
_SIGNED_AT_END = re.compile(
    rf"(?:{'|'.join(_SIGNED)})[,.!]?\s*"
    rf"(?P<name>{_NAME.pattern})\s*\Z",
    re.IGNORECASE,
)

_TITLES = words("english_contexts", "titles")
_WEAK = words("english_contexts", "weak")
_SURE = words("english_contexts", "sure")
_SURE_PAIRS = words("english_contexts", "sure_pairs")
# "Assigned to" is said of teams as well.
_SPOKEN = frozenset(pair for pair in _SURE_PAIRS if pair.endswith((" with", " to"))) - {"assigned to"}
_CLOSINGS = words("english_contexts", "closings")
_LABELS = words("english_contexts", "labels")
_NOBODY = words("english_contexts", "nobody")
_PLACES = words("english_contexts", "places")
_AMBIGUOUS = words("english_contexts", "ambiguous")
_SIGNATURE_CHARS = 80


def english_names(text: str) -> Iterator[Identifier]:
    """Of a normal text."""
    given = words("given_names")
    capital = False
    for match in _CAPITAL_WORD.finditer(text):
        capital, word = True, match.group()
        if word in _TITLES:
            if after := _AFTER_TITLE.match(text, match.end()):
                yield from _whole(text, after.end())
            continue
        end = _listed_end(text, match.start(), match.end()) if word in given else 0
        if not end and text[match.start() - 3 : match.start()] in ("th ", "to "):
            end = _spoken_end(text, match)
        if end:
            yield Identifier(match.start(), end, IdentifierClass.NAME)
    if not capital:
        return
    yield from _said(text)
    for match in _LABEL.finditer(text) if ":" in text or "=" in text else ():
        before = _WORDS_BEFORE.search(text[max(0, match.start() - 40) : match.start()] + ": ")
        if before and before[2].lower() in _LABELS:
            yield from _whole(text, match.end())
    tail = text[-_SIGNATURE_CHARS:]
    if contains_any(tail.lower(), _SIGNED) and (signed := _SIGNED_AT_END.search(tail)):
        yield from _whole(text, len(text) - len(tail) + signed.start("name"))


def _said(text: str) -> Iterator[Identifier]:
    """What follows the word name."""
    at = text.find("ame")
    while at >= 0:
        if text[at - 1 : at] in ("n", "N") and (after := _AFTER_NAME_SAID.match(text, at + 3)):
            yield from _whole(text, after.end())
        at = text.find("ame", at + 3)


def _whole(text: str, start: int) -> Iterator[Identifier]:
    """The words of the name that begins here, before the first that is nobody's."""
    match = _NAME.match(text, start)
    if match is None:
        return
    end = start
    for word in re.finditer(r"[^ ]+", match.group()):
        if word.group().rstrip(".") in _NOBODY:
            break
        if word.group() not in _PARTICLES:
            end = start + word.end()
    if end > start:
        yield Identifier(start, end, IdentifierClass.NAME)


def _spoken_end(text: str, first: re.Match[str]) -> int:
    """Where a name ends of which no word is listed, but that somebody spoke with; 0: it is none. Two words at least."""
    follower = _NEXT_WORD.match(text, first.end())
    if follower is None or {first.group(), follower[1]} & (_NOBODY | _PLACES):
        return 0
    before = _WORDS_BEFORE.search(text[max(0, first.start() - 40) : first.start()])
    said = f"{(before[1] or '').lower()} {before[2].lower()}" if before else ""
    return follower.end() if said in _SPOKEN else 0


def _listed_end(text: str, start: int, end: int) -> int:
    """Where the name ends that begins with this given name; 0: it is none."""
    follower = _NEXT_WORD.match(text, end)
    word, behind = text[start:end], follower[1] if follower else ""
    if behind in _PLACES or text[end : end + 2] in ("'s", "’s") or text[end : end + 1] == "-":
        return 0
    family = behind in words("family_names") and behind not in _NOBODY
    if family and follower:
        return follower.end()
    before = _WORDS_BEFORE.search(text[max(0, start - 40) : start])
    if before:
        last = before[2].lower()
        sure = last in _SURE or f"{(before[1] or '').lower()} {last}" in _SURE_PAIRS
        if sure:
            return follower.end() if follower and behind not in _NOBODY else end
        # With another capital word behind it, it is a shop or a place as often as a person.
        if last in _WEAK and word not in _AMBIGUOUS and not behind:
            return end
    line = _LINE_BEFORE.search(text[max(0, start - 40) : start])
    closing = line is not None and line[2].lower() in _CLOSINGS and _CLAUSE_ENDS.match(text, end) is not None
    return end if closing else 0
