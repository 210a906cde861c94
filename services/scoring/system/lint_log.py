"""Names in a document that never occurred in the tenant's log, and what may be meant."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.scoring.system.case_model import (
    AttributeIs,
    AttributeTime,
    AttributeValue,
    Count,
    Elapsed,
    FirstOf,
    Flag,
    Handover,
    LastOf,
    NumberAttribute,
    Occurred,
    Paused,
    Rework,
    Succession,
    Work,
)
from services.scoring.system.lint_findings import Finding, warning
from services.scoring.system.lint_sizes import moments
from services.scoring.system.model import Dimension, SystemSpec

SUGGESTIONS_MAX = 20
"""For so many names it is looked what may be meant: each is compared with every name of the log."""
CLOSE = 0.75


@dataclass(frozen=True)
class SeenAttribute:
    """types: of text, number, integer, flag, time. texts: all of them; None: too many to be known."""

    types: frozenset[str]
    texts: frozenset[str] | None = None


@dataclass(frozen=True)
class LogVocabulary:
    """Everything that events of the tenant's log were ever called."""

    activities: frozenset[str]
    attributes: Mapping[str, SeenAttribute]


def never_seen(spec: SystemSpec, log: LogVocabulary) -> list[Finding]:
    """Warnings only: what is named may still come. Nothing of a log without events."""
    if not log.activities:
        return []
    check = _LogCheck(log)
    return [*check.activities(spec), *check.attributes(spec)]


class _LogCheck:
    def __init__(self, log: LogVocabulary) -> None:
        self._log = log
        self._suggestions = 0

    def activities(self, spec: SystemSpec) -> Iterator[Finding]:
        for field, names in _activities(spec):
            for name in names:
                if name not in self._log.activities:
                    meant_en, meant_zh = self._meant(name, self._log.activities)
                    en = f'activity "{name}" never occurred in the log{meant_en}'
                    yield warning(field, "activity_never_seen", en, f"日志中从未出现活动“{name}”{meant_zh}")

    def attributes(self, spec: SystemSpec) -> Iterator[Finding]:
        for field, name, wanted in _attributes(spec):
            seen = self._log.attributes.get(name)
            if seen is None:
                meant_en, meant_zh = self._meant(name, self._log.attributes)
                en = f'attribute "{name}" never occurred in the log{meant_en}'
                yield warning(field, "attribute_never_seen", en, f"日志中从未出现属性“{name}”{meant_zh}")
            elif wanted and not wanted & seen.types:
                have, need = ", ".join(sorted(seen.types)), " or ".join(sorted(wanted))
                en = f'attribute "{name}" is never {need} in the log, but {have}; map it with another type'
                zh = f"日志中属性“{name}”的类型为 {have}，从未为 {' 或 '.join(sorted(wanted))}；请在映射中更改类型"
                yield warning(field, "attribute_of_other_type", en, zh)
        for place, measure in enumerate(spec.measures):
            match measure.kind:
                case Flag(AttributeIs(attribute, equals)):
                    yield from self._values(f"measures[{place}].flag.attribute.equals", attribute, equals)
                case Elapsed(paused=Paused(states, until, attribute)) if attribute:
                    for key, values in (("states", states), ("until", until)):
                        yield from self._values(f"measures[{place}].duration.paused.{key}", attribute, values)
                case _:
                    pass
        if spec.calendar_by is not None:
            for place, choice in enumerate(spec.calendar_by.choices):
                field = f"calendar_by.choices[{place}].values"
                yield from self._values(field, spec.calendar_by.attribute, choice.values)
        for place, dimension in enumerate(spec.dimensions):
            yield from self._unknown_values(f"dimensions[{place}].unknown_values", dimension)

    def _values(self, field: str, attribute: str, equals: Sequence[AttributeValue]) -> Iterator[Finding]:
        seen = self._log.attributes.get(attribute)
        if seen is None:
            return
        for value in equals:
            if not _kinds(value) & seen.types:
                have = ", ".join(sorted(seen.types))
                en = f'attribute "{attribute}" never equals {_shown(value)}: it is {have} in the log'
                zh = f"日志中属性“{attribute}”的类型为 {have}，从不等于 {_shown(value)}"
                yield warning(field, "value_of_other_type", en, zh)
            elif isinstance(value, str) and seen.texts is not None and value not in seen.texts:
                meant_en, meant_zh = self._meant(value, seen.texts)
                en = f'attribute "{attribute}" never was "{value}" in the log{meant_en}'
                zh = f"日志中属性“{attribute}”从未为“{value}”{meant_zh}"
                yield warning(field, "value_never_seen", en, zh)

    def _unknown_values(self, field: str, dimension: Dimension) -> Iterator[Finding]:
        """Words for "unknown" need not occur, but one that occurs in another spelling is a known value."""
        seen = self._log.attributes.get(dimension.attribute)
        texts = frozenset() if seen is None or seen.texts is None else seen.texts
        for value in dimension.unknown_values:
            if value not in texts and (same := _same_letters(value, texts)):
                en = f'"{value}" never occurred in the log; it has "{same}"'
                yield warning(field, "value_never_seen", en, f"日志中从未出现“{value}”，但有“{same}”")

    def _meant(self, name: str, known: Iterable[str]) -> tuple[str, str]:
        if self._suggestions >= SUGGESTIONS_MAX:
            return "", ""
        self._suggestions += 1
        listed = sorted(known)
        meant = _same_letters(name, listed)
        if meant is None:
            meant = next(iter(difflib.get_close_matches(name, listed, n=1, cutoff=CLOSE)), None)
        return ("", "") if meant is None else (f'; do you mean "{meant}"?', f"；是否指“{meant}”？")


def _same_letters(name: str, known: Iterable[str]) -> str | None:
    """One that differs in capitals, spaces, width or the marks between words only."""
    folded = _folded(name)
    return next((one for one in sorted(known) if _folded(one) == folded), None)


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in plain if letter.isalnum()) or plain.strip()


def _kinds(value: AttributeValue) -> frozenset[str]:
    """The types that a value can equal."""
    if isinstance(value, str):
        return frozenset({"text"})
    if isinstance(value, bool):
        return frozenset({"flag"})
    if isinstance(value, (int, float)):
        return frozenset({"integer", "number"})
    return frozenset({"time"})


def _shown(value: AttributeValue) -> str:
    return f'the text "{value}"' if isinstance(value, str) else str(value)


def _activities(spec: SystemSpec) -> Iterator[tuple[str, Sequence[str]]]:
    """Where activities are named."""
    for field, moment in moments(spec):
        if isinstance(moment, (FirstOf, LastOf)):
            yield field, moment.activities
    yield "case_rule.reopened", spec.case_rule.reopened
    for place, step in enumerate(spec.steps):
        yield f"steps[{place}].activities", step.activities
    for place, measure in enumerate(spec.measures):
        match measure.kind:
            case Count(activities):
                yield f"measures[{place}].count.activities", activities
            case Rework(activities):
                yield f"measures[{place}].rework.activities", activities
            case Succession(activities, by):
                yield f"measures[{place}].followed.activities", activities
                yield f"measures[{place}].followed.by", by
            case Elapsed(paused=Paused(states, until, "")):
                yield f"measures[{place}].duration.paused.states", states
                yield f"measures[{place}].duration.paused.until", until
            case Work(activities):
                yield f"measures[{place}].work.activities", activities
            case Flag(Occurred(activities)):
                yield f"measures[{place}].flag.occurred.activities", activities
            case _:
                pass


def _attributes(spec: SystemSpec) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Where an attribute is named, and which types it must have there; none: any."""
    if spec.calendar_by is not None:
        yield "calendar_by.attribute", spec.calendar_by.attribute, frozenset({"text"})
    for field, moment in moments(spec):
        if isinstance(moment, AttributeTime):
            yield f"{field}.attribute", moment.attribute, frozenset({"time"})
    for place, measure in enumerate(spec.measures):
        match measure.kind:
            case NumberAttribute(attribute):
                yield f"measures[{place}].value.attribute", attribute, frozenset({"integer", "number"})
            case Flag(AttributeIs(attribute)):
                yield f"measures[{place}].flag.attribute.attribute", attribute, frozenset()
            case Elapsed(paused=Paused(attribute=attribute)) if attribute:
                yield f"measures[{place}].duration.paused.attribute", attribute, frozenset()
            case Handover(attribute) if attribute:
                yield f"measures[{place}].handover.attribute", attribute, frozenset()
            case _:
                pass
    for place, dimension in enumerate(spec.dimensions):
        yield f"dimensions[{place}].attribute", dimension.attribute, frozenset()
